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

impl Question {
    fn label(self) -> Label {
        let question = match self {
            Self::Ask => "ask",
            Self::Sync => "sync",
        };
        [("question", question)]
    }
}

/// What a janitor publishes of its own accord and counts.
const PUBLISHED: [&str; 5] =
    ["session-expired", "session-held-twice", "room-expired", "room-ended", "key-expired"];

impl Metrics {
    /// New metrics, exported by `registry`. Every metric is named here, or this does not compile;
    /// `docs/metrics.md` lists them.
    #[deny(unused_variables)]
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let Self { held, said, answered, unsaid, gaps, overflowed, overflowed_before: _, moved } =
            metrics.clone();
        let registry = registry.sub_registry_with_prefix("janitor");
        // Each series is there from the start, so that the first of its kind is seen as an
        // increase.
        metrics.set(Counts::default());
        PUBLISHED.iter().for_each(|what| drop(said.get_or_create(&[("what", what)])));
        [Question::Ask, Question::Sync]
            .iter()
            .for_each(|question| drop(answered.get_or_create(&question.label())));
        registry.register("held", "Entries that are remembered", held);
        registry.register("said", "Expiries, ends and sessions held twice that were published", said);
        registry.register("answered", "Questions that were answered", answered);
        registry.register("unsaid", "Messages that the bus did not take", unsaid);
        registry.register("gaps", "Times in which messages may have been missed", gaps);
        let help = "Entries that were dropped because there was no room";
        registry.register("overflowed", help, overflowed);
        registry.register("moved", "Entries that were added and removed", moved);
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
        let [session_expired, held_twice, room_expired, room_ended, key_expired] = PUBLISHED;
        let what = match message {
            Message::Session { event: SessionEvent::Expired, .. } => session_expired,
            Message::Session { event: SessionEvent::HeldTwice, .. } => held_twice,
            Message::Room { event: RoomEvent::Expired, .. } => room_expired,
            Message::Room { event: RoomEvent::Ended(_), .. } => room_ended,
            Message::Key { event: KeyEvent::Expired, .. } => key_expired,
            _ => return,
        };
        self.said.get_or_create(&[("what", what)]).inc();
    }

    pub(crate) fn answered(&self, question: Question) {
        self.answered.get_or_create(&question.label()).inc();
    }

    pub(crate) fn unsaid(&self) {
        self.unsaid.inc();
    }

    pub(crate) fn gap(&self) {
        self.gaps.inc();
    }
}
