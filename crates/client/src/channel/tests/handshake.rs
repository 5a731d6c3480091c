//! The handshake: order, finality, repetition, and who is refused.

use super::*;

#[test]
fn both_sides_are_secured_with_the_same_safety_code() {
    for meeting in [Meeting::Random, invite(1)] {
        let (mut a, mut b) = pair_of(meeting.clone(), meeting);
        assert_eq!(settle(at(0), &mut a, &mut b), 4, "commitment, message 1, message 2, acknowledgement");
        assert_eq!(a.safety(), b.safety());
        assert_eq!(events(&mut a), [Event::Secured { safety: a.safety().unwrap() }]);
        assert_eq!(events(&mut b), [Event::Secured { safety: b.safety().unwrap() }]);
    }
}

#[test]
fn message_1_waits_for_a_commitment() {
    let mut a = channel(Side::A, Meeting::Random, 1);
    assert_eq!(a.next_timeout(), Some(at(30_000)));
    a.handle_timeout(at(1000));
    a.link_down(at(1400));
    a.link_up(at(1500));
    assert_eq!(frames(&mut a), Vec::<Vec<u8>>::new());
}

#[test]
fn b_is_not_secured_before_a_packet_proves_that_a_has_the_keys() {
    let (mut a, mut b) = pair_of(Meeting::Random, Meeting::Random);
    a.handle_frame(at(0), &b.poll_frame().unwrap());
    b.handle_frame(at(0), &a.poll_frame().unwrap());
    assert_eq!((events(&mut b), b.safety()), (vec![], None));
    assert_eq!(b.send_text(at(0), "hello"), Err(SendError::NotSecured));
    a.handle_frame(at(0), &b.poll_frame().unwrap());
    b.handle_frame(at(0), &a.poll_frame().unwrap());
    assert!(matches!(events(&mut b)[..], [Event::Secured { .. }]));
}

#[test]
fn whoever_waits_repeats_after_1_2_4_8_and_8_seconds() {
    let mut b = channel(Side::B, Meeting::Random, 2);
    let first = frames(&mut b);
    assert_eq!(first.len(), 1);
    for due in [1, 3, 7, 15, 23] {
        b.handle_timeout(at(due * 1000 - 1));
        assert_eq!(frames(&mut b).len(), 0, "before {due} s");
        assert_eq!(b.next_timeout(), Some(at(due * 1000)));
        b.handle_timeout(at(due * 1000));
        assert_eq!(frames(&mut b), first, "at {due} s");
    }
}

#[test]
fn whoever_waits_repeats_when_the_peer_or_its_own_link_returns() {
    let (mut a, mut b) = pair_of(Meeting::Random, Meeting::Random);
    let commitment = frames(&mut b);
    a.handle_frame(at(0), &commitment[0]);
    let message1 = frames(&mut a);
    for channel in [&mut a, &mut b] {
        channel.peer_away(at(100));
        assert_eq!(channel.next_timeout(), None);
        channel.handle_timeout(at(5000));
        assert_eq!(frames(channel).len(), 0);
        channel.peer_online(at(6000));
    }
    assert_eq!((frames(&mut a), frames(&mut b)), (message1, commitment.clone()));
    b.link_down(at(6100));
    b.peer_online(at(6200));
    assert_eq!(frames(&mut b).len(), 0, "its own link is down");
    b.link_up(at(6300));
    assert_eq!(frames(&mut b), commitment);
    assert_eq!(b.next_timeout(), Some(at(7300)), "the intervals start again");
}

