//! What can go wrong with NATS: it starts late, is lost, comes back, hangs, and carries foreign
//! messages.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use bus::{
    Bus, FrameRoute, Heard, NatsOptions, Observed, PublishError, QUEUED_BYTES, QUEUED_FRAMES_BYTES, Status,
    Watcher,
};
use bytes::Bytes;
use schemas::{
    Service,
    event::{RoomEvent, SessionEvent},
    limits,
    message::Message,
    subject::{Interest, Subject},
};

use crate::{
    beat, becomes, connect, counted, heard, heard_gap, heard_message, nats::NatsServer, node, number, peer,
    ready, room, session, session_answer, want, within,
};

async fn joined(server: &NatsServer, name: &str) -> Bus {
    let bus = connect(server, name).await;
    becomes(&bus, Status::Up).await;
    bus
}

#[tokio::test]
async fn a_node_that_starts_before_the_server_waits_for_it() {
    let mut server = NatsServer::start();
    server.kill();
    let bus = connect(&server, "g1").await;
    assert_eq!(*bus.status().borrow(), Status::Down);
    let mut subscription = within(bus.subscribe(&[Interest::Wants])).await.unwrap();
    assert_eq!(bus.publish(&want("g1")), Err(PublishError::Down));
    assert_eq!(bus.flush().await, Err(PublishError::Down));
    server.restart();
    becomes(&bus, Status::Up).await;
    heard_gap(&mut subscription).await;
    bus.publish(&want("g2")).unwrap();
    assert_eq!(heard_message(&mut subscription).await, want("g2"));
}

#[tokio::test]
async fn a_lost_server_is_noticed_and_its_return_is_a_gap() {
    let mut server = NatsServer::start();
    let (one, two) = (joined(&server, "g1").await, joined(&server, "g2").await);
    let mut subscription =
        two.subscribe(&[Interest::Wants, Interest::RoomTraffic(node("g2"))]).await.unwrap();
    for end in [NatsServer::kill, NatsServer::stop] {
        one.publish(&want("before")).unwrap();
        one.flush().await.unwrap();
        // The server has it. Its echo to the second node comes after it on the same connection, so
        // that node has it too.
        two.flush().await.unwrap();
        end(&mut server);
        for bus in [&one, &two] {
            becomes(bus, Status::Down).await;
        }
        assert_eq!(
            heard_message(&mut subscription).await,
            want("before"),
            "what had been received is delivered"
        );
        server.restart();
        for bus in [&one, &two] {
            becomes(bus, Status::Up).await;
            // The server knows the node's subscriptions again.
            within(bus.flush()).await.unwrap();
        }
        heard_gap(&mut subscription).await;
        one.publish(&peer("g2", 3)).unwrap();
        assert_eq!(heard_message(&mut subscription).await, peer("g2", 3));
    }
    assert_eq!(two.counters().gaps.load(Relaxed), 2);
    assert_eq!(two.counters().connects.load(Relaxed), 3);
}

#[tokio::test]
async fn what_is_published_while_the_bus_is_down_is_dropped_and_not_delayed() {
    let mut server = NatsServer::start();
    let bus = joined(&server, "g1").await;
    let mut subscription = bus.subscribe(&[Interest::Heartbeats(Service::Gateway)]).await.unwrap();
    let route = FrameRoute { room: room(1), to: node("g1") };
    server.kill();
    becomes(&bus, Status::Down).await;
    for n in 0..100 {
        assert_eq!(bus.publish(&beat("g1", n)), Err(PublishError::Down));
    }
    assert_eq!(bus.publish_frames(&route, Bytes::from_static(b"late")), Err(PublishError::Down));
    assert!(matches!(bus.ask(Message::Ask { session: session(1) }), Err(PublishError::Down)));
    assert_eq!(bus.counters().dropped_down.load(Relaxed), 102);
    server.restart();
    becomes(&bus, Status::Up).await;
    bus.publish(&beat("g1", 1000)).unwrap();
    bus.flush().await.unwrap();
    let mut numbers = vec![];
    while let Some(item) = subscription.try_next() {
        if let Heard::Message { message, .. } = item {
            numbers.push(number(&message));
        }
    }
    assert_eq!(numbers, [1000]);
}

fn route() -> FrameRoute {
    FrameRoute { room: room(1), to: node("g9") }
}

