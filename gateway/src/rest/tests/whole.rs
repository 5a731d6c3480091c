//! What holds for the interface as a whole.

use super::*;
use crate::config::Hsts;

#[tokio::test]
async fn what_is_not_here_is_a_problem_too() {
    let gateway = Gateway::new(|_| ());
    for path in ["/v1", "/v1/", "/v1/sessions/", "/v2/sessions", "/metrics", "/healthz", "/nothing", "//"] {
        expect_problem(gateway.send(request("GET", path, &[], "")).await, 404, "not-found").await;
    }
    for (method, path, allow) in [
        ("GET", "/v1/sessions", "POST"),
        ("PUT", "/v1/sessions/me", "GET,HEAD,DELETE"),
        ("POST", "/v1/status", "GET,HEAD"),
        ("POST", "/", "GET,HEAD"),
        ("OPTIONS", "/v1/sessions", "POST"),
    ] {
        let refused =
            expect_problem(gateway.send(request(method, path, &[], "")).await, 405, "method-not-allowed")
                .await;
        let mut allowed: Vec<_> = refused.headers()["allow"].to_str().unwrap().split(',').collect();
        let mut expected: Vec<_> = allow.split(',').collect();
        allowed.sort_unstable();
        expected.sort_unstable();
        assert_eq!(allowed, expected, "{method} {path}");
    }
}

