//! A connection over real sockets.

use client::{
    Closed, Connection,
    connection::{CommandError, Event},
};
use schemas::{
    CloseCode, Side,
    control::{ClientMessage, EndReason, ServerMessage},
    criteria::{Criteria, MatchBy},
    outlook::Outlook,
};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Peer, Script, answer, greet_at_either, last_events, place, ready, session_at_either};

fn anybody() -> Criteria {
    Criteria {
        by: MatchBy::Random(None),
        role: None,
        language: None,
        channel: schemas::criteria::ChannelVersion::CURRENT,
    }
}

/// A connection that works, and the server's end of it.
async fn connected(script: &Script) -> (Connection, Peer) {
    let mut connection = script.session(&script.server()).await.connect();
    let peer = script.greet("t0", "t1").await;
    expect_event!(connection, Event::Connected);
    (connection, peer)
}

/// A connection in a room.
async fn paired(script: &Script) -> (Connection, Peer) {
    let (mut connection, mut peer) = connected(script).await;
    connection.find(anybody()).await.unwrap();
    assert_eq!(peer.control().await, ClientMessage::Find(anybody()));
    peer.tell(ServerMessage::Paired(place(Side::A, "k1"))).await;
    expect_event!(connection, Event::Paired { side: Side::A, .. });
    (connection, peer)
}

#[tokio::test]
async fn frames_go_both_ways_as_they_are() {
    let script = Script::new().await;
    let (mut connection, mut peer) = paired(&script).await;
    let large = vec![7; 64 * 1024];
    connection.send_frame(large.clone().into()).await.unwrap();
    assert_eq!(peer.heard().await, Some(Message::Binary(large.clone().into())));
    peer.send(large.clone()).await;
    let frame = expect_event!(connection, Event::Frame(frame) => frame);
    assert_eq!(frame, large);
    let too_large = vec![7; 64 * 1024 + 1];
    assert_eq!(connection.send_frame(too_large.into()).await, Err(CommandError::FrameTooLarge));
}

#[tokio::test]
async fn a_room_outlasts_a_lost_connection_with_the_newest_token_and_ticket() {
    let script = Script::new().await;
    let (mut connection, mut peer) = paired(&script).await;
    let renewed =
        ServerMessage::Token { token: "t2".into(), ticket: Some("k2".into()), expires_at: 1, expires_in: 5 };
    peer.tell(renewed).await;
    peer.tell(ServerMessage::Pong).await;
    peer.send("after the token").await;
    expect_event!(connection, Event::Frame(_));
    drop(peer);
    expect_event!(connection, Event::Disconnected { .. });
    let mut peer = script.greet("t2", "t3").await;
    assert_eq!(peer.control().await, ClientMessage::Resume("k2".into()));
    expect_event!(connection, Event::Connected);
    connection.send_frame("lost, for the room is not there yet".into()).await.unwrap();
    peer.tell(ServerMessage::Resumed(place(Side::A, "k3"))).await;
    expect_event!(connection, Event::Resumed);
    connection.send_frame("first".into()).await.unwrap();
    assert_eq!(peer.heard().await, Some(Message::Binary("first".into())));
}

#[tokio::test]
async fn after_a_restart_or_a_pause_it_comes_back() {
    let script = Script::new().await;
    for code in [CloseCode::Restart, CloseCode::NoPong] {
        let (mut connection, peer) = connected(&script).await;
        peer.close(code.code()).await;
        expect_event!(connection, Event::Disconnected { .. });
        script.greet("t1", "t2").await;
        expect_event!(connection, Event::Connected);
    }
}

#[tokio::test]
async fn after_a_final_close_it_does_not_come_back() {
    let script = Script::new().await;
    for code in [CloseCode::Replaced, CloseCode::SessionOver, CloseCode::Protocol, CloseCode::Fault] {
        let (mut connection, peer) = connected(&script).await;
        peer.close(code.code()).await;
        let reason = Closed::ByServer(code.code());
        assert_eq!(last_events(&mut connection).await, [Event::Closed { reason }]);
        assert_eq!(connection.find(anybody()).await, Err(CommandError::Closed));
    }
}

#[tokio::test]
async fn a_session_that_is_over_is_not_tried_for_ever() {
    let script = Script::new().await;
    let mut connection = script.session(&script.server()).await.connect();
    for _ in 0..3 {
        script.call(answer("401 Unauthorized", "")).await;
    }
    let events = last_events(&mut connection).await;
    assert_eq!(events.last(), Some(&Event::Closed { reason: Closed::Unauthorized }));
}

#[tokio::test]
async fn a_drained_node_is_left_with_a_goodbye_for_the_next() {
    let scripts = [&Script::new().await, &Script::new().await];
    let mut connection = session_at_either(scripts).await.connect();
    let (mut peer, old) = greet_at_either(scripts, "t0", "t1").await;
    expect_event!(connection, Event::Connected);
    peer.tell(ServerMessage::Drain { reconnect_in_ms: 20, to: None }).await;
    expect_event!(connection, Event::Disconnected { .. });
    scripts[1 - old].greet("t1", "t2").await;
    expect_event!(connection, Event::Connected);
    let goodbye = peer.heard().await;
    let Some(Message::Close(Some(frame))) = goodbye else { panic!("{goodbye:?}") };
    assert_eq!(u16::from(frame.code), 1000);
}

