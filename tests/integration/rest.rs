//! REST as clients see it: each call, and each failure exactly.

use serde_json::{Value, json};

use crate::support::{
    cluster::Cluster,
    http::{self, Answer, call, get, with_token},
    person::Person,
    process::{Launch, Process},
    raw::upgrade_headers,
    token::{Forger, claims, header, unsigned},
};

/// Every call that needs a token.
const AUTHENTICATED: [(&str, &str); 5] = [
    ("GET", "/v1/sessions/me"),
    ("POST", "/v1/sessions/me/token"),
    ("DELETE", "/v1/rooms/current"),
    ("GET", "/v1/ws"),
    ("DELETE", "/v1/sessions/me"),
];

async fn authorized(at: &Process, (method, path): (&str, &str), authorization: &str) -> Answer {
    let upgrade = upgrade_headers(authorization);
    let headers = if path == "/v1/ws" { &upgrade[..] } else { &upgrade[5..] };
    let headers: Vec<_> = headers.iter().copied().filter(|(_, value)| !value.is_empty()).collect();
    call(at.address(), method, path, &headers, "").await
}

async fn open_session(at: &Process, headers: &[(&str, &str)], body: &str) -> Answer {
    call(at.address(), "POST", "/v1/sessions", headers, body).await
}

#[tokio::test]
async fn a_session_is_opened_with_nothing_and_named_at_random() {
    let serve = Launch::new("serve").ready().await;
    let json = ("content-type", "application/json");
    let mut sessions = Vec::new();
    for (headers, body) in [(&[][..], ""), (&[json][..], "{}")] {
        let answer = open_session(&serve, headers, body).await;
        assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")));
        let opened = answer.json();
        let claims = claims(opened["token"].as_str().unwrap());
        assert_eq!((&opened["session"], &opened["ws"]), (&claims["sub"], &"/v1/ws".into()));
        assert_eq!(opened["expires_at"], claims["exp"]);
        assert_eq!(claims["aud"], "cipher-chat");
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 600);
        let id = opened["session"].as_str().unwrap().to_owned();
        assert_eq!((id.len(), &id[14..15]), (36, "4"), "a random UUID");
        sessions.push(id);
    }
    assert_ne!(sessions[0], sessions[1]);
}

