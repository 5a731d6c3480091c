//! What a gateway counts. No label holds an id, a topic or an address.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use schemas::{
    CloseCode,
    control::{Category, EndReason, ErrorCode},
};

/// Counters and gauges of one gateway. Cheap to clone.
#[derive(Clone, Default)]
pub struct Metrics {
    /// WebSocket connections that were opened.
    pub connections_opened: Counter,
    /// WebSocket connections that are over.
    pub connections_closed: Counter,
    /// Chat frames handed on, to a socket or the bus.
    pub frames_relayed: Counter,
    /// Chat frames dropped: outside a room, to somebody who is away, or for want of a bus.
    pub frames_dropped: Counter,
    /// Messages of frames from the bus that were not what they should be, or for nobody here.
    pub frames_refused: Counter,
    /// Messages that may have been missed.
    pub gaps: Counter,
    /// Sessions that were created.
    pub sessions_created: Counter,
    /// People waiting here.
    pub waiting: Gauge,
    /// People chatting here.
    pub chatting: Gauge,
    closes: Family<ReasonLabel, Counter>,
    ends: Family<ReasonLabel, Counter>,
    errors: Family<ReasonLabel, Counter>,
    reports: Family<ReasonLabel, Counter>,
}

/// One label with a word of a fixed table.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

impl Metrics {
    /// Makes them part of what `/metrics` shows.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("gateway");
        registry.register(
            "connections_opened",
            "WebSocket connections opened",
            self.connections_opened.clone(),
        );
        registry.register(
            "connections_closed",
            "WebSocket connections over",
            self.connections_closed.clone(),
        );
        registry.register("frames_relayed", "Chat frames handed on", self.frames_relayed.clone());
        registry.register(
            "frames_dropped",
            "Chat frames for somebody who was not there",
            self.frames_dropped.clone(),
        );
        registry.register(
            "frames_refused",
            "Messages of frames that were refused",
            self.frames_refused.clone(),
        );
        registry.register(
            "bus_gaps",
            "Times when messages of the bus may have been missed",
            self.gaps.clone(),
        );
        registry.register("sessions_created", "Sessions created", self.sessions_created.clone());
        registry.register("waiting", "People waiting here", self.waiting.clone());
        registry.register("chatting", "People chatting here", self.chatting.clone());
        registry.register("closes", "WebSocket connections closed by the server", self.closes.clone());
        registry.register("rooms_ended", "Clients told that their room is over", self.ends.clone());
        registry.register("control_errors", "Control messages refused", self.errors.clone());
        registry.register("reports", "Chats reported", self.reports.clone());
    }

    /// Frames that were handed on, or could not be.
    pub(crate) fn relayed(&self, frames: u32, handed_on: bool) {
        let counter = if handed_on { &self.frames_relayed } else { &self.frames_dropped };
        counter.inc_by(u64::from(frames));
    }

    pub(crate) fn closed(&self, code: CloseCode) {
        self.closes.get_or_create(&ReasonLabel { reason: code.reason() }).inc();
    }

    pub(crate) fn ended(&self, reason: EndReason) {
        self.ends.get_or_create(&ReasonLabel { reason: reason.word() }).inc();
    }

    pub(crate) fn refused(&self, code: ErrorCode) {
        self.errors.get_or_create(&ReasonLabel { reason: code.word() }).inc();
    }

    pub(crate) fn reported(&self, category: Category) {
        let reason = match category {
            Category::Abuse => "abuse",
            Category::Spam => "spam",
            Category::Minor => "minor",
            Category::Other => "other",
        };
        self.reports.get_or_create(&ReasonLabel { reason }).inc();
    }
}
