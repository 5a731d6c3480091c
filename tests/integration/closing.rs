//! How connections end: each close code, and that others are not affected.

use serde_json::json;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::support::{
    cluster::Cluster,
    eventually, in_time,
    person::{Heard, Person, couple, pair, talk},
    process::{Launch, Process},
    raw::{BINARY, CLOSE, CONTINUATION, FIN, PING, Raw, TEXT, masked},
};

/// Violations of the protocol, with their close codes.
fn violations() -> Vec<(&'static str, Vec<u8>, u16)> {
    let unmasked = vec![FIN | BINARY, 3, b'a', b'b', b'c'];
    let mut wrong_text = masked(TEXT, b"half of \xed\x95");
    wrong_text.extend(masked(FIN | CONTINUATION, b"x"));
    let long = vec![b'x'; 4097];
    let mut fragments_of_long = masked(BINARY, &vec![0; 65_536]);
    fragments_of_long.extend(masked(FIN | CONTINUATION, b"x"));
    vec![
        ("not masked", unmasked, 1002),
        ("garbage", b"GET / HTTP/1.1\r\n\r\n".to_vec(), 1002),
        ("first reserved bit (compression)", masked(FIN | 0x40 | BINARY, b"x"), 1002),
        ("second reserved bit", masked(FIN | 0x20 | TEXT, b"{}"), 1002),
        ("reserved opcode", masked(FIN | 3, b""), 1002),
        ("reserved control opcode", masked(FIN | 11, b""), 1002),
        ("nothing to continue", masked(FIN | CONTINUATION, b"x"), 1002),
        ("a message inside another", [masked(BINARY, b"x"), masked(FIN | BINARY, b"y")].concat(), 1002),
        ("a ping in fragments", masked(PING, b"x"), 1002),
        ("a ping that is too long", masked(FIN | PING, &[0; 126]), 1002),
        ("half a close code", masked(FIN | CLOSE, b"\x03"), 1002),
        ("a close code that nobody sends", masked(FIN | CLOSE, &1005_u16.to_be_bytes()), 1002),
        ("not UTF-8", masked(FIN | TEXT, b"\xff"), 1007),
        ("not UTF-8 over a boundary", wrong_text, 1007),
        ("a close reason that is not UTF-8", masked(FIN | CLOSE, b"\x03\xe8\xff"), 1007),
        ("a frame that is too large", masked(FIN | BINARY, &vec![0; 65_537]), 4104),
        ("fragments that are too large", fragments_of_long, 4104),
        ("a text that is too large", masked(FIN | TEXT, &long), 4104),
    ]
}

#[tokio::test]
async fn a_violation_is_answered_with_its_close_code_and_affects_nobody_else() {
    let serve = Launch::new("serve").ready().await;
    let (mut one, mut other) = couple(&serve, &serve).await;
    for (what, bytes, code) in violations() {
        let token = Person::new(&serve).await.token;
        let mut raw = Raw::open(serve.address(), &token).await;
        raw.write(&bytes).await;
        assert_eq!(raw.close_code().await, Some(code), "{what}");
        // After that the connection has ended, whatever the client sends.
        raw.write(&masked(FIN | CLOSE, &code.to_be_bytes())).await;
        assert_eq!(raw.next().await, None, "{what}");
        let early = Person::new(&serve).await.token;
        let mut raw = Raw::open_with(serve.address(), &early, &bytes).await;
        assert_eq!(raw.close_code().await, Some(code), "{what}, right behind the upgrade");
    }
    talk(&mut one, &mut other).await;
}

