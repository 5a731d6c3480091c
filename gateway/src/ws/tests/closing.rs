//! The end of a connection, from either side, in order or not.

use std::sync::Arc;

use schemas::{CloseCode, control::ErrorCode};
use websocket::{FrameEnd, Opcode};

use super::support::*;
use crate::ws::{connection::Connection, outbox::OUTBOX_BYTES};

#[tokio::test]
async fn a_client_that_says_goodbye_is_answered_and_let_go() {
    for way in [Way::Plain, Way::Tls] {
        for (said, answered) in [
            (b"".as_slice(), b"".as_slice()),
            (&[0x03, 0xe8], &[0x03, 0xe8]),
            (b"\x0f\xa0bye", &[0x0f, 0xa0]),
        ] {
            let gateway = Gateway::new(|_| ());
            let (mut client, _) = gateway.connect(way).await;
            client.say(Opcode::Ping, b"last").await;
            client.say(Opcode::Close, said).await;
            assert_eq!(client.expect(Opcode::Pong).await, b"last");
            assert_eq!(client.expect(Opcode::Close).await, answered);
            client.expect_end().await;
            gateway.expect_nothing_left().await;
        }
    }
}

#[tokio::test]
async fn the_server_says_why_and_waits_for_the_clients_goodbye() {
    for way in [Way::Plain, Way::Tls] {
        let gateway = Gateway::new(|_| ());
        let (mut client, connection) = gateway.connect(way).await;
        connection.close(CloseCode::Replaced);
        connection.close(CloseCode::Restart);
        client.expect_close(CloseCode::Replaced).await;
        client.raw(&frames(Opcode::Binary, ["not", "read"])).await;
        assert!(!gateway.node.is_empty(), "it is still expected");
        client.leave().await;
        drop(connection);
        gateway.expect_nothing_left().await;
    }
}

#[tokio::test]
async fn a_client_that_never_answers_is_left_after_a_while() {
    let gateway = Gateway::new(|_| ());
    let (mut client, connection) = gateway.connect(Way::Plain).await;
    connection.close(CloseCode::Restart);
    client.expect_close(CloseCode::Restart).await;
    client.expect_end().await;
    drop(connection);
    gateway.expect_nothing_left().await;
}

#[tokio::test]
async fn a_client_that_breaks_the_framing_is_shown_the_end_behind_the_code() {
    for way in [Way::Plain, Way::Tls] {
        let gateway = Gateway::new(|_| ());
        let (mut client, _) = gateway.connect(way).await;
        client.raw(&fragment(Opcode::Continuation, FrameEnd::Final, b"stray")).await;
        client.expect_close(CloseCode::Protocol).await;
        client.expect_end().await;
        // It may have been in the middle of something, and the code must still arrive.
        client.raw(&[0; 10_000]).await;
        drop(client);
        gateway.expect_nothing_left().await;
    }
}

#[tokio::test]
async fn a_message_far_too_large_does_not_keep_the_code_from_arriving() {
    let gateway = Gateway::new(|_| ());
    let (mut client, _) = gateway.connect(Way::Plain).await;
    client.say(Opcode::Binary, &vec![0; 4 << 20]).await;
    client.expect_close(CloseCode::TooLarge).await;
    client.expect_end().await;
}

#[tokio::test]
async fn refusal_after_refusal_ends_the_connection_but_one_success_forgives() {
    let gateway = Gateway::new(|_| ());
    let (mut client, _) = gateway.connect(Way::Plain).await;
    let refused = frames(Opcode::Text, std::iter::repeat_n("{\"type\":\"dance\"}", 99));
    for _ in 0..2 {
        client.raw(&refused).await;
        client.say(Opcode::Text, b"{\"type\":\"ping\"}").await;
        for _ in 0..99 {
            assert!(client.text().await.contains("error"));
        }
        assert_eq!(client.text().await, "{\"type\":\"pong\"}");
    }
    client.raw(&refused).await;
    client.raw(&refused).await;
    for _ in 0..100 {
        assert!(client.text().await.contains("error"));
    }
    client.expect_close(CloseCode::Fault).await;
    client.leave().await;
    gateway.expect_nothing_left().await;
}

