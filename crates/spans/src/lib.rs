//! The spans of traces. Services make them with [`span!`], and pass their trace on with [`current`]
//! and [`process`]. They know nothing of who keeps them: that is a [`Keeper`], which the program
//! installs if an operator wants traces. Without one a span is disabled where it is made, and
//! nothing is passed on.
//!
//! A span is per request, control message or event, never per frame or connection. What it says of
//! itself are words of fixed tables: no id, topic, address or room.

use std::sync::{OnceLock, atomic::AtomicU64};

use schemas::{message::Message, trace::TraceContext};
pub use tracing::{self, Instrument, Span};

/// The target of all spans, by which logs leave them out and traces take them.
pub const TARGET: &str = "cipher_chat::spans";

/// Makes a span, as `tracing::info_span!` does.
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

static KEEPER: OnceLock<Box<dyn Keeper>> = OnceLock::new();

/// Lets spans be kept from now on. Only the first keeper counts.
pub fn install(keeper: Box<dyn Keeper>) {
    let _ = KEEPER.set(keeper);
}

/// Whether spans are kept at all.
pub fn are_kept() -> bool {
    KEEPER.get().is_some()
}

/// Where the trace of a span goes on; `None` if it is not kept.
pub fn context(span: &Span) -> Option<TraceContext> {
    let keeper = KEEPER.get()?;
    if span.is_disabled() { None } else { keeper.context(span) }
}

/// Where the trace of what is being done now goes on, if it is kept.
pub fn current() -> Option<TraceContext> {
    KEEPER.get()?;
    context(&Span::current())
}

/// A span that goes on with the trace of elsewhere is made by `make`, as a root; none if there is
/// no such trace.
pub fn go_on(from: Option<TraceContext>, make: impl FnOnce() -> Span) -> Span {
    let (Some(keeper), Some(from)) = (KEEPER.get(), from.filter(|from| from.is_valid())) else {
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
    if let Some(keeper) = KEEPER.get().filter(|_| !span.is_disabled()) {
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
        let span = span!(parent: None, "one", some.thing = 1);
        let _entered = span.enter();
        assert_eq!((context(&span), current()), (None, None));
        link(&span, trace);
    }
}
