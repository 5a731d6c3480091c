//! The WebSocket: who gets one, what may be sent over it, and each answer exactly.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::matching::invite;
use crate::support::{
    http, in_time,
    person::{Heard, Person, couple, pair, talk, upgrade},
    process::{Launch, Process},
    raw::{Raw, upgrade_headers},
};

#[tokio::test]
async fn the_token_comes_as_a_header_or_as_a_subprotocol() {
    let serve = Launch::new("serve").ready().await;
    let token = Person::new(&serve).await.token;
    let bearer = format!("Bearer {token}");
    let lower = format!("bearer {token}");
    let offered = format!("cipher-chat.v1, bearer.{token}");
    let turned = format!("bearer.{token},other, cipher-chat.v1");
    for headers in [
        &[("authorization", bearer.as_str()), ("sec-websocket-protocol", "cipher-chat.v1")][..],
        &[("authorization", lower.as_str()), ("sec-websocket-protocol", "other, cipher-chat.v1")],
        &[("sec-websocket-protocol", offered.as_str())],
        &[("sec-websocket-protocol", turned.as_str())],
    ] {
        let (socket, answer) = upgrade(serve.address(), headers).await.unwrap();
        assert_eq!(answer.headers()["sec-websocket-protocol"], "cipher-chat.v1", "and never the token");
        let mut person = Person::new(&serve).await;
        person.take(socket);
        person.hear("ready").await;
    }
}

/// How an upgrade with these headers is refused.
async fn refused(at: &Process, headers: &[(&str, &str)]) -> (u16, String) {
    match upgrade(at.address(), headers).await {
        Err(Error::Http(answer)) => {
            let body: Value = serde_json::from_slice(answer.body().as_deref().unwrap()).unwrap();
            (answer.status().as_u16(), body["code"].as_str().unwrap().to_owned())
        }
        other => panic!("{headers:?}: {other:?}"),
    }
}

#[tokio::test]
async fn a_bad_token_is_never_an_upgrade() {
    let serve = Launch::new("serve").ready().await;
    let token = Person::new(&serve).await.token;
    let bearer = format!("Bearer {token}");
    let no_token = (401, "no-token".to_owned());
    let bad_token = (401, "bad-token".to_owned());
    let bad_request = (400, "bad-request".to_owned());
    let ours = ("sec-websocket-protocol", "cipher-chat.v1");
    assert_eq!(refused(&serve, &[ours]).await, no_token);
    assert_eq!(refused(&serve, &[ours, ("authorization", "Bearer x")]).await, bad_token);
    assert_eq!(refused(&serve, &[("sec-websocket-protocol", "cipher-chat.v1, bearer.x")]).await, bad_token);
    assert_eq!(refused(&serve, &[("authorization", &bearer)]).await, bad_request, "no subprotocol");
    let another = ("sec-websocket-protocol", "cipher-chat.v2");
    assert_eq!(refused(&serve, &[another, ("authorization", &bearer)]).await, bad_request);
    let twice = format!("cipher-chat.v1, bearer.{token}, bearer.{token}");
    assert_eq!(refused(&serve, &[("sec-websocket-protocol", &twice)]).await, bad_request);
    let good = upgrade_headers(&bearer);
    for (name, value, status, code) in [
        ("sec-websocket-version", "8", 426, "upgrade-required"),
        ("upgrade", "h2c", 426, "upgrade-required"),
        ("sec-websocket-key", "short", 400, "bad-request"),
        ("connection", "close", 426, "upgrade-required"),
    ] {
        let headers = good.map(|(header, kept)| (header, if header == name { value } else { kept }));
        let answer = http::call(serve.address(), "GET", "/v1/ws", &headers, "").await;
        assert_eq!(answer.problem(), (status, code.to_owned()), "{name}: {value}");
    }
}

