//! Stories of replies, reactions, edits, deletions and timers, and single messages of these kinds:
//! `schemas/vectors/kinds.json`.

use serde_json::{Value, json};

use super::recorder::{acknowledge, acknowledged_a, hear, recorded_b, shorten, show};
use crate::channel::{
    tests::{
        vectors::{JITTER, check},
        *,
    },
    timers::{Timer, Timers},
};

fn number(number: u64) -> MessageNumber {
    MessageNumber(number)
}

fn replies_and_reactions() -> Value {
    let (mut a, mut b) = recorded_b();
    a.send_text(at(190), "one").unwrap();
    b.hear(200, &frames(&mut a));
    let reply = b.send(300, Said::Reply { to: Target::peer(number(2)), text: "to one" });
    let reaction = b.send(310, Said::Reaction { to: Target::peer(number(2)), reaction: "👍🏽" });
    hear(&mut a, 320, &[reply, reaction].concat());
    // It names its own, and what nobody has sent: that is for whoever shows it to find out.
    a.send(at(400), Said::Reply { to: Target::own(number(2)), text: "and one more" }).unwrap();
    a.send(at(400), Said::Reaction { to: Target::peer(number(1)), reaction: "" }).unwrap();
    b.hear(450, &frames(&mut a));
    b.send(460, Said::Reaction { to: Target::own(number(1)), reaction: &"x".repeat(65) });
    b.send(460, Said::Reply { to: Target::own(number(1)), text: "" });
    b.hear(470, &[forge(&mut a, 2, &[Entry { number: 5, kind: 8, body: &target(1, 99, b"?") }])]);
    b.input(600, "timeout");
    b.input(700, "close");
    b.story("replies and reactions", "b")
}

fn edits_and_deletions() -> Value {
    let (mut a, mut b) = acknowledged_a();
    let said = [a.say(200, "helo"), a.say(200, "regretted")].concat();
    hear(&mut b, 210, &said);
    acknowledge(&mut b, 340, &mut a, 350);
    let edit = a.send(400, Said::Edit { number: number(2), text: "hello" });
    let deletion = a.send(410, Said::Deletion { number: number(3) });
    hear(&mut b, 420, &[edit, deletion].concat());
    b.send_text(at(430), "typo").unwrap();
    b.send(at(440), Said::Edit { number: number(1), text: "no typo" }).unwrap();
    b.send(at(450), Said::Deletion { number: number(1) }).unwrap();
    a.hear(460, &frames(&mut b));
    a.input(600, "timeout");
    a.input(700, "close");
    a.story("edits and deletions", "a")
}

/// Both sides set a timer at once; then one of them, having heard of both, sets another one.
fn timers() -> Value {
    let (mut a, mut b) = acknowledged_a();
    let own = a.send(200, Said::Timer { seconds: 300 });
    b.send(at(200), Said::Timer { seconds: 30 }).unwrap();
    a.hear(250, &frames(&mut b));
    assert_eq!(a.channel.vanish_after(), Some(Duration::from_secs(30)));
    hear(&mut b, 260, &own);
    a.input(400, "timeout");
    let later = a.send(500, Said::Timer { seconds: 3600 });
    assert_eq!(a.channel.vanish_after(), Some(Duration::from_secs(3600)));
    hear(&mut b, 510, &later);
    b.send(at(600), Said::Timer { seconds: 0 }).unwrap();
    a.hear(610, &frames(&mut b));
    assert_eq!(a.channel.vanish_after(), None);
    a.input(750, "timeout");
    a.input(800, "close");
    a.story("timers", "a")
}

/// What is reported at the end: texts and replies only.
fn what_was_not_delivered() -> Value {
    let (mut a, mut b) = recorded_b();
    a.send_text(at(190), "one").unwrap();
    b.hear(200, &frames(&mut a));
    b.say(210, "a text");
    b.send(220, Said::Reaction { to: Target::peer(number(2)), reaction: "👋" });
    b.send(230, Said::Reply { to: Target::own(number(1)), text: "a reply" });
    b.send(240, Said::Deletion { number: number(1) });
    b.input(250, "bye");
    b.send(260, Said::Timer { seconds: 5 });
    b.input(6250, "timeout");
    b.story("what was not delivered", "b")
}

