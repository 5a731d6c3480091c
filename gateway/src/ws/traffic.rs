//! What a client has received and said in its chat, by number and order: see
//! [`session::Traffic`]. Counted per read and per delivery, not per frame.

use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

use session::{HANDSHAKE_FRAMES, Traffic};

/// Counts of one connection since its chat began. Nothing is added atomically: if two deliveries
/// come at the same moment one may be lost.
#[derive(Default)]
pub(super) struct TrafficCounter {
    received: AtomicU16,
    /// How much had been received when the client last sent something.
    answered: AtomicU16,
    unasked: AtomicU16,
}

impl TrafficCounter {
    /// Something was delivered to the client.
    #[inline]
    pub(super) fn received(&self) {
        self.received.store(self.received.load(Relaxed).wrapping_add(1), Relaxed);
    }

    /// A read has brought so many frames of the client. One may answer what it has received since.
    /// The side that begins a handshake receives its end, which nothing answers.
    #[inline]
    pub(super) fn sent(&self, frames: u32) {
        let received = self.received.load(Relaxed);
        if frames == 0 || received < HANDSHAKE_FRAMES {
            if frames > 0 && received == 0 {
                self.answered.store(HANDSHAKE_FRAMES, Relaxed);
            }
            return;
        }
        let is_answer = received != self.answered.load(Relaxed);
        let unasked = frames - u32::from(is_answer);
        if unasked > 0 {
            self.unasked.store(self.unasked.load(Relaxed) | 1, Relaxed);
        }
        self.answered.store(received, Relaxed);
    }

    /// What was counted.
    pub(super) fn read(&self) -> Traffic {
        Traffic { received: self.received.load(Relaxed), unasked: self.unasked.load(Relaxed) }
    }

    /// A chat begins.
    pub(super) fn reset(&self) {
        for count in [&self.received, &self.answered, &self.unasked] {
            count.store(0, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is counted of the first of two that send these frames in turn: `>` is its own.
    fn counted(frames: &str) -> Traffic {
        let counter = TrafficCounter::default();
        for frame in frames.chars() {
            if frame == '>' { counter.sent(1) } else { counter.received() }
        }
        counter.read()
    }

    #[test]
    fn a_handshake_and_acknowledgements_are_no_speech() {
        // Side b: message 1, message 2, opening, acknowledgement, and then four texts.
        assert_eq!(counted("<><><><><><>"), Traffic { received: 6, unasked: 0 });
        // Side a, whose first message had to be sent again.
        assert_eq!(counted(">>><><<><><><>"), Traffic { received: 6, unasked: 0 });
        // One acknowledgement of two texts.
        assert_eq!(counted("<><><<><<><>").unasked, 0);
        // Not even a handshake.
        assert_eq!(counted("<<<<<<"), Traffic { received: 6, unasked: 0 });
    }

    #[test]
    fn whoever_speaks_is_heard_however_the_other_answers() {
        // Side b speaks, and each of its texts is acknowledged.
        assert!(counted("<><>><><><").unasked > 0);
        // Side a speaks likewise.
        assert!(counted("><><><><").unasked > 0);
        // A reply: an acknowledgement at once, the text when it has been written.
        assert!(counted("<><><>>").unasked > 0);
        // An acknowledgement and a text in one read.
        let counter = TrafficCounter::default();
        (0..3).for_each(|_| counter.received());
        counter.sent(2);
        assert!(counter.read().unasked > 0);
    }

    #[test]
    fn each_chat_is_counted_by_itself() {
        let counter = TrafficCounter::default();
        (0..3).for_each(|_| counter.received());
        counter.sent(3);
        counter.reset();
        assert_eq!(counter.read(), Traffic::default());
    }
}
