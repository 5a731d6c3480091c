//! Files that change while a node runs, such as certificates: read again on SIGHUP, and when they
//! change.

use std::{path::Path, sync::Arc, time::Duration};

use bus::{Bus, NatsOptions};
use parking_lot::Mutex;
use prometheus_client::{metrics::counter::Counter, registry::Registry};
use serving::reload::{Certificates, Contents, Renewed};
use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{notify, pass_list::PassList};

/// How often it is looked whether files have changed. Who renews a certificate does it days before
/// its end.
pub const LOOK: Duration = Duration::from_secs(60);

/// What has become of changed files.
#[derive(Clone, Default)]
pub struct Metrics {
    taken: Counter,
    refused: Counter,
}

impl Metrics {
    /// Shows them among the others.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "certificates_renewed",
            "Changed certificate files that were taken",
            metrics.taken.clone(),
        );
        registry.register(
            "certificates_refused",
            "Changed certificate files that were unfit and were not taken",
            metrics.refused.clone(),
        );
        metrics
    }
}

/// All files of a process that may be renewed.
pub struct Reloader {
    /// Of its listeners.
    pub listeners: Vec<Arc<Certificates>>,
    /// Of its connection to NATS.
    pub nats: Option<NatsFiles>,
    /// The passes of helpers that are taken back.
    pub passes: Option<PassList>,
    /// What has become of certificates.
    pub metrics: Metrics,
}

impl Reloader {
    /// Looks as often as that, and whenever it is asked to.
    pub async fn run(self, asked: Arc<Notify>, every: Duration, stop: CancellationToken) {
        let reloader = Arc::new(self);
        let mut looks = interval(every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first is at once, and the files have just been read.
        looks.tick().await;
        loop {
            let is_asked = tokio::select! {
                () = stop.cancelled() => return,
                () = asked.notified() => true,
                _ = looks.tick() => false,
            };
            let looking = reloader.clone();
            // Files may lie on a disk that is slow, or far away.
            let look = tokio::task::spawn_blocking(move || looking.look(is_asked));
            if is_asked {
                notify::reloading();
            }
            // A look that panics is told by its own message.
            let _ = look.await;
            if is_asked {
                notify::ready();
            }
        }
    }

    fn look(&self, is_asked: bool) {
        let mut news = false;
        for certificates in &self.listeners {
            let renewed = certificates.renew().map_err(|fault| fault.to_string());
            news |= self.tell("a listener", "the old ones stay in use", renewed);
        }
        if let Some(nats) = &self.nats {
            news |= self.tell("NATS", "the old ones stay in use", nats.renew());
        }
        news |= self.passes.as_ref().is_some_and(PassList::look);
        if is_asked && !news {
            tracing::info!(
                event = "certificate.unchanged",
                "SIGHUP: certificate files are as they were, and so are revoked passes; nothing else is read again"
            );
        }
    }

    /// Whether there was anything to tell.
    fn tell(&self, of: &'static str, instead: &'static str, renewed: Result<Renewed, String>) -> bool {
        match renewed {
            Ok(Renewed::Same) => return false,
            Ok(Renewed::Taken) => {
                self.metrics.taken.inc();
                tracing::info!(
                    event = "certificate.renewed",
                    of,
                    "changed certificate files are used from the next connection on"
                );
            }
            Err(fault) => {
                self.metrics.refused.inc();
                tracing::error!(
                    event = "certificate.unfit",
                    of,
                    fault,
                    "changed certificate files are unfit: {instead}"
                );
            }
        }
        true
    }
}

/// The files of the connection to NATS.
pub struct NatsFiles {
    options: NatsOptions,
    seen: Mutex<Contents>,
    bus: Bus,
}

impl NatsFiles {
    /// Those of these options, of which `bus` is made; `None` if they name no file.
    ///
    /// # Errors
    /// If the bus cannot be made.
    pub async fn open<E>(
        options: NatsOptions,
        bus: impl AsyncFnOnce(NatsOptions) -> Result<Bus, E>,
    ) -> Result<(Bus, Option<Self>), E> {
        // What changes while they are read is read again.
        let seen = contents(&options);
        let bus = bus(options.clone()).await?;
        let files = seen.map(|seen| Self { options, seen: Mutex::new(seen), bus: bus.clone() });
        Ok((bus, files))
    }

