//! The REST half of the protocol: sessions without a connection.

mod answers;

use std::{fmt, future::Future, io, pin::pin, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use schemas::{SessionId, limits::SESSION_LIFE};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::time::{Instant, timeout};

pub use self::answers::{MatchingKind, Me, Status};
use crate::{
    dial::dial,
    helper::Helper,
    secret::Secret,
    server::{Server, ServerUrl},
};

/// How long one call to one address may take, connecting included.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Largest answer that is read, in bytes: a token is about 1.5 KiB, a status with every topic some
/// more.
const ANSWER_BYTES: usize = 64 * 1024;

/// An anonymous session: all that a server knows of a person. It needs no connection to exist, and
/// costs the server nothing without one.
#[derive(Clone, Debug)]
pub struct Session {
    pub(crate) server: Server,
    pub(crate) token: Token,
    id: SessionId,
    /// Whose session it is, if a helper's pass has opened it.
    pub(crate) helper: Option<Helper>,
}

/// A token and its end, measured from its arrival with a monotonic clock: what the device's own
/// clock shows may be years off.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) secret: Secret,
    ends: Instant,
}

impl Token {
    /// A token that has just arrived, and is valid for this long.
    pub(crate) fn lasting(secret: Secret, life: Duration) -> Self {
        // No token outlives its session.
        Self { secret, ends: Instant::now() + life.min(SESSION_LIFE) }
    }
}

impl Session {
    pub(crate) fn new(server: Server, token: Token, id: SessionId, helper: Option<Helper>) -> Self {
        Self { server, token, id, helper }
    }

    /// Who this is.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// How long the token is still valid if nobody renews it. A connection renews its own token.
    /// An estimate: only the server, with status 401, declares one dead.
    pub fn expires_in(&self) -> Duration {
        self.token.ends.saturating_duration_since(Instant::now())
    }

    /// The same session, with a token that came over a connection.
    pub(crate) fn with_token(&self, token: Token) -> Self {
        Self { token, ..self.clone() }
    }

    /// What the session is doing, wherever it is connected (`GET /v1/sessions/me`).
    ///
    /// # Errors
    /// As for every call here: no answer, or a refusal, which has status 401 if the token has
    /// expired.
    pub async fn me(&self) -> Result<Me, RestError> {
        json(&self.server, Method::GET, "/v1/sessions/me", Some(&self.token.secret), None).await
    }

    /// Requests a fresh token (`POST /v1/sessions/me/token`).
    ///
    /// # Errors
    /// As [`Session::me`].
    pub async fn renew(&mut self) -> Result<(), RestError> {
        let path = "/v1/sessions/me/token";
        let renewed: Renewed = json(&self.server, Method::POST, path, Some(&self.token.secret), None).await?;
        self.token = Token::lasting(renewed.token, Duration::from_secs(renewed.expires_in));
        Ok(())
    }

    /// Who is there, and what the operator offers (`GET /v1/status`).
    ///
    /// # Errors
    /// As [`Session::me`].
    pub async fn status(&self) -> Result<Status, RestError> {
        json(&self.server, Method::GET, "/v1/status", Some(&self.token.secret), None).await
    }

    /// The operator's list of revoked passes, as it is signed (`GET /v1/passes/revoked`).
    ///
    /// # Errors
    /// As [`Session::me`]; status 404 if there is none.
    pub async fn revoked_passes(&self) -> Result<String, RestError> {
        let list = call(&self.server, Method::GET, "/v1/passes/revoked", None, None).await?;
        String::from_utf8(list.into()).map(|list| list.trim().to_owned()).map_err(|_| RestError::Unexpected)
    }

    /// Ends the chat that the session is in, and keeps the session (`DELETE /v1/rooms/current`).
    ///
    /// # Errors
    /// As [`Session::me`].
    pub async fn leave(&self) -> Result<(), RestError> {
        call(&self.server, Method::DELETE, "/v1/rooms/current", Some(&self.token.secret), None)
            .await
            .map(drop)
    }

