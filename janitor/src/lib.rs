//! Expires what nobody renews, and answers for what has ended.
//!
//! [`leases`] decides and is pure; [`run`] is the thin task that gives it what the bus delivers,
//! and carries out its effects.

mod config;
pub mod leases;
mod metrics;
mod task;

use bus::{Bus, Clock};
use tokio_util::sync::CancellationToken;

pub use config::{Config, RunError};
pub use metrics::Metrics;

/// Runs a janitor until `shutdown` is cancelled, then says that it stops, so that nobody takes it
/// for lost. Nothing has to be saved: another janitor, or the next start, learns everything again.
/// The caller drains the bus.
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
    let ended = task::listen(config, bus, clock, &shutdown).await;
    if shutdown.is_cancelled() { Ok(()) } else { ended }
}