fn a_newer_program() -> Value {
    let (mut a, mut b) = recorded_b();
    let entries = [
        Entry { number: 2, kind: 12, body: b"?" },
        Entry { number: 3, kind: 6, body: b"?" },
        Entry { number: 4, kind: 255, body: b"" },
        Entry { number: 5, kind: 1, body: b"known" },
    ];
    b.hear(200, &[forge(&mut a, 0, &entries)]);
    b.input(400, "timeout");
    b.input(500, "close");
    b.story("a newer program", "b")
}

/// A target names something that was not sent yet.
fn a_message_from_the_future() -> Value {
    let (mut a, mut b) = recorded_b();
    b.hear(200, &[forge(&mut a, 0, &[Entry { number: 2, kind: 7, body: &target(0, 2, b"myself") }])]);
    b.story("a message from the future", "b")
}

fn target(whose: u8, number: u64, rest: &[u8]) -> Vec<u8> {
    [&[whose][..], &number.to_be_bytes(), rest].concat()
}

fn numbered(number: u64, rest: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes(), rest].concat()
}

fn timer(seconds: u32, heard: u64) -> Vec<u8> {
    [&seconds.to_be_bytes()[..], &heard.to_be_bytes()].concat()
}

/// Message 5 of `a`, after three texts, and what `b` is told of it.
fn message_5(kind: u8, body: &[u8]) -> Vec<Event> {
    let (mut a, mut b) = fixed_pair_secured();
    let mut entries: Vec<_> = (2..5).map(|number| Entry { number, kind: 1, body: b"x" }).collect();
    entries.push(Entry { number: 5, kind, body });
    let packet = forge(&mut a, 0, &entries);
    b.handle_frame(at(200), &packet);
    events(&mut b).split_off(3)
}

fn fixed_pair_secured() -> (Channel, Channel) {
    let (a, mut b) = recorded_b();
    events(&mut b.channel);
    (a, b.channel)
}

fn well_formed() -> Vec<Value> {
    let long = [b'x'; MAX_TEXT];
    let cases: [(&str, u8, Vec<u8>); 15] = [
        ("a reply to an own message", 7, target(0, 4, "네".as_bytes())),
        ("a reply to the other side", 7, target(1, 1, b"yes")),
        ("a reply to what was never sent", 7, target(1, u64::from(u32::MAX), b"yes")),
        ("the longest reply", 7, target(0, 2, &long)),
        ("a reaction", 8, target(1, 3, "❤️".as_bytes())),
        ("the longest reaction", 8, target(1, 3, &long[..64])),
        ("a reaction that is taken back", 8, target(1, 3, b"")),
        ("an edit", 9, numbered(2, b"better")),
        ("a deletion", 10, numbered(4, b"")),
        ("a timer", 11, timer(300, 7)),
        ("the longest timer, set by somebody who has heard nothing", 11, timer(86_400, 0)),
        ("no timer", 11, timer(0, 1)),
        ("a kind of a newer program", 12, b"?".into()),
        ("the last kind", 255, vec![]),
        ("a handover of nobody who is trusted", 6, b"?".into()),
    ];
    let case = |(name, kind, body): (&str, u8, Vec<u8>)| {
        let mut told: Vec<_> = message_5(kind, &body).iter().map(show).collect();
        assert_eq!(told.len(), usize::from(kind != 6), "{name}");
        if let Some(text) = told.first_mut().and_then(|event| event.get_mut("text"))
            && text.as_str().unwrap().len() > 512
        {
            *text = json!({ "repeat": "x", "times": MAX_TEXT });
            return json!({
                "name": name, "number": 5, "kind": kind, "events": told,
                "body": { "start": hex(&body[..9]), "repeat": "78", "times": MAX_TEXT },
            });
        }
        json!({ "name": name, "number": 5, "kind": kind, "body": hex(&body), "events": told })
    };
    cases.map(case).into()
}