#[tokio::test]
async fn a_message_of_the_largest_size_is_accepted() {
    let serve = Launch::new("serve").ready().await;
    let mut person = Person::arrive(&serve).await;
    let ping = format!(r#"{{"type":"ping","pad":"{}"}}"#, "x".repeat(4096 - 24));
    assert_eq!(ping.len(), 4096);
    person.send(Message::text(ping)).await;
    person.hear("pong").await;
    person.frame(vec![0; 65_536]).await;
    person.has_heard_nothing().await;
}

#[tokio::test]
async fn a_close_frame_is_answered_with_its_code() {
    let serve = Launch::new("serve").ready().await;
    let (mut one, mut other) = couple(&serve, &serve).await;
    let bye = CloseFrame { code: CloseCode::Library(4321), reason: "bye".into() };
    one.send(Message::Close(Some(bye))).await;
    assert_eq!(one.closed().await, Some(4321));
    other.peer_is("away").await;
    // The frame before the close frame has been relayed.
    one.come_back(&serve).await;
    other.peer_is("online").await;
    one.frame("last words").await;
    one.send(Message::Close(None)).await;
    assert_eq!(other.hear_frame().await, "last words");
    other.peer_is("away").await;
}

#[tokio::test]
async fn a_client_without_pongs_is_closed_unless_it_sends_messages() {
    let serve = Launch::new("serve").set("heartbeat", "400ms").set("pong-wait", "400ms").ready().await;
    let (mut silent, mut other) = couple(&serve, &serve).await;
    silent.lose();
    other.peer_is("away").await;
    // A raw client answers no ping, but its messages count too.
    let mut raw = Raw::open(serve.address(), &silent.token).await;
    let resume = json!({"type": "resume", "ticket": silent.ticket}).to_string();
    raw.send(FIN | TEXT, resume.as_bytes()).await;
    other.peer_is("online").await;
    let mut pings = 0;
    while pings < 5 {
        let (first, _) = raw.next_or_ping().await.expect("still open");
        if first == FIN | PING {
            pings += 1;
            raw.send(FIN | BINARY, b"alive").await;
            assert_eq!(other.hear_frame().await, "alive");
        }
    }
    assert_eq!(raw.close_code().await, Some(4000));
    other.peer_is("away").await;
    other.has_heard_nothing().await;
}

#[tokio::test]
async fn a_client_that_only_answers_pings_stays_connected() {
    let serve = Launch::new("serve").set("heartbeat", "500ms").set("pong-wait", "2s").ready().await;
    let (mut one, mut other) = couple(&serve, &serve).await;
    // A third client measures the time: this many heartbeats are longer than a client may be
    // silent.
    let token = Person::new(&serve).await.token;
    let mut raw = Raw::open(serve.address(), &token).await;
    let mut pings = 0;
    while pings < 8 {
        let (first, _) = raw.next_or_ping().await.expect("still open");
        if first == FIN | PING {
            pings += 1;
            raw.send(FIN | BINARY, b"alive").await;
        }
    }
    talk(&mut one, &mut other).await;
}

/// Floods a client that does not read, and checks what its peer is told.
async fn flood_a_slow_client(flooder_at: &Process, reader_at: &Process) {
    let (mut flooder, mut reader) = couple(flooder_at, reader_at).await;
    let (mut third, mut fourth) = couple(flooder_at, reader_at).await;
    reader.lose();
    flooder.peer_is("away").await;
    let mut raw = Raw::open_narrow(reader_at.address(), &reader.token).await;
    let resume = json!({"type": "resume", "ticket": reader.ticket}).to_string();
    raw.send(FIN | TEXT, resume.as_bytes()).await;
    flooder.peer_is("online").await;
    // Until the gateway closes the connection of the client that does not read.
    let flood = async {
        loop {
            flooder.frame(vec![0; 32 * 1024]).await;
            flooder.ask(json!({"type": "ping"})).await;
            match flooder.next().await {
                Heard::Control(message) if message["type"] == "pong" => {}
                heard => return heard,
            }
        }
    };
    let heard = in_time("the slow one is given up", flood).await;
    assert_eq!(heard, Heard::Control(json!({"type": "peer", "state": "away"})));
    flooder.hear("pong").await;
    // Nobody had to wait for it.
    talk(&mut third, &mut fourth).await;
    eventually("the close is counted", async || {
        let metrics = crate::support::http::get(reader_at.ops(), "/metrics").await.text();
        metrics.contains(r#"gateway_closes_total{reason="slow consumer"} 1"#)
    })
    .await;
    reader.come_back(reader_at).await;
    flooder.peer_is("online").await;
    talk(&mut flooder, &mut reader).await;
}

#[tokio::test]
async fn a_slow_client_is_closed_and_nobody_waits_for_it() {
    let serve = Launch::new("serve").ready().await;
    flood_a_slow_client(&serve, &serve).await;
}

#[tokio::test]
async fn a_slow_client_at_another_gateway_is_closed_too() {
    let cluster = Cluster::start().await;
    flood_a_slow_client(&cluster.gateways[0], &cluster.gateways[1]).await;
}

#[tokio::test]
async fn a_client_that_sends_too_much_is_slowed_down_and_loses_nothing() {
    let serve = Launch::new("serve").set("frame-rate", "50").ready().await;
    let (mut one, mut other) = couple(&serve, &serve).await;
    let began = tokio::time::Instant::now();
    // The burst is 200. One read may return all of them. Then nothing is read until the rate allows
    // the rest, two seconds later.
    for n in 0..300 {
        one.frame(format!("{n}")).await;
    }
    for n in 0..300 {
        assert_eq!(other.hear_frame().await, format!("{n}"));
    }
    one.frame("later").await;
    assert_eq!(other.hear_frame().await, "later");
    assert!(began.elapsed() >= std::time::Duration::from_millis(1500), "{:?}", began.elapsed());
    // The other direction is not slowed down, and in the end everything is relayed.
    talk(&mut one, &mut other).await;
}

#[tokio::test]
async fn bytes_are_limited_as_frames_are() {
    let serve = Launch::new("serve").set("byte-rate", "65536").ready().await;
    let (mut one, mut other) = couple(&serve, &serve).await;
    let began = tokio::time::Instant::now();
    let frame = vec![7; 32 * 1024];
    // One at a time: more than an outbox holds at once would make the peer too slow.
    for _ in 0..14 {
        one.frame(frame.clone()).await;
        assert!(other.hear_frame().await == frame);
    }
    // 448 KiB, of which 256 KiB are the burst.
    assert!(began.elapsed() >= std::time::Duration::from_secs(2), "{:?}", began.elapsed());
}

#[tokio::test]
async fn closed_connections_are_counted_by_reason() {
    let serve = Launch::new("serve").ready().await;
    let mut person = Person::arrive(&serve).await;
    let old = person.release();
    person.connect(&serve).await;
    drop(old);
    let mut other = Person::arrive(&serve).await;
    pair(&mut person, &mut other).await;
    person.ask(json!({"type": "report", "category": "minor"})).await;
    person.ended("reported").await;
    person.ask(json!({"type": "leave"})).await;
    assert_eq!(person.error().await, "no-room");
    eventually("all is counted", async || {
        let metrics = crate::support::http::get(serve.ops(), "/metrics").await.text();
        [
            r#"gateway_closes_total{reason="replaced by a newer connection"} 1"#,
            r#"gateway_reports_total{reason="minor"} 1"#,
            r#"gateway_rooms_ended_total{reason="reported"} 1"#,
            r#"gateway_control_errors_total{reason="no-room"} 1"#,
        ]
        .iter()
        .all(|line| metrics.contains(line))
    })
    .await;
}
