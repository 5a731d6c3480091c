//! Frames are relayed unread, whole, in order, and to the right client.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{
    cluster::Cluster,
    eventually,
    person::{Person, couple, pair, talk},
    process::{Launch, Process},
    raw::{BINARY, CONTINUATION, FIN, PING, PONG, Raw, TEXT},
};

const FRAMES: usize = 400;

async fn frames_keep_their_order(one_at: &Process, other_at: &Process) {
    let (mut one, mut other) = couple(one_at, other_at).await;
    // In both directions at once, in many sizes, in all less than an outbox holds.
    let frame = |who: u8, n: usize| [&[who][..], &n.to_be_bytes(), &vec![who; n * n % 300]].concat();
    for n in 0..FRAMES {
        one.frame(frame(1, n)).await;
        other.frame(frame(2, n)).await;
    }
    for n in 0..FRAMES {
        assert_eq!(other.hear_frame().await, frame(1, n), "{n}");
        assert_eq!(one.hear_frame().await, frame(2, n), "{n}");
    }
    other.has_heard_nothing().await;
    one.has_heard_nothing().await;
}

#[tokio::test]
async fn frames_arrive_whole_and_in_order_within_a_gateway() {
    let serve = Launch::new("serve").ready().await;
    frames_keep_their_order(&serve, &serve).await;
}

#[tokio::test]
async fn frames_arrive_whole_and_in_order_between_gateways() {
    let cluster = Cluster::start().await;
    frames_keep_their_order(&cluster.gateways[0], &cluster.gateways[1]).await;
}

#[tokio::test]
async fn the_largest_and_the_smallest_frames_are_relayed() {
    let cluster = Cluster::start().await;
    for (one_at, other_at) in [(0, 1), (0, 0)] {
        let (mut one, mut other) = couple(&cluster.gateways[one_at], &cluster.gateways[other_at]).await;
        let largest: Vec<u8> = (0..65_536_u32).map(|n| (n * 7 % 251) as u8).collect();
        for frame in [largest.clone(), Vec::new(), vec![0], largest.clone(), largest] {
            one.frame(frame.clone()).await;
            other.frame(frame.clone()).await;
            assert!(other.hear_frame().await == frame && one.hear_frame().await == frame, "{}", frame.len());
        }
    }
}

#[tokio::test]
async fn a_message_in_fragments_arrives_as_one() {
    let cluster = Cluster::start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    one.lose();
    let mut raw = Raw::open(cluster.gateways[0].address(), &one.token).await;
    let resume = json!({"type": "resume", "ticket": one.ticket}).to_string();
    let (head, tail) = resume.as_bytes().split_at(7);
    raw.send(TEXT, head).await;
    raw.send(FIN | CONTINUATION, tail).await;
    let mut heard = String::new();
    while !heard.contains("resumed") {
        let (first, payload) = raw.next().await.unwrap();
        assert_eq!(first, FIN | TEXT);
        heard = String::from_utf8(payload).unwrap();
    }
    let largest: Vec<u8> = (0..65_536_u32).map(|n| (n % 253) as u8).collect();
    raw.send(BINARY, &largest[..1]).await;
    raw.send(FIN | PING, b"between fragments").await;
    raw.send(CONTINUATION, b"").await;
    raw.send(CONTINUATION, &largest[1..40_000]).await;
    raw.send(FIN | CONTINUATION, &largest[40_000..]).await;
    loop {
        // A `peer` message may be received in between.
        let (first, payload) = raw.next().await.unwrap();
        if first == FIN | PONG {
            assert_eq!(payload, b"between fragments");
            break;
        }
    }
    loop {
        use crate::support::person::Heard::{Control, Frame};
        match other.next().await {
            Frame(frame) => break assert!(frame == largest),
            Control(message) => assert_eq!(message["type"], "peer"),
            closed => panic!("{closed:?}"),
        }
    }
}

#[tokio::test]
async fn frames_for_nobody_are_dropped_and_counted() {
    let serve = Launch::new("serve").ready().await;
    let mut one = Person::arrive(&serve).await;
    one.frame("to nobody").await;
    one.has_heard_nothing().await;
    assert_eq!(serve.metric("gateway_frames_dropped_total").await, 1.0);
    let mut other = Person::arrive(&serve).await;
    pair(&mut one, &mut other).await;
    one.lose();
    other.peer_is("away").await;
    // The first frame may still be queued for the socket that has just been lost.
    eventually("what is for somebody away is dropped", async || {
        other.frame("while away").await;
        other.has_heard_nothing().await;
        serve.metric("gateway_frames_dropped_total").await >= 2.0
    })
    .await;
    let before = serve.metric("gateway_frames_dropped_total").await;
    one.come_back(&serve).await;
    other.peer_is("online").await;
    talk(&mut one, &mut other).await;
    one.ask(json!({"type": "leave"})).await;
    one.ended("left").await;
    other.ended("left").await;
    other.frame("after the end").await;
    other.has_heard_nothing().await;
    one.has_heard_nothing().await;
    assert_eq!(serve.metric("gateway_frames_dropped_total").await, before + 1.0);
}

#[tokio::test]
async fn two_rooms_on_the_same_gateways_never_mix() {
    let cluster = Cluster::start().await;
    let [here, there] = [&cluster.gateways[0], &cluster.gateways[1]];
    let mut couples = Vec::new();
    for (one_at, other_at) in [(here, there), (there, here), (here, here), (here, there)] {
        couples.push(couple(one_at, other_at).await);
    }
    for n in 0..50 {
        for (room, (one, other)) in couples.iter_mut().enumerate() {
            one.frame(format!("one of {room}, {n}")).await;
            other.frame(format!("other of {room}, {n}")).await;
        }
    }
    for n in 0..50 {
        for (room, (one, other)) in couples.iter_mut().enumerate() {
            assert_eq!(other.hear_frame().await, format!("one of {room}, {n}"));
            assert_eq!(one.hear_frame().await, format!("other of {room}, {n}"));
        }
    }
}

#[tokio::test]
async fn a_ping_is_answered_by_both_kinds_of_pong() {
    let serve = Launch::new("serve").ready().await;
    let mut person = Person::arrive(&serve).await;
    person.ask(json!({"type": "ping"})).await;
    assert_eq!(person.hear("pong").await, json!({"type": "pong"}));
    person.send(Message::Ping("echo".into())).await;
    let mut raw = Raw::open(serve.address(), &Person::new(&serve).await.token).await;
    raw.next().await.unwrap();
    raw.send(FIN | PING, b"echo").await;
    assert_eq!(raw.next().await, Some((FIN | PONG, b"echo".to_vec())));
    person.has_heard_nothing().await;
}
