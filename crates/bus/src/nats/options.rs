//! How to reach the NATS servers, and how the connection to them behaves.

use std::{
    fmt, io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_nats::{ConnectOptions, ServerAddr};
use rustls::{
    RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
};
use schemas::NodeId;

use super::{
    budget,
    credentials::{Credentials, Loaded},
};
use crate::identity::names_of;

/// How long the server may take to echo a flush. Longer than a healthy cluster ever needs, and
/// shorter than anybody waits for a node to start or to stop. By then two pings have been missed,
/// or nearly.
pub const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Most messages queued in one subscription. async-nats drops what comes after them, and reports it
/// only as an event. The dispatcher never waits for anybody, so this many pile up only while its
/// thread gets no time: in a third of a second at 100,000 messages a second.
pub(super) const SUBSCRIPTION_QUEUE: usize = 32 * 1024;

/// Room in the command queue besides that for publications: each question subscribes and
/// unsubscribes.
const SPARE_COMMANDS: usize = 1024;

/// How often a silent server is pinged. async-nats gives the connection up if two pings are
/// unanswered when the next is due.
const PING_INTERVAL: Duration = Duration::from_secs(1);

/// How long one server may take to accept a connection, TLS and authentication included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The back-off between two attempts to connect, in milliseconds. It doubles from the lowest to the
/// highest. Half of it is jitter, so that the nodes of a lost server do not all connect to the next
/// one at once.
const RECONNECT_MS: std::ops::RangeInclusive<u64> = 50..=2000;

/// Where the NATS servers are, and the certificates by which both sides are authenticated.
#[derive(Clone, Debug, Default)]
pub struct NatsOptions {
    /// `nats://host:port` or `tls://host:port`, of all servers of the cluster; beyond loopback with
    /// TLS. Servers that other
    /// servers name are not used. Without user and password: a node is authenticated by its
    /// certificate.
    pub urls: Vec<String>,
    /// PEM file of the authorities that issue the servers' certificates. With it, TLS is required.
    pub ca: Option<PathBuf>,
    /// PEM file of this node's certificate, whose common name is the node's id. It can be renewed
    /// ([`Bus::renew_certificates`](crate::Bus::renew_certificates)).
    pub cert: Option<PathBuf>,
    /// PEM file of the certificate's private key.
    pub key: Option<PathBuf>,
}

/// What a PEM file is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pem {
    /// [`NatsOptions::ca`].
    Authority,
    /// [`NatsOptions::cert`].
    Certificate,
    /// [`NatsOptions::key`].
    Key,
}

impl fmt::Display for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authority => "a certificate authority",
            Self::Certificate => "a certificate",
            Self::Key => "a private key",
        })
    }
}

