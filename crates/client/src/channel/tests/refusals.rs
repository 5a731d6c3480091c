//! Handshakes that give no channel: other meetings, forged messages, and somebody in between.

use super::*;
use crate::channel::kem::Part;

/// A message 1 of `a`, by another side.
fn other_message1() -> Vec<u8> {
    channel(Side::A, Meeting::Random, 9).poll_frame().unwrap()
}

fn message1_body(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let frame = other_message1();
    let Some(ChannelMessage::Handshake { body, .. }) = message::parse(&frame) else { panic!("{frame:?}") };
    let mut body = body.to_vec();
    change(&mut body);
    message::handshake(Step::Message1, &body)
}

#[test]
fn what_does_not_open_the_commitment_ends_the_chat() {
    let right = [1; 32];
    let wrong: [(u8, &[u8]); 5] = [(4, &[2; 32]), (4, &right[1..]), (4, &[]), (1, &right), (9, &right)];
    for (kind, body) in wrong {
        let (mut a, mut b) = pair_of(Meeting::Random, Meeting::Random);
        b.handle_frame(at(0), &a.poll_frame().unwrap());
        a.handle_frame(at(0), &b.poll_frame().unwrap());
        frames(&mut a);
        let forged = forge(&mut a, 0, &[Entry { number: 1, kind, body }]);
        b.handle_frame(at(0), &forged);
        assert_eq!(events(&mut b), ended(ChannelEnd::CommitmentBroken), "{kind}");
        assert_eq!(b.safety(), None);
    }
}

#[test]
fn a_different_second_message_ends_a_chat_that_is_not_secured() {
    let (mut a, mut b) = pair_of(Meeting::Random, Meeting::Random);
    b.handle_frame(at(0), &a.poll_frame().unwrap());
    b.handle_frame(at(1), &other_message1());
    assert_eq!(events(&mut b), ended(ChannelEnd::HandshakeChanged), "it has keys, and no opening");
}

