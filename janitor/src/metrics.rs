//! The metrics of a janitor. No label names a session, a room or a key.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use schemas::{
    event::{KeyEvent, RoomEvent, SessionEvent},
    message::Message,
};

use crate::leases::Counts;

/// The janitor's metrics. Cheap to clone; all clones count together.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    held: Family<Label, Gauge<u64, AtomicU64>>,
    said: Family<Label, Counter>,
    answered: Family<Label, Counter>,
    unsaid: Counter,
    gaps: Counter,
    overflowed: Counter,
    overflowed_before: Arc<AtomicU64>,
    moved: Counter,
}

/// One label and its value.
type Label = [(&'static str, &'static str); 1];

/// The two questions that a janitor answers.
#[derive(Clone, Copy)]
pub(crate) enum Question {
    Ask,
    Sync,
}

impl Metrics {
    /// New metrics, exported by `registry`.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let registry = registry.sub_registry_with_prefix("janitor");
        registry.register("held", "Entries that are remembered", metrics.held.clone());
        registry.register("said", "Expiries and ends that were published", metrics.said.clone());
        registry.register("answered", "Questions that were answered", metrics.answered.clone());
        registry.register("unsaid", "Messages that the bus did not take", metrics.unsaid.clone());
        registry.register("gaps", "Times in which messages may have been missed", metrics.gaps.clone());
        let help = "Entries that were dropped because there was no room";
        registry.register("overflowed", help, metrics.overflowed.clone());
        registry.register("moved", "Entries that were added and removed", metrics.moved.clone());
        metrics
    }

    /// How many entries were added and removed since the start. A large increase means that much
    /// memory has been freed.
    pub fn moved(&self) -> u64 {
        self.moved.get()
    }

    pub(crate) fn set(&self, counts: Counts) {
        let set = |kind, count: usize| self.held.get_or_create(&[("kind", kind)]).set(count as u64);
        set("sessions", counts.sessions);
        set("rooms", counts.rooms);
        set("keys", counts.keys);
        set("ended-rooms", counts.ended);
        set("revoked-sessions", counts.revoked);
        let before = self.overflowed_before.swap(counts.overflowed, Relaxed);
        self.overflowed.inc_by(counts.overflowed.saturating_sub(before));
        self.moved.inner().store(counts.moved, Relaxed);
    }

    pub(crate) fn said(&self, message: &Message) {
        let what = match message {
            Message::Session { event: SessionEvent::Expired, .. } => "session-expired",
            Message::Room { event: RoomEvent::Expired, .. } => "room-expired",
            Message::Room { event: RoomEvent::Ended(_), .. } => "room-ended",
            Message::Key { event: KeyEvent::Expired, .. } => "key-expired",
            _ => return,
        };
        self.said.get_or_create(&[("what", what)]).inc();
    }

    pub(crate) fn answered(&self, question: Question) {
        let question = match question {
            Question::Ask => "ask",
            Question::Sync => "sync",
        };
        self.answered.get_or_create(&[("question", question)]).inc();
    }

    pub(crate) fn unsaid(&self) {
        self.unsaid.inc();
    }

    pub(crate) fn gap(&self) {
        self.gaps.inc();
    }
}
