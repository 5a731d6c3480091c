//! Packets: delivery, acknowledgement, the window, and what is survived.

use super::*;

#[test]
fn a_text_is_delivered_and_acknowledged_after_a_short_delay() {
    let (mut a, mut b) = secured_pair();
    let number = a.send_text(at(10), "안녕").unwrap();
    settle(at(10), &mut a, &mut b);
    assert_eq!(events(&mut b), [text(number.get(), "안녕")]);
    assert_eq!(events(&mut a), []);
    let due = b.next_timeout().unwrap();
    assert!((at(30)..=at(130)).contains(&due));
    b.handle_timeout(due);
    settle(due, &mut a, &mut b);
    assert_eq!(events(&mut a), [Event::Delivered { number }]);
    assert_eq!((a.next_timeout(), b.next_timeout()), (None, None), "an acknowledgement is not acknowledged");
}

#[test]
fn an_acknowledgement_rides_on_a_text() {
    let (mut a, mut b) = secured_pair();
    a.send_text(at(0), "question").unwrap();
    settle(at(0), &mut a, &mut b);
    b.send_text(at(5), "answer").unwrap();
    assert_eq!(settle(at(5), &mut a, &mut b), 1);
    assert_eq!(events(&mut a), [text(2, "answer"), delivered(1)]);
}

#[test]
fn a_lost_text_goes_out_again_in_a_new_packet() {
    let (mut a, mut b) = secured_pair();
    a.send_text(at(0), "lost").unwrap();
    let lost = frames(&mut a);
    let due = a.next_timeout().unwrap();
    a.handle_timeout(due);
    let again = frames(&mut a);
    assert_eq!(again.len(), 1);
    assert_ne!(again, lost);
    b.handle_frame(due, &again[0]);
    b.handle_frame(due, &lost[0]);
    assert_eq!(events(&mut b), [text(1, "lost")], "and once only");
}

#[test]
fn texts_that_overtake_each_other_come_out_in_order() {
    let (mut a, mut b) = secured_pair();
    for word in ["one", "two", "three"] {
        a.send_text(at(0), word).unwrap();
    }
    for frame in frames(&mut a).iter().rev() {
        b.handle_frame(at(1), frame);
    }
    assert_eq!(events(&mut b), [text(1, "one"), text(2, "two"), text(3, "three")]);
}

#[test]
fn nothing_is_sent_while_the_peer_is_away_and_everything_when_it_returns() {
    let (mut a, mut b) = secured_pair();
    a.send_text(at(0), "before").unwrap();
    frames(&mut a);
    a.peer_away(at(10));
    a.send_text(at(20), "meanwhile").unwrap();
    a.handle_timeout(at(5000));
    assert_eq!((frames(&mut a).len(), a.next_timeout()), (0, None));
    a.peer_online(at(6000));
    let again = frames(&mut a);
    assert_eq!(again.len(), 1, "both fit one packet");
    b.handle_frame(at(6000), &again[0]);
    assert_eq!(events(&mut b), [text(1, "before"), text(2, "meanwhile")]);
}

#[test]
fn replays_forgeries_and_early_packets_are_dropped_and_counted() {
    let (mut a, mut b) = secured_pair();
    a.send_text(at(0), "once").unwrap();
    let frame = a.poll_frame().unwrap();
    let mut fresh = channel(Side::B, Meeting::Random, 5);
    fresh.handle_frame(at(0), &frame);
    b.handle_frame(at(0), &frame);
    b.handle_frame(at(0), &frame);
    let mut forged = frame.clone();
    forged[13] += 1;
    b.handle_frame(at(0), &forged);
    let mut unsafe_number = frame.clone();
    unsafe_number[6..14].copy_from_slice(&MAX_NUMBER.to_be_bytes());
    b.handle_frame(at(0), &unsafe_number);
    a.handle_frame(at(0), &frame);
    assert_eq!(events(&mut b), [text(1, "once")]);
    assert_eq!(fresh.dropped().early, 1);
    assert_eq!(b.dropped(), Dropped { malformed: 1, replayed: 1, forged: 1, ..Dropped::default() });
    assert_eq!(a.dropped().replayed + a.dropped().forged, 1, "a reflection");
}

