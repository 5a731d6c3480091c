//! Anonymous sessions.

use std::sync::Arc;

use axum::{Extension, Json, extract::State, http::HeaderMap};
use http::{StatusCode, header::HOST};
use schemas::{
    SessionId, Stamp,
    session::SessionState,
    token::{PassGrant, RoomHistory, TokenClaims},
};
use serde::Serialize;
use session::SessionGrant;
use utoipa::ToSchema;

use super::{
    admission,
    auth::Caller,
    body::{Creation, EmptyObject, Nothing},
    origin,
    responses::{NeedsToken, ReadsBody},
    ws,
};
use crate::{
    node::Node,
    problem::{Problem, ProblemBody},
    rates::ClientPeer,
    token::Issued,
};

/// A session and the token that proves it.
#[derive(Serialize, ToSchema)]
pub(super) struct Session {
    /// All that the server knows of its owner.
    #[schema(value_type = String, format = "uuid")]
    session: SessionId,
    /// Sent as `Authorization: Bearer …`, or as the WebSocket subprotocol `bearer.<token>`.
    #[schema(example = "eyJhbGciOiJFZERTQSIsImtpZCI6I…")]
    token: String,
    /// When the token ends, in seconds since the Unix epoch.
    expires_at: u64,
    /// In how many seconds: what a client goes by, whatever its own clock shows.
    expires_in: u64,
    /// The path of the WebSocket, on the same host.
    #[schema(example = "/v1/ws")]
    ws: &'static str,
}

/// What a session is doing, wherever it is connected.
#[derive(Serialize, ToSchema)]
pub(super) struct Whereabouts {
    /// The session.
    #[schema(value_type = String, format = "uuid")]
    session: SessionId,
    /// Whether it waits or chats.
    state: Doing,
    /// Whether it has an open WebSocket.
    connected: bool,
    /// When the token of this request ends, in seconds since the Unix epoch.
    expires_at: u64,
    /// In how many seconds.
    expires_in: u64,
}

/// What a session is doing.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Doing {
    /// Neither waiting nor in a room.
    Idle,
    /// Waiting for a match.
    Waiting,
    /// In a room.
    Paired,
}

impl From<SessionState> for Doing {
    fn from(state: SessionState) -> Self {
        match state {
            SessionState::Idle => Self::Idle,
            SessionState::Waiting => Self::Waiting,
            SessionState::Paired => Self::Paired,
        }
    }
}

/// Opens an anonymous session.
///
/// The one call that needs no token. It is limited by client address. Pages of other sites may use
/// it only if their origin is allowed.
#[utoipa::path(post, path = "/v1/sessions", tag = "sessions", security(()),
    request_body(content = Creation, content_type = "application/json",
        description = "Nothing, or {}, or the proof of work that was asked for, or a helper's pass with its proof"),
    responses(
        (status = 201, description = "A new session", body = Session),
        ReadsBody,
        (status = 400, body = ProblemBody, content_type = "application/problem+json",
            description = "The body is neither empty nor such an object"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json",
            description = "A page of another site, whose origin is not allowed; or a proof that is \
            wrong, expired or spent; or a pass with which nobody is let in (`pass-refused`)"),
        (status = 428, body = ProblemBody, content_type = "application/problem+json",
            description = "A proof of work is needed: see GET /v1/challenge"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json",
            description = "Too many requests from this address"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json",
            description = "The node is not ready or about to stop, or the operator takes no new sessions"),
    ))]
pub(super) async fn create(
    State(node): State<Arc<Node>>,
    Extension(peer): Extension<ClientPeer>,
    headers: HeaderMap,
    creation: Creation,
) -> Result<(StatusCode, Json<Session>), Problem> {
    let config = node.config();
    origin::check(&headers, &config.allowed_origins)?;
    node.is_open()?;
    let client = node.client(peer.address(), &headers);
    let work = node.work_for(node.network(peer.address(), &headers));
    let puzzle = work.map(|_| admission::check(&node, creation.proof.as_ref()));
    if let Some(Err(Problem::BadProof)) = puzzle {
        // Or it would cost nothing to have signatures checked.
        node.rates().challenge(&client)?;
    }
    let puzzle = puzzle.transpose()?;
    // Every site can open frames without an origin: they take nothing from whoever else comes from
    // their visitors' addresses.
    if origin::is_opaque(&headers) {
        node.rates().opaque_session(&client)?;
    } else {
        node.rates().session(&client)?;
    }
    node.can_create()?;
    let pass = admit_helper(&node, &headers, &creation)?;
    // Last of all: a proof is spent on a session, not on a refusal.
    if puzzle.is_some_and(|puzzle| !node.spend(puzzle)) {
        return Err(Problem::ProofSpent);
    }
    let session = SessionId::from_random(rand::random());
    let start = node.clock().now().as_secs();
    let grant = SessionGrant { session, start, stamp: Stamp::NONE, pass, history: RoomHistory::default() };
    node.metrics().sessions_created.inc();
    Ok((StatusCode::CREATED, Json(issue(&node, grant))))
}

