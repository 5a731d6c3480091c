//! Frames from one client to the other.

use bus::{Heard, Local};
use rand::{Rng, SeedableRng, rngs::StdRng};
use schemas::{
    CloseCode, RoomId, Side, Stamp,
    frame::Frames,
    limits::{CONTROL_BYTES, FRAME_BYTES},
    subject::Interest,
};
use websocket::{FrameEnd, Opcode};

use super::support::*;
use crate::{
    dispatch,
    ws::{batch::TOGETHER_BYTES, connection::Target, outbox::OUTBOX_BYTES},
};

/// What may be under way to a client without its being too slow.
const WINDOW: usize = 200 * 1024;

#[tokio::test]
async fn frames_keep_their_order_through_sockets_that_take_a_little_at_a_time() {
    for way in [Way::Narrow, Way::NarrowTls] {
        let gateway = Gateway::new(|_| ());
        let [(mut one, _), (mut other, _)] = gateway.pair(Way::Plain, way).await;
        let mut rng = StdRng::seed_from_u64(1);
        for _ in 0..12 {
            let (mut payloads, mut size) = (Vec::new(), 0);
            while size < WINDOW {
                let most = if rng.random_bool(0.1) { FRAME_BYTES.min(WINDOW - size) } else { 200 };
                let payload: Vec<u8> = (0..rng.random_range(0..=most)).map(|_| rng.random()).collect();
                size += payload.len() + 16;
                payloads.push(payload);
            }
            one.raw(&frames(Opcode::Binary, &payloads)).await;
            for payload in payloads {
                assert_eq!(other.expect(Opcode::Binary).await, payload, "{way:?}");
            }
        }
        one.leave().await;
        other.leave().await;
        gateway.expect_nothing_left().await;
    }
}

#[tokio::test]
async fn what_one_read_brings_goes_over_the_bus_in_messages_of_some_size_and_a_large_frame_alone() {
    let local = Local::new();
    let [here, there] = ["n1", "n2"].map(|name| Gateway::on(&local, name, |_| ()));
    let traffic = Interest::RoomTraffic(there.node.config().node.clone());
    let mut bus = there.node.bus().subscribe(&[traffic]).await.unwrap();
    let (mut client, connection) = here.connect(Way::Plain).await;
    here.route(&connection, RoomId::from_bytes([3; 16]), Side::A, &there);
    let mut payloads: Vec<Vec<u8>> = (0..100).map(|n| vec![n; 2000]).collect();
    payloads.push(vec![7; FRAME_BYTES]);
    client.raw(&frames(Opcode::Binary, &payloads)).await;
    let mut came = Vec::new();
    while came.len() < payloads.len() {
        let Heard::Frames { payload, .. } = soon(bus.next()).await.unwrap() else { panic!("frames") };
        let message = Frames::parse(&payload).unwrap();
        assert!(payload.len() <= TOGETHER_BYTES || message.iter().count() == 1, "{} bytes", payload.len());
        came.extend(message.iter().map(<[u8]>::to_vec));
    }
    assert!(came == payloads);
}

#[tokio::test]
async fn the_largest_frame_and_a_message_in_fragments_arrive_whole() {
    for way in [Way::Plain, Way::Tls] {
        let gateway = Gateway::new(|_| ());
        let [(mut one, _), (mut other, _)] = gateway.pair(way, way).await;
        let largest = vec![7; FRAME_BYTES];
        one.say(Opcode::Binary, &largest).await;
        assert_eq!(other.expect(Opcode::Binary).await, largest);

        one.raw(&fragment(Opcode::Binary, FrameEnd::More, b"in ")).await;
        one.say(Opcode::Ping, b"between").await;
        one.raw(&fragment(Opcode::Continuation, FrameEnd::More, b"")).await;
        one.raw(&fragment(Opcode::Continuation, FrameEnd::Final, b"parts")).await;
        assert_eq!(other.expect(Opcode::Binary).await, b"in parts");
        assert_eq!(one.expect(Opcode::Pong).await, b"between");
    }
}

#[tokio::test]
async fn what_is_too_large_closes_the_connection_and_no_other() {
    let gateway = Gateway::new(|_| ());
    for (opcode, size) in [(Opcode::Binary, FRAME_BYTES + 1), (Opcode::Text, CONTROL_BYTES + 1)] {
        let [(mut one, _), (mut other, _)] = gateway.pair(Way::Plain, Way::Plain).await;
        one.say(Opcode::Binary, b"before").await;
        one.say(opcode, &vec![b'x'; size]).await;
        one.expect_close(CloseCode::TooLarge).await;
        assert_eq!(other.expect(Opcode::Binary).await, b"before");
        other.say(Opcode::Ping, b"").await;
        other.expect(Opcode::Pong).await;
    }
}

#[tokio::test]
async fn what_came_with_the_upgrade_request_is_heard() {
    let early = frames(Opcode::Ping, ["one", "two"]);
    for way in [Way::Plain, Way::Tls] {
        let gateway = Gateway::new(|_| ());
        let (mut client, _) = gateway.connect_early(way, &early).await;
        assert!(client.text().await.contains("ready"), "which comes first");
        assert_eq!(client.expect(Opcode::Pong).await, b"one", "{way:?}");
        assert_eq!(client.expect(Opcode::Pong).await, b"two");
    }
}

