//! The upgrade to a WebSocket (RFC 6455, section 4.2). After it the stream leaves HTTP for good.

use aws_lc_rs::digest;
use axum::{Extension, body::Body, extract::State, response::Response};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Version,
    header::{
        CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
        UPGRADE,
    },
};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use schemas::{SessionId, limits::SUBPROTOCOL, token::TokenClaims};
use serving::{HttpStream, problem::CommonProblem};
use tokio::time::timeout;

use super::{auth, origin, state::AppState};
use crate::{
    address::Address,
    node::Node,
    origin_keys::ClientNetwork,
    problem::{Problem, ProblemBody},
    rates::{ClientPeer, ConnectionGuard},
    ws,
};

/// Where the WebSocket is.
pub(super) const PATH: &str = "/v1/ws";

/// A browser cannot set headers; it sends its token as a subprotocol that begins so.
const BEARER: &str = "bearer.";

/// RFC 6455, section 1.3.
const ACCEPT_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Opens the WebSocket of a session.
///
/// The subprotocol is `cipher-chat.v1`. The token is sent as `Authorization: Bearer …`, or by a
/// browser as a second subprotocol, `bearer.<token>`. `asyncapi.yaml` describes the messages.
#[utoipa::path(get, path = "/v1/ws", tag = "websocket", security(("token" = [])),
    responses(
        (status = 101, description = "The WebSocket is open"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json",
            description = "Not an opening handshake as in RFC 6455, or without the subprotocol"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json",
            description = "There is no token, or it is not valid"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json",
            description = "A page of another site, whose origin is not allowed"),
        (status = 426, body = ProblemBody, content_type = "application/problem+json",
            description = "Not an upgrade, or of another version of WebSocket"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json",
            description = "Too many requests, or too many connections from this address"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json",
            description = "The node is not ready, or is about to stop"),
    ))]
pub(super) async fn upgrade(
    State(state): State<AppState>,
    Extension(peer): Extension<ClientPeer>,
    mut request: Request<Body>,
) -> Result<Response, Problem> {
    let on_upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let headers = request.headers();
    origin::check(headers, &state.node.config().allowed_origins)?;
    if state.node.is_draining() {
        return Err(Problem::Draining);
    }
    // Who asks comes first, as everywhere: a stranger is told nothing of what is here.
    let address = state.node.client(peer.address(), headers);
    let claims = authenticate(&state.node, &address, headers)?;
    let accept = accept_key(&request)?;
    let network = state.node.network(peer.address(), headers);
    let guard = admit(&state.node, &peer, &address, claims.sub)?;
    let on_upgrade = on_upgrade.ok_or(Problem::Upgrade)?;
    let tasks = state.tasks.clone();
    tasks.spawn(Box::pin(open(state, on_upgrade, claims, network, guard)));
    Ok(switching(accept))
}

/// Who comes. Attempts without a valid token count against the address.
fn authenticate(node: &Node, address: &Address, headers: &HeaderMap) -> Result<TokenClaims, Problem> {
    let offered = offered_token(headers)?;
    let token = auth::bearer(headers)?.or(offered);
    match token.ok_or(Problem::NoToken).and_then(|token| auth::verify(node, token)) {
        // That it cannot be judged is our fault, not the client's.
        judged @ (Ok(_) | Err(Problem::Unavailable)) => judged,
        Err(refused) => {
            node.rates().connect(address)?;
            Err(refused)
        }
    }
}

/// The guard of the socket. Attempts with a valid token count against the session.
fn admit(
    node: &Node,
    peer: &ClientPeer,
    address: &Address,
    session: SessionId,
) -> Result<ConnectionGuard, Problem> {
    node.rates().attach(session)?;
    // It counts among all connections already, and that of a direct client for its address, too.
    let guard = peer.take_guard().map_or_else(|| node.rates().connection(None), Ok);
    let mut guard = guard.map_err(|_| Problem::Unavailable)?;
    guard.count_for(address).map_err(|_| Problem::TooManyConnections)?;
    Ok(guard)
}

/// The answer to the client's key, if this is an opening handshake.
fn accept_key(request: &Request<Body>) -> Result<HeaderValue, Problem> {
    let headers = request.headers();
    let is_upgrade = request.version() == Version::HTTP_11
        && has_token(headers, &CONNECTION, "upgrade")
        && has_token(headers, &UPGRADE, "websocket");
    let version = headers.get_all(SEC_WEBSOCKET_VERSION).iter().map(HeaderValue::as_bytes);
    if !is_upgrade || !version.eq([b"13"]) {
        return Err(Problem::Upgrade);
    }
    if !tokens(headers, &SEC_WEBSOCKET_PROTOCOL).any(|offer| offer == SUBPROTOCOL) {
        return Err(Problem::BadRequest("the subprotocol cipher-chat.v1 must be offered"));
    }
    let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
    match (keys.next(), keys.next()) {
        (Some(key), None) if STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16) => accept(key),
        _ => Err(Problem::BadRequest("Sec-WebSocket-Key must be 16 bytes in base64, once")),
    }
}

fn accept(key: &HeaderValue) -> Result<HeaderValue, Problem> {
    // SHA-1 is what RFC 6455 asks for, to tell a WebSocket server from a cache; nothing rests on
    // its strength.
    let mut sha1 = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    sha1.update(key.as_bytes());
    sha1.update(ACCEPT_SUFFIX);
    HeaderValue::try_from(STANDARD.encode(sha1.finish())).map_err(|_| CommonProblem::Internal.into())
}

/// The token that a browser offers beside our subprotocol.
fn offered_token(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut offers = tokens(headers, &SEC_WEBSOCKET_PROTOCOL).filter_map(|offer| offer.strip_prefix(BEARER));
    match (offers.next(), offers.next()) {
        (token, None) => Ok(token),
        _ => Err(Problem::BadRequest("more than one bearer token is offered")),
    }
}

/// The elements of a list header (RFC 9110, section 5.6.1), all its lines together.
fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(|token| token.trim_matches([' ', '\t']))
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|found| found.eq_ignore_ascii_case(token))
}

fn switching(accept: HeaderValue) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    response
}

/// Takes the stream out of hyper, whose buffers are freed, and hands it on to a task of its own:
/// this one's 264 bytes would otherwise stay for as long as the connection.
async fn open(
    state: AppState,
    on_upgrade: OnUpgrade,
    claims: TokenClaims,
    network: ClientNetwork,
    guard: ConnectionGuard,
) {
    let AppState { node, tasks } = state;
    let Ok(Ok(upgraded)) = timeout(node.config().upgrade_wait, on_upgrade).await else { return };
    // Every listener of ours serves this kind of stream.
    let Ok(parts) = upgraded.downcast::<TokioIo<HttpStream>>() else { return };
    let (stream, behind) = parts.io.into_inner().into_parts();
    let early = [&parts.read_buf[..], &behind].concat().into();
    tasks.spawn(ws::serve(node, stream, early, claims, network, guard));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_key_is_that_of_rfc_6455() {
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept(&key).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
