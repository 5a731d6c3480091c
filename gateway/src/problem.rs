//! Every failure of the gateway's interface over HTTP. One table.

use axum::response::{IntoResponse, Response};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CONNECTION, RETRY_AFTER, UPGRADE, WWW_AUTHENTICATE},
};
pub(crate) use serving::problem::ProblemBody;
use serving::problem::{CommonProblem, respond};

use crate::{rates::Exceeded, token::TokenError};

/// The sustained rate, and how it stands (draft-ietf-httpapi-ratelimit-headers-10).
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const WEBSOCKET_VERSION: HeaderName = HeaderName::from_static("sec-websocket-version");

/// When to come back after a 503, in seconds: keys are known, or another node is found, within this
/// time.
const SOON: u64 = 1;

/// When to come back where the operator takes no new sessions, in seconds: soon enough after the
/// end of that, and seldom enough for a crowd that waits for it.
const LATER: u64 = 30;

/// A failure, with what a client must be told about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    /// 400: the request is not what this resource takes.
    #[error("{0}")]
    BadRequest(&'static str),
    /// 400: a body where none, or an empty object, is expected.
    #[error("the body must be empty, or a JSON object that this call takes")]
    BadBody,
    /// 401: no token.
    #[error("a session token is needed: Authorization: Bearer <token>")]
    NoToken,
    /// 401: not a token to be believed.
    #[error("the session token is not valid: open a new session")]
    BadToken,
    /// 401: its time is over.
    #[error("the session token has expired: open a new session")]
    TokenExpired,
    /// 403: a page of another host.
    #[error(
        "this page's origin is not the host that it asked. Whoever runs this server: let the proxy pass the Host header on unchanged, or name the page's origin with --allowed-origin"
    )]
    Origin,
    /// 428: a new session costs work.
    #[error("a new session costs some work here: solve the puzzle of GET /v1/challenge, and send the proof")]
    Admission,
    /// 403: not the solution of a puzzle of ours.
    #[error("the proof is not the solution of a puzzle of this server")]
    BadProof,
    /// 403: the solution of an old puzzle.
    #[error("the puzzle is too old: solve another one")]
    ProofExpired,
    /// 403: a solution that has been used.
    #[error("the proof has been used: solve another puzzle")]
    ProofSpent,
    /// 403: a pass with which nobody is let in, whatever is wrong with it or its proof.
    #[error("this pass opens no session here")]
    PassRefused,
    /// 404: the session is in no room.
    #[error("the session is in no room")]
    NoRoom,
    /// 408: the request took too long to arrive.
    #[error("the request took too long")]
    Timeout,
    /// 413.
    #[error("the body is larger than {most} bytes")]
    TooLarge {
        /// What is taken.
        most: usize,
    },
    /// 415.
    #[error("the body must be application/json, or empty")]
    MediaType,
    /// 426: a plain request to the WebSocket.
    #[error("this is a WebSocket (RFC 6455, version 13)")]
    Upgrade,
    /// 429: too often.
    #[error("too many requests: more than {} in {} s", .0.quota, .0.window.as_secs())]
    Rate(Exceeded),
    /// 429: too many sockets from one address.
    #[error("too many connections from this address: close one first")]
    TooManyConnections,
    /// What any interface over HTTP may meet.
    #[error(transparent)]
    Common(#[from] CommonProblem),
    /// 503: this gateway cannot judge or sign tokens yet, or cannot reach the others.
    #[error("this node is not ready: try again")]
    Unavailable,
    /// 503: the operator takes no new sessions, for this reason.
    #[error("no new sessions are opened here now{}{}", if .0.is_empty() { "" } else { ": " }, .0)]
    Closed(String),
    /// 503: this gateway goes away.
    #[error("this node is about to stop: try again, another will answer")]
    Draining,
}

