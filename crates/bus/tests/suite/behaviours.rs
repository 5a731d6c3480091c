//! What both backends do. Each behaviour is written once and run on both.

use std::{collections::BTreeSet, sync::atomic::Ordering::Relaxed};

use bus::{FrameRoute, Heard, PublishError, SubscribeError};
use bytes::Bytes;
use schemas::{
    Service, Stamp,
    event::{RoomEvent, SyncAnswer, WantEvent},
    limits,
    message::{Answer, Message},
    subject::Interest,
};

use crate::{
    Net, beat, heard, heard_message, node, number, peer, room, session, session_answer, want, within,
};

macro_rules! on_both_buses {
    ($($behaviour:ident)*) => {
        mod local {
            $(#[tokio::test] async fn $behaviour() { super::$behaviour(crate::Net::local()).await; })*
        }
        mod nats {
            $(#[tokio::test] async fn $behaviour() { super::$behaviour(crate::Net::nats()).await; })*
        }
    };
}

on_both_buses! {
    a_subscription_delivers_its_interests_and_nothing_else
    a_node_receives_what_it_publishes
    peer_events_and_frames_of_a_room_keep_their_order
    frames_reach_only_the_gateway_that_the_route_names
    several_nodes_answer_a_question
    a_sync_is_answered_in_batches
    an_answer_of_the_wrong_kind_never_arrives
    a_question_without_subscribers_gets_no_answer
    a_slow_subscription_delivers_a_gap_where_messages_are_missing
    what_is_ready_can_be_taken_without_waiting
    a_dropped_subscription_does_not_affect_others
    what_is_too_large_is_refused_and_counted
    after_a_drain_everything_ends
    a_drain_leaves_other_nodes_alone
    a_flush_succeeds_while_the_bus_is_up
}

async fn a_subscription_delivers_its_interests_and_nothing_else(net: Net) {
    let (publisher, listener) = (net.join("publisher").await, net.join("g1").await);
    let mut gateway = listener
        .subscribe(&[Interest::RoomTraffic(node("g1")), Interest::RoomEvents, Interest::Matches(node("g1"))])
        .await
        .unwrap();
    let mut pairing = listener.subscribe(&[Interest::Wants]).await.unwrap();
    let ended = |speaker| Message::Room {
        room: room(1),
        speaker,
        event: RoomEvent::Ended(schemas::control::EndReason::Left),
    };
    let said = [
        want("g2"),
        peer("g2", 1),
        peer("g1", 2),
        beat("g2", 1),
        ended(Service::Janitor),
        Message::Match {
            to: node("g2"),
            event: schemas::event::MatchEvent::Spent(schemas::WantId::from_bytes([1; 16])),
        },
        want("g3"),
        ended(Service::Gateway),
    ];
    for message in &said {
        publisher.publish(message).unwrap();
    }
    // There is no order between different interests.
    let mut heard_all = vec![];
    for _ in 0..3 {
        heard_all.push(heard_message(&mut gateway).await);
    }
    for expected in [&said[2], &said[4], &said[7]] {
        assert!(heard_all.contains(expected), "{expected:?} in {heard_all:?}");
    }
    assert_eq!(
        [heard_message(&mut pairing).await, heard_message(&mut pairing).await],
        [want("g2"), want("g3")]
    );
    assert!(gateway.try_next().is_none() && pairing.try_next().is_none());
}

async fn a_node_receives_what_it_publishes(net: Net) {
    let bus = net.join("g1").await;
    let mut subscription = bus.subscribe(&[Interest::Heartbeats(Service::Gateway)]).await.unwrap();
    bus.publish(&beat("g1", 7)).unwrap();
    assert_eq!(heard_message(&mut subscription).await, beat("g1", 7));
}

async fn peer_events_and_frames_of_a_room_keep_their_order(net: Net) {
    const ROUNDS: u32 = 500;
    let (one, two) = (net.join("g1").await, net.join("g2").await);
    let interests = [
        Interest::RoomTraffic(node("g2")),
        Interest::RoomEvents,
        Interest::Wants,
        Interest::Heartbeats(Service::Gateway),
    ];
    let mut subscription = two.subscribe(&interests).await.unwrap();
    let route = FrameRoute { room: room(1), to: node("g2") };
    for round in 0..ROUNDS {
        one.publish(&peer("g2", 1)).unwrap();
        one.publish(&beat("g1", u64::from(round))).unwrap();
        one.publish_frames(&route, Bytes::copy_from_slice(&round.to_be_bytes())).unwrap();
    }
    let (mut peers, mut frames, mut beats) = (0, 0, 0);
    while frames < ROUNDS || beats < u64::from(ROUNDS) {
        match heard(&mut subscription).await {
            Heard::Message { message: Message::Peer { .. }, .. } => peers += 1,
            Heard::Frames { room: of, payload } => {
                assert_eq!((of, &payload[..]), (room(1), &frames.to_be_bytes()[..]));
                frames += 1;
                assert_eq!(peers, frames, "the event was published before the frames");
            }
            Heard::Message { message, .. } => {
                assert_eq!(number(&message), beats);
                beats += 1;
            }
            Heard::Gap => panic!("nothing is missing"),
        }
    }
}

async fn frames_reach_only_the_gateway_that_the_route_names(net: Net) {
    let (one, two) = (net.join("g1").await, net.join("g2").await);
    let mut first = one.subscribe(&[Interest::RoomTraffic(node("g1"))]).await.unwrap();
    let mut second = two.subscribe(&[Interest::RoomTraffic(node("g2"))]).await.unwrap();
    for (to, text) in [("g2", "for two"), ("g1", "for one"), ("g3", "for nobody"), ("g2", "and two again")] {
        one.publish_frames(&FrameRoute { room: room(9), to: node(to) }, Bytes::from_static(text.as_bytes()))
            .unwrap();
    }
    for (subscription, texts) in
        [(&mut first, &["for one"][..]), (&mut second, &["for two", "and two again"])]
    {
        for text in texts {
            let Heard::Frames { room: of, payload } = heard(subscription).await else { panic!("frames") };
            assert_eq!((of, &payload[..]), (room(9), text.as_bytes()));
        }
        assert!(subscription.try_next().is_none());
    }
}

async fn several_nodes_answer_a_question(net: Net) {
    let asker = net.join("asker").await;
    let mut nodes = vec![];
    for (name, n) in [("g1", 1), ("g2", 2), ("j1", 3)] {
        let bus = net.join(name).await;
        nodes.push((bus.subscribe(&[Interest::Asks]).await.unwrap(), bus, n));
    }
    let question = Message::Ask { session: session(5) };
    let mut answers = asker.ask(question.clone()).unwrap();
    for (subscription, bus, n) in &mut nodes {
        let Heard::Message { message, reply: Some(reply), .. } = heard(subscription).await else {
            panic!("a question")
        };
        assert_eq!(message, question);
        bus.answer(&reply, &session_answer(*n)).unwrap();
    }
    let mut stamps = BTreeSet::new();
    for _ in &nodes {
        match within(answers.next()).await {
            Some(Answer::Session(answer)) => stamps.insert(answer.stamp),
            other => panic!("{other:?} instead of an answer"),
        };
    }
    assert_eq!(stamps, BTreeSet::from([1, 2, 3].map(Stamp)));
}

async fn a_sync_is_answered_in_batches(net: Net) {
    let (asker, other) = (net.join("g1").await, net.join("g2").await);
    let mut subscription = other.subscribe(&[Interest::Syncs]).await.unwrap();
    let mut answers = asker.ask(Message::Sync { from: node("g1") }).unwrap();
    let Heard::Message { reply: Some(reply), .. } = heard(&mut subscription).await else {
        panic!("a question")
    };
    let batch = |n: u64| {
        let revoked = vec![(session(1), n)];
        Answer::Sync(SyncAnswer { revoked, last: n == 9, ..SyncAnswer::default() })
    };
    for n in 0..10 {
        other.answer(&reply, &batch(n)).unwrap();
    }
    for n in 0..10 {
        assert_eq!(within(answers.next()).await, Some(batch(n)));
    }
    // An answer that nobody receives is no error.
    drop(answers);
    other.answer(&reply, &batch(0)).unwrap();
}

async fn an_answer_of_the_wrong_kind_never_arrives(net: Net) {
    let (asker, other) = (net.join("g1").await, net.join("g2").await);
    let mut subscription = other.subscribe(&[Interest::Asks]).await.unwrap();
    let mut answers = asker.ask(Message::Ask { session: session(1) }).unwrap();
    let Heard::Message { reply: Some(reply), .. } = heard(&mut subscription).await else {
        panic!("a question")
    };
    other.answer(&reply, &Answer::Sync(SyncAnswer::default())).unwrap();
    other.answer(&reply, &session_answer(4)).unwrap();
    assert_eq!(within(answers.next()).await, Some(session_answer(4)));
    // Over NATS the asker counts it; within a process the node that answers does.
    let undecodable = [&asker, &other].map(|bus| bus.counters().undecodable.load(Relaxed));
    assert_eq!(undecodable.iter().sum::<u64>(), 1);
}

async fn a_question_without_subscribers_gets_no_answer(net: Net) {
    let asker = net.join("g1").await;
    let mut answers = asker.ask(Message::Ask { session: session(1) }).unwrap();
    assert_eq!(within(answers.next()).await, None);
}

async fn a_slow_subscription_delivers_a_gap_where_messages_are_missing(net: Net) {
    // More than either backend queues for one subscription.
    const PUBLISHED: u64 = 40_000;
    let (publisher, listener) = (net.join("g1").await, net.join("p1").await);
    let mut slow = listener.subscribe(&[Interest::Heartbeats(Service::Gateway)]).await.unwrap();
    for n in 0..PUBLISHED {
        while let Err(refused) = publisher.publish(&beat("g1", n)) {
            assert_eq!(refused, PublishError::Full);
            within(publisher.writable()).await;
        }
    }
    // Everything has reached the listener's queue: the echo of its own flush comes after it.
    publisher.flush().await.unwrap();
    listener.flush().await.unwrap();
    crate::counted(&listener.counters().overflowed, 1).await;
    let mut kept = 0;
    loop {
        match heard(&mut slow).await {
            Heard::Message { message, .. } => assert_eq!(number(&message), kept),
            Heard::Gap => break,
            Heard::Frames { .. } => panic!("no frames were sent"),
        }
        kept += 1;
    }
    assert!(kept < PUBLISHED, "some are missing");
    assert!(slow.try_next().is_none(), "the gap follows what was received before it");
    publisher.publish(&beat("g1", PUBLISHED)).unwrap();
    assert_eq!(number(&heard_message(&mut slow).await), PUBLISHED);
    assert_eq!(listener.counters().gaps.load(Relaxed), 1);
}

async fn what_is_ready_can_be_taken_without_waiting(net: Net) {
    let bus = net.join("g1").await;
    let mut subscription = bus.subscribe(&[Interest::Wants, Interest::Leases]).await.unwrap();
    assert!(subscription.try_next().is_none());
    for _ in 0..3 {
        bus.publish(&want("g1")).unwrap();
    }
    bus.flush().await.unwrap();
    let taken = std::iter::from_fn(|| subscription.try_next()).count();
    assert_eq!(taken, 3);
    // Waiting still works after nothing was ready.
    let (message, said) = tokio::join!(heard_message(&mut subscription), async { bus.publish(&want("g9")) });
    assert_eq!((message, said), (want("g9"), Ok(())));
}

async fn a_dropped_subscription_does_not_affect_others(net: Net) {
    let bus = net.join("g1").await;
    let dropped = bus.subscribe(&[Interest::Wants]).await.unwrap();
    let mut kept = bus.subscribe(&[Interest::Wants]).await.unwrap();
    drop(dropped);
    bus.publish(&want("g1")).unwrap();
    assert_eq!(heard_message(&mut kept).await, want("g1"));
    assert!(kept.try_next().is_none());
}

async fn what_is_too_large_is_refused_and_counted(net: Net) {
    let bus = net.join("g1").await;
    let mut subscription = bus.subscribe(&[Interest::RoomTraffic(node("g1"))]).await.unwrap();
    let route = FrameRoute { room: room(1), to: node("g1") };
    let largest = Bytes::from(vec![0; limits::BUS_FRAMES_BYTES]);
    bus.publish_frames(&route, largest.clone()).unwrap();
    let larger = Bytes::from(vec![0; limits::BUS_FRAMES_BYTES + 1]);
    assert_eq!(bus.publish_frames(&route, larger), Err(PublishError::TooLarge));
    assert_eq!(bus.counters().too_large.load(Relaxed), 1);
    let Heard::Frames { payload, .. } = heard(&mut subscription).await else { panic!("frames") };
    assert_eq!(payload, largest);
    assert!(subscription.try_next().is_none());
}

async fn after_a_drain_everything_ends(net: Net) {
    let bus = net.join("g1").await;
    let interests = [Interest::Heartbeats(Service::Gateway), Interest::Wants];
    let mut subscription = bus.subscribe(&interests).await.unwrap();
    let (mut idle, mut waiting) =
        (bus.subscribe(&interests).await.unwrap(), bus.subscribe(&[Interest::Asks]).await.unwrap());
    bus.publish(&beat("g1", 1)).unwrap();
    let (ended, ()) = tokio::join!(within(waiting.next()), within(bus.drain()));
    assert!(ended.is_none(), "a waiting subscriber is woken");
    assert_eq!(number(&heard_message(&mut subscription).await), 1, "what was received is delivered");
    assert!(within(subscription.next()).await.is_none());
    assert!(within(subscription.next()).await.is_none(), "it stays ended");
    assert_eq!(number(&heard_message(&mut idle).await), 1);
    assert_eq!(bus.publish(&beat("g1", 2)), Err(PublishError::Down));
    assert_eq!(bus.flush().await, Err(PublishError::Down));
    assert!(matches!(bus.ask(Message::Ask { session: session(1) }), Err(PublishError::Down)));
    assert_eq!(bus.subscribe(&interests).await.err(), Some(SubscribeError::Drained));
    assert_eq!(*bus.status().borrow(), bus::Status::Down);
    within(bus.writable()).await;
    within(bus.reserve_frames(1)).await;
    within(bus.drain()).await;
}

async fn a_drain_leaves_other_nodes_alone(net: Net) {
    let (one, two) = (net.join("g1").await, net.join("g2").await);
    let mut subscription = two.subscribe(&[Interest::Wants]).await.unwrap();
    one.publish(&want("g1")).unwrap();
    within(one.drain()).await;
    two.publish(&want("g2")).unwrap();
    assert_eq!(
        heard_message(&mut subscription).await,
        want("g1"),
        "what was published before the drain is received"
    );
    assert_eq!(heard_message(&mut subscription).await, want("g2"));
}

async fn a_flush_succeeds_while_the_bus_is_up(net: Net) {
    let (one, two) = (net.join("g1").await, net.join("g2").await);
    let mut subscription = two.subscribe(&[Interest::Wants]).await.unwrap();
    one.publish(&Message::Want { from: node("g1"), event: WantEvent::Withdrawn(vec![]) }).unwrap();
    one.flush().await.unwrap();
    // The server has it, so the echo of the other node's flush comes after it.
    two.flush().await.unwrap();
    assert!(subscription.try_next().is_some());
}

#[tokio::test]
#[should_panic(expected = "publishes what is another role's")]
async fn a_role_that_publishes_what_is_anothers_is_noticed() {
    let bus = Net::local().join("p1").await.with_role(Service::Pairing);
    let _ = bus.publish(&want("p1"));
}
