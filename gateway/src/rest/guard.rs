//! What holds for every request.

use std::{panic::AssertUnwindSafe, time::Duration};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http::{HeaderValue, StatusCode, header::STRICT_TRANSPORT_SECURITY};
use tokio::time::{Instant, timeout};

use serving::problem::{CommonProblem, ProblemCode};

use super::state::AppState;
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

/// Every answer, whatever it is, has the headers that keep a browser from doing more with it than it
/// should; every request and every refusal is counted.
pub(super) async fn finish(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let is_encrypted = request.extensions().get::<ClientPeer>().is_some_and(ClientPeer::is_encrypted);
    let (route, began) = (request.extensions().get::<MatchedPath>().cloned(), Instant::now());
    let mut response = next.run(request).await;
    let route = route.as_ref().map(MatchedPath::as_str);
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
