//! Admission by work.

use aws_lc_rs::pbkdf2;

use super::*;

/// Asks for a puzzle.
async fn challenge(gateway: &Gateway) -> Value {
    let response = gateway.send(request("GET", "/v1/challenge", &[], "")).await;
    assert_eq!(response.status(), 200);
    body(response).await
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// Solves it as docs/protocol.md says.
fn solve(challenge: &Value) -> Value {
    let puzzle = &challenge["challenge"]["parameters"];
    let (nonce, salt, prefix) =
        (bytes(&puzzle["nonce"]), bytes(&puzzle["salt"]), bytes(&puzzle["keyPrefix"]));
    let cost = u32::try_from(puzzle["cost"].as_u64().unwrap()).unwrap().try_into().unwrap();
    let most = u32::try_from(challenge["counters"].as_u64().unwrap()).unwrap();
    let found = (0..most).find_map(|counter| {
        let password = [&nonce[..], &counter.to_be_bytes()].concat();
        let mut key = [0; 32];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, cost, &salt, &password, &mut key);
        key.starts_with(&prefix).then_some((counter, key))
    });
    let (counter, key) = found.expect("a solution below `counters`");
    let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({"signature": challenge["challenge"]["signature"], "solution": {"counter": counter, "derivedKey": key}})
}

async fn open(gateway: &Gateway, proof: &Value) -> Response<Body> {
    let sent = json!({ "proof": proof }).to_string();
    gateway.send(request("POST", "/v1/sessions", &[("content-type", "application/json")], &sent)).await
}

fn asking(hashes: u32) -> Gateway {
    Gateway::new(|config| config.admission = Some(hashes))
}

#[tokio::test]
async fn without_admission_nothing_is_asked() {
    let gateway = Gateway::new(|_| ());
    assert_eq!(gateway.send(request("GET", "/v1/challenge", &[], "")).await.status(), 204);
    assert_eq!(gateway.send(request("POST", "/v1/sessions", &[], "")).await.status(), 201);
}

#[tokio::test]
async fn a_session_is_opened_by_work_and_once() {
    let gateway = asking(2000);
    for empty in [("", ""), ("application/json", "{}")] {
        let sent = request("POST", "/v1/sessions", &[("content-type", empty.0)], empty.1);
        expect_problem(gateway.send(sent).await, 428, "admission").await;
    }
    let puzzle = challenge(&gateway).await;
    assert_eq!((&puzzle["counters"], &puzzle["expires_in"]), (&json!(4), &json!(300)));
    assert!(puzzle["challenge"]["signature"].as_str().unwrap().len() < 1024);
    let proof = solve(&puzzle);
    let opened = open(&gateway, &proof).await;
    assert_eq!(opened.status(), 201);
    let token = body(opened).await["token"].as_str().unwrap().to_owned();
    assert!(gateway.state.node.tokens().verify_session(&token).is_ok());
    expect_problem(open(&gateway, &proof).await, 403, "proof-spent").await;
    assert_eq!(open(&gateway, &solve(&challenge(&gateway).await)).await.status(), 201, "another one");
}

#[tokio::test]
async fn what_is_no_solution_opens_nothing() {
    let gateway = asking(2000);
    let (one, other) = (solve(&challenge(&gateway).await), solve(&challenge(&gateway).await));
    let with = |signature: &Value, key: &Value| json!({"signature": signature, "solution": {"counter": 0, "derivedKey": key}});
    let (own, foreign) = (&one["solution"]["derivedKey"], &other["solution"]["derivedKey"]);
    let session = json!(gateway.token());
    for wrong in [
        with(&one["signature"], foreign),
        with(&one["signature"], &json!("00".repeat(32))),
        with(&one["signature"], &json!(&own.as_str().unwrap()[..32])),
        with(&json!("x.y.z"), own),
        with(&session, own),
    ] {
        expect_problem(open(&gateway, &wrong).await, 403, "bad-proof").await;
    }
    for shapeless in [json!({}), json!([]), json!({"signature": one["signature"]}), json!("x")] {
        expect_problem(open(&gateway, &shapeless).await, 400, "bad-body").await;
    }
    let elsewhere = asking(2000);
    expect_problem(open(&elsewhere, &one).await, 403, "bad-proof").await;
    assert_eq!(open(&gateway, &one).await.status(), 201, "its own solution still does");
}

#[tokio::test]
async fn a_refusal_for_another_reason_spends_no_proof() {
    let gateway = Gateway::new(|config| {
        config.admission = Some(100);
        config.rates.session = 1;
    });
    let mut proofs = Vec::new();
    for _ in 0..5 {
        proofs.push(solve(&challenge(&gateway).await));
    }
    for proof in &proofs[..4] {
        assert_eq!(open(&gateway, proof).await.status(), 201);
    }
    expect_problem(open(&gateway, &proofs[4]).await, 429, "rate").await;
    gateway.state.node.start_draining();
    let refused = open(&gateway, &proofs[4]).await;
    assert!([429, 503].contains(&refused.status().as_u16()));
    let puzzle = gateway.state.node.tokens().verify_puzzle(proofs[4]["signature"].as_str().unwrap()).unwrap();
    assert!(!gateway.state.node.is_revoked(puzzle.sub), "it is good for later");
}

#[tokio::test]
async fn who_asks_for_many_puzzles_gets_dearer_ones_and_then_none() {
    let gateway = Gateway::new(|config| {
        config.admission = Some(100_000);
        config.rates.session = 10;
    });
    let mut counters = Vec::new();
    let refused = loop {
        let response = gateway.send(request("GET", "/v1/challenge", &[], "")).await;
        if response.status() != 200 {
            break response;
        }
        counters.push(body(response).await["counters"].as_u64().unwrap());
    };
    expect_problem(refused, 429, "rate").await;
    assert_eq!(counters.len(), 80, "two for each session that may be opened");
    assert!(counters.is_sorted());
    counters.dedup();
    assert_eq!(counters, [200, 400, 800]);
    let other = gateway.send_from([203, 0, 113, 10], request("GET", "/v1/challenge", &[], "")).await;
    assert_eq!(body(other).await["counters"], 200, "for somebody else it costs what it did");
}

#[tokio::test]
async fn pages_of_others_get_no_puzzles() {
    let gateway = asking(100);
    let sent = request("GET", "/v1/challenge", &[("origin", "https://evil.example")], "");
    expect_problem(gateway.send(sent).await, 403, "origin").await;
}
