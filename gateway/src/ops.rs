//! What those who run it ask: liveness, readiness, metrics. On a listener of its own, for nobody else.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header::CONTENT_TYPE};
use prometheus_client::{encoding::text, registry::Registry};

use crate::problem::Problem;

/// The OpenMetrics text format, which Prometheus reads.
const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the ops listener of any node serves. `ready` tells whether it has what it needs to do its work.
pub fn router(ready: impl Fn() -> bool + Clone + Send + Sync + 'static, registry: Arc<Registry>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(async move || readiness(ready())))
        .route("/metrics", get(metrics))
        .with_state(registry)
        .fallback(async || Problem::NotFound)
        .method_not_allowed_fallback(async || Problem::Method)
}

fn readiness(ready: bool) -> Response {
    if ready {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
    }
}

async fn metrics(State(registry): State<Arc<Registry>>) -> Result<Response, Problem> {
    let mut body = String::new();
    // Writing to a string fails only if a metric's own encoding does.
    text::encode(&mut body, &registry).map_err(|_| Problem::Internal)?;
    Ok(([(CONTENT_TYPE, METRICS)], body).into_response())
}
