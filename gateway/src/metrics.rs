//! What a gateway counts. No label holds an id, a topic or an address.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use schemas::{
    CloseCode,
    control::{Category, ClientType, EndReason, ErrorCode},
};

use crate::{
    helpers::PassMetrics,
    refusals::{self, ByCause},
    requests::Requests,
};

/// Upper bounds in seconds of how long people wait for each other: with enough people it takes a
/// moment, and from ten seconds on languages are no longer kept apart.
const WAITS: [f64; 10] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// Upper bounds in seconds of how long a resume takes: a message to another gateway and back, or a
/// second of waiting for nobody.
const RESUMES: [f64; 7] = [0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 10.0];

/// Upper bounds in seconds of how long a control message is acted on: a decision under a lock, and
/// for a resume the check of a signature.
const ACTS: [f64; 6] = [0.000_1, 0.000_5, 0.002_5, 0.01, 0.1, 1.0];

/// How somebody comes into a room.
#[derive(Clone, Copy)]
pub(crate) enum Entered {
    Paired,
    Resumed,
}

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
    /// What was said of attachments in the name of gateways that name themselves.
    pub claims_refused: Counter,
    /// Sessions that were created.
    pub sessions_created: Counter,
    /// Chats that began, counted where side `a` was.
    pub chats: Counter,
    /// People waiting here.
    pub waiting: Gauge,
    /// People chatting here.
    pub chatting: Gauge,
    closes: Family<ReasonLabel, Counter>,
    ends: Family<ReasonLabel, Counter>,
    errors: Family<ReasonLabel, Counter>,
    reports: Family<ReasonLabel, Counter>,
    controls: Family<TypeLabel, Counter>,
    entered: Family<HowLabel, Counter>,
    match_wait: Waits,
    resume_wait: ResumeWaits,
    control_durations: ControlDurations,
    pub(crate) passes: PassMetrics,
    pub(crate) requests: Requests,
    pub(crate) http_refusals: ByCause,
    /// Connections that are open, of whatever kind.
    pub connections: Gauge,
}

/// One label with a word of a fixed table.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

/// The type of a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TypeLabel {
    r#type: &'static str,
}

/// How something came about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HowLabel {
    how: &'static str,
}

impl Entered {
    const ALL: [Self; 2] = [Self::Paired, Self::Resumed];

    fn label(self) -> HowLabel {
        let how = match self {
            Self::Paired => "paired",
            Self::Resumed => "resumed",
        };
        HowLabel { how }
    }
}

/// How long people wait for each other.
#[derive(Clone)]
struct Waits(Histogram);

impl Default for Waits {
    fn default() -> Self {
        Self(Histogram::new(WAITS))
    }
}

#[derive(Clone)]
struct ResumeWaits(Histogram);

impl Default for ResumeWaits {
    fn default() -> Self {
        Self(Histogram::new(RESUMES))
    }
}

#[derive(Clone)]
struct ControlDurations(Family<TypeLabel, Histogram, fn() -> Histogram>);

