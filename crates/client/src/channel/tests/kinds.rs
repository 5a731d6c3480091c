//! Replies, reactions, edits, deletions and timers between two honest sides.

use super::*;

fn number(number: u64) -> MessageNumber {
    MessageNumber(number)
}

#[test]
fn all_kinds_arrive_in_order_and_name_the_same_message_on_both_sides() {
    let (mut b, mut a) = secured_pair();
    let first = b.send_text(at(0), "one").unwrap();
    settle(at(0), &mut a, &mut b);
    assert_eq!(events(&mut a), [text(1, "one")]);
    let reply = a.send(at(1), Said::Reply { to: Target::peer(first), text: "two" }).unwrap();
    a.send(at(1), Said::Reaction { to: Target::peer(first), reaction: "👍" }).unwrap();
    a.send(at(1), Said::Edit { number: reply, text: "three" }).unwrap();
    a.send(at(1), Said::Deletion { number: reply }).unwrap();
    settle(at(1), &mut a, &mut b);
    let to = Target::own(first);
    assert_eq!(
        events(&mut b),
        [
            Event::Message { number: reply, text: "two".into(), reply_to: Some(to), vanishes_after: None },
            Event::Delivered { number: first },
            Event::Reaction { number: number(3), to, reaction: "👍".into() },
            Event::Edited { number: number(4), edited: reply, text: "three".into() },
            Event::Deleted { number: number(5), deleted: reply },
        ]
    );
    run(at(5000), &mut a, &mut b);
    assert_eq!(events(&mut a), [Event::Delivered { number: reply }], "of texts and replies only");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let (mut b, mut a) = secured_pair();
    let own = b.send_text(at(0), "one").unwrap();
    settle(at(0), &mut a, &mut b);
    let missing = Err(SendError::NoSuchMessage);
    for to in [Target::own(number(2)), Target::peer(number(2)), Target::own(number(0))] {
        assert_eq!(b.send(at(0), Said::Reply { to, text: "x" }), missing);
        assert_eq!(b.send(at(0), Said::Reaction { to, reaction: "x" }), missing);
    }
    assert_eq!(b.send(at(0), Said::Edit { number: number(2), text: "x" }), missing);
    assert_eq!(b.send(at(0), Said::Deletion { number: number(2) }), missing);
    assert_eq!(b.send(at(0), Said::Edit { number: own, text: "" }), Err(SendError::Empty));
    let long = "x".repeat(MAX_TEXT + 1);
    assert_eq!(b.send(at(0), Said::Edit { number: own, text: &long }), Err(SendError::TooLong));
    let reaction = Said::Reaction { to: Target::own(own), reaction: &long[..MAX_REACTION + 1] };
    assert_eq!(b.send(at(0), reaction), Err(SendError::TooLong));
    assert_eq!(b.send(at(0), Said::Timer { seconds: 86_401 }), Err(SendError::TooLong));
    let numbers = [0, 1, MAX_NUMBER - 1, MAX_NUMBER].map(|number| MessageNumber::new(number).is_some());
    assert_eq!(numbers, [false, true, true, false]);
}

#[test]
fn a_reply_means_that_its_writer_has_stopped_and_a_reaction_does_not() {
    let (mut b, mut a) = secured_pair();
    let first = b.send_text(at(0), "one").unwrap();
    settle(at(0), &mut a, &mut b);
    events(&mut a);
    for (ms, reaction) in [(1000, true), (3000, false)] {
        b.set_typing(at(ms), Typing::Active);
        let to = Target::own(first);
        b.send(
            at(ms),
            if reaction { Said::Reaction { to, reaction: "x" } } else { Said::Reply { to, text: "x" } },
        )
        .unwrap();
        b.set_typing(at(ms + 1), Typing::Idle);
        run(at(ms + 1500), &mut a, &mut b);
        let told = events(&mut a).iter().filter(|event| matches!(event, Event::PeerTyping(_))).count();
        assert_eq!(told, if reaction { 2 } else { 1 });
    }
}

#[test]
fn a_timer_holds_for_what_comes_after_it_on_both_sides() {
    let (mut a, mut b) = secured_pair();
    a.send_text(at(0), "before").unwrap();
    a.send(at(0), Said::Timer { seconds: 30 }).unwrap();
    a.send_text(at(0), "after").unwrap();
    assert_eq!(b.vanish_after(), None);
    settle(at(0), &mut a, &mut b);
    let vanishing = events(&mut b).into_iter().filter_map(|event| match event {
        Event::Message { vanishes_after, .. } => Some(vanishes_after.map(|time| time.as_secs())),
        _ => None,
    });
    assert_eq!(vanishing.collect::<Vec<_>>(), [None, Some(30)]);
    assert_eq!([a.vanish_after(), b.vanish_after()], [Some(Duration::from_secs(30)); 2]);
}

/// Every order in which two sides can set timers and hear of them.
#[test]
fn both_sides_come_to_the_same_timer_whatever_crosses() {
    let settings = [0, 30, 300];
    for story in 0..6_usize.pow(4) {
        let (mut a, mut b) = secured_pair();
        let mut rest = story;
        for ms in 0..4 {
            let (step, setting) = (rest % 6 / 3, settings[rest % 3]);
            rest /= 6;
            let side = if step == 0 { &mut a } else { &mut b };
            side.send(at(ms), Said::Timer { seconds: setting }).unwrap();
            if story % 7 < 3 {
                let sent = frames(&mut a);
                sent.iter().for_each(|frame| b.handle_frame(at(ms), frame));
            }
            if story % 5 < 2 {
                let sent = frames(&mut b);
                sent.iter().for_each(|frame| a.handle_frame(at(ms), frame));
            }
        }
        settle(at(10), &mut a, &mut b);
        assert_eq!(a.vanish_after(), b.vanish_after(), "{story}");
    }
}