impl Problem {
    /// Its HTTP status.
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) | Self::BadBody => StatusCode::BAD_REQUEST,
            Self::NoToken | Self::BadToken | Self::TokenExpired => StatusCode::UNAUTHORIZED,
            Self::Origin | Self::BadProof | Self::ProofExpired | Self::ProofSpent | Self::PassRefused => {
                StatusCode::FORBIDDEN
            }
            Self::Admission => StatusCode::PRECONDITION_REQUIRED,
            Self::NoRoom => StatusCode::NOT_FOUND,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Upgrade => StatusCode::UPGRADE_REQUIRED,
            Self::Rate(_) | Self::TooManyConnections => StatusCode::TOO_MANY_REQUESTS,
            Self::Common(common) => common.status(),
            Self::Unavailable | Self::Draining | Self::Closed(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The word for programs.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "bad-request",
            Self::BadBody => "bad-body",
            Self::NoToken => "no-token",
            Self::BadToken => "bad-token",
            Self::TokenExpired => "token-expired",
            Self::Origin => "origin",
            Self::Admission => "admission",
            Self::BadProof => "bad-proof",
            Self::ProofExpired => "proof-expired",
            Self::ProofSpent => "proof-spent",
            Self::PassRefused => "pass-refused",
            Self::NoRoom => "no-room",
            Self::Timeout => "timeout",
            Self::TooLarge { .. } => "too-large",
            Self::MediaType => "media-type",
            Self::Upgrade => "upgrade-required",
            Self::Rate(_) => "rate",
            Self::TooManyConnections => "connections",
            Self::Common(common) => common.code(),
            Self::Unavailable => "unavailable",
            Self::Draining => "draining",
            Self::Closed(_) => "closed",
        }
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        match self {
            // RFC 6750, section 3: no error attribute where no token was shown.
            Self::NoToken => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::BadToken | Self::TokenExpired => {
                let challenge = HeaderValue::from_static(r#"Bearer error="invalid_token""#);
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
            Self::Upgrade => {
                headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
                headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
                headers.insert(WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            }
            // What is left of a request that is not read any more would be taken for the next one.
            Self::Timeout | Self::TooLarge { .. } => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Self::Rate(exceeded) => rate_headers(&mut headers, exceeded),
            Self::Unavailable | Self::Draining => {
                headers.insert(RETRY_AFTER, SOON.into());
            }
            Self::Closed(_) => {
                headers.insert(RETRY_AFTER, LATER.into());
            }
            _ => {}
        }
        headers
    }
}

fn rate_headers(headers: &mut HeaderMap, exceeded: &Exceeded) {
    let Exceeded { policy, quota, window, retry_after } = exceeded;
    // Rounded up: who comes back after it is let in.
    let seconds = u64::try_from(retry_after.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1);
    let text = |value: String| HeaderValue::from_str(&value).ok();
    headers.insert(RETRY_AFTER, seconds.into());
    headers.extend(
        [
            (RATELIMIT_POLICY, text(format!(r#""{policy}";q={quota};w={}"#, window.as_secs()))),
            (RATELIMIT, text(format!(r#""{policy}";r=0;t={seconds}"#))),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?))),
    );
}

impl From<TokenError> for Problem {
    fn from(refused: TokenError) -> Self {
        match refused {
            TokenError::Invalid => Self::BadToken,
            TokenError::Expired => Self::TokenExpired,
            TokenError::KeysUnknown | TokenError::ClockDoubted => Self::Unavailable,
        }
    }
}

impl From<Exceeded> for Problem {
    fn from(exceeded: Exceeded) -> Self {
        Self::Rate(exceeded)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        respond(self.status(), self.code(), &self, self.headers())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn header(response: &Response, name: &str) -> Option<String> {
        response.headers().get(name).map(|value| value.to_str().unwrap().into())
    }

    #[test]
    fn who_asks_too_often_is_told_the_rate_and_when_to_come_back() {
        let exceeded = Exceeded {
            policy: "session",
            quota: 30,
            window: Duration::from_secs(60),
            retry_after: Duration::from_millis(1200),
        };
        let response = Problem::Rate(exceeded).into_response();
        assert_eq!(header(&response, "retry-after").unwrap(), "2");
        assert_eq!(header(&response, "ratelimit-policy").unwrap(), r#""session";q=30;w=60"#);
        assert_eq!(header(&response, "ratelimit").unwrap(), r#""session";r=0;t=2"#);
        let at_once = Exceeded { retry_after: Duration::ZERO, ..exceeded };
        assert_eq!(header(&Problem::Rate(at_once).into_response(), "retry-after").unwrap(), "1");
    }

    #[test]
    fn a_challenge_tells_a_missing_token_from_a_wrong_one() {
        let challenge = |problem: Problem| header(&problem.into_response(), "www-authenticate");
        assert_eq!(challenge(Problem::NoToken).unwrap(), "Bearer");
        assert_eq!(challenge(Problem::BadToken).unwrap(), r#"Bearer error="invalid_token""#);
        assert_eq!(challenge(Problem::Origin), None);
    }
}
