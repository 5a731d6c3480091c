//! What went wrong on the bus, as plain numbers: the bus knows nothing of metrics libraries.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts since the node joined.
#[derive(Debug, Default)]
pub struct Counters {
    /// Publications dropped because the bus was down.
    pub dropped_down: AtomicU64,
    /// Publications refused because too much waited for the server, and answers that an asker had no room for.
    pub dropped_full: AtomicU64,
    /// Publications larger than a message may be.
    pub too_large: AtomicU64,
    /// Arrivals that were not what their subject promises.
    pub undecodable: AtomicU64,
    /// Arrivals that their speaker may not say.
    pub wrong_speaker: AtomicU64,
    /// Arrivals dropped because a subscription was not read in time; over NATS a lower bound.
    pub overflowed: AtomicU64,
    /// Times that subscribers were told of a gap.
    pub gaps: AtomicU64,
    /// Connections made, the first included.
    pub connects: AtomicU64,
    /// Attempts to connect that failed.
    pub failed_connects: AtomicU64,
    /// Errors that the servers reported, such as a permission that is missing.
    pub server_errors: AtomicU64,
}

/// Counts one more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
