//! The spans of traces. Services make them with [`span!`], and pass their trace on with [`current`]
//! and [`process`]. They know nothing of who keeps them: that is a [`Keeper`], which the program
//! installs if an operator wants traces. Without one a span is disabled where it is made, and
//! nothing is passed on.
//!
//! Whether a trace is kept is decided before its first span is made, by [`root`]: a trace that is
//! not kept costs one random number. All other spans are made only within one that is kept.
//!
//! A span is per request, control message or event, never per frame or connection. What it says of
//! itself are words of fixed tables: no id, topic, address or room.

use std::sync::{OnceLock, atomic::AtomicU64};

use schemas::{message::Message, trace::TraceContext};
pub use tracing::{self, Instrument, Span};

/// The target of all spans, by which logs leave them out and traces take them.
pub const TARGET: &str = "cipher_chat::spans";

/// Makes a span, as `tracing::info_span!` does. To be called by what decides whether there is to be
/// one: [`root`], [`within`], [`here`] or [`go_on`].
#[macro_export]
macro_rules! span {
    (parent: $parent:expr, $($rest:tt)*) => {
        $crate::tracing::info_span!(target: $crate::TARGET, parent: $parent, $($rest)*)
    };
    ($($rest:tt)*) => {
        $crate::tracing::info_span!(target: $crate::TARGET, $($rest)*)
    };
}

/// Keeps spans and sends them away.
pub trait Keeper: Send + Sync {
    /// Where the trace of a span goes on; `None` if it is not kept.
    fn context(&self, span: &Span) -> Option<TraceContext>;
    /// A span goes on with a trace of elsewhere. To be called before it has a context.
    fn go_on(&self, span: &Span, from: TraceContext);
    /// A span has to do with another trace.
    fn link(&self, span: &Span, to: TraceContext);
}

/// What became of spans, as plain numbers.
#[derive(Debug, Default)]
pub struct Counts {
    /// The collector has taken them.
    pub sent: AtomicU64,
    /// Dropped: too many waited.
    pub full: AtomicU64,
    /// Dropped: the collector has not taken them.
    pub unsent: AtomicU64,
}

/// The part of the traces that begin here that is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample(f64);

impl Sample {
    /// From 0 (none) to 1 (all); what lies beyond is taken for the nearer of them.
    pub fn new(part: f64) -> Self {
        Self(part)
    }

    /// Whether a trace is kept, by a number that is anywhere from 0 to below 1 with the same chance.
    fn keeps(self, random: f64) -> bool {
        random < self.0
    }
}

/// Who keeps spans, and of how many traces that begin here.
struct Keeping {
    keeper: Box<dyn Keeper>,
    sample: Sample,
}

static KEEPING: OnceLock<Keeping> = OnceLock::new();

fn keeper() -> Option<&'static dyn Keeper> {
    KEEPING.get().map(|keeping| &*keeping.keeper)
}

/// Lets spans be kept from now on, of this part of the traces that begin here, and of all that
/// began elsewhere. Only the first keeper counts.
pub fn install(keeper: Box<dyn Keeper>, sample: Sample) {
    let _ = KEEPING.set(Keeping { keeper, sample });
}

/// Whether spans are kept at all.
pub fn are_kept() -> bool {
    KEEPING.get().is_some()
}

/// The first span of a trace, a root made by `make`; none if this trace is not kept.
pub fn root(make: impl FnOnce() -> Span) -> Span {
    let is_kept = KEEPING.get().is_some_and(|keeping| keeping.sample.keeps(rand::random()));
    if is_kept { make() } else { Span::none() }
}

/// A span of the trace of `parent`, as whose child `make` makes it; none if that is not kept.
pub fn within(parent: &Span, make: impl FnOnce() -> Span) -> Span {
    if parent.is_disabled() { Span::none() } else { make() }
}

/// A span of what is being done now; of a trace of its own if that has none that is kept.
pub fn here(make: impl FnOnce() -> Span) -> Span {
    if !are_kept() || Span::current().is_disabled() { root(make) } else { make() }
}

/// Where the trace of a span goes on; `None` if it is not kept.
pub fn context(span: &Span) -> Option<TraceContext> {
    let keeper = keeper()?;
    if span.is_disabled() { None } else { keeper.context(span) }
}

/// Where the trace of what is being done now goes on, if it is kept.
pub fn current() -> Option<TraceContext> {
    keeper()?;
    context(&Span::current())
}

/// A span that goes on with the trace of elsewhere is made by `make`, as a root; none if there is
/// no such trace.
pub fn go_on(from: Option<TraceContext>, make: impl FnOnce() -> Span) -> Span {
    let (Some(keeper), Some(from)) = (keeper(), from.filter(|from| from.is_valid())) else {
        return Span::none();
    };
    let span = make();
    if !span.is_disabled() {
        keeper.go_on(&span, from);
    }
    span
}

/// A span has to do with another trace than its own.
pub fn link(span: &Span, to: TraceContext) {
    if let Some(keeper) = keeper().filter(|_| !span.is_disabled()) {
        keeper.link(span, to);
    }
}

/// The span in which a message of the bus is acted on; none if it belongs to no trace that is kept.
pub fn process(message: &Message, trace: Option<&TraceContext>) -> Span {
    go_on(trace.copied(), || {
        let (destination, event) = (message.subject().template(), message.event_word());
        span!(
            parent: None,
            "process",
            otel.name = format_args!("process {destination}"),
            otel.kind = "consumer",
            messaging.system = "nats",
            messaging.operation.name = "process",
            "messaging.operation.type" = "process",
            messaging.destination.template = destination,
            cipher_chat.event = event,
        )
    })
}

#[cfg(test)]
mod tests {
    use schemas::SessionId;

    use super::*;

    /// Nobody has installed a keeper here.
    #[test]
    fn without_a_keeper_nothing_is_passed_on() {
        let trace = TraceContext::new([1; 16], [1; 8]);
        let message = Message::Ask { session: SessionId::from_random([1; 16]) };
        assert!(!are_kept() && process(&message, Some(&trace)).is_none());
        let make = || span!(parent: None, "one", some.thing = 1);
        assert!(root(make).is_none() && here(make).is_none());
        let span = make();
        let _entered = span.enter();
        assert!(within(&Span::none(), make).is_none());
        assert_eq!((context(&span), current()), (None, None));
        link(&span, trace);
    }

    #[test]
    fn a_sample_keeps_its_part_of_all_traces() {
        const TRIES: u32 = 1000;
        let kept = |part: f64| {
            let sample = Sample::new(part);
            (0..TRIES).filter(|&at| sample.keeps(f64::from(at) / f64::from(TRIES))).count()
        };
        let of = [0.0, 0.01, 0.25, 1.0].map(kept);
        assert_eq!(of, [0, 10, 250, 1000]);
    }
}
