//! Which keys are believed, and from when.

use schemas::{announcement::Announcement, event::KeyEvent, message::Message};

use super::*;

/// The announcements of another gateway, each spoiled in one way.
#[test]
fn nobody_announces_a_key_that_is_anothers_or_for_longer_than_its_owner_did() {
    let (ours, theirs) = (tokens(), tokens());
    let token = theirs.issue_session(grant()).token;
    let [good] = &theirs.known_keys()[..] else { panic!("one key") };
    let later = Announcement { not_after: good.not_after + LIFE, ..good.clone() };
    let anothers = Announcement { node: "rogue".parse().unwrap(), ..good.clone() };
    let unsigned = Announcement { possession: [0; 64], ..good.clone() };
    let own = starting().known_keys().remove(0);
    let exchanged = Announcement { possession: own.possession, ..good.clone() };
    for forged in [later, anothers, unsigned, exchanged] {
        ours.learn(std::slice::from_ref(&forged));
        assert_eq!(ours.verify_session(&token), Err(TokenError::Invalid), "{forged:?}");
    }
    assert_eq!(ours.bus.counters().doubted_keys.load(Relaxed), 4);
    ours.learn(std::slice::from_ref(good));
    assert!(ours.verify_session(&token).is_ok());
}

#[test]
fn an_unknown_key_is_not_judged_before_all_keys_are_known() {
    let (ours, theirs) = (starting(), tokens());
    let own = ours.issue_session(grant()).token;
    let foreign = theirs.issue_session(grant()).token;
    assert_eq!(ours.verify_session(&own), Err(TokenError::KeysUnknown), "no answer could be signed yet");
    assert_eq!(ours.verify_session("garbage"), Err(TokenError::Invalid));
    ours.first_key_announced();
    assert!(ours.verify_session(&own).is_ok());
    assert_eq!(ours.verify_session(&foreign), Err(TokenError::KeysUnknown));
    assert!(!ours.is_ready());
    ours.set_synced(true);
    assert!(ours.is_ready());
    assert_eq!(ours.verify_session(&foreign), Err(TokenError::Invalid));
    let heard = theirs.announcements();
    let [Message::Key { key, from, event, .. }] = heard.as_slice() else { panic!("one key: {heard:?}") };
    ours.hear(*key, from, event);
    assert!(ours.verify_session(&foreign).is_ok());
}

#[test]
fn an_unknown_key_is_not_judged_while_nobody_can_be_asked() {
    let (ours, theirs) = (tokens(), tokens());
    let foreign = theirs.issue_session(grant()).token;
    assert_eq!(ours.verify_session(&foreign), Err(TokenError::Invalid));
    ours.cut_off();
    assert_eq!(ours.verify_session(&foreign), Err(TokenError::KeysUnknown));
    assert!(ours.is_ready(), "its own sessions go on");
    assert!(ours.verify_session(&ours.issue_session(grant()).token).is_ok());
    ours.set_synced(true);
    assert_eq!(ours.verify_session(&foreign), Err(TokenError::Invalid));
    let fresh = starting();
    fresh.cut_off();
    assert!(!fresh.is_ready(), "nothing was known before either");
}

#[test]
fn a_new_key_signs_only_when_it_is_told_to_and_the_old_one_still_verifies() {
    let tokens = tokens();
    let before = tokens.issue_session(grant()).token;
    let Message::Key { key: next, .. } = tokens.make_next_key() else { panic!("a key") };
    let Message::Key { key: same, .. } = tokens.make_next_key() else { panic!("a key") };
    assert_eq!(next, same, "a second try announces the same key");
    let signer = |token: &str| jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    assert_eq!(signer(&tokens.issue_session(grant()).token), signer(&before));
    tokens.use_next_key();
    let after = tokens.issue_session(grant()).token;
    assert_eq!(signer(&after), next.text());
    assert!(tokens.verify_session(&before).is_ok() && tokens.verify_session(&after).is_ok());
    tokens.use_next_key();
    assert_eq!(signer(&tokens.issue_session(grant()).token), next.text(), "nothing to replace it with");
    assert_eq!(tokens.known_keys().len(), 2);
}

#[test]
fn a_janitors_word_alone_drops_no_key() {
    let tokens = tokens();
    let token = tokens.issue_session(grant()).token;
    let janitor = "j1".parse().unwrap();
    tokens.hear(KeyId::of_public(&tokens.signing_key().public), &janitor, &KeyEvent::Expired);
    assert!(tokens.verify_session(&token).is_ok());
}

#[test]
fn debug_shows_no_key() {
    let tokens = tokens();
    let seed = aws_lc_rs::encoding::AsBigEndian::<aws_lc_rs::encoding::Curve25519SeedBin<'_>>::as_be_bytes(
        &tokens.signing_key().pair.seed().unwrap(),
    )
    .unwrap();
    assert!(!format!("{tokens:?}").contains(&format!("{:?}", seed.as_ref())));
}

#[test]
fn a_node_that_announces_without_end_is_not_heard_for_a_while_and_others_are() {
    let (ours, theirs) = (tokens(), tokens());
    let [good] = &theirs.known_keys()[..] else { panic!("one key") };
    let forged = KeyEvent::Announced(Announcement { possession: [0; 64], ..good.clone() }.into());
    let announced = KeyEvent::Announced(good.clone().into());
    let [loud, quiet] = ["loud", "quiet"].map(|name| name.parse().unwrap());
    let token = theirs.issue_session(grant()).token;
    for _ in 0..1000 {
        ours.hear(good.id(), &loud, &forged);
    }
    ours.hear(good.id(), &loud, &announced);
    assert_eq!(ours.verify_session(&token), Err(TokenError::Invalid), "the loud one has said too much");
    ours.hear(good.id(), &quiet, &announced);
    assert!(ours.verify_session(&token).is_ok());
}
