//! Whole chats seen from one side, input by input, for other implementations to repeat:
//! `schemas/vectors/stories.json`.
//!
//! Keys are fixed, and time-outs are called when even the slowest acknowledgement is due, so every
//! byte is determined.

mod kinds;
pub(super) mod recorder;

use serde_json::{Value, json};

use self::recorder::{Recorder, acknowledge, acknowledged_a, hear, recorded_b, shorten};
use super::vectors::{JITTER, check, fixed_pair};
use super::*;

/// Every handshake message is lost once, copied, and interrupted. Seen by `b`.
fn a_rough_handshake() -> Value {
    let (mut a, b) = fixed_pair(None);
    let (mut b, _) = Recorder::new(b);
    let message1 = frames(&mut a);
    assert_eq!(b.hear(100, &message1).len(), 1, "lost");
    assert_eq!(b.hear(900, &message1).len(), 0, "too soon");
    assert_eq!(b.input(1099, "timeout").len(), 0);
    assert_eq!(b.input(1100, "timeout").len(), 1);
    assert_eq!(b.hear(2100, &message1).len(), 1, "a second later");
    b.input(3100, "timeout");
    b.input(4000, "peer-away");
    b.input(9000, "timeout");
    let message2 = b.input(9500, "peer-online");
    let opening = hear(&mut a, 9600, &message2);
    assert_eq!(b.say(9650, "too early").len(), 0);
    a.send_text(at(9660), "overtakes the opening").unwrap();
    b.hear(9700, &frames(&mut a));
    // When even the slowest acknowledgement of that packet is due.
    b.hear(9830, &opening);
    b.hear(9840, &opening);
    b.hear(9950, &message1);
    b.hear(10_600, &message1);
    b.story("a rough handshake", "b")
}

/// Message 2 comes again and again because the opening is lost. Seen by `a`.
fn a_lost_opening() -> Value {
    let (a, mut b) = fixed_pair(None);
    let (mut a, message1) = Recorder::new(a);
    assert_eq!(a.input(1000, "timeout"), message1);
    let message2 = hear(&mut b, 1100, &message1);
    a.hear(1200, &message2);
    assert_eq!(a.hear(1300, &message2).len(), 0, "too soon");
    assert_eq!(a.hear(2200, &message2).len(), 1, "the opening in a new packet");
    assert_eq!(a.input(2200, "timeout").len(), 1, "a probe");
    assert_eq!(a.hear(2900, &message2).len(), 0, "too soon after the probe");
    let opening = a.hear(3300, &message2);
    hear(&mut b, 3400, &opening);
    acknowledge(&mut b, 3550, &mut a, 3600);
    assert_eq!(a.hear(5000, &message2).len(), 0, "the opening has arrived");
    a.input(5100, "close");
    a.story("a lost opening", "a")
}

/// The first message of `a` is not what it had committed to.
fn a_broken_commitment() -> Value {
    let (mut a, b) = fixed_pair(None);
    let (mut b, _) = Recorder::new(b);
    let message2 = b.hear(15, &frames(&mut a));
    hear(&mut a, 20, &message2);
    let wrong = forge(&mut a, 0, &[Entry { number: 1, kind: 4, body: &[0x0f; 32] }]);
    b.hear(25, &[wrong]);
    b.story("a broken commitment", "b")
}

fn no_channel() -> Value {
    let (mut a, _) = Recorder::new(fixed_pair(None).0);
    for ms in [1000, 3000, 7000, 15_000] {
        a.input(ms, "timeout");
    }
    a.input(20_000, "link-down");
    a.input(100_000, "link-up");
    a.input(109_999, "timeout");
    a.input(110_000, "timeout");
    a.story("no channel within 30 s online", "a")
}

/// Keys move on: after 64 packets and an acknowledgement of what was first sent in the epoch, and
/// not before. Seen by the sender.
fn keys_that_move_on() -> Value {
    let (mut a, mut b) = acknowledged_a();
    for burst in 0..5 {
        let ms = 1000 + burst * 1000;
        for _ in 0..35 {
            let sent = a.say(ms, "x");
            hear(&mut b, ms + 5, &sent);
        }
        acknowledge(&mut b, ms + 150, &mut a, ms + 155);
    }
    assert_eq!(a.channel.session.as_ref().unwrap().sending.epoch(), 2);
    a.input(40_000, "close");
    a.story("keys that move on", "a")
}

/// The same, seen by the receiver. The last packet of the first epoch arrives late, and an old one
/// again.
fn keys_that_are_followed() -> Value {
    let (mut a, mut b) = recorded_b();
    let (mut late, mut first) = (Vec::new(), Vec::new());
    for burst in 0..3_u64 {
        let ms = 1000 + burst * 1000;
        let mut sent: Vec<_> = (0..35)
            .flat_map(|_| {
                a.send_text(at(ms), "x").unwrap();
                frames(&mut a)
            })
            .collect();
        match burst {
            0 => first = sent.clone(),
            1 => late = sent.split_off(34),
            _ => {
                b.hear(ms + 5, &sent[..10]);
                b.hear(ms + 6, &late);
                b.hear(ms + 7, &first[..1]);
                sent.drain(..10);
            }
        }
        b.hear(ms + 10, &sent);
        let acknowledgement = b.input(ms + 150, "timeout");
        hear(&mut a, ms + 155, &acknowledgement);
    }
    assert_eq!(b.channel.session.as_ref().unwrap().receiving.epoch(), 1);
    b.input(9000, "close");
    b.story("keys that are followed", "b")
}

