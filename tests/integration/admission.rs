//! Admission by work, in a cluster.

use aws_lc_rs::pbkdf2;
use client::{Opening, Server, Session, Trust};
use serde_json::{Value, json};

use crate::support::{
    cluster::Cluster,
    eventually, http,
    process::{Launch, Process},
};

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// A puzzle of this gateway, solved as docs/protocol.md says.
async fn proof(at: &Process) -> Value {
    let challenge = http::get(at.address(), "/v1/challenge").await.json();
    let puzzle = &challenge["challenge"]["parameters"];
    let (nonce, salt, prefix) =
        (bytes(&puzzle["nonce"]), bytes(&puzzle["salt"]), bytes(&puzzle["keyPrefix"]));
    let cost = u32::try_from(puzzle["cost"].as_u64().unwrap()).unwrap().try_into().unwrap();
    for counter in 0_u32.. {
        let password = [&nonce[..], &counter.to_be_bytes()].concat();
        let mut key = [0; 32];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, cost, &salt, &password, &mut key);
        if key.starts_with(&prefix) {
            let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            let solution = json!({"counter": counter, "derivedKey": key});
            return json!({"signature": challenge["challenge"]["signature"], "solution": solution});
        }
    }
    unreachable!("a puzzle has a solution")
}

async fn open(at: &Process, proof: &Value) -> http::Answer {
    let body = json!({ "proof": proof }).to_string();
    http::call(at.address(), "POST", "/v1/sessions", &[("content-type", "application/json")], &body).await
}

#[tokio::test]
async fn a_proof_opens_one_session_at_any_gateway() {
    let cluster = Cluster::plan().set("admission", "2000").start().await;
    let [one, other] = [&cluster.gateways[0], &cluster.gateways[1]];
    let foreign = proof(one).await;
    assert_eq!(open(other, &foreign).await.status, 201, "a puzzle of one is valid at the other");
    assert_eq!(open(other, &foreign).await.problem(), (403, "proof-spent".into()), "once");
    // What a gateway says later is heard later: who has heard of a deleted session has heard of the
    // proof.
    let session = open(other, &proof(other).await).await.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(http::with_token(other.address(), "DELETE", "/v1/sessions/me", &session).await.status, 204);
    eventually("the other gateway knows", async || {
        http::with_token(one.address(), "GET", "/v1/sessions/me", &session).await.status == 401
    })
    .await;
    assert_eq!(open(one, &foreign).await.problem(), (403, "proof-spent".into()), "everywhere");
    let own = proof(one).await;
    assert_eq!(open(one, &own).await.status, 201, "another is not");
}

#[tokio::test]
async fn the_library_does_the_work_and_tells_how_far_it_is() {
    let serve = Launch::new("serve").set("admission", "200000").ready().await;
    let url = format!("http://{}", serve.address()).parse().unwrap();
    let server = Server::new([url], &Trust::System).unwrap();
    let mut told = Vec::new();
    let session = Session::open_patiently(&server, |step| told.push(step)).await.unwrap();
    assert!(session.me().await.is_ok());
    assert_eq!(told.last(), Some(&Opening::Working(1.0)), "{told:?}");
    assert!(Session::open(&server).await.is_ok());
}
