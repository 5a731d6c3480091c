//! What holds for the interface as a whole.

use super::*;

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
        gateway.send(request("GET", "/v1/status", &[("origin", "https://friend.example")], "")).await;
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