impl Default for ControlDurations {
    /// Each series is there from the start.
    fn default() -> Self {
        let all = Family::new_with_constructor((|| Histogram::new(ACTS)) as fn() -> Histogram);
        for kind in ClientType::ALL {
            drop(all.get_or_create(&TypeLabel { r#type: kind.word() }));
        }
        Self(all)
    }
}

impl Metrics {
    /// Makes them part of what `/metrics` shows. Every metric is named here, or this does not
    /// compile; `docs/metrics.md` lists them.
    #[deny(unused_variables)]
    pub fn register(&self, registry: &mut Registry) {
        let Self {
            connections_opened,
            connections_closed,
            frames_relayed,
            frames_dropped,
            frames_refused,
            gaps,
            claims_refused,
            sessions_created,
            chats,
            waiting,
            chatting,
            closes,
            ends,
            errors,
            reports,
            controls,
            entered,
            match_wait,
            resume_wait,
            control_durations,
            passes,
            requests,
            http_refusals,
            connections,
        } = self.clone();
        let registry = registry.sub_registry_with_prefix("gateway");
        registry.register("connections_opened", "WebSocket connections opened", connections_opened);
        registry.register("connections_closed", "WebSocket connections over", connections_closed);
        registry.register("frames_relayed", "Chat frames handed on", frames_relayed);
        registry.register("frames_dropped", "Chat frames for somebody who was not there", frames_dropped);
        registry.register("frames_refused", "Messages of frames that were refused", frames_refused);
        registry.register("bus_gaps", "Times when messages of the bus may have been missed", gaps);
        let help = "Statements about attachments that do not name their speaker, of gateways that do";
        registry.register("claims_refused", help, claims_refused);
        registry.register("sessions_created", "Sessions created", sessions_created);
        passes.register(registry);
        registry.register("chats", "Chats begun, each counted at one of its two gateways", chats);
        registry.register("waiting", "People waiting here", waiting);
        registry.register("chatting", "People chatting here", chatting);
        // Each series is there from the start, so that the first of its kind is seen as an
        // increase.
        CloseCode::ALL.iter().for_each(|code| show(&closes, code.reason()));
        EndReason::ALL.iter().for_each(|reason| show(&ends, reason.word()));
        ErrorCode::ALL.iter().for_each(|code| show(&errors, code.word()));
        Category::ALL.iter().for_each(|category| show(&reports, category.word()));
        registry.register("closes", "WebSocket connections closed by the server", closes);
        registry.register("rooms_ended", "Clients told that their room is over", ends);
        registry.register("control_errors", "Control messages refused", errors);
        registry.register("reports", "Chats reported", reports);
        ClientType::ALL
            .iter()
            .for_each(|kind| drop(controls.get_or_create(&TypeLabel { r#type: kind.word() })));
        registry.register("control_messages", "Control messages of clients, by type", controls);
        Entered::ALL.iter().for_each(|how| drop(entered.get_or_create(&how.label())));
        registry.register(
            "rooms_entered",
            "Clients let into a room: after a match, or back into it",
            entered,
        );
        let help = "How long those waited who were matched, on the connection on which they asked";
        registry.register_with_unit("match_wait", help, Unit::Seconds, match_wait.0);
        let help = "How long those waited who came back into their room, from when they asked";
        registry.register_with_unit("resume_wait", help, Unit::Seconds, resume_wait.0);
        let help = "How long it took to act on a control message, by its type";
        registry.register_with_unit("control_duration", help, Unit::Seconds, control_durations.0);
        requests.register(registry);
        refusals::show_all(&http_refusals);
        registry.register("http_refusals", "Connections and requests refused, by cause", http_refusals);
        registry.register("connections", "Connections that are open, whatever they speak", connections);
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

    pub(crate) fn received(&self, kind: ClientType) {
        self.controls.get_or_create(&TypeLabel { r#type: kind.word() }).inc();
    }

    pub(crate) fn entered(&self, how: Entered) {
        self.entered.get_or_create(&how.label()).inc();
    }

    pub(crate) fn matched_after(&self, wait: Duration) {
        self.match_wait.0.observe(wait.as_secs_f64());
    }

    pub(crate) fn resumed_after(&self, wait: Duration) {
        self.resume_wait.0.observe(wait.as_secs_f64());
    }

    pub(crate) fn acted(&self, kind: ClientType, took: Duration) {
        self.control_durations
            .0
            .get_or_create(&TypeLabel { r#type: kind.word() })
            .observe(took.as_secs_f64());
    }

    pub(crate) fn reported(&self, category: Category) {
        self.reports.get_or_create(&ReasonLabel { reason: category.word() }).inc();
    }

    pub(crate) fn reports_of(&self, category: Category) -> u64 {
        self.reports.get_or_create(&ReasonLabel { reason: category.word() }).get()
    }
}

/// Makes a series visible before anything is counted in it.
fn show(family: &Family<ReasonLabel, Counter>, reason: &'static str) {
    drop(family.get_or_create(&ReasonLabel { reason }));
}