    /// Ends the session: its chat, its connection wherever it is, and its token (`DELETE
    /// /v1/sessions/me`).
    ///
    /// # Errors
    /// As [`Session::me`].
    pub async fn delete(self) -> Result<(), RestError> {
        call(&self.server, Method::DELETE, "/v1/sessions/me", Some(&self.token.secret), None).await.map(drop)
    }
}

#[derive(Deserialize)]
struct Renewed {
    token: Secret,
    expires_in: u64,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum RestError {
    /// No address could be connected to; the fault is that of the last one.
    #[error("cannot reach {url}")]
    Unreachable {
        /// The address tried last.
        url: ServerUrl,
        /// What happened.
        source: io::Error,
    },
    /// At no address was there a complete answer; the fault is that of the last one.
    #[error("the connection broke during the call")]
    Broken(#[from] hyper::Error),
    /// No answer in 10 s.
    #[error("no answer in {} s", CALL_TIMEOUT.as_secs())]
    TimedOut,
    /// The server refused.
    #[error("{0}")]
    Problem(Problem),
    /// The answer is not one of this protocol: probably not a cipher-chat server.
    #[error("the answer is not one of a cipher-chat server")]
    Unexpected,
}

/// A refusal, as the server describes it (RFC 9457).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// The HTTP status.
    #[serde(skip)]
    pub status: u16,
    /// What kind of problem it is: a URI reference, `about:blank` if the status says it all.
    pub r#type: Option<String>,
    /// What kind of problem it is, for programs: a word of the table in docs/protocol.md.
    pub code: Option<String>,
    /// One line for people.
    pub title: Option<String>,
    /// More for people.
    pub detail: Option<String>,
    /// When to try again, from `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
        let title = self.title.as_deref().or(status).unwrap_or("refused");
        write!(f, "{title} ({})", self.status)?;
        self.detail.iter().try_for_each(|detail| write!(f, ": {detail}"))?;
        self.retry_after.iter().try_for_each(|wait| write!(f, "; try again in {} s", wait.as_secs()))
    }
}

/// What a server has answered to a request for anything that it has.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it was sent; `None` if it is longer than was asked for.
    pub body: Option<Bytes>,
}

/// Requests something that is no call of the protocol, such as a file of the page, without a token and
/// without following a redirect. It reads so many bytes at most.
///
/// # Errors
/// If there is no whole answer.
pub async fn fetch(server: &Server, path: &str, most: usize) -> Result<Fetched, RestError> {
    let mut fault = RestError::TimedOut;
    for url in server.urls() {
        let request = Request::get(url.path(path))
            .header(header::HOST, url.authority())
            .header(header::ACCEPT, "*/*")
            .header(header::CONNECTION, "close")
            .body(Full::default())
            .map_err(|_| RestError::Unexpected)?;
        let read = async |response| read_any(response, most).await;
        match timeout(CALL_TIMEOUT, exchanged(server, url, request, read)).await {
            Ok(Ok(fetched)) => return Ok(fetched),
            Ok(Err(broken)) => fault = broken,
            Err(_) => fault = RestError::TimedOut,
        }
    }
    Err(fault)
}

async fn read_any(response: http::Response<Incoming>, most: usize) -> Result<Fetched, RestError> {
    let (head, body) = response.into_parts();
    let body = match Limited::new(body, most).collect().await {
        Ok(body) => Some(body.to_bytes()),
        Err(fault) => match fault.downcast::<hyper::Error>() {
            Ok(broken) => return Err(RestError::Broken(*broken)),
            Err(_) => None,
        },
    };
    Ok(Fetched { status: head.status, headers: head.headers, body })
}

pub(crate) async fn json<T: DeserializeOwned>(
    server: &Server,
    method: Method,
    path: &str,
    token: Option<&Secret>,
    body: Option<Bytes>,
) -> Result<T, RestError> {
    let body = call(server, method, path, token, body).await?;
    serde_json::from_slice(&body).map_err(|_| RestError::Unexpected)
}

