//! The handshake of two honest sides: order, finality and repetition.

use super::*;

#[test]
fn both_sides_are_secured_with_the_same_safety_code() {
    for meeting in [Meeting::Random, invite(1)] {
        let (mut a, mut b) = pair_of(meeting.clone(), meeting);
        assert_eq!(settle(at(0), &mut a, &mut b), 3, "message 1, message 2, opening");
        assert_eq!(a.safety(), b.safety());
        assert_eq!(events(&mut a), [Event::Secured { safety: a.safety().unwrap() }]);
        assert_eq!(events(&mut b), [Event::Secured { safety: b.safety().unwrap() }]);
    }
}

#[test]
fn b_says_nothing_before_message_1() {
    let mut b = channel(Side::B, Meeting::Random, 1);
    assert_eq!(b.next_timeout(), Some(at(30_000)));
    b.handle_timeout(at(1000));
    b.link_down(at(1400));
    b.link_up(at(1500));
    assert_eq!(frames(&mut b), Vec::<Vec<u8>>::new());
}

#[test]
fn b_is_not_secured_before_the_opening() {
    let (mut a, mut b) = pair_of(Meeting::Random, Meeting::Random);
    b.handle_frame(at(0), &a.poll_frame().unwrap());
    assert_eq!((events(&mut b), b.safety()), (vec![], None));
    assert_eq!(b.send_text(at(0), "hello"), Err(SendError::NotSecured));
    a.handle_frame(at(0), &b.poll_frame().unwrap());
    let opening = a.poll_frame().unwrap();
    a.send_text(at(0), "overtakes").unwrap();
    b.handle_frame(at(0), &a.poll_frame().unwrap());
    assert_eq!((events(&mut b), b.safety(), frames(&mut b).len()), (vec![], None, 0));
    b.handle_timeout(at(500));
    assert_eq!(frames(&mut b).len(), 0, "and acknowledges nothing");
    b.handle_frame(at(600), &opening);
    assert!(matches!(&events(&mut b)[..], [Event::Secured { .. }, Event::Message { .. }]));
}

#[test]
fn whoever_waits_repeats_after_1_2_4_8_and_8_seconds() {
    let mut a = channel(Side::A, Meeting::Random, 2);
    let first = frames(&mut a);
    assert_eq!(first.len(), 1);
    for due in [1, 3, 7, 15, 23] {
        a.handle_timeout(at(due * 1000 - 1));
        assert_eq!(frames(&mut a).len(), 0, "before {due} s");
        assert_eq!(a.next_timeout(), Some(at(due * 1000)));
        a.handle_timeout(at(due * 1000));
        assert_eq!(frames(&mut a), first, "at {due} s");
    }
}

#[test]
fn whoever_waits_repeats_when_the_peer_or_its_own_link_returns() {
    let (mut a, mut b) = pair_of(Meeting::Random, Meeting::Random);
    let message1 = frames(&mut a);
    b.handle_frame(at(0), &message1[0]);
    let message2 = frames(&mut b);
    for channel in [&mut a, &mut b] {
        channel.peer_away(at(100));
        assert_eq!(channel.next_timeout(), None);
        channel.handle_timeout(at(5000));
        assert_eq!(frames(channel).len(), 0);
        channel.peer_online(at(6000));
    }
    assert_eq!((frames(&mut a), frames(&mut b)), (message1, message2.clone()));
    b.link_down(at(6100));
    b.peer_online(at(6200));
    assert_eq!(frames(&mut b).len(), 0, "its own link is down");
    b.link_up(at(6300));
    assert_eq!(frames(&mut b), message2);
    assert_eq!(b.next_timeout(), Some(at(7300)), "the intervals start again");
}

#[test]
fn an_answer_that_cannot_be_sent_goes_out_when_the_path_opens() {
    let (mut a, mut b) = pair_of(Meeting::Random, Meeting::Random);
    b.peer_away(at(0));
    b.handle_frame(at(1), &a.poll_frame().unwrap());
    assert_eq!(frames(&mut b).len(), 0);
    b.peer_online(at(2));
    let message2 = frames(&mut b);
    assert_eq!(message2.len(), 1);
    a.link_down(at(3));
    a.handle_frame(at(4), &message2[0]);
    assert_eq!(frames(&mut a).len(), 0);
    a.link_up(at(5));
    settle(at(6), &mut a, &mut b);
    assert!(a.safety().is_some() && a.safety() == b.safety());
}

