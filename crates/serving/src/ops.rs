//! What operators ask of any node: whether it is running, whether it is ready, its metrics. On a
//! listener of its own, for nobody else.

use std::{fmt, sync::Arc};

use axum::{
    Router,
    extract::State,
    middleware::{from_fn, from_fn_with_state, map_response},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header::CONTENT_TYPE};
use prometheus_client::{encoding::text, registry::Registry};

use crate::{
    headers,
    ops_token::{self, OpsToken},
    problem::CommonProblem,
    watchers,
};

/// The OpenMetrics text format, which Prometheus reads.
const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether a node can do its work, with a sentence for each reason why it cannot, or cannot quite.
/// Reasons name no person, room or address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// What makes it useless: whoever is sent to it had better go elsewhere.
    pub faults: Vec<String>,
    /// What it lacks and works without, so that nobody is to be sent away.
    pub lacks: Vec<String>,
}

impl Readiness {
    /// Whether clients may be sent to it.
    pub fn is_ready(&self) -> bool {
        self.faults.is_empty()
    }

    /// A word for programs (`ready`, `degraded`, `not ready`), then a line for each reason.
    pub fn text(&self) -> String {
        let word = match (&self.faults[..], &self.lacks[..]) {
            ([], []) => "ready",
            ([], _) => "degraded",
            _ => "not ready",
        };
        let reasons = self.faults.iter().chain(&self.lacks);
        reasons.fold(format!("{word}\n"), |text, reason| text + "- " + reason + "\n")
    }
}

/// What the ops listener of a node serves, and what else it does for operators; to others than this
/// machine only for the token, if there is one.
pub fn router(
    readiness: impl Fn() -> Readiness + Clone + Send + Sync + 'static,
    registry: Arc<Registry>,
    more: Router,
    token: Option<OpsToken>,
) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(async move || readyz(&readiness())))
        .route("/metrics", get(show_metrics))
        .with_state(registry)
        .merge(more)
        .fallback(async || CommonProblem::NotFound)
        .method_not_allowed_fallback(async || CommonProblem::Method)
        .layer(from_fn_with_state(token, ops_token::is_shown))
        .layer(from_fn(watchers::by_address))
        .layer(map_response(headers::completed))
}

/// Files that hold nothing of a node, which are there for whoever reaches the listener: without a
/// token, too. They are added to the [`router`].
pub fn open(files: Router) -> Router {
    files
        .method_not_allowed_fallback(async || CommonProblem::Method)
        .layer(from_fn(watchers::by_address))
        .layer(map_response(headers::completed))
}

fn readyz(readiness: &Readiness) -> Response {
    let status = if readiness.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, readiness.text()).into_response()
}

async fn show_metrics(State(registry): State<Arc<Registry>>) -> Result<Response, CommonProblem> {
    let body = metrics(&registry).map_err(|_| CommonProblem::Internal)?;
    Ok(([(CONTENT_TYPE, METRICS)], body).into_response())
}

/// All metrics in the OpenMetrics text format.
///
/// # Errors
/// If a metric cannot be encoded: writing to a text itself never fails.
pub fn metrics(registry: &Registry) -> Result<String, fmt::Error> {
    let mut text = String::new();
    text::encode(&mut text, registry)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use http::Request;
    use parking_lot::Mutex;
    use prometheus_client::metrics::counter::Counter;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn operators_are_told_that_it_runs_whether_it_is_ready_and_its_metrics() {
        let reasons = |of: &[&str]| of.iter().map(|&reason| reason.to_owned()).collect::<Vec<_>>();
        let unready = Readiness { faults: reasons(&["the bus is down"]), lacks: reasons(&["no janitor"]) };
        let (mut registry, state) = (Registry::default(), Arc::new(Mutex::new(unready.clone())));
        registry.register("answers", "Questions answered", Counter::<u64>::default());
        let asked = state.clone();
        let app = router(move || asked.lock().clone(), Arc::new(registry), Router::new(), None);
        let get = async |path: &str| {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = app.clone().oneshot(request).await.unwrap();
            let status = response.status().as_u16();
            let body = to_bytes(response.into_body(), 64 * 1024).await.unwrap();
            (status, String::from_utf8(body.to_vec()).unwrap())
        };
        assert_eq!(get("/healthz").await, (200, "ok\n".into()));
        assert_eq!(get("/readyz").await, (503, "not ready\n- the bus is down\n- no janitor\n".into()));
        *state.lock() = Readiness { faults: Vec::new(), ..unready };
        assert_eq!(get("/readyz").await, (200, "degraded\n- no janitor\n".into()));
        *state.lock() = Readiness::default();
        assert_eq!(get("/readyz").await, (200, "ready\n".into()));
        let (status, metrics) = get("/metrics").await;
        assert_eq!(status, 200);
        assert!(metrics.contains("answers_total 0") && metrics.ends_with("# EOF\n"), "{metrics}");
        assert_eq!(get("/v1/sessions").await.0, 404);
        let files = open(Router::new().route("/", axum::routing::get(async || "page")));
        let both = app.clone().merge(files);
        let shown = |host: &'static str| {
            both.clone().oneshot(Request::get("/").header("host", host).body(Body::empty()).unwrap())
        };
        assert_eq!(shown("localhost").await.unwrap().status(), 200);
        assert_eq!(shown("evil.example").await.unwrap().status(), 421, "files are no exception");
        let rebound = Request::get("/metrics").header("host", "evil.example").body(Body::empty()).unwrap();
        let refused = app.oneshot(rebound).await.unwrap();
        assert_eq!(refused.status(), 421);
        assert_eq!(refused.headers()["x-content-type-options"], "nosniff", "on refusals, too");
    }
}