fn malformed() -> Vec<Value> {
    let cases: [(&str, u8, Vec<u8>); 23] = [
        ("a reply without a text", 7, target(0, 2, b"")),
        ("a reply without a target", 7, vec![0; 8]),
        ("a reply that is empty", 7, vec![]),
        ("a reply of neither side", 7, target(2, 2, b"x")),
        ("a reply to number 0", 7, target(0, 0, b"x")),
        ("a reply to number 0 of the other side", 7, target(1, 0, b"x")),
        ("a reply to itself", 7, target(0, 5, b"x")),
        ("a reply to a later message", 7, target(0, u64::MAX, b"x")),
        ("a reply that is not UTF-8", 7, target(0, 2, b"\xc3\x28")),
        ("a reaction to itself", 8, target(0, 5, b"x")),
        ("a reaction to number 0", 8, target(1, 0, b"x")),
        ("a reaction that is too long", 8, target(1, 1, &[b'x'; 65])),
        ("a reaction that is not UTF-8", 8, target(1, 1, b"\xff")),
        ("half a target", 8, vec![1, 0, 0]),
        ("an edit without a text", 9, numbered(2, b"")),
        ("an edit of itself", 9, numbered(5, b"x")),
        ("an edit of number 0", 9, numbered(0, b"x")),
        ("an edit that is not UTF-8", 9, numbered(2, b"\xed\xa0\x80")),
        ("a deletion of number 0", 10, numbered(0, b"")),
        ("a deletion of itself", 10, numbered(5, b"")),
        ("a deletion with a text", 10, numbered(2, b"x")),
        ("a timer of more than a day", 11, timer(86_401, 1)),
        ("a timer that is too long", 11, [timer(1, 1), vec![0]].concat()),
    ];
    let case = |(name, kind, body): (&str, u8, Vec<u8>)| {
        assert_eq!(message_5(kind, &body), ended(ChannelEnd::Malformed), "{name}");
        json!({ "name": name, "number": 5, "kind": kind, "body": hex(&body) })
    };
    cases.map(case).into()
}

/// Which of two timers holds: number, seconds, and what was heard, of either side.
fn which_timer_holds() -> Vec<Value> {
    type Set = Option<(u64, u32, u64)>;
    let cases: [(&str, Set, Set, u64); 10] = [
        ("nobody has set one", None, None, 0),
        ("one side has", Some((3, 60, 0)), None, 60),
        (
            "the second was set by somebody who had heard of the first",
            Some((3, 60, 3)),
            Some((4, 900, 3)),
            900,
        ),
        ("and may have ended it", Some((3, 60, 0)), Some((4, 0, 3)), 0),
        ("it had heard more than the first", Some((3, 60, 0)), Some((4, 900, 8)), 900),
        ("neither had heard of the other: the shorter", Some((3, 60, 3)), Some((4, 900, 2)), 60),
        ("neither had heard of the other, and one ended it", Some((3, 0, 3)), Some((4, 900, 2)), 900),
        ("both say that they had heard of the other: the shorter", Some((3, 900, 4)), Some((4, 60, 3)), 60),
        ("both say that they had heard, and one ended it", Some((3, 900, 4)), Some((4, 0, 3)), 900),
        ("both ended it", Some((3, 0, 3)), Some((4, 0, 2)), 0),
    ];
    let case = |(name, one, other, seconds): (&str, Set, Set, u64)| {
        for (own, peer) in [(one, other), (other, one)] {
            let mut timers = Timers::default();
            for (by, set) in [(Whose::Own, own), (Whose::Peer, peer)] {
                if let Some((number, seconds, heard)) = set {
                    timers.set(by, Timer { number, seconds, heard });
                }
            }
            assert_eq!(timers.holds().map_or(0, |time| time.as_secs()), seconds, "{name}");
        }
        let told = |set: Set| {
            set.map(
                |(number, seconds, heard)| json!({ "number": number, "seconds": seconds, "heard": heard }),
            )
        };
        json!({ "name": name, "one": told(one), "other": told(other), "holds": seconds })
    };
    cases.map(case).into()
}

#[test]
fn kind_vectors_hold_whatever_the_delay_of_acknowledgements() {
    for jitter in 0..20 {
        JITTER.set(jitter);
        let stories = [
            replies_and_reactions(),
            edits_and_deletions(),
            timers(),
            what_was_not_delivered(),
            a_newer_program(),
            a_message_from_the_future(),
        ];
        let vectors = json!({
            "messages": well_formed(),
            "malformed": malformed(),
            "timers": which_timer_holds(),
            "stories": stories.map(shorten),
        });
        check("kinds.json", &vectors);
    }
}
