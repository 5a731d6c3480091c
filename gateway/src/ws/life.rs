//! Signs of life of one connection, in ticks of the keep-alive.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// When a client was last heard, and whether a ping for it is due.
pub(super) struct Life {
    heard: AtomicU32,
    /// The tick since which it is time for a ping; 0 if it is not.
    ping_since: AtomicU32,
}

impl Life {
    /// Of a client that is heard at this tick.
    pub(super) fn new(tick: u32) -> Self {
        Self { heard: AtomicU32::new(tick), ping_since: AtomicU32::new(0) }
    }

    /// Notes that the client lives.
    pub(super) fn hear(&self, tick: u32) {
        if self.heard.load(Relaxed) != tick {
            self.heard.store(tick, Relaxed);
        }
    }

    /// Whether something was heard at this tick or later.
    pub(super) fn heard_since(&self, tick: u32) -> bool {
        self.heard.load(Relaxed).wrapping_sub(tick) as i32 >= 0
    }

    /// It is time for a ping: it goes with the next frames, which saves a system call and a packet.
    pub(super) fn owe_ping(&self, tick: u32) {
        self.ping_since.store(tick.max(1), Relaxed);
    }

    /// Whether it is time for a ping.
    pub(super) fn owes_ping(&self) -> bool {
        self.ping_since.load(Relaxed) != 0
    }

    /// Whether the caller is to send the ping that is due. What was heard before it, since it was due, is no answer.
    pub(super) fn take_ping(&self) -> bool {
        if !self.owes_ping() {
            return false;
        }
        let since = self.ping_since.swap(0, Relaxed);
        if since != 0 && self.heard_since(since) {
            self.heard.store(since.wrapping_sub(1), Relaxed);
        }
        since != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ping_is_sent_once_and_answered_by_what_comes_after_it() {
        let life = Life::new(5);
        assert!(!life.take_ping());
        life.owe_ping(7);
        life.hear(8);
        assert!(life.owes_ping() && life.heard_since(7));
        assert!(life.take_ping() && !life.take_ping() && !life.owes_ping());
        assert!(!life.heard_since(7));
        life.hear(8);
        assert!(life.heard_since(7) && life.heard_since(8) && !life.heard_since(9));
    }

    #[test]
    fn a_newer_ping_is_no_answer_to_an_older_one() {
        let life = Life::new(5);
        life.owe_ping(7);
        life.take_ping();
        life.owe_ping(20);
        life.take_ping();
        assert!(!life.heard_since(7));
    }

    #[test]
    fn ticks_may_wrap() {
        let life = Life::new(u32::MAX);
        assert!(life.heard_since(u32::MAX) && !life.heard_since(0));
        life.owe_ping(0);
        assert!(life.take_ping());
        life.hear(2);
        assert!(life.heard_since(u32::MAX) && life.heard_since(0));
    }
}