/// Publishes frames until the bus refuses them. Returns how many bytes it took.
fn fill(bus: &Bus) -> usize {
    const MOST: usize = 256 * 1024 * 1024;
    let route = route();
    let frames = Bytes::from(vec![1; limits::BUS_FRAMES_BYTES]);
    let mut taken = 0;
    loop {
        match bus.publish_frames(&route, frames.clone()) {
            Ok(()) => taken += frames.len(),
            Err(refused) => {
                assert_eq!(refused, PublishError::Full);
                return taken;
            }
        }
        assert!(taken < MOST, "the bus is bounded");
    }
}

/// Pauses the server, and fills what the kernel buffers for it. That is some MiB, a part of it each
/// time that the connection has its turn.
async fn hang(server: &NatsServer, bus: &Bus) {
    server.pause();
    let permit = || bus.reserve_frames(limits::BUS_FRAMES_BYTES);
    while tokio::time::timeout(Duration::from_millis(200), permit()).await.is_ok() {
        fill(bus);
    }
}

#[tokio::test]
async fn a_megabyte_is_queued_for_the_server_and_no_more() {
    let server = NatsServer::start();
    let bus = joined(&server, "g1").await;
    // No other task runs meanwhile, so the connection takes nothing.
    let frames = fill(&bus);
    let least = QUEUED_FRAMES_BYTES - 2 * limits::BUS_FRAMES_BYTES;
    assert!((least..=QUEUED_FRAMES_BYTES).contains(&frames), "{frames}");
    let mut events = 0;
    while bus.publish(&beat("g1", events)).is_ok() {
        events += 1;
    }
    assert!(events > 100, "events find room beside a flood of frames");
    assert!((events as usize) < (QUEUED_BYTES - QUEUED_FRAMES_BYTES) / 128 * 2, "{events}");
    assert_eq!(bus.counters().dropped_full.load(Relaxed), 2);
    within(bus.writable()).await;
    bus.publish(&want("g1")).unwrap();
    within(bus.flush()).await.unwrap();
    assert!(fill(&bus) > 0, "what was written has released its permits");
}

#[tokio::test]
async fn those_who_wait_for_a_full_bus_are_served_in_order() {
    const WAITING: std::ops::Range<u8> = 100..132;
    let server = NatsServer::start();
    let (speaker, listener) = (joined(&server, "g1").await, joined(&server, "g9").await);
    let mut heard = listener.subscribe(&[Interest::RoomTraffic(node("g9"))]).await.unwrap();
    fill(&speaker);
    let mut waiting = tokio::task::JoinSet::new();
    for n in WAITING {
        let bus = speaker.clone();
        waiting.spawn(async move {
            let frames = Bytes::from(vec![n; limits::BUS_FRAMES_BYTES]);
            let permit = bus.reserve_frames(frames.len()).await;
            bus.publish_frames_with(permit, &route(), frames)
        });
    }
    for sent in within(waiting.join_all()).await {
        assert_eq!(sent, Ok(()));
    }
    let mut came = Vec::new();
    while came.len() < WAITING.len() {
        let Heard::Frames { payload, .. } = crate::heard(&mut heard).await else { panic!("frames") };
        // What filled the bus comes first.
        came.extend(WAITING.contains(&payload[0]).then_some(payload[0]));
    }
    assert!(came.into_iter().eq(WAITING));
}

#[tokio::test]
async fn a_server_that_hangs_fills_the_queue_until_it_goes_on() {
    let server = NatsServer::start();
    let bus = joined(&server, "g1").await;
    hang(&server, &bus).await;
    assert!(fill(&bus) < QUEUED_FRAMES_BYTES, "what is queued is kept");
    bus.publish(&beat("g1", 1)).unwrap();
    server.resume();
    let permit = within(bus.reserve_frames(limits::BUS_FRAMES_BYTES)).await;
    bus.publish_frames_with(permit, &route(), Bytes::from_static(b"x")).unwrap();
}

