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

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use bus::{Clock, Local};
    use http::Request;
    use schemas::BootId;
    use tower::ServiceExt;

    use super::*;
    use crate::{config::Config, metrics::Metrics, node::Node};

    async fn get(node: &Arc<Node>, path: &str) -> (u16, String) {
        let mut registry = Registry::default();
        node.metrics().register(&mut registry);
        let asked = node.clone();
        let app = router(move || asked.ready(), Arc::new(registry));
        let response = app.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 64 * 1024).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_gateway_is_alive_before_it_is_ready_and_after() {
        let config = Config::new("n1".parse().unwrap(), BootId(1));
        let bus = Local::new().join(config.node.clone());
        let node = Arc::new(Node::new(config, bus, Clock::start(), Metrics::default()));
        assert_eq!(get(&node, "/healthz").await, (200, "ok\n".into()));
        assert_eq!(get(&node, "/readyz").await, (503, "not ready\n".into()));
        node.tokens().first_key_announced();
        node.set_synced();
        assert_eq!(get(&node, "/readyz").await, (200, "ready\n".into()));
        node.start_draining();
        assert_eq!(get(&node, "/readyz").await.0, 503);
        assert_eq!(get(&node, "/healthz").await.0, 200);
        let (status, metrics) = get(&node, "/metrics").await;
        assert_eq!(status, 200);
        assert!(
            metrics.contains("gateway_sessions_created_total 0") && metrics.ends_with("# EOF\n"),
            "{metrics}"
        );
        assert_eq!(get(&node, "/v1/sessions").await.0, 404);
    }
}
