//! When to tell the peer that somebody is writing: on change only, and not too often.

use super::event::Typing;
use super::limits::TYPING_INTERVAL;
use super::time::Time;

/// What the owner said last, and what the peer was told last.
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

    /// What to tell the peer now, if anything.
    pub(super) fn due(&self, now: Time) -> Option<Typing> {
        self.due_at().is_some_and(|due| now >= due).then_some(self.wanted)
    }

    /// When there will be something to tell.
    pub(super) fn due_at(&self) -> Option<Time> {
        (self.wanted != self.told).then_some(self.not_before)
    }

    pub(super) fn told(&mut self, now: Time, typing: Typing) {
        self.told = typing;
        self.not_before = now + TYPING_INTERVAL;
    }

    /// A text says by itself that its writer has stopped.
    pub(super) fn text_sent(&mut self) {
        self.wanted = Typing::Idle;
        self.told = Typing::Idle;
    }
}
