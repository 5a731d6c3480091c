//! What went wrong on the bus, as plain numbers: the bus depends on no metrics library.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts since the node joined.
#[derive(Debug, Default)]
pub struct Counters {
    /// Publications dropped because the bus was down.
    pub dropped_down: AtomicU64,
    /// Publications refused because too much was queued for the server, and answers for which the
    /// asker's queue had no room.
    pub dropped_full: AtomicU64,
    /// Publications larger than a message may be.
    pub too_large: AtomicU64,
    /// Received messages that do not decode as their subject demands.
    pub undecodable: AtomicU64,
    /// Received events that their publisher's role may not publish.
    pub wrong_speaker: AtomicU64,
    /// Statements about keys that were not believed: see [`Bus::believe`](crate::Bus::believe) and
    /// [`Bus::believe_said`](crate::Bus::believe_said).
    pub doubted_keys: AtomicU64,
    /// Received messages with stamps that cannot be true: see
    /// [`Bus::believe_stamps`](crate::Bus::believe_stamps).
    pub stamps_ahead: AtomicU64,
    /// Received messages dropped because a subscription was not read in time; over NATS a lower
    /// bound.
    pub overflowed: AtomicU64,
    /// Gaps that were delivered to subscribers.
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
