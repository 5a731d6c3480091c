//! What holds for every request.

use std::{panic::AssertUnwindSafe, time::Duration};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http::{HeaderValue, Method, StatusCode, header::STRICT_TRANSPORT_SECURITY};
use spans::{Instrument, Span, span};
use tokio::time::{Instant, timeout};
use tracing::field::Empty;

use serving::problem::{CommonProblem, ProblemCode};

use super::{state::AppState, ws};
use crate::{config::Hsts, problem::Problem, rates::ClientPeer};

/// How long a request may take in all, its body included. The longest wait of a handler, for the
/// bus, is 500 ms.
const REQUEST_WAIT: Duration = Duration::from_secs(10);

/// A handler that panics is a 500, and the connection and all others go on. The panic itself was
/// told by the panic hook.
pub(super) async fn without_panic(request: Request, next: Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => CommonProblem::Internal.into_response(),
    }
}

/// A body that does not arrive is a 408.
pub(super) async fn in_time(request: Request, next: Next) -> Response {
    match timeout(REQUEST_WAIT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::Timeout.into_response(),
    }
}

/// The span of a request. Its name is that of the route that matched, never the path that was asked
/// for; and no header is read: a client's own trace is not gone on with.
fn request_span(method: &Method, route: Option<&str>) -> Span {
    spans::root(|| {
        // A method that is none of the standard is whatever the client likes.
        let method = match *method {
            Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::PATCH => method.as_str(),
            Method::DELETE | Method::OPTIONS | Method::CONNECT | Method::TRACE => method.as_str(),
            _ => "_OTHER",
        };
        let verb = if method == "_OTHER" { "HTTP" } else { method };
        let name = match route {
            Some(ws::PATH) => "upgrade".to_owned(),
            Some(route) => format!("{verb} {route}"),
            None => verb.to_owned(),
        };
        span!(
            parent: None,
            "request",
            otel.name = name,
            otel.kind = "server",
            otel.status_code = Empty,
            http.request.method = method,
            http.route = route,
            http.response.status_code = Empty,
            "error.type" = Empty,
        )
    })
}

/// How a request was answered. Only the server's own faults are errors.
fn answered(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.record("error.type", status.as_str());
        span.record("otel.status_code", "ERROR");
    }
}

/// Every answer, whatever it is, has the headers that keep a browser from doing more with it than
/// it should; every request and every refusal is counted.
pub(super) async fn finish(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let is_encrypted = request.extensions().get::<ClientPeer>().is_some_and(ClientPeer::is_encrypted);
    let (route, began) = (request.extensions().get::<MatchedPath>().cloned(), Instant::now());
    let route = route.as_ref().map(MatchedPath::as_str);
    let span = request_span(request.method(), route);
    let mut response = next.run(request).instrument(span.clone()).await;
    answered(&span, response.status());
    state.node.metrics().requests.answered(route, response.status(), began.elapsed());
    if let Some(ProblemCode(code)) = response.extensions().get::<ProblemCode>() {
        state.node.refusals().refused(code);
    }
    let status = response.status();
    let headers = response.headers_mut();
    serving::headers::complete(status, headers);
    let policy = match state.node.config().hsts {
        Hsts::Host => Some("max-age=63072000"),
        Hsts::Subdomains => Some("max-age=63072000; includeSubDomains"),
        Hsts::Off => None,
    };
    // Over plain HTTP browsers do not believe it.
    if let Some(policy) = policy.filter(|_| is_encrypted && status != StatusCode::SWITCHING_PROTOCOLS) {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(policy));
    }
    response
}