#[tokio::test]
async fn a_server_that_hangs_for_long_counts_as_lost() {
    let server = NatsServer::start();
    let bus = joined(&server, "g1").await;
    let mut subscription = bus.subscribe(&[Interest::Wants]).await.unwrap();
    hang(&server, &bus).await;
    fill(&bus);
    let (flushed, ()) = tokio::join!(bus.flush(), async {
        let permit = within(bus.reserve_frames(limits::BUS_FRAMES_BYTES)).await;
        assert_eq!(*bus.status().borrow(), Status::Down, "a wait ends when the bus is down");
        let frames = bus.publish_frames_with(permit, &route(), Bytes::from_static(b"x"));
        assert_eq!(frames, Err(PublishError::Down));
    });
    assert_eq!(flushed, Err(PublishError::Down));
    server.resume();
    becomes(&bus, Status::Up).await;
    heard_gap(&mut subscription).await;
}

#[tokio::test]
async fn what_does_not_decode_is_dropped_and_counted() {
    let server = NatsServer::start();
    let bus = joined(&server, "g1").await;
    let mut subscription = bus
        .subscribe(&[Interest::Wants, Interest::RoomTraffic(node("g1")), Interest::Keys, Interest::Asks])
        .await
        .unwrap();
    let stranger = async_nats::connect(server.url()).await.unwrap();
    for (subject, body) in [
        ("cc.v1.want.g2", &b"\xff\xff not CBOR"[..]),
        ("cc.v1.want.g2", b""),
        ("cc.v1.want.gateway", b"\xa0"),
        ("cc.v1.room.tooshort.frame.g1", b"x"),
        ("cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.nothing.g1", b"x"),
        ("cc.v1.session.nobody.ask", b""),
        ("cc.v1.key.x.gateway.g2", b""),
    ] {
        stranger.publish(subject, Bytes::from_static(body)).await.unwrap();
    }
    stranger.flush().await.unwrap();
    let counters = bus.counters();
    tokio::select! {
        item = heard(&mut subscription) => panic!("{item:?} is heard"),
        () = counted(&counters.undecodable, 7) => {}
    }
    bus.publish(&want("g1")).unwrap();
    assert_eq!(heard_message(&mut subscription).await, want("g1"));
    bus.flush().await.unwrap();
    assert!(subscription.try_next().is_none());
    assert_eq!(bus.counters().undecodable.load(Relaxed), 7);
}

#[tokio::test]
async fn an_event_from_the_wrong_role_is_dropped_and_counted() {
    let server = NatsServer::start();
    let (bus, other) = (joined(&server, "g1").await, joined(&server, "x").await);
    let mut subscription = bus.subscribe(&[Interest::RoomEvents, Interest::SessionEvents]).await.unwrap();
    // The bus does not stop a node from publishing what it may not: the receiver drops it.
    for wrong in [
        Message::Room { room: room(1), speaker: Service::Gateway, event: RoomEvent::Expired },
        Message::Room { room: room(1), speaker: Service::Pairing, event: RoomEvent::Declined },
        Message::Session {
            session: session(1),
            speaker: Service::Janitor,
            event: SessionEvent::Left(room(1)),
        },
    ] {
        other.publish(&wrong).unwrap();
    }
    let right = Message::Room { room: room(1), speaker: Service::Janitor, event: RoomEvent::Expired };
    other.publish(&right).unwrap();
    assert_eq!(heard_message(&mut subscription).await, right);
    bus.flush().await.unwrap();
    assert!(subscription.try_next().is_none());
    assert_eq!(bus.counters().wrong_speaker.load(Relaxed), 3);
}

#[tokio::test]
async fn a_question_cannot_make_a_node_publish_on_any_subject() {
    let server = NatsServer::start();
    let bus = joined(&server, "g1").await;
    let mut subscription = bus.subscribe(&[Interest::Asks, Interest::Syncs]).await.unwrap();
    let stranger = async_nats::connect(server.url()).await.unwrap();
    let ask = Subject::Ask(session(1)).text();
    for (subject, reply) in [
        (ask.as_str(), "cc.v1.want.g2"),
        ("cc.v1.sync.g2", "cc.v1.key.x.gateway"),
        ("cc.v1.sync.g2", "_INBOX_g3.abc"),
    ] {
        stranger.publish_with_reply(subject.to_owned(), reply, Bytes::new()).await.unwrap();
    }
    stranger.publish_with_reply(ask.clone(), "_INBOX_x.abc", Bytes::new()).await.unwrap();
    stranger.publish(ask, Bytes::new()).await.unwrap();
    let (mut with, mut without) = (0, 0);
    while with + without < 2 {
        match heard(&mut subscription).await {
            Heard::Message { reply: Some(reply), .. } => {
                bus.answer(&reply, &session_answer(1)).unwrap();
                with += 1;
            }
            Heard::Message { reply: None, .. } => without += 1,
            other => panic!("{other:?} instead of a question"),
        }
    }
    bus.flush().await.unwrap();
    assert!(subscription.try_next().is_none());
    assert_eq!((with, without, bus.counters().undecodable.load(Relaxed)), (1, 1, 3));
}

