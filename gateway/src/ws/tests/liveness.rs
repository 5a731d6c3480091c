//! Keep-alive and rates.

use std::time::Duration;

use schemas::CloseCode;
use websocket::{FrameEnd, Opcode};

use super::support::*;

const PING: u8 = 0x80 | Opcode::Ping as u8;
const BINARY: u8 = 0x80 | Opcode::Binary as u8;

#[tokio::test]
async fn who_answers_pings_stays_and_who_is_silent_is_closed() {
    let gateway = Gateway::new(|config| config.pong_wait = Duration::from_secs(5));
    let (mut client, connection) = gateway.connect(Way::Plain).await;
    let keep_alive = gateway.node.keep_alive();
    for _ in 0..3 {
        // A whole heartbeat; the ping is in there once.
        keep_alive.turn();
        while keep_alive.pinged_in_tick() == 0 {
            keep_alive.turn();
        }
        assert_eq!(client.next().await.unwrap().first, PING);
        client.say(Opcode::Pong, b"").await;
        let now = keep_alive.now();
        until(|| connection.heard().since(now)).await;
        assert_eq!(connection.closing(), None);
    }
    pass(&gateway, gateway.node.config().heartbeat + gateway.node.config().pong_wait + keep_alive.tick());
    assert_eq!(connection.closing(), Some(CloseCode::NoPong));
    client.expect(Opcode::Ping).await;
    client.expect_close(CloseCode::NoPong).await;
    client.leave().await;
    drop(connection);
    gateway.expect_nothing_left().await;
}

/// Lets time pass for the keep-alive alone.
fn pass(gateway: &Gateway, time: Duration) {
    gateway.node.keep_alive().pass(time);
}

#[tokio::test]
async fn the_first_ping_comes_within_a_heartbeat() {
    let gateway = Gateway::new(|_| ());
    // Whatever the wheel shows.
    pass(&gateway, gateway.node.config().heartbeat / 2);
    for _ in 0..50 {
        let (mut client, _connection) = gateway.connect(Way::Plain).await;
        pass(&gateway, gateway.node.config().heartbeat);
        client.expect(Opcode::Ping).await;
    }
}

#[tokio::test]
async fn pings_of_many_are_spread_over_the_heartbeat() {
    let gateway = Gateway::new(|config| config.heartbeat = Duration::from_secs(1));
    let mut all = Vec::new();
    for _ in 0..300 {
        all.push(gateway.connect(Way::Plain).await);
    }
    let keep_alive = gateway.node.keep_alive();
    let (mut passed, mut most) = (Duration::ZERO, 0);
    while passed < gateway.node.config().heartbeat {
        passed += keep_alive.turn();
        most = most.max(keep_alive.pinged_in_tick());
    }
    for (client, _) in &mut all {
        let pings = client.pings_so_far().await;
        assert!((1..=2).contains(&pings), "{pings}");
    }
    // Six on average in each of fifty ticks: twenty at once would be no accident.
    assert!(most < 20, "{most} at once");
}

#[tokio::test]
async fn with_few_people_the_wheel_seldom_turns_and_still_pings_in_time() {
    let gateway = Gateway::new(|config| config.heartbeat = Duration::from_secs(10));
    let keep_alive = gateway.node.keep_alive();
    keep_alive.turn();
    let asleep = keep_alive.turn();
    assert_eq!(asleep, 3 * keep_alive.tick());
    // They come while it sleeps: some are due before it wakes.
    let mut all = Vec::new();
    for _ in 0..200 {
        all.push(gateway.connect(Way::Plain).await);
    }
    let mut passed = Duration::ZERO;
    while passed < gateway.node.config().heartbeat {
        passed += keep_alive.turn();
    }
    for (client, _) in &mut all {
        client.expect(Opcode::Ping).await;
    }
}