/// Sends to `other` until it is too slow.
async fn flood(one: &mut Client, other: &Arc<Connection>) {
    while other.closing().is_none() {
        one.say(Opcode::Binary, &[9; 60_000]).await;
        one.say(Opcode::Ping, b"").await;
        one.expect(Opcode::Pong).await;
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed_as_slow_and_its_peer_does_not_wait() {
    for way in [Way::Narrow, Way::NarrowTls] {
        let gateway = Gateway::new(|_| ());
        let [(mut one, _), (mut other, connection)] = gateway.pair(Way::Plain, way).await;
        flood(&mut one, &connection).await;
        assert_eq!(connection.closing(), Some(CloseCode::SlowConsumer));
        let mut frames = 0;
        loop {
            let frame = other.next().await.unwrap();
            if frame.first == 0x80 | Opcode::Close as u8 {
                assert_eq!(frame.payload[..2], CloseCode::SlowConsumer.code().to_be_bytes());
                break;
            }
            assert_eq!(frame.payload, [9; 60_000], "what came before the close is whole");
            frames += 1;
        }
        assert!(frames >= OUTBOX_BYTES / 60_000);
        other.leave().await;
        one.leave().await;
        drop(connection);
        gateway.expect_nothing_left().await;
    }
}

/// Each of them is below the limit of one connection.
#[tokio::test]
async fn of_those_who_do_not_read_the_ones_with_most_go_when_all_have_too_much() {
    let gateway = Gateway::new(|_| ());
    let mut pairs = Vec::new();
    for _ in 0..3 {
        pairs.push(gateway.pair(Way::Plain, Way::Narrow).await);
    }
    // Until something waits beyond the sockets; then one frame more for the second, and two for the third.
    for (more, [(one, _), (_, connection)]) in pairs.iter_mut().enumerate() {
        let mut left = more + 1;
        while left > 0 {
            one.say(Opcode::Binary, &[9; 60_000]).await;
            one.say(Opcode::Ping, b"").await;
            one.expect(Opcode::Pong).await;
            left -= usize::from(connection.waiting_bytes() >= 60_000);
        }
    }
    let (bytes, clients) = gateway.node.outbox_levels();
    assert_eq!(clients, 3);
    gateway.node.relieve_outboxes(bytes);
    let closing = |pairs: &[[(Client, Arc<Connection>); 2]]| {
        pairs.iter().map(|[_, (_, it)]| it.closing()).collect::<Vec<_>>()
    };
    assert_eq!(closing(&pairs), [None, None, None]);
    gateway.node.relieve_outboxes(bytes - 1);
    assert_eq!(closing(&pairs), [None, None, Some(CloseCode::SlowConsumer)]);
    for [(one, _), (other, _)] in pairs {
        one.leave().await;
        other.leave().await;
    }
    gateway.expect_nothing_left().await;
}

#[tokio::test]
async fn a_slow_client_that_goes_on_not_reading_is_left_after_a_while() {
    for way in [Way::Narrow, Way::NarrowTls] {
        let gateway = Gateway::new(|_| ());
        let [(mut one, _), (other, connection)] = gateway.pair(Way::Plain, way).await;
        flood(&mut one, &connection).await;
        drop(connection);
        one.leave().await;
        gateway.expect_nothing_left().await;
        drop(other);
    }
}

#[tokio::test]
async fn a_replaced_connection_tells_so_behind_what_waits() {
    for way in [Way::Narrow, Way::NarrowTls] {
        let gateway = Gateway::new(|_| ());
        let [(mut one, _), (mut other, connection)] = gateway.pair(Way::Plain, way).await;
        one.raw(&frames(Opcode::Binary, [[1; 50_000]; 4])).await;
        one.say(Opcode::Ping, b"").await;
        one.expect(Opcode::Pong).await;
        connection.close(CloseCode::Replaced);
        for _ in 0..4 {
            assert_eq!(other.expect(Opcode::Binary).await, [1; 50_000]);
        }
        other.expect_close(CloseCode::Replaced).await;
        other.leave().await;
        one.leave().await;
        drop(connection);
        gateway.expect_nothing_left().await;
    }
}

#[tokio::test]
async fn a_goodbye_of_a_client_that_has_not_read_yet_is_answered_when_it_does() {
    for way in [Way::Narrow, Way::NarrowTls] {
        let gateway = Gateway::new(|_| ());
        let [(mut one, _), (mut other, _)] = gateway.pair(Way::Plain, way).await;
        one.raw(&frames(Opcode::Binary, [[1; 50_000]; 4])).await;
        one.say(Opcode::Ping, b"").await;
        one.expect(Opcode::Pong).await;
        other.say(Opcode::Close, &[0x03, 0xe8]).await;
        for _ in 0..4 {
            other.expect(Opcode::Binary).await;
        }
        assert_eq!(other.expect(Opcode::Close).await, [0x03, 0xe8]);
        other.expect_end().await;
        one.leave().await;
        gateway.expect_nothing_left().await;
    }
}

#[tokio::test]
async fn connections_that_end_in_every_way_leave_nothing_behind() {
    let gateway = Gateway::new(|_| ());
    for round in 0..40 {
        for way in [Way::Plain, Way::Tls] {
            let [(mut one, connection), (mut other, _)] = gateway.pair(way, Way::Plain).await;
            match round % 4 {
                0 => drop(one),
                1 => one.leave().await,
                2 => {
                    one.raw(&[0xff; 64]).await;
                    one.expect_close(CloseCode::Protocol).await;
                }
                _ => connection.close(CloseCode::SessionOver),
            }
            other.raw(&frames(Opcode::Binary, ["to", "nobody"])).await;
            if round % 2 == 0 {
                other.leave().await;
            }
        }
    }
    gateway.expect_nothing_left().await;
}

#[tokio::test]
async fn who_comes_after_the_drain_has_begun_is_sent_on() {
    let gateway = Gateway::new(|_| ());
    let (mut before, _) = gateway.connect(Way::Plain).await;
    gateway.node.start_draining();
    let (mut after, _) = gateway.connect(Way::Plain).await;
    assert!(before.text().await.contains("\"drain\""));
    after.expect_close(CloseCode::Restart).await;
    after.leave().await;
    gateway.node.close_all();
    before.expect_close(CloseCode::Restart).await;
    before.leave().await;
    gateway.expect_nothing_left().await;
}

#[tokio::test]
async fn what_a_closing_connection_still_asks_for_is_ignored_and_uses_up_nothing() {
    let gateway = Gateway::new(|config| config.rates.find = 1);
    let (client, connection) = gateway.connect(Way::Plain).await;
    let cancel = || gateway.node.control(&connection, "{\"type\":\"cancel\"}");
    for _ in 0..4 {
        assert_eq!(cancel(), Ok(()));
    }
    assert_eq!(cancel(), Err(ErrorCode::Rate), "the burst is over");
    connection.close(CloseCode::Replaced);
    assert_eq!(cancel(), Ok(()), "the rate is that of the connection that has replaced it");
    drop((client, connection));
    gateway.expect_nothing_left().await;
}