#[test]
fn a_forged_number_does_not_move_the_replay_window() {
    let (mut a, mut b) = secured_pair();
    let mut forged = message::packet_header(0, MAX_NUMBER - 1).to_vec();
    forged.resize(256, 1);
    b.handle_frame(at(0), &forged);
    a.send_text(at(0), "still here").unwrap();
    settle(at(0), &mut a, &mut b);
    assert_eq!(events(&mut b), [text(1, "still here")]);
}

#[test]
fn acknowledging_what_was_never_sent_ends_the_chat() {
    let (mut a, mut b) = secured_pair();
    a.peer_away(at(0));
    a.send_text(at(0), "unsent").unwrap();
    let forged = forge(&mut b, 1, &[]);
    a.handle_frame(at(0), &forged);
    let expected =
        [Event::NotDelivered { number: MessageNumber(1) }, Event::Ended(ChannelEnd::AckBeyondSent)];
    assert_eq!(events(&mut a), expected);
}

#[test]
fn authenticated_nonsense_ends_the_chat() {
    let long = vec![b'x'; MAX_TEXT + 1];
    let cases: [(u64, u8, &[u8], ChannelEnd); 10] = [
        (1, 4, &[1; 32], ChannelEnd::Malformed),
        (1, 1, b"\xff", ChannelEnd::Malformed),
        (1, 1, b"", ChannelEnd::Malformed),
        (1, 1, &long, ChannelEnd::Malformed),
        (1, 2, b"", ChannelEnd::Malformed),
        (1, 2, b"\x02", ChannelEnd::Malformed),
        (1, 2, b"\x00\x00", ChannelEnd::Malformed),
        (1, 3, b"x", ChannelEnd::Malformed),
        (0, 1, b"x", ChannelEnd::Malformed),
        (65, 1, b"x", ChannelEnd::WindowExceeded),
    ];
    for (number, kind, body, reason) in cases {
        let (mut a, mut b) = secured_pair();
        let forged = forge(&mut a, 0, &[Entry { number, kind, body }]);
        b.handle_frame(at(0), &forged);
        assert_eq!(events(&mut b), ended(reason), "{number} {kind} {}", body.len());
    }
}

#[test]
fn a_message_of_a_later_revision_is_acknowledged_and_told_of() {
    let (mut a, mut b) = secured_pair();
    let entries = [(1, 77, "?"), (2, 6, "a handover of nobody who is trusted"), (3, 1, "text")];
    let entries = entries.map(|(number, kind, body)| Entry { number, kind, body: body.as_bytes() });
    let forged = forge(&mut a, 0, &entries);
    b.handle_frame(at(0), &forged);
    assert_eq!(events(&mut b), [Event::Unknown { number: MessageNumber(1) }, text(3, "text")]);
    assert_eq!(b.inbound.in_order(), 3);
}

#[test]
fn a_full_window_refuses_and_reports_when_it_opens() {
    let (mut a, mut b) = secured_pair();
    for _ in 0..63 {
        a.send_text(at(0), "x").unwrap();
    }
    assert_eq!(a.send_text(at(0), "x"), Err(SendError::Full));
    run(at(1000), &mut a, &mut b);
    let happened = events(&mut a);
    assert_eq!(happened.last(), Some(&Event::WindowOpen));
    assert_eq!(happened.len(), 64);
    assert!(a.send_text(at(1000), "x").is_ok());
}

#[test]
fn texts_that_cannot_be_sent_are_refused() {
    let (mut a, _) = secured_pair();
    assert_eq!(a.send_text(at(0), ""), Err(SendError::Empty));
    assert_eq!(a.send_text(at(0), &"x".repeat(8193)), Err(SendError::TooLong));
    assert!(a.send_text(at(0), &"x".repeat(8192)).is_ok());
}

#[test]
fn every_message_on_the_wire_has_an_allowed_size() {
    let (mut a, _) = secured_pair();
    for len in [1, 206, 207, 8000, 8192] {
        a.send_text(at(0), &"x".repeat(len)).unwrap();
    }
    let sizes: Vec<_> = frames(&mut a).iter().map(Vec::len).collect();
    assert_eq!(sizes, [256, 256, 512, 8192, 16384]);
}