/// What the pass of whoever comes allows, if there is one.
fn admit_helper(node: &Node, headers: &HeaderMap, creation: &Creation) -> Result<Option<PassGrant>, Problem> {
    let (pass, proof) = (creation.pass.as_deref(), creation.pass_proof.as_deref());
    if pass.is_none() && proof.is_none() {
        return Ok(None);
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    // One word for every cause: whoever has found or made a pass learns nothing of it.
    node.admit_helper(pass, proof, host).map(Some).map_err(|_| Problem::PassRefused)
}

/// Tells what the session is doing, wherever it is connected.
#[utoipa::path(get, path = "/v1/sessions/me", tag = "sessions", security(("token" = [])),
    responses(
        (status = 200, description = "What the session is doing", body = Whereabouts),
        NeedsToken,
    ))]
pub(super) async fn show(State(node): State<Arc<Node>>, Caller(claims): Caller) -> Json<Whereabouts> {
    let answer = node.where_is(claims.sub).await;
    Json(Whereabouts {
        session: claims.sub,
        state: answer.state.into(),
        connected: answer.connected,
        expires_at: claims.exp,
        expires_in: claims.exp.saturating_sub(node.clock().now().as_secs()),
    })
}

/// Makes a fresh token for the same session.
///
/// It has the same content as the old one and is valid for as long again, but never for more than a
/// day after the start of the session.
#[utoipa::path(post, path = "/v1/sessions/me/token", tag = "sessions", security(("token" = [])),
    request_body(content = EmptyObject, content_type = "application/json", description = "Nothing, or {}"),
    responses(
        (status = 200, description = "The session with a fresh token", body = Session),
        NeedsToken,
        ReadsBody,
        (status = 400, body = ProblemBody, content_type = "application/problem+json",
            description = "The body is not empty, or there are two tokens"),
    ))]
pub(super) async fn renew(
    State(node): State<Arc<Node>>,
    Caller(claims): Caller,
    _: Nothing,
) -> Json<Session> {
    let TokenClaims { sub: session, start, stamp, .. } = claims;
    let pass = claims.pass.clone();
    let history = node.united_history(claims);
    Json(issue(&node, SessionGrant { session, start, stamp, pass, history }))
}

/// Ends the session: its room, its connection wherever it is, and its token.
#[utoipa::path(delete, path = "/v1/sessions/me", tag = "sessions", security(("token" = [])),
    responses(
        (status = 204, description = "The session is over"),
        NeedsToken,
    ))]
pub(super) async fn delete(State(node): State<Arc<Node>>, Caller(claims): Caller) -> StatusCode {
    node.revoke(claims.sub);
    // Confirmed once the bus has it, so that it holds even if this gateway dies now. A bus that is
    // down is told when it is back.
    let _ = node.bus().flush().await;
    StatusCode::NO_CONTENT
}

impl Node {
    /// Whether the operator takes new sessions at all.
    pub(super) fn is_open(&self) -> Result<(), Problem> {
        match &self.config().orders.now().service.closed {
            Some(reason) => Err(Problem::Closed(reason.clone())),
            None => Ok(()),
        }
    }

    /// Whether sessions may be made here and now.
    pub(super) fn can_create(&self) -> Result<(), Problem> {
        if self.is_draining() {
            return Err(Problem::Draining);
        }
        if self.tokens().is_ready() { Ok(()) } else { Err(Problem::Unavailable) }
    }
}

fn issue(node: &Node, grant: SessionGrant) -> Session {
    let session = grant.session;
    let Issued { token, expires_at, expires_in } = node.tokens().issue_session(grant);
    Session { session, token, expires_at, expires_in, ws: ws::PATH }
}