/// Options that cannot work. Never quotes a URL, which might contain a password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// There is no URL.
    #[error("no NATS server is given")]
    NoServer,
    /// Not of the form that [`NatsOptions::urls`] describes.
    #[error(
        "NATS server {number} of the list is not a nats:// or tls:// URL with a host and without a password"
    )]
    Url {
        /// Its position in the list, from 1.
        number: usize,
    },
    /// Beyond this machine, whoever is on the way could read and say everything.
    #[error(
        "NATS server {number} of the list is not on a loopback address: it needs TLS (tls://, an authority, or a certificate)"
    )]
    Plain {
        /// Its position in the list, from 1.
        number: usize,
    },
    /// Others would not believe this node.
    #[error("the NATS client certificate is not that of the node {}", node.as_str())]
    Name {
        /// The node's id.
        node: NodeId,
    },
    /// A PEM file that cannot be read, or does not contain what it should.
    #[error("cannot read {what} from {}", path.display())]
    File {
        /// What it should contain.
        what: Pem,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A certificate without a key, or a key without a certificate.
    #[error("a NATS client certificate and its key must be given together")]
    Pair,
    /// A certificate that is unusable, or does not belong to its key.
    #[error("cannot use the NATS client certificate")]
    Certificate(#[source] rustls::Error),
    /// Neither is an authority given, nor does the system know one.
    #[error("no certificate authority is known for the NATS servers")]
    Authorities(#[source] rustls::client::VerifierBuilderError),
    /// async-nats refused the options.
    #[error("cannot start the NATS client")]
    Client(#[source] async_nats::ConnectError),
}

impl NatsOptions {
    /// All faults, so that an operator can correct them at once. This reads the files, but does not
    /// connect.
    pub fn check(&self) -> Vec<ConnectError> {
        let no_server = self.urls.is_empty().then_some(ConnectError::NoServer);
        let urls = self.addresses().filter_map(Result::err);
        let files = [self.roots().err(), self.identity().err()];
        let faults: Vec<_> = no_server.into_iter().chain(urls).chain(files.into_iter().flatten()).collect();
        // Only files that can be read can be compared with each other.
        let is_judged = faults.is_empty() && self.has_files();
        if is_judged { Loaded::read(self).err().into_iter().collect() } else { faults }
    }

    /// Whether any file is given.
    pub(super) fn has_files(&self) -> bool {
        self.ca.is_some() || self.cert.is_some() || self.key.is_some()
    }

    /// The servers' addresses.
    pub(super) fn servers(&self) -> Result<Vec<ServerAddr>, ConnectError> {
        if self.urls.is_empty() {
            return Err(ConnectError::NoServer);
        }
        self.addresses().collect()
    }

    fn addresses(&self) -> impl Iterator<Item = Result<ServerAddr, ConnectError>> {
        self.urls.iter().enumerate().map(|(index, url)| {
            let address = url.parse::<ServerAddr>().ok();
            // async-nats would accept ws://, and then use plain TCP. It would accept a password,
            // and then not use it.
            let usable = address.filter(|a| {
                matches!(a.scheme(), "nats" | "tls") && !a.host().is_empty() && !a.has_user_pass()
            });
            let number = index + 1;
            let address = usable.ok_or(ConnectError::Url { number })?;
            // An authority or a certificate require TLS of every server.
            let is_tls = address.tls_required() || self.ca.is_some() || self.cert.is_some();
            let is_private = is_tls || is_loopback(address.host());
            if is_private { Ok(address) } else { Err(ConnectError::Plain { number }) }
        })
    }

    /// The options of async-nats.
    pub(super) fn client(
        &self,
        node: &NodeId,
        inbox: &str,
        credentials: Option<&Arc<Credentials>>,
    ) -> Result<ConnectOptions, ConnectError> {
        // For what async-nats configures itself. Only the first provider that is installed counts;
        // all crates of this project install the same.
        let _ = aws_lc_rs::default_provider().install_default();
        let options = ConnectOptions::new()
            .name(node.as_str())
            .custom_inbox_prefix(inbox)
            .retry_on_initial_connect()
            .max_reconnects(None)
            .reconnect_delay_callback(reconnect_delay)
            .connection_timeout(CONNECT_TIMEOUT)
            .ping_interval(PING_INTERVAL)
            .subscription_capacity(SUBSCRIPTION_QUEUE)
            .client_capacity(budget::MOST_MESSAGES + SPARE_COMMANDS)
            .ignore_discovered_servers()
            // Subjects are built from ids only, and no id can contain what this check looks for.
            .skip_subject_validation(true);
        Ok(match credentials {
            Some(credentials) => options.tls_client_config(credentials.client_config()?).require_tls(true),
            None => options,
        })
    }

    /// The ids that this node's certificate allows it to have; `None` without a certificate.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn names(&self) -> Result<Option<Vec<NodeId>>, ConnectError> {
        let identity = self.identity()?;
        Ok(identity.and_then(|(chain, _)| chain.first().map(names_of)))
    }

    pub(super) fn roots(&self) -> Result<RootCertStore, ConnectError> {
        let mut roots = RootCertStore::empty();
        if let Some(ca) = &self.ca {
            for root in certificates(Pem::Authority, ca)? {
                roots.add(root).map_err(|fault| unreadable(Pem::Authority, ca, fault))?;
            }
        }
        Ok(roots)
    }

    /// This node's certificate chain and its key.
    pub(super) fn identity(&self) -> Result<Option<Identity>, ConnectError> {
        match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => {
                let chain = certificates(Pem::Certificate, cert)?;
                let private = PrivateKeyDer::from_pem_file(key)
                    .map_err(|fault| unreadable(Pem::Key, key, io_fault(fault)))?;
                Ok(Some((chain, private)))
            }
            (None, None) => Ok(None),
            _ => Err(ConnectError::Pair),
        }
    }
}

/// A certificate chain and its key.
type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Whether a host is this machine, by its address or as `localhost` (RFC 6761, section 6.3).
fn is_loopback(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

fn certificates(what: Pem, path: &Path) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|fault| unreadable(what, path, io_fault(fault)))?;
    if found.is_empty() {
        return Err(unreadable(what, path, io_fault(pem::Error::NoItemsFound)));
    }
    Ok(found)
}

