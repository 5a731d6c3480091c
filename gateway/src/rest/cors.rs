//! Cross-origin requests from the origins that the operator has named; there are none without.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, Method, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
    },
};

use super::{origin, state::AppState};

/// What a preflight is told. No credentials: nothing ambient authenticates here, and the origin `null`,
/// if it is named, is that of every sandboxed frame.
const PREFLIGHT: [(http::HeaderName, &str); 3] = [
    (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE"),
    (ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"),
    (ACCESS_CONTROL_MAX_AGE, "600"),
];

/// Headers that a page of another origin may read.
const EXPOSED: &str = "retry-after, ratelimit, ratelimit-policy, www-authenticate";

/// Answers preflights of named origins and lets their pages read what they asked for. Others see
/// what they would without CORS.
pub(super) async fn answer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let allowed = &state.node.config().allowed_origins;
    if allowed.is_empty() {
        return next.run(request).await;
    }
    let named = request.headers().get(ORIGIN).filter(|origin| origin::is_allowed(origin, allowed)).cloned();
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match &named {
        Some(_) if is_preflight => (StatusCode::NO_CONTENT, PREFLIGHT).into_response(),
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = named {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
    response
}