#[test]
fn no_handshake_message_ends_a_secured_chat() {
    let others = [
        other_message1(),
        message::handshake(Step::Message1, &[9; 32]),
        message::handshake(Step::Message1, &[9; 1264]),
        message::handshake(Step::Message2, &[9; 1136]),
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
    assert_eq!(events(&mut a), ended(ChannelEnd::HandshakeRefused));
}

#[test]
fn a_key_of_small_order_ends_the_chat() {
    let mut one = [0; 32];
    one[0] = 1;
    for key in [[0; 32], one] {
        let mut b = channel(Side::B, Meeting::Random, 2);
        b.handle_frame(at(0), &message1_body(|body| body[..32].copy_from_slice(&key)));
        assert_eq!(events(&mut b), ended(ChannelEnd::WeakKey));
    }
}

#[test]
fn a_tampered_encapsulation_key_is_refused_or_gives_no_channel() {
    // A coefficient beyond the modulus: refused when it is used, as FIPS 203 asks.
    let mut b = channel(Side::B, Meeting::Random, 2);
    b.handle_frame(at(0), &message1_body(|body| body[32..35].fill(0xff)));
    assert_eq!(events(&mut b), ended(ChannelEnd::HandshakeRefused));
    // Any other change is another key, and another handshake hash.
    for at_byte in [40, 600, 1215, 1216, 1247] {
        let (mut a, mut b) = pair_of(Meeting::Random, Meeting::Random);
        let mut frame = a.poll_frame().unwrap();
        frame[4 + at_byte] ^= 1;
        b.handle_frame(at(0), &frame);
        match events(&mut b)[..] {
            [] => {
                settle(at(0), &mut a, &mut b);
                assert_eq!(events(&mut a), ended(ChannelEnd::HandshakeRefused), "{at_byte}");
            }
            ref refused => assert_eq!(refused, ended(ChannelEnd::HandshakeRefused), "{at_byte}"),
        }
    }
}

#[test]
fn a_tampered_ciphertext_is_refused() {
    for at_byte in [32, 600, 1119, 1120, 1135] {
        let (mut a, mut b) = pair_of(Meeting::Random, Meeting::Random);
        b.handle_frame(at(0), &a.poll_frame().unwrap());
        let mut frame = b.poll_frame().unwrap();
        frame[4 + at_byte] ^= 1;
        a.handle_frame(at(0), &frame);
        assert_eq!(events(&mut a), ended(ChannelEnd::HandshakeRefused), "{at_byte}");
    }
}

#[test]
fn a_wrong_ciphertext_of_the_peer_gives_keys_that_nobody_shares() {
    let mut a = channel(Side::A, Meeting::Random, 1);
    let secrets = Secrets::fixed_b([3; 32], vec![7; 1088], [8; 32]);
    let mut b = Channel::with_secrets(Side::B, Meeting::Random, ROOM, secrets, 0, Time::ZERO);
    settle(at(0), &mut a, &mut b);
    assert!(matches!(events(&mut a)[..], [Event::Secured { .. }]));
    assert_eq!((b.dropped().forged, b.safety()), (1, None));
    b.handle_timeout(at(30_000));
    assert_eq!(events(&mut b), ended(ChannelEnd::NoChannel));
}

#[test]
fn wrong_lengths_end_the_chat() {
    let cases = [
        (Side::B, Step::Message1, 0),
        (Side::B, Step::Message1, 1247),
        (Side::B, Step::Message1, 1249),
        (Side::A, Step::Message2, 1135),
        (Side::A, Step::Message2, 1137),
    ];
    for (side, step, len) in cases {
        let mut channel = channel(side, Meeting::Random, 1);
        channel.handle_frame(at(0), &message::handshake(step, &vec![1; len]));
        assert_eq!(events(&mut channel), ended(ChannelEnd::HandshakeLength));
    }
}

#[test]
fn ones_own_messages_reflected_are_dropped_and_counted() {
    let (mut a, mut b) = pair_of(Meeting::Random, Meeting::Random);
    let message1 = a.poll_frame().unwrap();
    a.handle_frame(at(0), &message1);
    b.handle_frame(at(0), &message::handshake(Step::Message2, &[0; 1136]));
    b.handle_frame(at(0), &message1);
    let message2 = b.poll_frame().unwrap();
    b.handle_frame(at(0), &message2);
    assert_eq!((a.dropped().unexpected, b.dropped().unexpected), (1, 2));
    a.handle_frame(at(0), &message2);
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

/// Whoever sits in between knows the code of `a` first, and may then search for a nonce that gives
/// `b` the same one. That would be a matter of seconds for a code of few bits; but the nonce was
/// promised before he knew anything.
#[test]
fn who_sits_between_and_commits_late_is_refused() {
    let (mut a, mut b) = pair_of(Meeting::Random, Meeting::Random);
    let mut false_b = channel(Side::B, Meeting::Random, 4);
    settle(at(0), &mut a, &mut false_b);
    let code = a.safety().unwrap();
    assert_eq!(false_b.safety(), Some(code));

    // Towards `b` he commits to some nonce, and sees the handshake hash before he has to open it.
    let secrets = Secrets::draw(Side::A, &mut StdRng::seed_from_u64(3)).unwrap();
    assert!(matches!(secrets.part, Part::A { .. }));
    let mut false_a = Channel::with_secrets(Side::A, Meeting::Random, ROOM, secrets, 0, Time::ZERO);
    b.handle_frame(at(0), &false_a.poll_frame().unwrap());
    false_a.handle_frame(at(0), &b.poll_frame().unwrap());
    frames(&mut false_a);
    let hash = b.handshake.as_ref().unwrap().hash().unwrap();
    // The first nonce whose code begins as that of `a`: eight bits stand for 42.
    let wanted = code.numbers()[0] >> 6;
    let found = (0_u32..)
        .map(|n| std::array::from_fn::<u8, 32, _>(|i| n.to_be_bytes()[i % 4]))
        .find(|nonce| SafetyCode::of(&hash, nonce).numbers()[0] >> 6 == wanted)
        .unwrap();
    let late = forge(&mut false_a, 0, &[Entry { number: 1, kind: 4, body: &found }]);
    b.handle_frame(at(0), &late);
    assert_eq!((events(&mut b), b.safety()), (ended(ChannelEnd::CommitmentBroken), None));
}
