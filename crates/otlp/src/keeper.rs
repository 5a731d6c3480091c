//! Spans as OpenTelemetry has them.

use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, TraceContextExt, TraceState},
};
use schemas::trace::TraceContext;
use spans::{Keeper, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The spans of the layer of this crate.
pub(crate) struct OpenTelemetry;

impl Keeper for OpenTelemetry {
    fn context(&self, span: &Span) -> Option<TraceContext> {
        let context = span.context();
        let span = context.span();
        let of_span = span.span_context();
        let is_kept = of_span.is_valid() && of_span.is_sampled();
        is_kept.then(|| TraceContext::new(of_span.trace_id().to_bytes(), of_span.span_id().to_bytes()))
    }

    fn go_on(&self, span: &Span, from: TraceContext) {
        // Fails only for a span that has a context already: it stays what it is.
        let _ = span.set_parent(Context::new().with_remote_span_context(remote(from)));
    }

    fn link(&self, span: &Span, to: TraceContext) {
        span.add_link(remote(to));
    }
}

/// A span of elsewhere, whose trace is kept.
fn remote(context: TraceContext) -> SpanContext {
    let (trace, span) = (TraceId::from_bytes(context.trace()), SpanId::from_bytes(context.span()));
    SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::default())
}
