//! Keep-alive and rates.

use std::time::Duration;

use schemas::CloseCode;

use super::support::*;
use crate::ws::codec::{FrameEnd, Opcode};

#[tokio::test]
async fn who_answers_pings_stays_and_who_is_silent_is_closed() {
    let gateway = Gateway::new(|config| config.pong_wait = Duration::from_secs(5));
    let (mut client, connection) = gateway.connect(Way::Plain).await;
    let keep_alive = gateway.node.keep_alive();
    for _ in 0..3 {
        // A whole heartbeat; the ping is in there once.
        let mut ping = None;
        while ping.is_none() {
            keep_alive.turn();
            ping = tokio::time::timeout(Duration::from_millis(1), client.next()).await.ok().flatten();
        }
        assert_eq!(ping.unwrap().first, 0x80 | Opcode::Ping as u8);
        client.say(Opcode::Pong, b"").await;
        let now = keep_alive.now();
        until(|| connection.heard() == now).await;
        assert_eq!(connection.closing(), None);
    }
    let patience = gateway.node.config().heartbeat + gateway.node.config().pong_wait;
    for _ in 0..patience.as_millis() / keep_alive.tick().as_millis() {
        keep_alive.turn();
    }
    assert_eq!(connection.closing(), Some(CloseCode::NoPong));
    client.expect(Opcode::Ping).await;
    client.expect_close(CloseCode::NoPong).await;
    client.leave().await;
    drop(connection);
    gateway.expect_nothing_left().await;
}

#[tokio::test]
async fn who_sends_too_fast_is_read_more_slowly_and_nothing_is_lost() {
    for way in [Way::Plain, Way::Tls] {
        let gateway = Gateway::new(|config| config.rates.frame = 100);
        let [(mut one, _), (mut other, _)] = gateway.pair(way, Way::Plain).await;
        let payloads: Vec<_> = (0..550_u32).map(u32::to_be_bytes).collect();
        for some in payloads.chunks(50) {
            one.raw(&frames(Opcode::Binary, some)).await;
        }
        for payload in payloads {
            assert_eq!(other.expect(Opcode::Binary).await, payload);
        }
        assert_eq!(gateway.node.metrics().frames_dropped.get(), 0);
    }
}

#[tokio::test]
async fn who_is_held_back_is_not_blamed_for_its_silence() {
    let gateway = Gateway::new(|config| {
        config.rates.frame = 100;
        config.pong_wait = Duration::from_millis(1);
    });
    let (mut client, connection) = gateway.connect(Way::Plain).await;
    // Owes six seconds.
    client.raw(&frames(Opcode::Pong, [""; 1000])).await;
    let keep_alive = gateway.node.keep_alive();
    until(|| connection.heard() == keep_alive.now()).await;
    for _ in 0..3 {
        keep_alive.turn();
        let now = keep_alive.now();
        until(|| connection.heard() == now).await;
    }
    assert_eq!(connection.closing(), None);
}

#[tokio::test]
async fn who_sends_too_fast_for_a_minute_is_closed() {
    let gateway = Gateway::new(|config| {
        config.rates.frame = 1000;
        config.pong_wait = Duration::from_secs(10_000);
    });
    let (mut client, connection) = gateway.connect(Way::Plain).await;
    let keep_alive = gateway.node.keep_alive();
    let flood = frames(Opcode::Pong, [""; 100]);
    let mut turns = 0;
    while connection.closing().is_none() {
        client.raw(&flood).await;
        // A heartbeat passes with each hundred frames.
        (0..4).for_each(|_| keep_alive.turn());
        turns += 4;
    }
    assert_eq!(connection.closing(), Some(CloseCode::Rate));
    assert!(keep_alive.tick() * turns >= Duration::from_secs(60));
    client.expect(Opcode::Ping).await;
    client.expect_close(CloseCode::Rate).await;
}

#[tokio::test]
async fn a_message_that_is_not_whole_after_a_minute_ends_its_connection_whatever_is_said_meanwhile() {
    for way in [Way::Plain, Way::Tls] {
        let gateway = Gateway::new(|config| config.pong_wait = Duration::from_secs(10_000));
        let (mut client, connection) = gateway.connect(way).await;
        let keep_alive = gateway.node.keep_alive();
        let half_minute = 30_000 / keep_alive.tick().as_millis();
        // Each message is begun behind the end of another, and takes half a minute.
        client.raw(&fragment(Opcode::Binary, FrameEnd::More, b"first")).await;
        for _ in 0..4 {
            (0..half_minute).for_each(|_| keep_alive.turn());
            let mut both = fragment(Opcode::Continuation, FrameEnd::Final, b"half");
            both.extend(fragment(Opcode::Binary, FrameEnd::More, b"next"));
            client.raw(&both).await;
            let now = keep_alive.now();
            until(|| connection.heard() == now).await;
        }
        assert_eq!(connection.closing(), None);
        for _ in 0..2 {
            (0..half_minute).for_each(|_| keep_alive.turn());
            client.say(Opcode::Pong, b"alive").await;
            let now = keep_alive.now();
            until(|| connection.heard() == now).await;
        }
        until(|| connection.closing().is_some()).await;
        assert_eq!(connection.closing(), Some(CloseCode::NoPong));
    }
}
