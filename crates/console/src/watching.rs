//! The cluster that the page shows: watched from the start, or only while somebody looks.

use std::{pin::Pin, sync::Arc, time::Duration};

use bus::Clock;
use overview::{Cluster, Report, RulesError, watch::Source};
use parking_lot::Mutex;
use schemas::UnixMillis;
use tokio::time::sleep;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Nobody looks any more.
const NOBODY_LOOKS: Duration = Duration::from_secs(15 * 60);

/// If the bus takes no subscription.
const AGAIN: Duration = Duration::from_secs(1);

/// How long a cluster is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// From the start on: alarms that are over are remembered.
    Always,
    /// From the first look until nobody has looked for a quarter of an hour. Meanwhile it costs
    /// nothing.
    WhileLookedAt,
}

/// Opens what there is to hear; `None` if that cannot be done now.
pub type OpenSource = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Option<Source>> + Send>> + Send + Sync>;

/// A cluster that is watched by a task of its own. Clones are the same.
#[derive(Clone)]
pub struct Watching(Arc<Inner>);

struct Inner {
    open: OpenSource,
    lasting: Lasting,
    clock: Clock,
    tasks: TaskTracker,
    stop: CancellationToken,
    running: Mutex<Option<Running>>,
}

struct Running {
    cluster: Cluster,
    looked: UnixMillis,
}

impl Watching {
    /// Watches what `open` opens, on `tasks`, until `stop`.
    ///
    /// # Errors
    /// If the alarms that are built in cannot be used.
    pub fn new(
        open: OpenSource,
        lasting: Lasting,
        clock: Clock,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Result<Self, RulesError> {
        let running = Mutex::new(None);
        let watching = Self(Arc::new(Inner { open, lasting, clock, tasks, stop, running }));
        if lasting == Lasting::Always {
            watching.report()?;
        }
        Ok(watching)
    }

    /// What there is to see now. Begins to watch if nobody does.
    ///
    /// # Errors
    /// If the alarms that are built in cannot be used.
    pub fn report(&self) -> Result<Report, RulesError> {
        let now = self.0.clock.now();
        let mut running = self.0.running.lock();
        if let Some(Running { cluster, looked }) = running.as_mut() {
            *looked = now;
            return Ok(cluster.report(now));
        }
        let cluster = Cluster::new()?;
        let report = cluster.report(now);
        *running = Some(Running { cluster, looked: now });
        let watching = self.clone();
        self.0.tasks.spawn(async move {
            watching.0.stop.run_until_cancelled(watching.watch()).await;
        });
        Ok(report)
    }

    /// Whether the cluster is watched.
    pub fn is_watched(&self) -> bool {
        self.0.running.lock().is_some()
    }

    async fn watch(&self) {
        let mut source = loop {
            match (self.0.open)().await {
                Some(source) => break source,
                None => sleep(AGAIN).await,
            }
        };
        loop {
            let heard = source.next().await;
            let now = self.0.clock.now();
            let mut running = self.0.running.lock();
            let Some(Running { cluster, looked }) = running.as_mut() else { return };
            if self.0.lasting == Lasting::WhileLookedAt && now.since(*looked) > NOBODY_LOOKS {
                *running = None;
                return;
            }
            cluster.hear(now, heard);
        }
    }
}