/// One call, to the first address that answers. One that broke in the middle is made again at the
/// next: it may have been carried out, and none does harm when it is carried out twice.
pub(crate) async fn call(
    server: &Server,
    method: Method,
    path: &str,
    token: Option<&Secret>,
    body: Option<Bytes>,
) -> Result<Bytes, RestError> {
    call_with(server, method, path, token, |_| body.clone()).await
}

/// As [`call`], with a body that depends on the address.
pub(crate) async fn call_with(
    server: &Server,
    method: Method,
    path: &str,
    token: Option<&Secret>,
    body: impl Fn(&ServerUrl) -> Option<Bytes>,
) -> Result<Bytes, RestError> {
    let mut fault = RestError::TimedOut;
    for url in server.shuffled().urls() {
        let request = request(url, &method, path, token, body(url))?;
        match timeout(CALL_TIMEOUT, call_one(server, url, request)).await {
            Ok(Err(silent @ (RestError::Unreachable { .. } | RestError::Broken(_)))) => fault = silent,
            Ok(answered) => return answered,
            Err(_) => fault = RestError::TimedOut,
        }
    }
    Err(fault)
}

fn request(
    url: &ServerUrl,
    method: &Method,
    path: &str,
    token: Option<&Secret>,
    body: Option<Bytes>,
) -> Result<Request<Full<Bytes>>, RestError> {
    let mut request = Request::builder()
        .method(method)
        .uri(url.path(path))
        .header(header::HOST, url.authority())
        .header(header::ACCEPT, "application/json, application/problem+json")
        .header(header::CONNECTION, "close");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, bearer(token).ok_or(RestError::Unexpected)?);
    }
    if body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    request.body(Full::new(body.unwrap_or_default())).map_err(|_| RestError::Unexpected)
}

/// The `Authorization` header; `None` for a token that cannot be one. Not shown by `Debug`.
pub(crate) fn bearer(token: &Secret) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

async fn call_one(
    server: &Server,
    url: &ServerUrl,
    request: Request<Full<Bytes>>,
) -> Result<Bytes, RestError> {
    exchanged(server, url, request, read).await
}

/// Sends a request over a connection of its own, and reads the answer.
async fn exchanged<T>(
    server: &Server,
    url: &ServerUrl,
    request: Request<Full<Bytes>>,
    read: impl AsyncFnOnce(http::Response<Incoming>) -> Result<T, RestError>,
) -> Result<T, RestError> {
    let unreachable = |source| RestError::Unreachable { url: url.clone(), source };
    let stream = dial(server, url).await.map_err(unreachable)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let exchange = async {
        let response = sender.send_request(request).await?;
        read(response).await
    };
    driven_by(connection, exchange).await
}

/// Runs `exchange` while `connection` moves its bytes: hyper's client needs somebody to poll it.
async fn driven_by<T>(connection: impl Future, exchange: impl Future<Output = T>) -> T {
    let (mut connection, mut exchange) = (pin!(connection), pin!(exchange));
    let mut open = true;
    loop {
        tokio::select! {
            outcome = &mut exchange => return outcome,
            // How it ended, the exchange hears for itself.
            _ = &mut connection, if open => open = false,
        }
    }
}

async fn read(response: http::Response<Incoming>) -> Result<Bytes, RestError> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, ANSWER_BYTES).collect().await;
    let body = body.map_err(|fault| match fault.downcast::<hyper::Error>() {
        Ok(broken) => RestError::Broken(*broken),
        Err(_) => RestError::Unexpected,
    })?;
    let body = body.to_bytes();
    if head.status.is_success() {
        return Ok(body);
    }
    let problem: Problem = serde_json::from_slice(&body).unwrap_or_default();
    let retry_after = retry_after(&head.headers);
    Err(RestError::Problem(Problem { status: head.status.as_u16(), retry_after, ..problem }))
}

/// `Retry-After` in its form with seconds (RFC 9110, section 10.2.3); our servers send no other.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}
