//! How long things are kept, and how many of them.

use std::time::Duration;

use schemas::{
    lifetimes::{self, Lifetimes},
    limits,
};

/// After this long without a lease a session is forgotten: two renewals may be lost.
pub const SILENCE: Duration = Duration::from_secs(3 * limits::RENEWAL.as_secs());

/// A lease shows where a session is for this long: one renewal, and half of one because renewals
/// are spread over the period.
pub const FRESH: Duration = Duration::from_millis(limits::RENEWAL.as_millis() as u64 * 3 / 2);

/// After a start or a gap nothing is decided for this long: one renewal may be lost in addition to
/// those lost in the gap.
pub const QUIET: Duration = Duration::from_secs(2 * limits::RENEWAL.as_secs());

/// How many expiries one tick publishes at most. When a gateway is lost, all its sessions fall
/// silent at once. At about 150 bytes each this stays far below what the bus queues; the rest is
/// left for the next tick.
pub const EXPIRIES_PER_TICK: usize = 1000;

/// How many sessions that two gateways hold are named between two ticks at most. Each costs a
/// message to all gateways and two in return, and a gateway may lease what it likes; the rest is
/// named with its next lease.
pub const HELD_TWICE_PER_TICK: usize = 200;

/// How many sessions one gateway may lease in one period: three times what a gateway is designed
/// for (20,000), since after a gap it says all of them again. Leases last for three periods, so one
/// node has at most an eighth of [`Capacity::sessions`].
pub const LEASES_PER_GATEWAY: u32 = 60_000;

/// How many rooms that are not known yet one gateway may name in one period: all people of a
/// gateway that is full meet anew. Rooms last for a grace and three periods, so one node has at
/// most a quarter of [`Capacity::rooms`].
pub const NEW_ROOMS_PER_GATEWAY: u32 = 10_000;

/// How many entries are remembered. Beyond it the oldest are dropped. Forgetting one too early
/// costs an answer or an expiry, never a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Sessions with a lease, about 90 bytes each.
    pub sessions: usize,
    /// Rooms that a lease names, about 35 bytes each.
    pub rooms: usize,
    /// Ended rooms, each for one token life, and revoked sessions, each for two; about 40 bytes
    /// each.
    pub tombstones: usize,
    /// Signing keys: one for each gateway and hour.
    pub keys: usize,
    /// Gateways.
    pub gateways: usize,
}

impl Default for Capacity {
    /// For a cluster of two million connections: about 300 MB when full, and next to nothing
    /// before.
    fn default() -> Self {
        Self { sessions: 2_000_000, rooms: 1_000_000, tombstones: 1_000_000, keys: 10_000, gateways: 1_000 }
    }
}

/// The durations and capacities by which the janitor decides.
#[derive(Clone, Copy, Debug)]
pub struct LeasePolicy {
    /// How long keys, tokens and absences last.
    pub lifetimes: Lifetimes,
    /// How much is remembered.
    pub capacity: Capacity,
}

impl LeasePolicy {
    /// How long it is remembered that a room has ended.
    pub(super) fn end_memory(&self) -> Duration {
        lifetimes::end_memory(self.lifetimes.token_life)
    }

    /// How long it is remembered that a session was deleted.
    pub(super) fn revocation_memory(&self) -> Duration {
        lifetimes::revocation_memory(self.lifetimes.token_life)
    }
}