#[tokio::test]
async fn a_node_that_is_gone_is_replaced_by_another() {
    let scripts = [&Script::new().await, &Script::new().await];
    let mut connection = session_at_either(scripts).await.connect();
    let (peer, old) = greet_at_either(scripts, "t0", "t1").await;
    expect_event!(connection, Event::Connected);
    drop(peer);
    expect_event!(connection, Event::Disconnected { .. });
    scripts[1 - old].greet("t1", "t2").await;
    expect_event!(connection, Event::Connected);
}

#[tokio::test]
async fn a_node_that_says_nothing_is_kept_until_another_is_ready() {
    let scripts = [&Script::new().await, &Script::new().await];
    let mut connection = session_at_either(scripts).await.connect();
    let (mut silent, old) = greet_at_either(scripts, "t0", "t1").await;
    expect_event!(connection, Event::Connected);
    connection.find(anybody()).await.unwrap();
    assert_eq!(silent.control().await, ClientMessage::Find(anybody()));
    assert_eq!(silent.control().await, ClientMessage::Ping, "it is asked");
    let mut next = scripts[1 - old].upgrade().await;
    assert_eq!(next.token, "t1");
    // The first goes on as long as the second is not ready.
    connection.cancel().await.unwrap();
    assert_eq!(silent.control().await, ClientMessage::Cancel);
    connection.find(anybody()).await.unwrap();
    assert_eq!(silent.control().await, ClientMessage::Find(anybody()));
    next.tell(ready("t2")).await;
    expect_event!(connection, Event::Disconnected { .. });
    expect_event!(connection, Event::Connected);
    assert_eq!(next.control().await, ClientMessage::Find(anybody()));
    assert!(matches!(silent.heard().await, Some(Message::Close(_))), "with a goodbye");
    next.tell(ServerMessage::Waiting(Outlook::default())).await;
    expect_event!(connection, Event::Waiting(_));
}

#[tokio::test]
async fn what_is_not_a_cipher_chat_server_is_tried_again_with_pauses() {
    let script = Script::new().await;
    let mut connection = script.session(&script.server()).await.connect();
    script.call("SSH-2.0-OpenSSH_9.9\r\n").await;
    expect_event!(connection, Event::Disconnected { .. });
    script.greet("t0", "t1").await;
    expect_event!(connection, Event::Connected);
}

#[tokio::test]
async fn unknown_messages_are_ignored() {
    let script = Script::new().await;
    let (mut connection, mut peer) = connected(&script).await;
    peer.text(r#"{"type":"weather"}"#).await;
    peer.text("nonsense").await;
    peer.send("a frame without a room").await;
    peer.tell(ServerMessage::Ended { reason: EndReason::Left }).await;
    peer.close(1012).await;
    expect_event!(connection, Event::Disconnected { .. });
}

#[tokio::test]
async fn an_owner_who_reads_late_loses_nothing_and_may_write_meanwhile() {
    const FRAMES: u32 = 3000;
    let script = Script::new().await;
    let (mut connection, mut peer) = paired(&script).await;
    let flood = async {
        for n in 0..FRAMES {
            let mut frame = vec![0; 4096];
            frame[..4].copy_from_slice(&n.to_be_bytes());
            peer.send(frame).await;
        }
        peer
    };
    let late = async {
        // More than fits into every queue on the way: it would block if reading and writing were
        // one.
        for _ in 0..500 {
            connection.send_frame(vec![1; 256].into()).await.unwrap();
        }
        for n in 0..FRAMES {
            let frame = expect_event!(connection, Event::Frame(frame) => frame);
            assert_eq!(frame[..4], n.to_be_bytes());
        }
    };
    let (mut peer, ()) = tokio::join!(flood, late);
    for _ in 0..500 {
        assert_eq!(peer.heard().await, Some(Message::Binary(vec![1; 256].into())));
    }
}

#[tokio::test]
async fn messages_sent_before_closing_arrive() {
    let script = Script::new().await;
    let (mut connection, mut peer) = paired(&script).await;
    connection.send_frame("last words".into()).await.unwrap();
    connection.leave().await.unwrap();
    connection.close().await;
    let server = async {
        assert_eq!(peer.heard().await, Some(Message::Binary("last words".into())));
        assert_eq!(peer.control().await, ClientMessage::Leave);
        assert!(matches!(peer.heard().await, Some(Message::Close(_))));
        // The answer to the close frame leaves with this read.
        assert_eq!(peer.heard().await, None);
    };
    let (events, ()) = tokio::join!(last_events(&mut connection), server);
    assert_eq!(events, [Event::Closed { reason: Closed::Asked }]);
}

#[tokio::test]
async fn the_session_of_a_connection_has_its_newest_token() {
    let script = Script::new().await;
    let (connection, _peer) = connected(&script).await;
    let session = connection.session();
    let (left, head) = tokio::join!(session.leave(), script.call(answer("204 No Content", "")));
    left.unwrap();
    assert!(head.contains("authorization: bearer t1"), "{head}");
}
