//! When a client was last heard, in ticks of the keep-alive.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The last tick at which anything came from a client.
pub(super) struct LastHeard(AtomicU32);

impl LastHeard {
    /// Of a client that is heard at this tick.
    pub(super) fn new(tick: u32) -> Self {
        Self(AtomicU32::new(tick))
    }

    /// Notes that something has come.
    pub(super) fn note(&self, tick: u32) {
        // Mostly it is the same tick still: a store would take the memory away from other
        // processors.
        if self.0.load(Relaxed) != tick {
            self.0.store(tick, Relaxed);
        }
    }

    /// Whether something came at this tick or later.
    pub(super) fn since(&self, tick: u32) -> bool {
        self.0.load(Relaxed).wrapping_sub(tick) as i32 >= 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_counts_from_its_tick_on() {
        let heard = LastHeard::new(5);
        assert!(heard.since(5) && !heard.since(6));
        heard.note(8);
        assert!(heard.since(7) && heard.since(8) && !heard.since(9));
    }

    #[test]
    fn ticks_may_wrap() {
        let heard = LastHeard::new(u32::MAX);
        assert!(heard.since(u32::MAX) && !heard.since(0));
        heard.note(2);
        assert!(heard.since(u32::MAX) && heard.since(0));
    }
}
