//! What each call answers, and each failure exactly.

use std::{net::IpAddr, sync::Arc};

use axum::body::{Body, to_bytes};
use bus::{Clock, Local};
use http::{Request, Response, StatusCode};
use schemas::{BootId, SessionId, Stamp, token::RoomHistory};
use serde_json::{Value, json};
use session::SessionGrant;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

mod admission;
mod ops;
mod ordered;
mod sockets;
mod upgrade;
mod whole;

use super::*;
use crate::{
    about::{ExitUrl, Shown},
    config::{Config, OfferedTopic},
    metrics::Metrics,
    node::Node,
    rates::ClientPeer,
};

const CLIENT: [u8; 4] = [203, 0, 113, 9];
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

struct Gateway {
    state: AppState,
}

impl Gateway {
    fn new(change: impl FnOnce(&mut Config)) -> Self {
        let gateway = Self::starting(change);
        gateway.state.node.tokens().first_key_announced();
        gateway.state.node.set_synced();
        gateway
    }

    /// Nothing is announced, and nobody else's keys are known.
    fn starting(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new("n1".parse().unwrap(), BootId(1));
        change(&mut config);
        let bus = Local::new().join(config.node.clone());
        let node = Arc::new(Node::new(config, bus, Clock::start(), Metrics::default()));
        Self { state: AppState { node, tasks: TaskTracker::new() } }
    }

    async fn send_from(&self, peer: impl Into<IpAddr>, request: Request<Body>) -> Response<Body> {
        let mut request = request;
        request.extensions_mut().insert(ClientPeer::plain(peer.into()));
        router(self.state.clone()).oneshot(request).await.unwrap()
    }

    async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.send_from(CLIENT, request).await
    }

    fn token(&self) -> String {
        self.token_of(SessionId::from_random(rand::random()))
    }

    fn token_of(&self, session: SessionId) -> String {
        let start = self.state.node.clock().now().as_secs();
        let grant =
            SessionGrant { session, start, stamp: Stamp(7), pass: None, history: RoomHistory::default() };
        self.state.node.tokens().issue_session(grant).token
    }
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).header("host", "chat.example");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