#[test]
fn no_channel_after_30_seconds_online_ends_the_chat() {
    for side in [Side::A, Side::B] {
        let mut channel = channel(side, Meeting::Random, 1);
        channel.peer_away(at(10_000));
        channel.peer_online(at(60_000));
        channel.handle_timeout(at(79_999));
        assert_eq!(events(&mut channel), []);
        channel.handle_timeout(at(80_000));
        assert_eq!(events(&mut channel), ended(ChannelEnd::NoChannel));
        assert_eq!(channel.next_timeout(), None);
    }
}

#[test]
fn copies_are_answered_once_a_second() {
    let (mut a, mut b) = pair_of(invite(3), invite(3));
    let message1 = a.poll_frame().unwrap();
    b.handle_frame(at(0), &message1);
    let message2 = b.poll_frame().unwrap();
    for ms in [1, 999] {
        b.handle_frame(at(ms), &message1);
        assert_eq!(frames(&mut b).len(), 0);
    }
    b.handle_frame(at(1000), &message1);
    assert_eq!(frames(&mut b), std::slice::from_ref(&message2), "the stored bytes");
    assert_eq!(b.next_timeout(), Some(at(1000)), "its own repetition is not put off");

    a.handle_frame(at(0), &message2);
    let opening = frames(&mut a);
    assert_eq!(opening.len(), 1);
    a.handle_frame(at(999), &message2);
    assert_eq!(frames(&mut a).len(), 0);
    a.handle_frame(at(1000), &message2);
    let again = frames(&mut a);
    assert_eq!(again.len(), 1);
    assert_ne!(again, opening, "in a new packet");
    b.handle_frame(at(1001), &again[0]);
    b.handle_timeout(at(1200));
    a.handle_frame(at(1200), &b.poll_frame().unwrap());
    a.handle_frame(at(5000), &message2);
    assert_eq!(frames(&mut a).len(), 0, "the opening has arrived");
    b.handle_frame(at(5000), &message1);
    b.handle_frame(at(5001), &message1);
    assert_eq!(frames(&mut b), std::slice::from_ref(&message2));
    assert_eq!((a.dropped(), b.dropped()), (Dropped::default(), Dropped::default()));
    assert!(matches!(events(&mut b)[..], [Event::Secured { .. }]));
}

#[test]
fn a_probing_side_sends_the_opening_again_for_a_copy() {
    let (mut a, mut b) = pair_of(Meeting::Random, Meeting::Random);
    b.handle_frame(at(0), &a.poll_frame().unwrap());
    let message2 = b.poll_frame().unwrap();
    a.handle_frame(at(0), &message2);
    assert_eq!(frames(&mut a).len(), 1);
    a.handle_timeout(at(1000));
    assert_eq!(frames(&mut a).len(), 1, "a probe; the next one would be after 2 s");
    a.handle_frame(at(2000), &message2);
    assert_eq!(frames(&mut a).len(), 1);
    assert_eq!(a.next_timeout(), Some(at(3000)), "the time-out stays");
}

#[test]
fn a_way_that_is_open_does_not_open_again() {
    let (mut a, mut b) = pair_of(Meeting::Random, Meeting::Random);
    assert_eq!(frames(&mut a).len(), 1);
    for said in [Channel::peer_online, Channel::link_up] {
        said(&mut b, at(10));
        said(&mut a, at(10));
        assert_eq!((frames(&mut a).len(), frames(&mut b).len()), (0, 0));
    }
    let (mut a, _) = secured_pair();
    a.send_text(at(0), "once").unwrap();
    assert_eq!(frames(&mut a).len(), 1);
    for said in [Channel::peer_online, Channel::link_up] {
        said(&mut a, at(10));
        assert_eq!(frames(&mut a).len(), 0);
    }
    a.peer_away(at(20));
    a.peer_online(at(30));
    assert_eq!(frames(&mut a).len(), 1, "it was away");
}

#[test]
fn the_handshake_keeps_no_secret_once_it_is_done() {
    let (mut a, mut b) = pair_of(invite(1), invite(1));
    settle(at(0), &mut a, &mut b);
    assert!(a.handshake.as_ref().unwrap().is_finished());
    assert!(b.handshake.as_ref().unwrap().is_finished());
}