#[tokio::test]
async fn a_client_may_have_longer_to_answer_than_until_the_next_ping() {
    let gateway = Gateway::new(|config| {
        config.heartbeat = Duration::from_secs(1);
        config.pong_wait = Duration::from_secs(3);
    });
    let (_client, silent) = gateway.connect(Way::Plain).await;
    pass(&gateway, Duration::from_secs(3));
    assert_eq!(silent.closing(), None);
    pass(&gateway, Duration::from_secs(1) + gateway.node.keep_alive().tick());
    assert_eq!(silent.closing(), Some(CloseCode::NoPong));
}

#[tokio::test]
async fn pings_keep_their_time_whether_their_client_chats_or_not() {
    let gateway = Gateway::new(|config| config.heartbeat = Duration::from_secs(10));
    let [(mut one, _), (mut other, talked_to)] = gateway.pair(Way::Plain, Way::Plain).await;
    let keep_alive = gateway.node.keep_alive();
    let heartbeat = (gateway.node.config().heartbeat.as_millis() / keep_alive.tick().as_millis()) as u32;
    for talking in [false, true] {
        let mut pings = Vec::new();
        while pings.len() < 4 {
            keep_alive.turn();
            one.say(if talking { Opcode::Binary } else { Opcode::Pong }, b"words").await;
            if talking {
                let mut frame = other.next().await.unwrap();
                if frame.first == PING {
                    pings.push(keep_alive.now());
                    other.say(Opcode::Pong, b"").await;
                    frame = other.next().await.unwrap();
                }
                assert_eq!(frame.first, BINARY);
            } else if other.pings_so_far().await > 0 {
                pings.push(keep_alive.now());
            }
            assert_eq!(talked_to.closing(), None);
        }
        let between: Vec<u32> = pings.windows(2).map(|two| two[1] - two[0]).collect();
        assert!(between.iter().all(|ticks| (heartbeat * 9 / 10..=heartbeat).contains(ticks)), "{between:?}");
    }
}

#[tokio::test]
async fn what_was_heard_before_a_ping_is_no_answer_to_it() {
    let gateway = Gateway::new(|config| config.pong_wait = Duration::from_secs(5));
    let (mut client, silent) = gateway.connect(Way::Plain).await;
    let keep_alive = gateway.node.keep_alive();
    loop {
        client.say(Opcode::Binary, b"unasked").await;
        until(|| silent.heard().since(keep_alive.now())).await;
        keep_alive.turn();
        if keep_alive.pinged_in_tick() > 0 {
            break;
        }
    }
    pass(&gateway, gateway.node.config().pong_wait - keep_alive.tick());
    assert_eq!(silent.closing(), None);
    keep_alive.pass(keep_alive.tick());
    assert_eq!(silent.closing(), Some(CloseCode::NoPong));
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
    until(|| connection.heard().since(keep_alive.now())).await;
    for _ in 0..3 {
        keep_alive.turn();
        let now = keep_alive.now();
        until(|| connection.heard().since(now)).await;
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
        pass(&gateway, 4 * keep_alive.tick());
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
        let half_minute = Duration::from_secs(30);
        // Each message is begun behind the end of another, and takes half a minute.
        client.raw(&fragment(Opcode::Binary, FrameEnd::More, b"first")).await;
        for _ in 0..4 {
            pass(&gateway, half_minute);
            let mut both = fragment(Opcode::Continuation, FrameEnd::Final, b"half");
            both.extend(fragment(Opcode::Binary, FrameEnd::More, b"next"));
            client.raw(&both).await;
            let now = keep_alive.now();
            until(|| connection.heard().since(now)).await;
        }
        assert_eq!(connection.closing(), None);
        for _ in 0..2 {
            pass(&gateway, half_minute);
            client.say(Opcode::Pong, b"alive").await;
            let now = keep_alive.now();
            until(|| connection.heard().since(now)).await;
        }
        until(|| connection.closing().is_some()).await;
        assert_eq!(connection.closing(), Some(CloseCode::NoPong));
    }
}
