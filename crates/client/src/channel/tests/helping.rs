//! The proof that somebody is a helper: what is sent before it, what it lets through, and what ends
//! the chat.

use aws_lc_rs::signature::Ed25519KeyPair;
use passes::{Credential, CredentialError, Pass, PassId, PassKeys, Secret};
use schemas::{UnixMillis, criteria::Role};
use zeroize::Zeroizing;

use super::*;
use crate::helper::Helper;

const NOW: UnixMillis = UnixMillis(1_800_000_000_500);

fn operator() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap()
}

fn keys() -> PassKeys {
    PassKeys::of(&operator())
}

fn helper(secret: u8) -> Part {
    let secret = Secret::from_bytes([secret; 32]);
    let expires = NOW.as_secs() + 3600;
    let pass = Pass { key: secret.public(), role: Role::Offer, topics: None, expires, id: PassId([9; 16]) };
    let pass = pass.sign(NOW, &operator()).unwrap();
    Part::Helper(Box::new(Helper { secret, pass }))
}

fn seeker() -> Part {
    Part::Seeker(Proof::Required)
}

/// A chat of a side `a` and a side `b`, after the handshake.
fn chat(a: Part, b: Part) -> (Channel, Channel) {
    let (one, other) = pair_of(Meeting::Random, Meeting::Random);
    let (mut a, mut b) = (one.taking_part(a), other.taking_part(b));
    settle(at(0), &mut a, &mut b);
    (a, b)
}

/// The credential that has come, which must be the only event.
fn shown(channel: &mut Channel) -> Shown {
    let mut told = events(channel);
    match (told.pop(), told.len()) {
        (Some(Event::Credential(shown)), 0) => *shown,
        other => panic!("{other:?} after {told:?}"),
    }
}

fn handover() -> Handover {
    Handover { invite: Zeroizing::new([3; 16]), colleague: [4; 32] }
}

#[test]
fn a_helper_of_either_side_shows_its_pass_first_and_the_seeker_is_shut_until_it_is_believed() {
    for helps in [Side::A, Side::B] {
        let (a, b) = match helps {
            Side::A => chat(helper(7), seeker()),
            Side::B => chat(seeker(), helper(7)),
        };
        let (mut help, mut seek) = if helps == Side::A { (a, b) } else { (b, a) };
        assert!(matches!(events(&mut help)[..], [Event::Secured { .. }]));
        let shown = shown(&mut seek);
        assert_eq!(shown.verify(&keys(), NOW).map(|believed| believed.pass().id), Ok(PassId([9; 16])));

        help.send_text(at(10), "how are you?").unwrap();
        help.set_typing(at(10), Typing::Active);
        seek.set_typing(at(10), Typing::Active);
        assert_eq!(seek.send_text(at(10), "help"), Err(SendError::NotSecured));
        run(at(9000), &mut help, &mut seek);
        assert_eq!((events(&mut seek), seek.safety()), (vec![], None), "nothing is shown");
        assert_eq!(events(&mut help), [], "nothing was sent, and nothing acknowledged");

        seek.judge(at(9000), Verdict::Believed);
        let told = events(&mut seek);
        assert!(matches!(told[0], Event::Secured { .. }), "{told:?}");
        assert!(matches!(&told[1], Event::Message { text, .. } if text == "how are you?"), "{told:?}");
        settle(at(9000), &mut help, &mut seek);
        assert!(events(&mut help).contains(&Event::PeerTyping(Typing::Active)), "what was held back");
        seek.send_text(at(9001), "help").unwrap();
        run(at(9500), &mut help, &mut seek);
        assert!(matches!(&events(&mut help)[..], [.., Event::Message { text, .. }] if text == "help"));
    }
}

