//! The parts of the tests: processes of the real binary on free ports, a cluster of them, and
//! people who use it.

pub(crate) mod certificates;
pub(crate) mod cluster;
pub(crate) mod http;
pub(crate) mod nats;
pub(crate) mod nats_client;
pub(crate) mod nginx;
pub(crate) mod operations;
#[cfg(feature = "traces")]
pub(crate) mod otlp;
pub(crate) mod person;
pub(crate) mod process;
pub(crate) mod raw;
pub(crate) mod secure;
pub(crate) mod socket;
pub(crate) mod tap;
pub(crate) mod token;

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Far longer than anything here takes, even on a busy machine: only a test that fails reaches it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The interval at which a condition is checked that nothing announces.
const LOOK: Duration = Duration::from_millis(25);

/// Waits until a condition holds.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "not in {PATIENCE:?}: {what}");
        sleep(LOOK).await;
    }
}

/// Waits for something that is expected to happen.
pub(crate) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("not in {PATIENCE:?}: {what}"),
    }
}

/// A text that nobody else uses: for a topic, or for content that the test looks for.
pub(crate) fn unique(word: &str) -> String {
    format!("{word}-{:016x}", rand::random::<u64>())
}
