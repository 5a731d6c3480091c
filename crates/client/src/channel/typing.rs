//! When to tell the peer that somebody is typing: on change only, and not too often.

use super::event::Typing;
use super::limits::TYPING_INTERVAL;
use super::time::Time;

/// The owner's last state, and the last state that was sent to the peer.
#[derive(Debug, Default)]
pub(super) struct Notice {
    wanted: Typing,
    told: Typing,
    not_before: Time,
}

impl Notice {
    pub(super) fn want(&mut self, typing: Typing) {
        self.wanted = typing;
    }

    /// The notice to send to the peer now, if any.
    pub(super) fn due(&self, now: Time) -> Option<Typing> {
        self.due_at().is_some_and(|due| now >= due).then_some(self.wanted)
    }

    /// When there will be a notice to send.
    pub(super) fn due_at(&self) -> Option<Time> {
        (self.wanted != self.told).then_some(self.not_before)
    }

    pub(super) fn told(&mut self, now: Time, typing: Typing) {
        self.told = typing;
        self.not_before = now + TYPING_INTERVAL;
    }

    /// A text itself means that its writer has stopped.
    pub(super) fn text_sent(&mut self) {
        self.wanted = Typing::Idle;
        self.told = Typing::Idle;
    }
}