#[test]
fn no_proof_in_ten_seconds_with_an_open_way_ends_the_chat() {
    let (mut a, mut b) = chat(seeker(), Part::Peer);
    b.send_text(at(0), "trust me").unwrap();
    run(at(4000), &mut a, &mut b);
    assert_eq!(events(&mut a), []);
    a.peer_away(at(4000));
    assert!(a.next_timeout().is_none(), "the clock stands still");
    a.peer_online(at(60_000));
    run(at(65_999), &mut a, &mut b);
    assert_eq!(events(&mut a), []);
    run(at(66_000), &mut a, &mut b);
    assert_eq!(events(&mut a), ended(ChannelEnd::NoProof));
}

#[test]
fn whoever_does_not_require_a_proof_talks_at_once_and_takes_one_all_the_same() {
    let (mut a, mut b) = chat(Part::Seeker(Proof::Welcome), helper(7));
    assert!(matches!(events(&mut a)[..], [Event::Secured { .. }, Event::Credential(_)]));
    b.send_text(at(1), "hello").unwrap();
    a.send_text(at(1), "hello").unwrap();
    settle(at(1), &mut a, &mut b);
    assert_eq!(events(&mut a)[0], text(2, "hello"));
    a.judge(at(2), Verdict::Taken);
    assert_eq!(events(&mut a), [], "it was secured before");
}

#[test]
fn a_bad_credential_ends_the_chat_and_nothing_was_sent() {
    for proof in [Proof::Required, Proof::Welcome] {
        let (mut a, mut b) = chat(Part::Seeker(proof), helper(7));
        events(&mut a);
        a.judge(at(1), Verdict::Refused);
        assert_eq!(events(&mut a), ended(ChannelEnd::BadCredential));
        assert_eq!(settle(at(1), &mut a, &mut b), 0);
    }
}

#[test]
fn a_chat_that_is_over_before_the_proof_is_judged_never_begins() {
    for bye_of_helper in [true, false] {
        let (mut a, mut b) = chat(seeker(), helper(7));
        shown(&mut a);
        if bye_of_helper {
            b.bye(at(1));
        } else {
            a.bye(at(1));
        }
        settle(at(1), &mut a, &mut b);
        a.judge(at(2), Verdict::Believed);
        run(at(9000), &mut a, &mut b);
        let told = events(&mut a);
        let reason = if bye_of_helper { ChannelEnd::PeerBye } else { ChannelEnd::Bye };
        assert_eq!(told.last(), Some(&Event::Ended(reason)));
        assert!(!told.iter().any(|event| matches!(event, Event::Secured { .. })), "{told:?}");
    }
}

#[test]
fn a_judgement_of_nothing_changes_nothing() {
    let (mut a, _) = chat(seeker(), Part::Peer);
    for verdict in [Verdict::Believed, Verdict::Taken, Verdict::Refused] {
        a.judge(at(1), verdict);
        assert_eq!((events(&mut a), a.send_text(at(1), "x")), (vec![], Err(SendError::NotSecured)));
    }
}

/// The body of the first message of a helper, which is in its only packet with one.
fn credential_of(helper: &Helper, transcript: [u8; 32], side: schemas::Side) -> Vec<u8> {
    Credential::new(&helper.secret, &helper.pass, &transcript, side).bytes()
}

/// Somebody in between has a chat with the helper and another one with the seeker, and passes the
/// helper's proof on. The server plays it, or whoever has been at both sides before.
#[test]
fn a_proof_of_another_chat_or_of_the_other_side_is_not_believed() {
    let Part::Helper(honest) = helper(7) else { panic!() };
    // The chat of the helper with who is in between has this transcript.
    let there = [5; 32];
    let cases = [
        ("made for this chat", None, schemas::Side::A, true),
        ("passed on from another chat", Some(there), schemas::Side::A, false),
        ("made for the other side: a reflection", None, schemas::Side::B, false),
    ];
    for (name, transcript, side, believed) in cases {
        let (mut between, seek) = pair_of(Meeting::Random, Meeting::Random);
        let mut seek = seek.taking_part(seeker());
        settle(at(0), &mut between, &mut seek);
        let here = between.session.as_ref().unwrap().transcript;
        let body = credential_of(&honest, transcript.unwrap_or(here), side);
        let packet = forge(&mut between, 0, &[Entry { number: 2, kind: 5, body: &body }]);
        seek.handle_frame(at(1), &packet);
        let result = shown(&mut seek).verify(&keys(), NOW).map(drop);
        assert_eq!(result, if believed { Ok(()) } else { Err(CredentialError::Forged) }, "{name}");
    }
    let transcript = |channel: &Channel| channel.session.as_ref().unwrap().transcript;
    let (chats, others) = (chat(Part::Peer, Part::Peer), chat(Part::Peer, Part::Peer));
    assert_eq!(transcript(&chats.0), transcript(&chats.1));
    assert_ne!(transcript(&chats.0), transcript(&others.0), "each chat has its own");
}