/// Losses: one packet probes, the doubling grows, a measure ends it, and a return sends everything.
fn sending_again() -> Value {
    let (mut a, mut b) = acknowledged_a();
    let first = a.say(200, "one");
    hear(&mut b, 210, &first);
    acknowledge(&mut b, 340, &mut a, 350);
    a.say(400, "two is lost");
    a.say(410, "three is lost");
    a.say(420, "");
    a.say(430, &"x".repeat(8193));
    a.input(1150, "timeout");
    a.say(1200, "four waits while a probe is out");
    let probe = a.input(3000, "timeout");
    hear(&mut b, 3100, &probe);
    let rest = acknowledge(&mut b, 3250, &mut a, 3300);
    hear(&mut b, 3400, &rest);
    acknowledge(&mut b, 3550, &mut a, 3600);
    a.say(4000, "five");
    a.input(4100, "peer-away");
    a.say(4200, "six");
    a.input(9000, "timeout");
    let again = a.input(9500, "peer-online");
    b.handle_frame(at(9600), &again[0]);
    b.send_text(at(9600), "all here").unwrap();
    a.hear(9700, &frames(&mut b));
    a.input(9900, "timeout");
    a.input(9950, "close");
    a.story("sending again", "a")
}

/// Reordering, copies and forgeries, seen by the receiver.
fn receiving() -> Value {
    let (mut a, mut b) = recorded_b();
    for text in ["one", "둘", "three"] {
        a.send_text(at(190), text).unwrap();
    }
    let sent = frames(&mut a);
    b.hear(200, &[sent[2].clone(), sent[1].clone(), sent[2].clone()]);
    let mut forged = sent[0].clone();
    forged[255] ^= 1;
    b.hear(210, &[forged, vec![2, 3], vec![0; 256]]);
    b.hear(220, &[sent[0].clone(), sent[0].clone()]);
    let acknowledgement = b.input(350, "timeout");
    hear(&mut a, 400, &acknowledgement);
    a.set_typing(at(1000), Typing::Active);
    b.hear(1050, &frames(&mut a));
    b.say(1060, "an acknowledgement rides on this");
    b.typing(2000, Typing::Active);
    b.typing(2100, Typing::Idle);
    b.typing(2200, Typing::Active);
    b.typing(2300, Typing::Idle);
    b.input(3000, "timeout");
    b.input(3500, "close");
    b.story("receiving", "b")
}

fn a_goodbye() -> Value {
    let (mut a, mut b) = acknowledged_a();
    b.send_text(at(190), "crosses the goodbye").unwrap();
    let crossing = frames(&mut b);
    a.say(200, "last");
    a.input(210, "bye");
    a.say(220, "too late");
    a.hear(230, &crossing);
    let again = a.input(1200, "timeout");
    a.hear(1300, &hear(&mut b, 1250, &again));
    a.story("a goodbye, lost once", "a")
}

fn a_peers_goodbye() -> Value {
    let (mut a, mut b) = recorded_b();
    b.say(190, "never acknowledged");
    a.bye(at(200));
    b.hear(250, &frames(&mut a));
    b.say(260, "too late");
    b.input(6250, "timeout");
    b.story("the peer's goodbye", "b")
}

fn a_goodbye_that_nobody_acknowledges() -> Value {
    let (mut a, _) = acknowledged_a();
    a.say(200, "lost");
    a.input(210, "bye");
    a.input(1200, "timeout");
    a.input(3200, "timeout");
    a.input(6209, "timeout");
    a.input(6210, "timeout");
    a.story("a goodbye that nobody acknowledges", "a")
}

/// The server says again what holds already, and somebody in between sends handshake messages.
fn what_changes_nothing() -> Value {
    let (mut a, mut b) = acknowledged_a();
    let sent = a.say(200, "once");
    a.input(220, "peer-online");
    a.input(230, "link-up");
    let others = [
        message::handshake(Step::Message2, &[9; 1136]),
        message::handshake(Step::Message2, &[9; 1135]),
        message::handshake(Step::Message1, &[9; 1248]),
        message::packet_header(2, 100).into_iter().chain([9; 242]).collect(),
        message::packet_header(1, 101).into_iter().chain([9; 242]).collect(),
    ];
    a.hear(300, &others);
    hear(&mut b, 310, &sent);
    acknowledge(&mut b, 450, &mut a, 460);
    a.input(500, "close");
    a.story("what changes nothing", "a")
}

fn a_full_window() -> Value {
    let (mut a, mut b) = acknowledged_a();
    let long = "x".repeat(8192);
    let mut sent = Vec::new();
    for _ in 0..7 {
        sent.extend(a.say(200, &long));
    }
    a.say(200, &long);
    hear(&mut b, 250, &sent);
    acknowledge(&mut b, 400, &mut a, 450);
    a.input(500, "close");
    a.story("a full window", "a")
}

#[test]
fn the_stories_hold_whatever_the_delay_of_acknowledgements() {
    for jitter in 0..20 {
        JITTER.set(jitter);
        let stories = [
            a_rough_handshake(),
            a_lost_opening(),
            a_broken_commitment(),
            no_channel(),
            keys_that_move_on(),
            keys_that_are_followed(),
            sending_again(),
            receiving(),
            a_goodbye(),
            a_peers_goodbye(),
            a_goodbye_that_nobody_acknowledges(),
            what_changes_nothing(),
            a_full_window(),
        ];
        check("stories.json", &json!({ "stories": stories.map(shorten) }));
    }
}
