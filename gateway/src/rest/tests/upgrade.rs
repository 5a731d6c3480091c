//! The opening handshake, short of a real connection.

use super::*;

#[tokio::test]
async fn what_is_no_opening_handshake_is_told_so() {
    let gateway = Gateway::new(|_| ());
    let authorization = bearer(&gateway.token());
    for (name, value, status, code) in [
        ("connection", "", 426, "upgrade-required"),
        ("connection", "keep-alive", 426, "upgrade-required"),
        ("upgrade", "", 426, "upgrade-required"),
        ("upgrade", "h2c", 426, "upgrade-required"),
        ("sec-websocket-version", "", 426, "upgrade-required"),
        ("sec-websocket-version", "8", 426, "upgrade-required"),
        ("sec-websocket-version", "13, 8", 426, "upgrade-required"),
        ("sec-websocket-key", "", 400, "bad-request"),
        ("sec-websocket-key", "dGhl", 400, "bad-request"),
        ("sec-websocket-key", "not base64 at all!!!====", 400, "bad-request"),
        ("sec-websocket-protocol", "", 400, "bad-request"),
        ("sec-websocket-protocol", "chat, cipher-chat.v2", 400, "bad-request"),
        ("sec-websocket-protocol", "cipher-chat.v1, bearer.a, bearer.b", 400, "bad-request"),
        ("origin", "https://evil.example", 403, "origin"),
        ("origin", "null", 403, "origin"),
    ] {
        let sent = upgrade(&[("authorization", &authorization), (name, value)]);
        let refused = expect_problem(gateway.send(sent).await, status, code).await;
        let version = refused.headers().get("sec-websocket-version").map(|value| value.to_str().unwrap());
        assert_eq!(version, (status == 426).then_some("13"), "{name}: {value}");
    }
    let mut old = upgrade(&[("authorization", &authorization)]);
    *old.version_mut() = http::Version::HTTP_10;
    expect_problem(gateway.send(old).await, 426, "upgrade-required").await;
}

#[tokio::test]
async fn who_asks_without_a_token_is_not_told_what_is_here() {
    let gateway = Gateway::new(|_| ());
    expect_problem(gateway.send(request("GET", "/v1/ws", &[], "")).await, 401, "no-token").await;
    let forged = [("authorization", "Bearer x")];
    expect_problem(gateway.send(request("GET", "/v1/ws", &forged, "")).await, 401, "bad-token").await;
    let known = bearer(&gateway.token());
    let known = request("GET", "/v1/ws", &[("authorization", &known)], "");
    expect_problem(gateway.send(known).await, 426, "upgrade-required").await;
}

#[tokio::test]
async fn upgrades_without_a_valid_token_count_against_the_address() {
    let gateway = Gateway::new(|c| c.rates.connect = 1);
    for _ in 0..4 {
        expect_problem(gateway.send(upgrade(&[("authorization", "Bearer x")])).await, 401, "bad-token").await;
    }
    let refused = expect_problem(gateway.send(upgrade(&[])).await, 429, "rate").await;
    assert_eq!(refused.headers()["ratelimit-policy"], r#""connect";q=1;w=60"#);
    // In a hall full of people behind the address those with tokens come in. (Only a real
    // connection can be upgraded.)
    let known = upgrade(&[("authorization", &bearer(&gateway.token()))]);
    expect_problem(gateway.send(known).await, 426, "upgrade-required").await;
}

#[tokio::test]
async fn upgrades_with_a_valid_token_count_against_the_session() {
    let gateway = Gateway::new(|_| ());
    let session = SessionId::from_random([5; 16]);
    let authorization = bearer(&gateway.token_of(session));
    while gateway.state.node.rates().attach(session).is_ok() {}
    let refused = gateway.send(upgrade(&[("authorization", &authorization)])).await;
    let refused = expect_problem(refused, 429, "rate").await;
    assert_eq!(refused.headers()["ratelimit-policy"], r#""attach";q=20;w=60"#);
}

#[tokio::test]
async fn an_address_with_too_many_sockets_gets_no_more() {
    let gateway = Gateway::new(|c| c.connections_per_address = 1);
    let rates = gateway.state.node.rates();
    let _taken = rates.connection(Some(&rates.address(CLIENT.into()))).unwrap();
    let response = gateway.send(upgrade(&[("authorization", &bearer(&gateway.token()))])).await;
    expect_problem(response, 429, "connections").await;
}