#[test]
fn an_answer_that_cannot_be_sent_goes_out_when_the_path_opens() {
    let (mut a, mut b) = pair_of(Meeting::Random, Meeting::Random);
    a.peer_away(at(0));
    a.handle_frame(at(1), &b.poll_frame().unwrap());
    assert_eq!(frames(&mut a).len(), 0);
    a.peer_online(at(2));
    let message1 = frames(&mut a);
    assert_eq!(message1.len(), 1);
    b.link_down(at(3));
    b.handle_frame(at(4), &message1[0]);
    assert_eq!(frames(&mut b).len(), 0);
    b.link_up(at(5));
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
fn copies_are_answered_with_the_stored_bytes_even_after_the_end() {
    let (mut a, mut b) = pair_of(invite(3), invite(3));
    let commitment = b.poll_frame().unwrap();
    a.handle_frame(at(0), &commitment);
    let message1 = a.poll_frame().unwrap();
    b.handle_frame(at(0), &message1);
    let message2 = b.poll_frame().unwrap();
    a.handle_frame(at(0), &commitment);
    assert_eq!(frames(&mut a), std::slice::from_ref(&message1));
    a.handle_frame(at(0), &message2);
    settle(at(0), &mut a, &mut b);
    events(&mut a);
    events(&mut b);

    a.handle_frame(at(1), &commitment);
    assert_eq!(frames(&mut a), std::slice::from_ref(&message1));
    b.handle_frame(at(1), &message1);
    assert_eq!(frames(&mut b), std::slice::from_ref(&message2));
    a.handle_frame(at(1), &message2);
    let acknowledgement = frames(&mut a);
    assert_eq!(acknowledgement.len(), 1, "message 2 is acknowledged again, at once");
    b.handle_frame(at(1), &acknowledgement[0]);
    assert_eq!((events(&mut a), events(&mut b)), (vec![], vec![]));
}

#[test]
fn a_different_second_message_ends_a_chat_that_is_not_secured() {
    let other_commitment = channel(Side::B, Meeting::Random, 9).poll_frame().unwrap();
    let other_message1 = message::handshake(Step::Message1, &[9; 32]);
    let (mut a, mut b) = pair_of(Meeting::Random, Meeting::Random);
    a.handle_frame(at(0), &b.poll_frame().unwrap());
    b.handle_frame(at(0), &a.poll_frame().unwrap());
    a.handle_frame(at(1), &other_commitment);
    assert_eq!(events(&mut a), ended(ChannelEnd::HandshakeChanged));
    b.handle_frame(at(1), &other_message1);
    assert_eq!(
        events(&mut b),
        ended(ChannelEnd::HandshakeChanged),
        "it has keys, and no proof of the peer's"
    );
}

#[test]
fn no_handshake_message_ends_a_secured_chat() {
    let other_commitment = channel(Side::B, Meeting::Random, 9).poll_frame().unwrap();
    let others = [
        other_commitment,
        message::handshake(Step::Commitment, &[9; 31]),
        message::handshake(Step::Message1, &[9; 32]),
        message::handshake(Step::Message1, &[9; 48]),
        message::handshake(Step::Message2, &[9; 48]),
        message::handshake(Step::Message2, &[]),
    ];
    let (mut a, mut b) = secured_pair();
    let code = a.safety();
    for (n, other) in (1..).zip(&others) {
        for channel in [&mut a, &mut b] {
            channel.handle_frame(at(1), other);
            assert_eq!((events(channel), frames(channel).len()), (vec![], 0), "{n}");
            assert_eq!(channel.dropped().unexpected, n);
        }
    }
    assert_eq!((a.safety(), b.safety()), (code, code));
    a.send_text(at(2), "still here").unwrap();
    settle(at(2), &mut a, &mut b);
    assert_eq!(events(&mut b), [text(1, "still here")]);
}

#[test]
fn a_way_that_is_open_does_not_open_again() {
    let (mut a, mut b) = pair_of(Meeting::Random, Meeting::Random);
    assert_eq!(frames(&mut b).len(), 1);
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
fn a_key_that_was_not_promised_ends_the_chat_before_noise_sees_it() {
    let (mut a, mut b) = pair_of(Meeting::Random, Meeting::Random);
    let promise = channel(Side::B, Meeting::Random, 9).poll_frame().unwrap();
    a.handle_frame(at(0), &promise);
    b.handle_frame(at(0), &a.poll_frame().unwrap());
    let message2 = frames(&mut b).pop().unwrap();
    a.handle_frame(at(0), &message2);
    assert_eq!(events(&mut a), ended(ChannelEnd::CommitmentBroken));
}

#[test]
fn an_invited_side_and_a_matched_side_never_get_a_channel() {
    for (a, b) in [(Meeting::Random, invite(1)), (invite(1), Meeting::Random)] {
        let (mut a, mut b) = pair_of(a, b);
        settle(at(0), &mut a, &mut b);
        assert_eq!(events(&mut b), ended(ChannelEnd::HandshakeLength));
        assert_eq!(events(&mut a), []);
    }
}

#[test]
fn two_different_invites_never_get_a_channel() {
    let (mut a, mut b) = pair_of(invite(1), invite(2));
    settle(at(0), &mut a, &mut b);
    assert_eq!(events(&mut b), ended(ChannelEnd::HandshakeRefused));
}

#[test]
fn two_different_rooms_never_get_a_channel() {
    let mut a = channel(Side::A, Meeting::Random, 1);
    let mut rng = StdRng::seed_from_u64(2);
    let mut b = Channel::new(Side::B, Meeting::Random, [8; 16], &mut rng, Time::ZERO);
    settle(at(0), &mut a, &mut b);
    assert_eq!(events(&mut a), ended(ChannelEnd::CommitmentBroken));
}

#[test]
fn a_key_of_small_order_ends_the_chat() {
    let mut u_of_order_8 = [0; 32];
    u_of_order_8[..8].copy_from_slice(&[0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae]);
    u_of_order_8[8..16].copy_from_slice(&[0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a]);
    u_of_order_8[16..24].copy_from_slice(&[0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd]);
    u_of_order_8[24..].copy_from_slice(&[0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00]);
    let mut one = [0; 32];
    one[0] = 1;
    for key in [[0; 32], one, u_of_order_8] {
        let mut b = channel(Side::B, Meeting::Random, 2);
        b.handle_frame(at(0), &message::handshake(Step::Message1, &key));
        assert_eq!(events(&mut b), ended(ChannelEnd::WeakKey));
    }
}

#[test]
fn wrong_lengths_end_the_chat() {
    let cases =
        [(Side::A, Step::Commitment, 31), (Side::B, Step::Message1, 0), (Side::B, Step::Message1, 49)];
    for (side, step, len) in cases {
        let mut channel = channel(side, Meeting::Random, 1);
        channel.handle_frame(at(0), &message::handshake(step, &vec![1; len]));
        assert_eq!(events(&mut channel), ended(ChannelEnd::HandshakeLength));
    }
    let (mut a, mut b) = pair_of(Meeting::Random, Meeting::Random);
    a.handle_frame(at(0), &b.poll_frame().unwrap());
    a.handle_frame(at(0), &message::handshake(Step::Message2, &[1; 47]));
    assert_eq!(events(&mut a), ended(ChannelEnd::HandshakeLength));
}

#[test]
fn ones_own_messages_reflected_are_dropped_and_counted() {
    let (mut a, mut b) = pair_of(Meeting::Random, Meeting::Random);
    let commitment = b.poll_frame().unwrap();
    b.handle_frame(at(0), &commitment);
    a.handle_frame(at(0), &message::handshake(Step::Message2, &[0; 48]));
    a.handle_frame(at(0), &commitment);
    let message1 = a.poll_frame().unwrap();
    a.handle_frame(at(0), &message1);
    assert_eq!((a.dropped().unexpected, b.dropped().unexpected), (2, 1));
    b.handle_frame(at(0), &message1);
    settle(at(0), &mut a, &mut b);
    assert_eq!(a.safety(), b.safety());
    assert!(a.safety().is_some());
}

#[test]
fn who_sits_between_cannot_give_both_the_same_code() {
    let (mut a, mut b) = pair_of(Meeting::Random, Meeting::Random);
    let (mut false_a, mut false_b) =
        (channel(Side::A, Meeting::Random, 3), channel(Side::B, Meeting::Random, 4));
    settle(at(0), &mut a, &mut false_b);
    settle(at(0), &mut false_a, &mut b);
    assert!(a.safety().is_some() && b.safety().is_some(), "without a psk nothing else shows it");
    assert_ne!(a.safety(), b.safety());
}