#[tokio::test]
async fn answers_to_one_read_come_in_order_and_as_one_write() {
    let gateway = Gateway::new(|_| ());
    let (mut client, _) = gateway.connect(Way::Plain).await;
    let mut bytes = Vec::new();
    for n in 0..1000_u32 {
        bytes.extend(frame(Opcode::Ping, &n.to_be_bytes()));
        bytes.extend(frame(Opcode::Text, b"{\"type\":\"ping\"}"));
    }
    client.raw(&bytes).await;
    for n in 0..1000_u32 {
        assert_eq!(client.expect(Opcode::Pong).await, n.to_be_bytes());
        assert_eq!(client.text().await, "{\"type\":\"pong\"}");
    }
}

#[tokio::test]
async fn frames_for_nobody_are_dropped_and_counted() {
    let gateway = Gateway::new(|_| ());
    let (mut client, _) = gateway.connect(Way::Plain).await;
    client.raw(&frames(Opcode::Binary, ["a", "b", "c"])).await;
    until(|| gateway.node.metrics().frames_dropped.get() == 3).await;
    assert_eq!(gateway.node.metrics().frames_relayed.get(), 0);
}

#[tokio::test]
async fn frames_of_one_room_do_not_fall_into_the_next() {
    let gateway = Gateway::new(|_| ());
    let [(mut one, _), (mut other, connection)] = gateway.pair(Way::Plain, Way::Plain).await;
    connection.set_target(Target::Nowhere);
    one.say(Opcode::Binary, b"late").await;
    until(|| gateway.node.metrics().frames_dropped.get() == 1).await;
    other.say(Opcode::Ping, b"").await;
    other.expect(Opcode::Pong).await;
}

#[tokio::test]
async fn frames_reach_the_other_gateway_in_order_and_older_attachments_are_fenced_off() {
    let (local, room) = (Local::new(), RoomId::from_bytes([3; 16]));
    let gateways = [Gateway::on(&local, "n1", |_| ()), Gateway::on(&local, "n2", |_| ())];
    let mut dispatchers = Vec::new();
    for gateway in &gateways {
        let heard = dispatch::listen(&gateway.node).await.unwrap();
        dispatchers.push(tokio_util::task::AbortOnDropHandle::new(
            gateway.tasks.spawn(dispatch::run(gateway.node.clone(), heard)),
        ));
    }
    let [here, there] = &gateways;
    let (mut one, on_here) = here.connect(Way::Plain).await;
    let (mut other, on_there) = there.connect(Way::NarrowTls).await;
    here.route(&on_here, room, Side::A, there);
    there.route(&on_there, room, Side::B, here);

    let mut rng = StdRng::seed_from_u64(2);
    for round in 0..10_u32 {
        let sizes: Vec<usize> = (0..50).map(|_| rng.random_range(4..3000)).collect();
        let payloads: Vec<Vec<u8>> = sizes.into_iter().map(|size| vec![round as u8; size]).collect();
        one.raw(&frames(Opcode::Binary, &payloads)).await;
        for payload in &payloads {
            assert_eq!(other.expect(Opcode::Binary).await, *payload);
        }
        other.say(Opcode::Binary, &round.to_be_bytes()).await;
        assert_eq!(one.expect(Opcode::Binary).await, round.to_be_bytes());
    }

    there.node.routes().open(room, Side::B, &on_there, Stamp(8));
    one.say(Opcode::Binary, b"from an older attachment").await;
    until(|| there.node.metrics().frames_refused.get() == 1).await;

    // Closed while routed: nothing leads there any more.
    on_there.close(CloseCode::Replaced);
    other.expect_close(CloseCode::Replaced).await;
    other.leave().await;
    one.leave().await;
    drop((dispatchers, on_here, on_there));
    for gateway in gateways {
        gateway.expect_nothing_left().await;
    }
}

#[tokio::test]
async fn a_client_is_not_too_slow_because_the_bus_brings_more_at_once_than_its_outbox_holds() {
    let (local, room) = (Local::new(), RoomId::from_bytes([3; 16]));
    let [here, there] = ["n1", "n2"].map(|name| Gateway::on(&local, name, |_| ()));
    let heard = dispatch::listen(&there.node).await.unwrap();
    let (mut one, on_here) = here.connect(Way::Plain).await;
    let (mut other, on_there) = there.connect(Way::Plain).await;
    here.route(&on_here, room, Side::A, &there);
    there.route(&on_there, room, Side::B, &here);

    let payloads: Vec<Vec<u8>> =
        (0..OUTBOX_BYTES / FRAME_BYTES + 1).map(|n| vec![n as u8; FRAME_BYTES]).collect();
    one.raw(&frames(Opcode::Binary, &payloads)).await;
    until(|| here.node.metrics().frames_relayed.get() == payloads.len() as u64).await;
    there.tasks.spawn(dispatch::run(there.node.clone(), heard));
    for payload in &payloads {
        assert_eq!(other.expect(Opcode::Binary).await, *payload);
    }
}