#[tokio::test]
async fn each_wrong_message_is_named_and_the_connection_stays() {
    let serve = Launch::new("serve").ready().await;
    let mut person = Person::arrive(&serve).await;
    let long = format!(r#"{{"type":"find","topic":"{}"}}"#, "가".repeat(65));
    for (message, code) in [
        ("", "bad-message"),
        ("hello", "bad-message"),
        ("[]", "bad-message"),
        ("null", "bad-message"),
        ("{}", "bad-message"),
        (r#"{"type":1}"#, "bad-message"),
        (r#"{"type":"find"} {"type":"find"}"#, "bad-message"),
        (r#"{"type":"find","topic":1}"#, "bad-message"),
        (r#"{"type":"find","role":"both"}"#, "bad-message"),
        (r#"{"type":"find","topic":"x","invite":"AAAAAAAAAAAAAAAAAAAAAA"}"#, "bad-message"),
        (r#"{"type":"resume"}"#, "bad-message"),
        (r#"{"type":"report"}"#, "bad-message"),
        (r#"{"type":"report","category":"rude"}"#, "bad-message"),
        (r#"{"type":"next","lang":7}"#, "bad-message"),
        (r#"{"type":"FIND"}"#, "unknown-type"),
        (r#"{"type":"ready"}"#, "unknown-type"),
        (r#"{"type":"find","topic":" "}"#, "bad-topic"),
        (&long, "bad-topic"),
        (r#"{"type":"find","lang":"ko_KR"}"#, "bad-language"),
        (r#"{"type":"find","lang":""}"#, "bad-language"),
        (r#"{"type":"find","invite":"short"}"#, "bad-invite"),
        (r#"{"type":"next","invite":""}"#, "bad-invite"),
        (r#"{"type":"resume","ticket":""}"#, "bad-ticket"),
        (r#"{"type":"resume","ticket":"a.b.c"}"#, "bad-ticket"),
        (r#"{"type":"leave"}"#, "no-room"),
        (r#"{"type":"report","category":"spam"}"#, "no-room"),
    ] {
        person.send(Message::text(message)).await;
        assert_eq!(person.error().await, code, "{message}");
    }
    // A correct message is still handled, with unknown fields too.
    person.ask(json!({"type": "cancel"})).await;
    person.ask(json!({"type": "find", "topic": null, "colour": {"deep": [1, 2]}})).await;
    person.hear("waiting").await;
}

#[tokio::test]
async fn what_does_not_fit_the_state_is_refused() {
    let serve = Launch::new("serve").ready().await;
    let (mut one, mut other) = couple(&serve, &serve).await;
    let (mut third, fourth) = couple(&serve, &serve).await;
    one.ask(json!({"type": "find"})).await;
    assert_eq!(one.error().await, "in-room");
    one.ask(json!({"type": "find", "invite": invite()})).await;
    assert_eq!(one.error().await, "in-room");
    // Somebody else's ticket, that of the other side, and a session token.
    for ticket in [third.ticket.clone(), other.ticket.clone(), one.token.clone()] {
        one.ask(json!({"type": "resume", "ticket": ticket})).await;
        assert_eq!(one.error().await, "bad-ticket");
    }
    let first_ticket = third.ticket.clone();
    third.ask(json!({"type": "leave"})).await;
    third.ended("left").await;
    let mut fourth = fourth;
    fourth.ended("left").await;
    let mut fifth = Person::arrive(&serve).await;
    pair(&mut third, &mut fifth).await;
    third.ask(json!({"type": "resume", "ticket": first_ticket})).await;
    assert_eq!(third.error().await, "in-room");
    // Its own room, in which it is already.
    one.resume().await;
    one.hear_at_last("resumed").await;
    talk(&mut one, &mut other).await;
}

#[tokio::test]
async fn too_many_refused_messages_end_the_connection() {
    let serve = Launch::new("serve").ready().await;
    let (mut one, mut other) = couple(&serve, &serve).await;
    for _ in 0..100 {
        one.send(Message::text("nonsense")).await;
    }
    let mut refusals = 0;
    let end = loop {
        match one.next().await {
            Heard::Control(error) => assert_eq!(error["code"], "bad-message"),
            end => break end,
        }
        refusals += 1;
    };
    assert_eq!((refusals, end), (100, Heard::Closed(Some(4101))));
    other.peer_is("away").await;
}

#[tokio::test]
async fn a_connection_that_does_not_complete_its_upgrade_is_dropped() {
    let serve = Launch::new("serve").set("upgrade-wait", "300ms").ready().await;
    let token = Person::new(&serve).await.token;
    let request = http::request("GET", "/v1/ws", &upgrade_headers(&format!("Bearer {token}")), "");
    for sent in ["", "GET /v1/ws HTTP/1.1\r\n", &request[..request.len() - 2]] {
        let mut stream = tokio::net::TcpStream::connect(serve.address()).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // The connection ends, with or without a response about the time-out.
        let _ = in_time("the connection is dropped", stream.read_to_end(&mut answer)).await;
        assert!(!answer.starts_with(b"HTTP/1.1 101"));
    }
    // Once the WebSocket is open, this time limit does not apply.
    let mut raw = Raw::open(serve.address(), &token).await;
    raw.next().await.unwrap();
}

#[tokio::test]
async fn what_is_sent_right_after_the_upgrade_request_is_received() {
    let serve = Launch::new("serve").ready().await;
    let token = Person::new(&serve).await.token;
    let early = crate::support::raw::masked(0x81, br#"{"type":"ping"}"#);
    let mut raw = Raw::open_with(serve.address(), &token, &early).await;
    let mut heard = Vec::new();
    for _ in 0..2 {
        let (_, payload) = raw.next().await.unwrap();
        let message: Value = serde_json::from_slice(&payload).unwrap();
        heard.push(message["type"].as_str().unwrap().to_owned());
    }
    heard.sort();
    assert_eq!(heard, ["pong", "ready"]);
}
