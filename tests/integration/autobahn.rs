//! Cases of the Autobahn|Testsuite at the real endpoint, numbered as there. `tests/autobahn/run`
//! runs the suite itself, against an echo server over the same codec; the endpoint echoes nothing,
//! so here a case says what comes instead. A text is a control message: a `ping` is answered with
//! `pong`. A binary message goes to the other person, who sends it back. Each case is also sent
//! octet by octet.

mod cases;

use serde_json::Value;

use self::cases::{
    Case, NORMAL, Told, answer, close, closed, closes, fragmented, fragments, limits, ping, pings, reserved,
    sizes, utf8,
};
use crate::support::{
    person::{Person, couple, upgrade},
    process::{Launch, Process},
    raw::{BINARY, CLOSE, FIN, PONG, Raw, TEXT, masked},
};

/// Longer cases are not sent octet by octet.
const OCTET_WISE: usize = 600;

async fn run(serve: &Process, cases: Vec<Case>) {
    for case in &cases {
        run_in_chops(serve, case, case.sent.len().max(1)).await;
        if case.sent.len() <= OCTET_WISE {
            run_in_chops(serve, case, 1).await;
        }
    }
}

async fn run_in_chops(serve: &Process, case: &Case, chop: usize) {
    const LAST: &[u8] = b"and still here";
    let mut raw = Raw::open(serve.address(), &Person::new(serve).await.token).await;
    raw.next().await.expect("ready");
    for chop in case.sent.chunks(chop) {
        // The server closes at the first fault: what is sent then need not be taken.
        if raw.try_write(chop).await.is_err() {
            break;
        }
    }
    let mut expected = case.told.clone();
    if !matches!(expected.last(), Some(Told::Close(_))) {
        raw.write(&[ping(LAST), close(NORMAL, b"")].concat()).await;
        expected.extend([answer(LAST), closed(NORMAL)]);
    }
    for told in expected {
        assert_eq!(hear(&mut raw).await, told, "{}, in chops of {chop}", case.number);
    }
    raw.end_writing().await;
    assert_eq!(raw.next().await, None, "{}, in chops of {chop}", case.number);
}

async fn hear(raw: &mut Raw) -> Told {
    match raw.next().await.expect("an answer") {
        (first, payload) if first == FIN | PONG => Told::Answer(payload),
        // The reason is the server's own.
        (first, payload) if first == FIN | CLOSE => Told::Close(payload[..payload.len().min(2)].to_vec()),
        (first, payload) if first == FIN | TEXT => {
            let message: Value = serde_json::from_slice(&payload).unwrap();
            match message["type"].as_str() {
                Some("pong") => Told::Pong,
                Some("error") => Told::Error(message["code"].as_str().unwrap().to_owned()),
                other => panic!("{other:?}"),
            }
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn texts_pings_and_reserved_bits_are_answered_as_the_suite_wants() {
    let serve = Launch::new("serve").ready().await;
    for cases in [sizes(), pings(), reserved(), fragmented()] {
        run(&serve, cases).await;
    }
}

#[tokio::test]
async fn text_that_is_not_utf8_ends_the_connection_at_its_first_wrong_byte() {
    run(&Launch::new("serve").ready().await, utf8()).await;
}

#[tokio::test]
async fn closing_and_limits_are_as_the_suite_wants() {
    let serve = Launch::new("serve").ready().await;
    run(&serve, closes()).await;
    run(&serve, limits()).await;
}

#[tokio::test]
async fn binary_messages_of_every_size_go_to_the_other_person_and_back() {
    let serve = Launch::new("serve").ready().await;
    let (mut one, mut other) = couple(&serve, &serve).await;
    one.lose();
    other.peer_is("away").await;
    let mut raw = Raw::open(serve.address(), &one.token).await;
    raw.send(FIN | TEXT, format!(r#"{{"type":"resume","ticket":"{}"}}"#, one.ticket).as_bytes()).await;
    other.peer_is("online").await;
    let sizes =
        [("1.2.1", 0), ("1.2.2", 125), ("1.2.3", 126), ("1.2.4", 127), ("1.2.5", 128), ("1.2.6", 65_535)];
    for (number, bytes) in sizes {
        there_and_back(&mut raw, &mut other, number, &[masked(FIN | BINARY, &vec![0xfe; bytes])]).await;
    }
    let largest = masked(FIN | BINARY, &vec![0xfe; 65_536]);
    there_and_back(&mut raw, &mut other, "1.2.7", std::slice::from_ref(&largest)).await;
    let chops: Vec<Vec<u8>> = largest.chunks(997).map(<[u8]>::to_vec).collect();
    there_and_back(&mut raw, &mut other, "1.2.8, 9.6", &chops).await;
    for bytes in [64, 256, 1024, 4096, 16_384, 65_536] {
        let sent = fragments(BINARY, &vec![0xfe; 65_536], bytes);
        there_and_back(&mut raw, &mut other, "9.4", &[sent]).await;
    }
}

async fn there_and_back(raw: &mut Raw, other: &mut Person, number: &str, chops: &[Vec<u8>]) {
    for chop in chops {
        raw.write(chop).await;
    }
    let frame = other.hear_frame().await;
    assert!(frame.iter().all(|byte| *byte == 0xfe), "{number}");
    other.frame(frame.clone()).await;
    loop {
        match raw.next().await.expect("the message comes back") {
            (first, payload) if first == FIN | BINARY => return assert!(payload == frame, "{number}"),
            // `ready` and `resumed`.
            (first, _) => assert_eq!(first, FIN | TEXT, "{number}"),
        }
    }
}

/// 12 and 13: no compression, whatever is offered.
#[tokio::test]
async fn an_offer_of_compression_is_declined() {
    let serve = Launch::new("serve").ready().await;
    for offer in [
        "permessage-deflate",
        "permessage-deflate; client_no_context_takeover; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=8",
    ] {
        let bearer = format!("Bearer {}", Person::new(&serve).await.token);
        let headers = [
            ("authorization", bearer.as_str()),
            ("sec-websocket-protocol", "cipher-chat.v1"),
            ("sec-websocket-extensions", offer),
        ];
        let (_socket, answer) = upgrade(serve.address(), &headers).await.unwrap();
        assert!(!answer.headers().contains_key("sec-websocket-extensions"), "{offer}");
    }
}
