//! Expires what nobody renews, and answers for what has ended.
//!
//! [`leases`] decides and is pure; [`run`] is the thin task that gives it what the bus delivers,
//! and carries out its effects.

pub mod leases;
mod metrics;
mod task;

use std::time::Duration;

use bus::{Bus, Clock};
use schemas::BootId;
use tokio_util::sync::CancellationToken;

pub use metrics::Metrics;

/// The configuration of a janitor. All nodes of a cluster must agree on the durations.
#[derive(Clone, Debug)]
pub struct Config {
    /// The boot id of this process.
    pub boot: BootId,
    /// The program's version, for heartbeats.
    pub version: String,
    /// Life of a token and of a ticket.
    pub token_life: Duration,
    /// How long a gateway signs with one key.
    pub key_rotation: Duration,
    /// How long a side may stay away before its room ends.
    pub grace: Duration,
    /// How much is remembered.
    pub capacity: leases::Capacity,
    /// Where to count.
    pub metrics: Metrics,
}

/// Why a janitor stopped by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The bus took no subscription.
    #[error(transparent)]
    Subscribe(#[from] bus::SubscribeError),
    /// The bus was drained before the janitor was told to stop.
    #[error("the bus has been drained")]
    Drained,
}

/// Runs a janitor until `shutdown` is cancelled. Nothing has to be saved then: another janitor, or
/// the next start, learns everything again.
///
/// # Errors
/// If the bus takes no subscription, or has been drained. A bus that is down is not an error: the
/// janitor waits, and concludes nothing.
pub async fn run(
    config: Config,
    bus: Bus,
    clock: Clock,
    shutdown: CancellationToken,
) -> Result<(), RunError> {
    tokio::select! {
        () = shutdown.cancelled() => Ok(()),
        ended = task::listen(config, bus, clock) => {
            if shutdown.is_cancelled() { Ok(()) } else { ended }
        }
    }
}