/// What a side of number 2, after its opening, sends as a credential.
fn told_of(part: Part, entries: &[(u64, u8, Vec<u8>)]) -> Vec<Event> {
    let (a, b) = pair_of(Meeting::Random, Meeting::Random);
    let mut a = a.taking_part(Part::Seeker(Proof::Welcome));
    let mut b = b.taking_part(part);
    settle(at(0), &mut a, &mut b);
    events(&mut b);
    let entries: Vec<_> =
        entries.iter().map(|(number, kind, body)| Entry { number: *number, kind: *kind, body }).collect();
    let packet = forge(&mut a, 0, &entries);
    b.handle_frame(at(1), &packet);
    events(&mut b)
}

fn credential_body() -> Vec<u8> {
    [vec![0, 1, b'x'], vec![0; 64]].concat()
}

#[test]
fn a_second_credential_one_for_nobody_who_seeks_and_a_broken_one_are_malformed() {
    let one = |number| (number, 5, credential_body());
    let welcome = || Part::Seeker(Proof::Welcome);
    assert_eq!(told_of(Part::Peer, &[one(2)]), ended(ChannelEnd::Malformed));
    assert_eq!(told_of(helper(7), &[one(2)]), ended(ChannelEnd::Malformed), "a helper seeks nobody");
    assert!(matches!(told_of(welcome(), &[one(2)])[..], [Event::Credential(_)]));
    let twice = told_of(welcome(), &[one(2), one(3)]);
    assert_eq!(twice.last(), ended(ChannelEnd::Malformed).last());
    for broken in [vec![], vec![0], [credential_body(), vec![0]].concat()] {
        assert_eq!(told_of(welcome(), &[(2, 5, broken)]), ended(ChannelEnd::Malformed));
    }
    assert_eq!(told_of(seeker(), &[(2, 1, b"first".into()), one(3)]), [], "it is the first message, or none");
}

#[test]
fn only_a_helper_who_is_believed_hands_over_and_its_seeker_is_asked() {
    for (verdict, told) in [(Verdict::Believed, true), (Verdict::Taken, false)] {
        let (mut a, mut b) = chat(seeker(), helper(7));
        shown(&mut a);
        a.judge(at(1), verdict);
        events(&mut a);
        b.send(at(1), Said::Handover(&handover())).unwrap();
        settle(at(1), &mut a, &mut b);
        let expected = if told { vec![Event::Handover(handover())] } else { vec![] };
        assert_eq!(events(&mut a), expected);
    }
    let (mut a, mut b) = chat(seeker(), helper(7));
    shown(&mut a);
    a.judge(at(1), Verdict::Believed);
    events(&mut a);
    assert_eq!(a.send(at(1), Said::Handover(&handover())), Err(SendError::NoHelper));
    for wrong in [vec![], vec![0; 47], vec![0; 49]] {
        let number = b.outbound.numbered() + 1;
        let packet = forge(&mut b, 1, &[Entry { number, kind: 6, body: &wrong }]);
        a.handle_frame(at(2), &packet);
        assert_eq!(events(&mut a), ended(ChannelEnd::Malformed));
        (a, b) = chat(seeker(), helper(7));
        shown(&mut a);
        a.judge(at(1), Verdict::Believed);
        events(&mut a);
    }
}
