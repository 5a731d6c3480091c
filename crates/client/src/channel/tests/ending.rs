//! How a channel ends, and what it leaves behind.

use super::*;

#[test]
fn a_goodbye_comes_after_all_texts_and_ends_both_sides() {
    let (mut a, mut b) = secured_pair();
    a.send_text(at(0), "last").unwrap();
    a.bye(at(0));
    assert_eq!(a.send_text(at(0), "too late"), Err(SendError::Over));
    settle(at(0), &mut a, &mut b);
    assert_eq!(
        events(&mut a),
        [delivered(1), Event::AllReceived, Event::Ended(ChannelEnd::Bye)],
        "acknowledged at once"
    );
    assert_eq!(events(&mut b), [text(1, "last"), Event::PeerBye]);
    assert_eq!(b.send_text(at(0), "too late"), Err(SendError::Over));
    run(at(6000), &mut a, &mut b);
    assert_eq!(events(&mut b), ended(ChannelEnd::PeerBye));
}

#[test]
fn a_side_that_received_a_goodbye_stays_to_acknowledge_it_again() {
    let (mut a, mut b) = secured_pair();
    a.bye(at(0));
    b.handle_frame(at(0), &a.poll_frame().unwrap());
    assert_eq!(frames(&mut b).len(), 1, "lost");
    run(at(5999), &mut a, &mut b);
    assert_eq!(events(&mut a), [Event::AllReceived, Event::Ended(ChannelEnd::Bye)]);
}

#[test]
fn texts_that_cross_a_goodbye_arrive_and_are_acknowledged() {
    let (mut a, mut b) = secured_pair();
    a.bye(at(0));
    b.send_text(at(0), "wait").unwrap();
    run(at(5999), &mut a, &mut b);
    assert_eq!(events(&mut a), [text(2, "wait"), Event::AllReceived, Event::Ended(ChannelEnd::Bye)]);
    assert_eq!(events(&mut b), [Event::PeerBye, delivered(2)]);
}

#[test]
fn two_goodbyes_at_once_end_both_sides() {
    let (mut a, mut b) = secured_pair();
    a.bye(at(0));
    b.bye(at(0));
    run(at(5999), &mut a, &mut b);
    assert_eq!(events(&mut a), [Event::PeerBye, Event::AllReceived, Event::Ended(ChannelEnd::Bye)]);
    assert_eq!(events(&mut b), [Event::PeerBye, Event::AllReceived, Event::Ended(ChannelEnd::Bye)]);
}

#[test]
fn a_goodbye_that_nobody_acknowledges_ends_after_6_seconds_with_what_was_not_delivered() {
    let (mut a, _) = secured_pair();
    a.send_text(at(0), "lost").unwrap();
    a.peer_away(at(0));
    a.bye(at(100));
    assert_eq!(a.next_timeout(), Some(at(6100)));
    a.handle_timeout(at(6100));
    let number = MessageNumber(1);
    assert_eq!(events(&mut a), [Event::NotDelivered { number }, Event::Ended(ChannelEnd::Bye)]);
}

#[test]
fn a_last_text_and_its_goodbye_are_tried_again_on_the_slowest_path() {
    let (mut a, mut b) = secured_pair();
    a.send_text(at(0), "first").unwrap();
    // Its acknowledgement measures nothing, and so the time-out stays at its longest.
    let tries = [0, 1000, 3000, 7000].map(|ms| {
        a.handle_timeout(at(ms));
        frames(&mut a).len()
    });
    assert_eq!(tries, [1, 1, 1, 1]);
    a.send_text(at(7000), "second").unwrap();
    a.handle_timeout(at(11_000));
    frames(&mut a).iter().for_each(|frame| b.handle_frame(at(11_000), frame));
    b.handle_timeout(at(11_200));
    frames(&mut b).iter().for_each(|frame| a.handle_frame(at(11_200), frame));
    assert_eq!(events(&mut a), [delivered(1), delivered(2)]);
    a.send_text(at(20_000), "last").unwrap();
    a.bye(at(20_000));
    assert!(!frames(&mut a).is_empty(), "lost");
    assert_eq!(a.next_timeout(), Some(at(24_000)));
    a.handle_timeout(at(24_000));
    let again = frames(&mut a);
    assert_eq!(again.len(), 1);
    b.handle_frame(at(24_100), &again[0]);
    assert_eq!(events(&mut b)[2..], [text(3, "last"), Event::PeerBye]);
    a.handle_timeout(at(26_000));
    assert!(matches!(events(&mut a)[..], [Event::NotDelivered { .. }, Event::Ended(ChannelEnd::Bye)]));
}

#[test]
fn a_goodbye_before_the_channel_is_secured_ends_it_at_once() {
    let mut b = channel(Side::B, Meeting::Random, 2);
    b.bye(at(0));
    assert_eq!(events(&mut b), ended(ChannelEnd::Bye));
}

#[test]
fn a_message_after_a_goodbye_is_an_offence() {
    let (mut a, mut b) = secured_pair();
    let entries = [Entry { number: 1, kind: 3, body: b"" }, Entry { number: 2, kind: 1, body: b"more" }];
    let forged = forge(&mut a, 0, &entries);
    b.handle_frame(at(0), &forged);
    assert_eq!(events(&mut b), [Event::PeerBye, Event::Ended(ChannelEnd::Malformed)]);
}

#[test]
fn an_ended_channel_holds_no_keys_and_answers_nothing() {
    let (mut a, mut b) = secured_pair();
    b.send_text(at(0), "x").unwrap();
    let frame = b.poll_frame().unwrap();
    a.close();
    assert!(a.session.is_none() && a.handshake.is_none() && a.safety().is_none());
    assert_eq!(events(&mut a), ended(ChannelEnd::Closed));
    a.handle_frame(at(1), &frame);
    a.handle_timeout(at(2));
    a.peer_away(at(3));
    a.link_up(at(4));
    a.set_typing(at(5), Typing::Active);
    a.bye(at(6));
    a.close();
    assert_eq!((events(&mut a), frames(&mut a).len(), a.next_timeout()), (vec![], 0, None));
}
