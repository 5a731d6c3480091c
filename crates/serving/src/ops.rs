//! What operators ask of any node: whether it is running, whether it is ready, its metrics. On a
//! listener of its own, for nobody else.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    middleware::{from_fn, map_response},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header::CONTENT_TYPE};
use prometheus_client::{encoding::text, registry::Registry};

use crate::{headers, problem::CommonProblem, watchers};

/// The OpenMetrics text format, which Prometheus reads.
const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the ops listener of a node serves. `ready` tells whether it has what it needs to do its
/// work.
pub fn router(ready: impl Fn() -> bool + Clone + Send + Sync + 'static, registry: Arc<Registry>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(async move || readiness(ready())))
        .route("/metrics", get(metrics))
        .with_state(registry)
        .fallback(async || CommonProblem::NotFound)
        .method_not_allowed_fallback(async || CommonProblem::Method)
        .layer(from_fn(watchers::by_address))
        .layer(map_response(headers::completed))
}

fn readiness(ready: bool) -> Response {
    if ready {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
    }
}

async fn metrics(State(registry): State<Arc<Registry>>) -> Result<Response, CommonProblem> {
    let mut body = String::new();
    // Writing to a string fails only if a metric's own encoding does.
    text::encode(&mut body, &registry).map_err(|_| CommonProblem::Internal)?;
    Ok(([(CONTENT_TYPE, METRICS)], body).into_response())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    use axum::body::{Body, to_bytes};
    use http::Request;
    use prometheus_client::metrics::counter::Counter;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn operators_are_told_that_it_runs_whether_it_is_ready_and_its_metrics() {
        let (mut registry, is_ready) = (Registry::default(), Arc::new(AtomicBool::new(false)));
        registry.register("answers", "Questions answered", Counter::<u64>::default());
        let ready = is_ready.clone();
        let app = router(move || ready.load(Relaxed), Arc::new(registry));
        let get = async |path: &str| {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = app.clone().oneshot(request).await.unwrap();
            let status = response.status().as_u16();
            let body = to_bytes(response.into_body(), 64 * 1024).await.unwrap();
            (status, String::from_utf8(body.to_vec()).unwrap())
        };
        assert_eq!(get("/healthz").await, (200, "ok\n".into()));
        assert_eq!(get("/readyz").await, (503, "not ready\n".into()));
        is_ready.store(true, Relaxed);
        assert_eq!(get("/readyz").await, (200, "ready\n".into()));
        let (status, metrics) = get("/metrics").await;
        assert_eq!(status, 200);
        assert!(metrics.contains("answers_total 0") && metrics.ends_with("# EOF\n"), "{metrics}");
        assert_eq!(get("/v1/sessions").await.0, 404);
        let rebound = Request::get("/metrics").header("host", "evil.example").body(Body::empty()).unwrap();
        let refused = app.oneshot(rebound).await.unwrap();
        assert_eq!(refused.status(), 421);
        assert_eq!(refused.headers()["x-content-type-options"], "nosniff", "on refusals, too");
    }
}
