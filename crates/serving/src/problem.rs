//! Failures over HTTP, as RFC 9457 `application/problem+json`.

use std::fmt::Display;

use axum::{
    Extension,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, WWW_AUTHENTICATE},
};
use serde::Serialize;
use utoipa::ToSchema;

/// The body of every failure.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Problem", as = Problem)]
pub struct ProblemBody {
    /// Always `about:blank`: `code` says more.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'static str,
    /// The status as words.
    #[schema(example = "Too Many Requests")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 429)]
    status: u16,
    /// The kind of failure, for programs: a kebab-case word.
    #[schema(example = "rate")]
    code: &'static str,
    /// The failure, described for people.
    #[schema(example = "too many requests: more than 30 in 60 s")]
    detail: String,
}

/// The answer for a failure: its code for programs, and a sentence for people.
pub fn respond(
    status: StatusCode,
    code: &'static str,
    detail: impl Display,
    mut headers: HeaderMap,
) -> Response {
    let body = ProblemBody {
        kind: "about:blank",
        title: status.canonical_reason().unwrap_or_default(),
        status: status.as_u16(),
        code,
        detail: detail.to_string(),
    };
    // Cannot fail: strings and a number.
    let body = serde_json::to_vec(&body).unwrap_or_default();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    (status, headers, Extension(ProblemCode(code)), body).into_response()
}

/// The code of a problem, among the extensions of its answer: for whoever counts.
#[derive(Clone, Copy, Debug)]
pub struct ProblemCode(pub &'static str);

/// A failure that whatever is served over HTTP may meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommonProblem {
    /// 400: not HTTP/1.1 without a doubt.
    #[error("{0}")]
    Malformed(&'static str),
    /// 401: the token of the operators was not shown.
    #[error("show the token of --ops-token-file: Authorization: Bearer …")]
    Unauthorized,
    /// 404: no such resource.
    #[error("there is nothing here")]
    NotFound,
    /// 405.
    #[error("this method is not allowed here: see the Allow header")]
    Method,
    /// 408: the head of the request did not come.
    #[error("the request did not arrive in time")]
    Late,
    /// 421: asked by a name that is not ours.
    #[error("this listener answers to an address or localhost only: ask for it by one of these")]
    Misdirected,
    /// 431: the head of the request is too large.
    #[error("the request has too many headers, or they are too long")]
    HeadTooLarge,
    /// 500: our fault.
    #[error("something went wrong here")]
    Internal,
}

impl CommonProblem {
    /// Its HTTP status.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Late => StatusCode::REQUEST_TIMEOUT,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The word for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed(_) => "bad-request",
            Self::Unauthorized => "no-token",
            Self::NotFound => "not-found",
            Self::Method => "method-not-allowed",
            Self::Late => "timeout",
            Self::Misdirected => "misdirected",
            Self::HeadTooLarge => "head-too-large",
            Self::Internal => "internal",
        }
    }
}

impl IntoResponse for CommonProblem {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        if self == Self::Unauthorized {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        respond(self.status(), self.code(), self, headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_problem_looks_as_rfc_9457_says() {
        let response = CommonProblem::NotFound.into_response();
        assert_eq!(response.status(), 404);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
        let expected = r#"{"type":"about:blank","title":"Not Found","status":404,"code":"not-found","detail":"there is nothing here"}"#;
        assert_eq!(body, expected);
    }
}