#[tokio::test]
async fn a_drain_ends_in_time_while_the_server_is_gone() {
    let mut server = NatsServer::start();
    let bus = joined(&server, "g1").await;
    let mut subscription = bus.subscribe(&[Interest::Wants]).await.unwrap();
    server.kill();
    becomes(&bus, Status::Down).await;
    let (ended, ()) = tokio::join!(within(subscription.next()), within(bus.drain()));
    assert!(ended.is_none());
    server.restart();
    assert_eq!(bus.publish(&want("g1")), Err(PublishError::Down));
}

#[tokio::test]
async fn a_missing_permission_is_counted() {
    let server = NatsServer::with_config(
        r#"
        accounts { A { users: [ { user: u, permissions: { publish: "_INBOX_g1.>", subscribe: "_INBOX_g1.>" } } ] } }
        no_auth_user: u
        "#,
    );
    let bus = joined(&server, "g1").await;
    bus.publish(&want("g1")).unwrap();
    bus.flush().await.unwrap();
    counted(&bus.counters().server_errors, 1).await;
    let _refused = bus.subscribe(&[Interest::Wants]).await.unwrap();
    counted(&bus.counters().server_errors, 2).await;
}

#[tokio::test]
async fn an_operator_sees_the_nodes_until_they_stop() {
    let server = NatsServer::start();
    let bus = joined(&server, "g1").await;
    bus.introduce(Service::Gateway, "1.2.3", bus::Clock::start().now(), ready()).await;
    bus.flush().await.unwrap();
    let operator = async_nats::connect(server.url()).await.unwrap();
    let reply = within(operator.request("$SRV.PING", "".into())).await.unwrap();
    let said: serde_json::Value = serde_json::from_slice(&reply.payload).unwrap();
    assert_eq!(said["name"], "cipher-chat-gateway");
    assert_eq!((&said["version"], &said["metadata"]["node"]), (&"1.2.3".into(), &"g1".into()));
    bus.drain().await;
    let nobody = within(operator.request("$SRV.PING", "".into())).await.unwrap_err();
    assert_eq!(nobody.kind(), async_nats::RequestErrorKind::NoResponders);
}

/// Whoever watches hears each node, and again after the server was gone.
#[tokio::test]
async fn a_watcher_hears_heartbeats_and_is_told_metrics() {
    let mut server = NatsServer::start();
    let bus = joined(&server, "g1").await;
    bus.introduce(Service::Gateway, "1.2.3", bus::Clock::start().now(), ready()).await;
    let options = NatsOptions { urls: vec![server.url()], ..NatsOptions::default() };
    let every = Duration::from_millis(50);
    let mut watcher = within(Watcher::open(options, &node("ops"), every)).await.unwrap();
    for time in ["at first", "again"] {
        within(async { while watcher.next().await != Observed::Bus(Status::Up) {} }).await;
        becomes(&bus, Status::Up).await;
        let (mut beats, mut answers) = (0, 0);
        within(async {
            while beats == 0 || answers == 0 {
                match watcher.next().await {
                    Observed::Asked => bus.publish(&beat("g1", 7)).unwrap(),
                    Observed::Heartbeat { service, from, heartbeat } => {
                        assert_eq!((service, &from, heartbeat.boot.0), (Service::Gateway, &node("g1"), 7));
                        beats += 1;
                    }
                    Observed::Metrics { service, from, samples } => {
                        let expected = (Service::Gateway, node("g1"), Some("up 1\n".to_owned()));
                        assert_eq!((service, from, samples), expected, "{time}");
                        answers += 1;
                    }
                    Observed::Bus(status) => panic!("{status:?}, {time}"),
                }
            }
        })
        .await;
        if time == "at first" {
            server.stop();
            within(async { while watcher.next().await != Observed::Bus(Status::Down) {} }).await;
            server.restart();
        }
    }
}