#[tokio::test]
async fn a_token_that_is_not_quite_right_opens_nothing() {
    let serve = Launch::new("serve").ready().await;
    let elsewhere = Launch::new("serve").ready().await;
    let (mut one, mut other) = crate::support::person::couple(&serve, &serve).await;
    other.has_heard_nothing().await;
    one.has_heard_nothing().await;
    let (token, forger) = (one.token.clone(), Forger::new());
    let (head, body) = (header(&token), claims(&token));
    let changed = |part: &Value, field: &str, value: Value| {
        let mut part = part.clone();
        part[field] = value;
        part
    };
    let signature = token.rsplit_once('.').unwrap().1;
    let no_signature = |header: &Value, claims: &Value| unsigned(header, claims) + ".";
    let wrong = [
        ("forged", forger.sign(&head, &body)),
        ("with a key of its own", forger.with_own_key(&token)),
        ("of an unknown key", forger.sign(&changed(&head, "kid", json!("A".repeat(43))), &body)),
        ("without a key's name", forger.sign(&json!({"alg": "EdDSA"}), &body)),
        ("alg none", no_signature(&changed(&head, "alg", json!("none")), &body)),
        ("alg none without kid", no_signature(&json!({"alg": "none"}), &body)),
        ("alg HS256", forger.sign(&changed(&head, "alg", json!("HS256")), &body)),
        (
            "for another session",
            format!("{}.{signature}", unsigned(&head, &changed(&body, "sub", json!(other.session)))),
        ),
        (
            "longer than signed",
            format!("{}.{signature}", unsigned(&head, &changed(&body, "exp", json!(9_999_999_999_u64)))),
        ),
        ("a ticket", one.ticket.clone()),
        ("of another cluster", Person::new(&elsewhere).await.token),
        ("cut", token[..token.len() - 1].to_owned()),
        ("with more behind", format!("{token}.{signature}")),
        ("no token", "x".into()),
        ("too long", "x".repeat(5000)),
    ];
    for call in AUTHENTICATED {
        for (what, token) in &wrong {
            let answer = authorized(&serve, call, &format!("Bearer {token}")).await;
            assert_eq!(answer.problem(), (401, "bad-token".into()), "{what} at {call:?}");
            assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer error="invalid_token""#));
        }
        for missing in ["", "Basic dTpw", "Bearer", &token] {
            let answer = authorized(&serve, call, missing).await;
            assert_eq!(answer.problem(), (401, "no-token".into()), "{missing:?} at {call:?}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
    // The right one still does.
    assert_eq!(with_token(serve.address(), "GET", "/v1/sessions/me", &token).await.status, 200);
    crate::support::person::talk(&mut one, &mut other).await;
}

#[tokio::test]
async fn a_token_in_the_url_is_not_accepted() {
    let serve = Launch::new("serve").ready().await;
    let token = Person::new(&serve).await.token;
    for query in ["token", "access_token", "bearer"] {
        let answer = get(serve.address(), &format!("/v1/sessions/me?{query}={token}")).await;
        assert_eq!(answer.problem(), (401, "no-token".into()));
    }
}

#[tokio::test]
async fn a_malformed_request_is_refused_with_its_fault() {
    let serve = Launch::new("serve").ready().await;
    let json = ("content-type", "application/json");
    let long = "x".repeat(4097);
    for (headers, body, problem) in [
        (&[json][..], r#"{"name":"me"}"#, (400, "bad-body")),
        (&[json][..], "{", (400, "bad-body")),
        (&[json][..], &long, (413, "too-large")),
        (&[("content-type", "text/plain")][..], "{}", (415, "media-type")),
    ] {
        let (status, code) = open_session(&serve, headers, body).await.problem();
        assert_eq!((status, code.as_str()), problem);
    }
    for path in [
        "/v1",
        "/v1/",
        "/v1/sessions/",
        "/v1/sessions/you",
        "/v2/status",
        "/metrics",
        "/readyz",
        "/healthz",
        "/.git/config",
        "/../Cargo.toml",
    ] {
        assert_eq!(get(serve.address(), path).await.problem(), (404, "not-found".into()), "{path}");
    }
    for (method, path, allow) in [
        ("PUT", "/v1/sessions", "POST"),
        ("GET", "/v1/sessions", "POST"),
        ("POST", "/v1/sessions/me", "GET,HEAD,DELETE"),
        ("PATCH", "/v1/rooms/current", "DELETE"),
        ("POST", "/v1/openapi.json", "GET,HEAD"),
        ("DELETE", "/", "GET,HEAD"),
    ] {
        let answer = call(serve.address(), method, path, &[], "").await;
        assert_eq!(answer.problem(), (405, "method-not-allowed".into()), "{method} {path}");
        let mut allowed: Vec<_> = answer.header("allow").unwrap().split(',').map(str::trim).collect();
        let mut expected: Vec<_> = allow.split(',').collect();
        allowed.sort_unstable();
        expected.sort_unstable();
        assert_eq!(allowed, expected);
    }
    let stranger = call(serve.address(), "GET", "/v1/ws", &[], "").await;
    assert_eq!(stranger.problem(), (401, "no-token".into()), "before anything else");
    let person = Person::new(&serve).await;
    let plain = person.call(&serve, "GET", "/v1/ws").await;
    assert_eq!(plain.problem(), (426, "upgrade-required".into()));
    assert_eq!(plain.header("upgrade"), Some("websocket"));
    let two = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
    assert_eq!(
        call(serve.address(), "GET", "/v1/sessions/me", &two, "").await.problem(),
        (400, "bad-request".into())
    );
}

#[tokio::test]
async fn a_page_of_another_host_opens_neither_session_nor_socket() {
    let serve = Launch::new("serve").set("allowed-origin", "https://friend.example").ready().await;
    let token = Person::new(&serve).await.token;
    let bearer = format!("Bearer {token}");
    let host = serve.address().to_string();
    let own = format!("http://{host}");
    let asked = async |origin: &str| {
        let from = [("origin", origin), ("host", host.as_str())];
        let session = open_session(&serve, &from, "").await;
        let upgrade = [&upgrade_headers(&bearer)[..], &from].concat();
        let request = http::request("GET", "/v1/ws", &upgrade, "");
        (session, http_status(&serve, &request).await)
    };
    for (origin, status, upgrade) in [
        (own.as_str(), 201, 101),
        ("https://friend.example", 201, 101),
        ("https://evil.example", 403, 403),
        ("null", 403, 403),
        ("http://127.0.0.1:1", 403, 403),
    ] {
        let (session, upgraded) = asked(origin).await;
        assert_eq!((session.status, upgraded), (status, upgrade), "{origin}");
        if status == 403 {
            assert_eq!(session.problem().1, "origin");
        }
        let allowed = session.header("access-control-allow-origin");
        assert_eq!(allowed, (origin == "https://friend.example").then_some(origin));
    }
    let preflight = [("origin", "https://friend.example"), ("access-control-request-method", "DELETE")];
    let answer = call(serve.address(), "OPTIONS", "/v1/sessions/me", &preflight, "").await;
    assert_eq!(answer.status, 204);
    assert!(answer.header("access-control-allow-methods").unwrap().contains("DELETE"));
}

/// The status that a request is answered with; the connection may stay open.
async fn http_status(at: &Process, request: &str) -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(at.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut line = [0; 12];
    crate::support::in_time("a status line", stream.read_exact(&mut line)).await.unwrap();
    std::str::from_utf8(&line[9..]).unwrap().parse().unwrap()
}

/// Opens sessions until one is refused; how many were opened.
async fn opened_before_refusal(
    at: &Process,
    headers: impl Fn(usize) -> Vec<(&'static str, String)>,
) -> (usize, Answer) {
    for count in 0.. {
        let headers = headers(count);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = open_session(at, &headers, "").await;
        if answer.status != 201 {
            return (count, answer);
        }
    }
    unreachable!("a rate is set")
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_told_when_to_come_back() {
    let serve = Launch::new("serve").set("session-rate", "3").ready().await;
    // Whatever its headers say: no proxy is trusted.
    let (count, refused) =
        opened_before_refusal(&serve, |n| vec![("x-forwarded-for", format!("198.51.100.{n}"))]).await;
    assert_eq!(count, 12, "the burst is four times the rate");
    assert_eq!(refused.problem(), (429, "rate".into()));
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(refused.header("ratelimit-policy"), Some(r#""session";q=3;w=60"#));
    assert_eq!(refused.header("ratelimit"), Some(format!(r#""session";r=0;t={wait}"#).as_str()));
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_is_counted_for_itself() {
    let serve = Launch::new("serve")
        .set("session-rate", "1")
        .set("trusted-proxy", "127.0.0.1,10.0.0.0/8")
        .ready()
        .await;
    // The right-most address that is not a trusted proxy counts; a client can invent those before
    // it.
    let from = |client: &'static str| {
        move |n: usize| vec![("x-forwarded-for", format!("203.0.113.{n}, {client}, 10.1.2.3"))]
    };
    for client in ["198.51.100.1", "198.51.100.2", "2001:db8::1"] {
        let (count, refused) = opened_before_refusal(&serve, from(client)).await;
        assert_eq!((count, refused.status), (4, 429), "{client}");
    }
    let neighbour = [("x-forwarded-for", "2001:db8::2")];
    assert_eq!(open_session(&serve, &neighbour, "").await.status, 429, "one /64 is one client");
    let spread = [("x-forwarded-for", "198.51.100.9"), ("x-forwarded-for", "198.51.100.1")];
    assert_eq!(open_session(&serve, &spread, "").await.status, 429, "the last line counts");
}

#[tokio::test]
async fn each_rate_is_enforced_and_named() {
    let serve = Launch::new("serve").set("connect-rate", "1").set("find-rate", "1").ready().await;
    let mut person = Person::arrive(&serve).await;
    for _ in 0..4 {
        person.find(json!({})).await;
    }
    person.ask(json!({"type": "find"})).await;
    assert_eq!(person.error().await, "rate");
    person.ask(json!({"type": "leave"})).await;
    assert_eq!(person.error().await, "rate", "one budget for all of them");
    person.has_heard_nothing().await;
    let attempt = async || authorized(&serve, ("GET", "/v1/ws"), "Bearer wrong").await;
    for _ in 0..4 {
        assert_eq!(attempt().await.problem().1, "bad-token");
    }
    let refused = attempt().await;
    assert_eq!(refused.problem(), (429, "rate".into()));
    assert_eq!(refused.header("ratelimit-policy"), Some(r#""connect";q=1;w=60"#));
    // A client that has a token can still connect.
    person.connect(&serve).await;
    let mut calls = 0;
    let refused = loop {
        let answer = person.call(&serve, "GET", "/v1/sessions/me").await;
        if answer.status != 200 {
            break answer;
        }
        calls += 1;
    };
    assert!(calls >= 240, "{calls}");
    assert_eq!(refused.problem(), (429, "rate".into()));
    assert_eq!(refused.header("ratelimit-policy"), Some(r#""request";q=60;w=60"#));
}

#[tokio::test]
async fn the_interface_is_described_where_it_is_served() {
    let serve = Launch::new("serve").ready().await;
    let description = get(serve.address(), "/v1/openapi.json").await;
    assert_eq!(description.header("content-type"), Some("application/json"));
    let committed = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/openapi.json")).unwrap();
    assert!(description.body == committed);
}

/// The files of a folder, without those of folders in it.
fn files_of(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).collect()
}

#[tokio::test]
async fn the_page_is_served_unchanged_and_with_few_permissions() {
    let serve = Launch::new("serve").ready().await;
    let web = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    for file in files_of(&web).into_iter().chain(files_of(&web.join("vendor"))) {
        let name = file.strip_prefix(&web).unwrap().to_str().unwrap();
        let answer = get(serve.address(), &format!("/{name}")).await;
        assert_eq!(answer.status, 200, "{name}");
        // With what `index.html` is completed, the gateway's own tests check.
        let is_completed = name.ends_with(".html");
        assert!(
            is_completed || answer.body == std::fs::read(&file).unwrap(),
            "what is read in web/{name} is what runs"
        );
        let policy = answer.header("content-security-policy").unwrap();
        for part in
            ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"]
        {
            assert!(policy.contains(part), "{part} in {policy}");
        }
        assert!(!policy.contains("unsafe"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("strict-transport-security"), None, "not over plain HTTP");
    }
    let index = get(serve.address(), "/").await;
    assert_eq!(index.header("content-type"), Some("text/html; charset=utf-8"));
    let etag = index.header("etag").unwrap();
    let again = call(serve.address(), "GET", "/", &[("if-none-match", etag)], "").await;
    assert_eq!((again.status, again.body.len()), (304, 0));
}

#[tokio::test]
async fn health_and_metrics_are_on_a_listener_of_their_own() {
    let cluster = Cluster::start().await;
    for process in cluster.processes() {
        let health = get(process.ops(), "/healthz").await;
        assert_eq!((health.status, health.text().as_str()), (200, "ok\n"));
        let whole = async || get(process.ops(), "/readyz").await.text() == "ready\n";
        crate::support::eventually("all roles are heard", whole).await;
        let metrics = get(process.ops(), "/metrics").await;
        assert!(metrics.text().ends_with("# EOF\n"), "OpenMetrics");
        assert_eq!(get(process.ops(), "/v1/status").await.problem(), (404, "not-found".into()));
        assert_eq!(call(process.ops(), "POST", "/metrics", &[], "").await.problem().0, 405);
    }
    let [one, other] = [&cluster.gateways[0], &cluster.gateways[1]];
    let _couple = crate::support::person::couple(one, other).await;
    for gateway in [one, other] {
        assert_eq!(gateway.metric("gateway_sessions_created_total").await, 1.0);
        assert_eq!(gateway.metric("gateway_connections_opened_total").await, 1.0);
    }
    assert_eq!(cluster.pairings[0].metric("pairing_leading").await, 1.0);
    assert!(cluster.pairings[0].metric("pairing_matches_total").await >= 1.0);
}