fn unreadable(
    what: Pem,
    path: &Path,
    fault: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> ConnectError {
    ConnectError::File { what, path: path.into(), source: io::Error::other(fault) }
}

fn io_fault(fault: pem::Error) -> io::Error {
    match fault {
        pem::Error::Io(fault) => fault,
        // Other errors may quote the file.
        _ => io::Error::new(io::ErrorKind::InvalidData, "no such item in PEM form"),
    }
}

fn reconnect_delay(attempts: usize) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    let full = (RECONNECT_MS.start() << doublings).min(*RECONNECT_MS.end());
    Duration::from_millis(rand::random_range(full / 2..=full))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_urls(urls: &[&str]) -> NatsOptions {
        NatsOptions { urls: urls.iter().map(|&url| url.into()).collect(), ..NatsOptions::default() }
    }

    #[test]
    fn only_nats_and_tls_urls_with_a_host_are_servers() {
        for good in ["nats://localhost:4222", "tls://a.example", "127.0.0.1:4222", "nats://[::1]:4222"] {
            assert_eq!(with_urls(&[good]).servers().unwrap().len(), 1, "{good}");
        }
        for bad in ["ws://a", "http://a", "nats://", "", "nats://a:99999", "nats://u:p@a"] {
            let fault = with_urls(&["tls://a", bad]).servers().unwrap_err();
            assert!(matches!(fault, ConnectError::Url { number: 2 }), "{bad}: {fault}");
        }
        assert!(matches!(with_urls(&[]).servers(), Err(ConnectError::NoServer)));
    }

    #[test]
    fn beyond_loopback_tls_is_required() {
        for plain in ["nats://a:4222", "192.0.2.1", "nats://[2001:db8::1]:4222", "nats://localhost.example"] {
            let faults = with_urls(&["nats://127.0.0.9", plain]).check();
            assert!(matches!(faults[..], [ConnectError::Plain { number: 2 }]), "{plain}: {faults:?}");
        }
        for local in ["nats://LOCALHOST", "nats://[::ffff:127.0.0.1]:4222", "nats://127.1.2.3"] {
            assert!(with_urls(&[local]).check().is_empty(), "{local}");
        }
        let with_authority = NatsOptions { ca: Some("/nowhere".into()), ..with_urls(&["nats://a"]) };
        assert!(with_authority.servers().is_ok(), "with an authority, TLS is required of every server");
    }

    #[test]
    fn a_bad_url_is_not_quoted() {
        let fault = with_urls(&["http://user:secret@host"]).servers().unwrap_err();
        assert!(!format!("{fault} {fault:?}").contains("secret"));
    }

    #[test]
    fn all_faults_are_reported_at_once() {
        let nowhere = Some(PathBuf::from("/nowhere"));
        let wrong = NatsOptions {
            urls: vec!["http://a".into(), "tls://a".into(), "nats://u:p@a".into()],
            ca: nowhere.clone(),
            cert: nowhere.clone(),
            key: None,
        };
        let faults = wrong.check();
        assert!(
            matches!(
                faults[..],
                [
                    ConnectError::Url { number: 1 },
                    ConnectError::Url { number: 3 },
                    ConnectError::File { what: Pem::Authority, .. },
                    ConnectError::Pair
                ]
            ),
            "{faults:?}"
        );
        assert!(matches!(with_urls(&[]).check()[..], [ConnectError::NoServer]));
        assert!(with_urls(&["tls://a"]).check().is_empty());
    }

    #[test]
    fn the_back_off_grows_to_two_seconds() {
        let millis = |attempts| u64::try_from(reconnect_delay(attempts).as_millis()).unwrap();
        for (attempts, full) in
            [(0, 50), (1, 50), (2, 100), (5, 800), (7, 2000), (1000, 2000), (usize::MAX, 2000)]
        {
            for _ in 0..100 {
                assert!((full / 2..=full).contains(&millis(attempts)), "attempt {attempts}");
            }
        }
    }
}