#[tokio::test]
async fn the_description_and_the_page_are_for_everybody() {
    let gateway = Gateway::new(|_| ());
    let response = gateway.send(request("GET", "/v1/openapi.json", &[], "")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(body(response).await["openapi"], "3.1.0");
    assert_eq!(gateway.send(request("GET", "/", &[], "")).await.status(), 200);
}

#[tokio::test]
async fn every_answer_lets_a_browser_do_as_little_as_possible() {
    let gateway = Gateway::new(|_| ());
    let authorization = bearer(&gateway.token());
    for (method, path, headers) in [
        ("GET", "/nothing", &[][..]),
        ("PUT", "/v1/status", &[]),
        ("GET", "/v1/status", &[]),
        ("GET", "/v1/status", &[("authorization", authorization.as_str())]),
        ("POST", "/v1/sessions", &[]),
        ("POST", "/v1/sessions", &[("origin", "https://evil.example")]),
        ("GET", "/v1/ws", &[]),
        ("GET", "/v1/openapi.json", &[]),
        ("GET", "/", &[]),
    ] {
        let response = gateway.send(request(method, path, headers, "")).await;
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!(header("x-content-type-options"), Some("nosniff"), "{method} {path}");
        assert_eq!(header("referrer-policy"), Some("no-referrer"), "{method} {path}");
        assert_eq!(header("x-frame-options"), Some("DENY"), "{method} {path}");
        let policy = header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(header("cache-control").is_some(), "{method} {path}");
        assert_eq!(header("strict-transport-security"), None, "not over plain HTTP");
    }
}

#[tokio::test]
async fn browsers_are_told_of_tls_as_the_operator_says() {
    for (hsts, told) in [
        (Hsts::Off, None),
        (Hsts::Host, Some("max-age=63072000")),
        (Hsts::Subdomains, Some("max-age=63072000; includeSubDomains")),
    ] {
        let gateway = Gateway::new(|config| config.hsts = hsts);
        for path in ["/", "/v1/status", "/nothing"] {
            let mut sent = request("GET", path, &[], "");
            sent.extensions_mut().insert(ClientPeer::encrypted(CLIENT.into()));
            let response = router(gateway.state.clone()).oneshot(sent).await.unwrap();
            let header = response.headers().get("strict-transport-security");
            assert_eq!(header.map(|value| value.to_str().unwrap()), told, "{path}");
        }
    }
}

#[tokio::test]
async fn who_is_refused_is_counted_by_cause() {
    let gateway = Gateway::new(|_| ());
    let mut registry = prometheus_client::registry::Registry::default();
    gateway.state.node.metrics().register(&mut registry);
    let count = |cause: &str| {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let series = format!("gateway_http_refusals_total{{cause=\"{cause}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&series).map(str::to_owned));
        line.unwrap_or_else(|| panic!("no series of {cause}")).parse::<u64>().unwrap()
    };
    for cause in ["tls", "full", "stranger", "timeout", "head-too-large", "unread", "token-expired"] {
        assert_eq!(count(cause), 0, "it is there from the start");
    }
    gateway.send(request("GET", "/v1/sessions/me", &[], "")).await;
    gateway.send(request("GET", "/v1/sessions/me", &[("authorization", "Bearer x")], "")).await;
    gateway.send(request("POST", "/v1/sessions", &[("origin", "https://evil.example")], "")).await;
    gateway.send(request("GET", "/nothing", &[], "")).await;
    assert_eq!([count("no-token"), count("bad-token"), count("origin")], [1, 1, 1]);
    while gateway.send(request("POST", "/v1/sessions", &[], "")).await.status() == 201 {}
    assert_eq!(count("rate"), 1);
}

#[tokio::test]
async fn named_origins_may_read_what_they_asked_for() {
    let gateway = Gateway::new(|c| c.allowed_origins = vec!["https://friend.example".into()]);
    let preflight = |origin: &str| {
        let headers = [("origin", origin), ("access-control-request-method", "DELETE")];
        request("OPTIONS", "/v1/sessions/me", &headers, "")
    };
    let response = gateway.send(preflight("https://friend.example")).await;
    assert_eq!(response.status(), 204);
    for (name, value) in [
        ("access-control-allow-origin", "https://friend.example"),
        ("access-control-allow-methods", "GET, POST, DELETE"),
        ("access-control-allow-headers", "authorization, content-type"),
        ("vary", "origin"),
    ] {
        assert_eq!(response.headers()[name], value);
    }
    assert!(!response.headers().contains_key("access-control-allow-credentials"));
    let refused =
        expect_problem(gateway.send(preflight("https://evil.example")).await, 405, "method-not-allowed")
            .await;
    assert_eq!(refused.headers()["vary"], "origin");
    assert!(!refused.headers().contains_key("access-control-allow-origin"));
    let failed =
        gateway.send(request("GET", "/v1/sessions/me", &[("origin", "https://friend.example")], "")).await;
    let failed = expect_problem(failed, 401, "no-token").await;
    assert_eq!(failed.headers()["access-control-allow-origin"], "https://friend.example");
}

#[tokio::test]
async fn without_named_origins_there_is_no_cors() {
    let gateway = Gateway::new(|_| ());
    let headers = [("origin", "https://friend.example"), ("access-control-request-method", "GET")];
    let response = gateway.send(request("OPTIONS", "/v1/status", &headers, "")).await;
    assert!(response.headers().keys().all(|name| !name.as_str().starts_with("access-control")));
    expect_problem(response, 405, "method-not-allowed").await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes_is_not_waited_for_for_ever() {
    let gateway = Gateway::new(|_| ());
    let (_sender, receiver) = tokio::io::duplex(16);
    let body = Body::from_stream(futures_util::stream::unfold(receiver, |mut receiver| async {
        let mut byte = [0];
        let read = tokio::io::AsyncReadExt::read_exact(&mut receiver, &mut byte).await;
        Some((read.map(|_| bytes::Bytes::copy_from_slice(&byte)), receiver))
    }));
    let mut sent = request("POST", "/v1/sessions", &[], "");
    *sent.body_mut() = body;
    let refused = expect_problem(gateway.send(sent).await, 408, "timeout").await;
    assert_eq!(refused.headers()["connection"], "close");
}

#[tokio::test]
async fn a_panic_is_a_500_and_no_more() {
    async fn broken() -> &'static str {
        panic!("a fault that a test planted")
    }
    let app = Router::new().route("/", axum::routing::get(broken)).layer(from_fn(guard::without_panic));
    let response = app.oneshot(request("GET", "/", &[], "")).await.unwrap();
    expect_problem(response, 500, "internal").await;
}