    fn renew(&self) -> Result<Renewed, String> {
        let Some(found) = contents(&self.options) else { return Ok(Renewed::Same) };
        if std::mem::replace(&mut *self.seen.lock(), found) == found {
            return Ok(Renewed::Same);
        }
        self.bus.renew_certificates().map(|()| Renewed::Taken).map_err(|fault| fault.to_string())
    }
}

fn contents(options: &NatsOptions) -> Option<Contents> {
    let mut files = [&options.ca, &options.cert, &options.key].into_iter().flatten().peekable();
    files.peek()?;
    Some(Contents::of(files.map(|path| -> &Path { path })))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use serving::tls::{AcceptedNames, TlsFiles};
    use tokio::time::sleep;
    use tokio_util::task::TaskTracker;

    use super::*;

    /// A directory that is gone when the test is.
    struct Directory(PathBuf);

    impl Directory {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("reload-{:032x}", rand::random::<u128>()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        /// Writes a certificate of this name and its key.
        fn renew(&self, name: &str) -> TlsFiles {
            let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
            let (cert, key) = (self.0.join("cert"), self.0.join("key"));
            fs::write(&cert, made.cert.pem()).unwrap();
            fs::write(&key, made.signing_key.serialize_pem()).unwrap();
            TlsFiles { cert, key, client_ca: None, client_names: AcceptedNames::Any }
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    async fn until(holds: impl Fn() -> bool) {
        for _ in 0..1000 {
            if holds() {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("it does not come to pass");
    }

    #[tokio::test]
    async fn changed_files_are_found_without_being_asked() {
        let directory = Directory::new();
        let certificates = Arc::new(Certificates::open(directory.renew("one")).unwrap());
        let (metrics, stop) = (Metrics::default(), CancellationToken::new());
        let reloader =
            Reloader { listeners: vec![certificates], nats: None, passes: None, metrics: metrics.clone() };
        let tasks = TaskTracker::new();
        tasks.spawn(reloader.run(Arc::default(), Duration::from_millis(10), stop.clone()));
        directory.renew("two");
        // A look between two writes finds files that do not fit each other, and another look
        // follows.
        until(|| metrics.taken.get() > 0).await;
        let refused = metrics.refused.get();
        fs::write(directory.0.join("key"), "no key").unwrap();
        until(|| metrics.refused.get() > refused).await;
        stop.cancel();
        tasks.close();
        tasks.wait().await;
    }

    #[tokio::test]
    async fn files_for_nats_are_judged_before_they_are_needed() {
        let directory = Directory::new();
        let TlsFiles { cert, key, .. } = directory.renew("gateway-1");
        let options = NatsOptions {
            // Nobody is there.
            urls: vec!["tls://127.0.0.1:1".to_owned()],
            ca: Some(cert.clone()),
            cert: Some(cert.clone()),
            key: Some(key.clone()),
        };
        let join = async |options| Bus::nats(options, "gateway-1".parse().unwrap()).await;
        let (_, files) = NatsFiles::open(options, join).await.unwrap();
        let files = files.unwrap();
        assert_eq!(files.renew(), Ok(Renewed::Same));
        directory.renew("gateway-1");
        assert_eq!(files.renew(), Ok(Renewed::Taken));
        assert_eq!(files.renew(), Ok(Renewed::Same));
        directory.renew("gateway-2");
        assert!(files.renew().unwrap_err().contains("not that of the node"), "another node's");
        fs::write(&key, "no key").unwrap();
        assert!(files.renew().unwrap_err().contains("a private key"));
        fs::remove_file(&cert).unwrap();
        assert!(files.renew().is_err());
        let plain = NatsOptions { urls: vec!["nats://127.0.0.1:1".to_owned()], ..NatsOptions::default() };
        let (_, files) = NatsFiles::open(plain, join).await.unwrap();
        assert!(files.is_none());
    }
}