/// A good upgrade, changed: an empty value removes a header.
fn upgrade(changes: &[(&str, &str)]) -> Request<Body> {
    let mut request = request(
        "GET",
        "/v1/ws",
        &[
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", KEY),
            ("sec-websocket-protocol", "cipher-chat.v1"),
        ],
        "",
    );
    for (name, value) in changes {
        let name: http::HeaderName = name.parse().unwrap();
        request.headers_mut().remove(&name);
        if !value.is_empty() {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
    }
    request
}

async fn body(response: Response<Body>) -> Value {
    let bytes = to_bytes(response.into_body(), 64 * 1024).await.unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// That it failed as it should, and as a whole problem.
#[track_caller]
fn expect_problem(response: Response<Body>, status: u16, code: &str) -> impl Future<Output = Response<()>> {
    let (parts, content) = response.into_parts();
    assert_eq!(
        (parts.status.as_u16(), parts.headers.get("content-type")),
        (status, Some(&"application/problem+json".parse().unwrap())),
        "{code}"
    );
    let code = code.to_owned();
    async move {
        let problem = body(Response::new(content)).await;
        assert_eq!((&problem["code"], &problem["status"]), (&json!(code), &json!(status)), "{problem}");
        assert_eq!(problem["type"], "about:blank");
        assert_eq!(problem["title"], StatusCode::from_u16(status).unwrap().canonical_reason().unwrap());
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
        Response::from_parts(parts, ())
    }
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test]
async fn a_session_is_a_random_id_and_a_token() {
    let gateway = Gateway::new(|_| ());
    for sent in [("", ""), ("application/json", "{}"), ("Application/JSON; charset=utf-8", " { } ")] {
        let response =
            gateway.send(request("POST", "/v1/sessions", &[("content-type", sent.0)], sent.1)).await;
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["cache-control"], "no-store");
        let session = body(response).await;
        let claims = gateway.state.node.tokens().verify_session(session["token"].as_str().unwrap()).unwrap();
        assert_eq!(session["session"], claims.sub.text());
        assert_eq!(session["expires_at"], claims.exp);
        assert_eq!(session["expires_in"], 600, "what a client with a wrong clock goes by");
        assert_eq!(session["ws"], "/v1/ws");
        assert_eq!((claims.stamp, claims.exp - claims.iat), (Stamp::NONE, 600));
    }
}

#[tokio::test]
async fn a_body_that_says_something_is_refused() {
    let gateway = Gateway::new(|_| ());
    let long = "x".repeat(BODY_BYTES + 1);
    for (kind, content, status, code) in [
        ("application/json", "{\"name\":1}", 400, "bad-body"),
        ("application/json", "[]", 400, "bad-body"),
        ("application/json", "{", 400, "bad-body"),
        ("application/json", "null", 400, "bad-body"),
        ("text/plain", "{}", 415, "media-type"),
        ("application/json+x", "{}", 415, "media-type"),
        ("", "x", 415, "media-type"),
        ("application/json", &long, 413, "too-large"),
    ] {
        let sent = request("POST", "/v1/sessions", &[("content-type", kind)], content);
        expect_problem(gateway.send(sent).await, status, code).await;
        let authorization = bearer(&gateway.token());
        let headers = [("content-type", kind), ("authorization", authorization.as_str())];
        let sent = request("POST", "/v1/sessions/me/token", &headers, content);
        expect_problem(gateway.send(sent).await, status, code).await;
    }
}

#[tokio::test]
async fn a_page_of_another_host_opens_no_session_unless_it_is_allowed() {
    let gateway = Gateway::new(|c| c.allowed_origins = vec!["https://friend.example".into()]);
    let status = async |origin: &str| {
        let response = gateway.send(request("POST", "/v1/sessions", &[("origin", origin)], "")).await;
        response.status().as_u16()
    };
    assert_eq!(status("https://chat.example").await, 201);
    assert_eq!(status("https://friend.example").await, 201);
    assert_eq!(status("null").await, 403);
    let stranger = request("POST", "/v1/sessions", &[("origin", "https://evil.example")], "");
    let refused = expect_problem(gateway.send(stranger).await, 403, "origin").await;
    assert!(!refused.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn an_address_opens_so_many_sessions_and_no_more_however_it_is_forwarded() {
    let gateway = Gateway::new(|c| {
        c.rates.session = 1;
        c.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    });
    let open = async |peer: [u8; 4], forwarded: &str| {
        let headers = [("x-forwarded-for", forwarded)];
        gateway.send_from(peer, request("POST", "/v1/sessions", &headers, "")).await
    };
    for n in 0..4 {
        assert_eq!(open(CLIENT, &format!("198.51.100.{n}")).await.status(), 201);
    }
    let refused = expect_problem(open(CLIENT, "198.51.100.77").await, 429, "rate").await;
    assert_eq!(refused.headers()["ratelimit-policy"], r#""session";q=1;w=60"#);
    let wait: u32 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(refused.headers()["ratelimit"], format!(r#""session";r=0;t={wait}"#).as_str());
    let through_proxy = format!("6.6.6.6, {}", IpAddr::from(CLIENT));
    assert_eq!(open([10, 0, 0, 1], &through_proxy).await.status(), 429, "the same client through the proxy");
    assert_eq!(open([10, 0, 0, 1], "198.51.100.1").await.status(), 201, "another");
}

#[tokio::test]
async fn a_gateway_that_starts_or_goes_away_opens_no_session() {
    let starting = Gateway::starting(|_| ());
    let refused = starting.send(request("POST", "/v1/sessions", &[], "")).await;
    let refused = expect_problem(refused, 503, "unavailable").await;
    assert_eq!(refused.headers()["retry-after"], "1");
    let draining = Gateway::new(|_| ());
    draining.state.node.start_draining();
    expect_problem(draining.send(request("POST", "/v1/sessions", &[], "")).await, 503, "draining").await;
    let response = draining.send(upgrade(&[("authorization", &bearer(&draining.token()))])).await;
    expect_problem(response, 503, "draining").await;
}

const AUTHENTICATED: [(&str, &str); 5] = [
    ("GET", "/v1/sessions/me"),
    ("POST", "/v1/sessions/me/token"),
    ("DELETE", "/v1/sessions/me"),
    ("DELETE", "/v1/rooms/current"),
    ("GET", "/v1/ws"),
];

fn with_token(method: &str, path: &str, authorization: Option<&str>) -> Request<Body> {
    let headers: Vec<_> = authorization.map(|value| ("authorization", value)).into_iter().collect();
    if path == "/v1/ws" { upgrade(&headers) } else { request(method, path, &headers, "") }
}

#[tokio::test]
async fn nothing_else_is_done_for_whom_is_not_known() {
    let gateway = Gateway::new(|_| ());
    let stranger = Gateway::new(|_| ()).token();
    let (revoked, own) = (SessionId::from_random([1; 16]), gateway.token());
    gateway.state.node.revoke(revoked);
    let dead = bearer(&gateway.token_of(revoked));
    for (method, path) in AUTHENTICATED {
        for (authorization, code, challenge) in [
            (None, "no-token", "Bearer"),
            (Some("Basic dTpw".to_owned()), "no-token", "Bearer"),
            (Some("Bearer".to_owned()), "no-token", "Bearer"),
            (Some("Bearer x.y.z".to_owned()), "bad-token", r#"Bearer error="invalid_token""#),
            (Some(bearer(&stranger)), "bad-token", r#"Bearer error="invalid_token""#),
            (Some(dead.clone()), "bad-token", r#"Bearer error="invalid_token""#),
        ] {
            let response = gateway.send(with_token(method, path, authorization.as_deref())).await;
            let refused = expect_problem(response, 401, code).await;
            assert_eq!(refused.headers()["www-authenticate"], challenge, "{method} {path}");
        }
        let in_url = request(method, &format!("{path}?token={own}&access_token={own}"), &[], "");
        if path != "/v1/ws" {
            expect_problem(gateway.send(in_url).await, 401, "no-token").await;
        }
        let mut twice = with_token(method, path, Some(&bearer(&own)));
        twice.headers_mut().append("authorization", bearer(&own).parse().unwrap());
        expect_problem(gateway.send(twice).await, 400, "bad-request").await;
    }
}

#[tokio::test]
async fn a_gateway_that_does_not_know_all_keys_judges_no_token() {
    let gateway = Gateway::starting(|_| ());
    let authorization = bearer(&Gateway::new(|_| ()).token());
    for (method, path) in AUTHENTICATED {
        let refused = gateway.send(with_token(method, path, Some(&authorization))).await;
        let refused = expect_problem(refused, 503, "unavailable").await;
        assert_eq!(refused.headers()["retry-after"], "1");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_learns_what_it_is_doing() {
    let gateway = Gateway::new(|_| ());
    let session = SessionId::from_random([5; 16]);
    let token = gateway.token_of(session);
    let response =
        gateway.send(request("GET", "/v1/sessions/me", &[("authorization", &bearer(&token))], "")).await;
    assert_eq!(response.status(), 200);
    let exp = gateway.state.node.tokens().verify_session(&token).unwrap().exp;
    let mut told = body(response).await;
    let remaining = told["expires_in"].take().as_u64().unwrap();
    assert!((590..=600).contains(&remaining), "{remaining}");
    let expected = json!({
        "session": session.text(), "state": "idle", "connected": false, "expires_at": exp, "expires_in": null,
    });
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_renewed_token_says_what_the_first_one_said() {
    let gateway = Gateway::new(|_| ());
    let mut history = RoomHistory::default();
    history.reported(schemas::RoomId::from_bytes([1; 16]));
    let start = gateway.state.node.clock().now().as_secs() - 3000;
    let session = SessionId::from_random([5; 16]);
    let grant = SessionGrant { session, start, stamp: Stamp(9), pass: None, history };
    let token = gateway.state.node.tokens().issue_session(grant).token;
    let response = gateway
        .send(request("POST", "/v1/sessions/me/token", &[("authorization", &bearer(&token))], ""))
        .await;
    assert_eq!(response.status(), 200);
    let renewed = body(response).await;
    let verify = |token: &str| gateway.state.node.tokens().verify_session(token).unwrap();
    let (first, second) = (verify(&token), verify(renewed["token"].as_str().unwrap()));
    assert_eq!((first.sub, first.start, first.stamp), (second.sub, second.start, second.stamp));
    assert_eq!(first.history, second.history);
    assert_ne!(first.jti, second.jti);
}

#[tokio::test]
async fn a_deleted_session_is_dead_at_once() {
    let gateway = Gateway::new(|_| ());
    let authorization = bearer(&gateway.token());
    let delete = || request("DELETE", "/v1/sessions/me", &[("authorization", &authorization)], "");
    let response = gateway.send(delete()).await;
    assert_eq!(response.status(), 204);
    assert!(to_bytes(response.into_body(), 1).await.unwrap().is_empty());
    expect_problem(gateway.send(delete()).await, 401, "bad-token").await;
}

#[tokio::test(start_paused = true)]
async fn who_is_in_no_room_can_leave_none() {
    let gateway = Gateway::new(|_| ());
    let authorization = bearer(&gateway.token());
    let leave = request("DELETE", "/v1/rooms/current", &[("authorization", &authorization)], "");
    expect_problem(gateway.send(leave).await, 404, "no-room").await;
}

#[tokio::test]
async fn the_status_tells_what_is_offered() {
    let gateway = Gateway::new(|c| {
        let topic = |text: &str| OfferedTopic { shown: text.into(), topic: text.parse().unwrap() };
        c.topics = Some(vec![topic("Music"), topic("음악")]);
        c.matching.invite = false;
        c.about.name = Some(Shown::parse("Anna's Help Line").unwrap());
        c.about.welcome = Some(Shown::parse("We answer from 6 to 10.\nWelcome!").unwrap());
        c.about.consent = Some(Shown::parse("I am 16 or older.").unwrap());
        c.about.exit_url = Some(ExitUrl::parse("https://weather.example/").unwrap());
    });
    let status = request("GET", "/v1/status", &[], "");
    let expected = json!({"waiting": 0, "chatting": 0, "topics": ["Music", "음악"], "matching": ["random"],
        "operator": {"name": "Anna's Help Line"}, "welcome": "We answer from 6 to 10.\nWelcome!",
        "consent": "I am 16 or older.", "exit_url": "https://weather.example/", "helpers": "anyone"});
    assert_eq!(body(gateway.send(status).await).await, expected);
    let open = Gateway::new(|_| ());
    let status = request("GET", "/v1/status", &[], "");
    let expected =
        json!({"waiting": 0, "chatting": 0, "matching": ["random", "invite"], "helpers": "anyone"});
    assert_eq!(body(open.send(status).await).await, expected);
}

#[tokio::test]
async fn a_session_calls_so_often_and_no_more() {
    let gateway = Gateway::new(|_| ());
    let session = SessionId::from_random([5; 16]);
    let authorization = bearer(&gateway.token_of(session));
    let call = || request("GET", "/v1/sessions/me", &[("authorization", &authorization)], "");
    assert_eq!(gateway.send(call()).await.status(), 200);
    while gateway.state.node.rates().request(session).is_ok() {}
    let refused = expect_problem(gateway.send(call()).await, 429, "rate").await;
    assert_eq!(refused.headers()["ratelimit-policy"], r#""request";q=60;w=60"#);
    let other = bearer(&gateway.token());
    let response = gateway.send(request("GET", "/v1/sessions/me", &[("authorization", &other)], "")).await;
    assert_eq!(response.status(), 200, "another session");
}
