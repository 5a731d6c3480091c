//! What holds for every request.

use std::{panic::AssertUnwindSafe, time::Duration};

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http::{HeaderValue, header::CACHE_CONTROL};
use tokio::time::timeout;

use serving::problem::CommonProblem;

use crate::problem::Problem;

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

/// Answers hold tokens, and are nothing to show: not to be kept, not to be guessed at.
pub(super) async fn api_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert(
        "content-security-policy",
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
    headers.insert("referrer-policy", HeaderValue::from_static("no-referrer"));
    response
}
