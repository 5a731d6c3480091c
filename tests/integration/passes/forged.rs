//! Passes and proofs that open nothing.

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use passes::PROOF_LIFE;

use super::*;

/// Signs a token with this header and these claims, whatever they are.
fn sign(header: &Value, claims: &Value, key: &Ed25519KeyPair) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// The claims of a pass.
fn claims(pass: &str) -> Value {
    let claims = pass.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

/// Passes that are not the operator's, or no passes, of a helper whose secret is known.
fn forgeries(line: &HelpLine, helper: &Helper) -> Vec<String> {
    let operator = passes::keys::private_key(line.files.path("passes.key").as_ref()).unwrap();
    let other = passes::keys::private_key(line.files.path("orders.key").as_ref()).unwrap();
    let header = json!({"alg": "EdDSA", "typ": "cipher-chat-pass"});
    let own = claims(&helper.pass);
    // The header is in its one form, or the others would show nothing.
    assert_eq!(sign(&header, &own, &operator).split('.').next(), helper.pass.split('.').next());
    let over = now().as_secs() - 1;
    vec![
        sign(&header, &own, &other),
        sign(&with(header.clone(), "alg", json!("none")), &own, &operator),
        sign(&with(header.clone(), "alg", json!("HS256")), &own, &operator),
        sign(&with(header.clone(), "typ", json!("JWT")), &own, &operator),
        sign(&header, &with(own.clone(), "aud", json!("cipher-chat")), &operator),
        sign(&header, &with(own.clone(), "exp", json!(over)), &operator),
        sign(&header, &with(own.clone(), "exp", json!(over + 93 * 24 * 60 * 60)), &operator),
        sign(&header, &with(own, "more", json!(1)), &operator),
        String::new(),
    ]
}

#[tokio::test]
async fn only_the_operators_pass_with_a_fresh_proof_for_here_opens_a_session_once() {
    let line = HelpLine::start().await;
    let [one, two] = &line.gateways;
    let helper = line.files.helper(&[]);
    let refused = (403, "pass-refused".to_owned());
    let words = open(one, "", "").await.text();
    for pass in forgeries(&line, &helper) {
        let forged = Helper { secret: helper.secret.clone(), pass };
        let answer = open(one, &forged.pass, &forged.proof()).await;
        assert_eq!((answer.problem(), answer.text()), (refused.clone(), words.clone()), "{}", forged.pass);
    }
    let (earlier, later) = (UnixMillis(now().0 - 61_000), now() + PROOF_LIFE * 2);
    // Whoever was shown the pass in a chat has it, but not its secret.
    let shown = Helper { secret: Secret::generate(), pass: helper.pass.clone() };
    for proof in [
        helper.proof_for("evil.example", now()),
        helper.proof_for("localhost", now()),
        helper.proof_for(HOST, earlier),
        helper.proof_for(HOST, later),
        shown.proof(),
        line.files.helper(&[]).proof(),
        String::new(),
    ] {
        let answer = open(one, &helper.pass, &proof).await;
        assert_eq!((answer.problem(), answer.text()), (refused.clone(), words.clone()));
    }
    for half in [json!({"pass": helper.pass}), json!({"pass_proof": helper.proof()})] {
        assert_eq!(open_with(one, &half).await.problem(), refused);
    }
    let proof = helper.proof();
    assert_eq!(open(one, &helper.pass, &proof).await.status, 201);
    assert_eq!(open(one, &helper.pass, &proof).await.problem(), refused, "it was used");
    assert_eq!(open(two, &helper.pass, &helper.proof()).await.status, 201);
    let metrics = http::get(one.ops(), "/metrics").await.text();
    for counted in [
        r#"refused_total{reason="forged"} 1"#,
        r#"refused_total{reason="expired"} 1"#,
        r#"refused_total{reason="long"} 1"#,
        r#"refused_total{reason="proof-forged"} 4"#,
        r#"refused_total{reason="proof-stale"} 2"#,
        r#"refused_total{reason="proof-spent"} 1"#,
        r#"refused_total{reason="incomplete"} 2"#,
        "accepted_total 1",
    ] {
        let line = format!("cipher_chat_gateway_passes_{counted}");
        assert!(metrics.lines().any(|told| told == line), "{line}");
    }
    assert!(!one.log().contains(&helper.pass) && !one.log().contains(&proof));
}

#[tokio::test]
async fn a_server_without_keys_refuses_passes_and_one_without_a_host_is_localhost() {
    let files = Files::new();
    let helper = files.helper(&[]);
    let (keyless, own) = (
        Launch::new("serve").ready().await,
        Launch::new("serve").set("pass-key", &files.path("passes.pub")).ready().await,
    );
    let here = || helper.proof_for("localhost", now());
    let refused = (403, "pass-refused".to_owned());
    assert_eq!(open(&keyless, &helper.pass, &here()).await.problem(), refused);
    assert_eq!(open(&own, &helper.pass, &here()).await.status, 201);
    // A host that somebody else names is not this one.
    let body = json!({"pass": helper.pass, "pass_proof": helper.proof()}).to_string();
    let headers = [("content-type", "application/json"), ("host", HOST)];
    let elsewhere = http::call(own.address(), "POST", "/v1/sessions", &headers, &body).await;
    assert_eq!(elsewhere.problem(), refused);
    let status = http::get(keyless.address(), "/v1/status").await.json();
    assert_eq!((&status["helpers"], status.get("pass_keys")), (&json!("anyone"), None));
    let list = http::get(keyless.address(), "/v1/passes/revoked").await;
    assert_eq!(list.problem().0, 404);
}
