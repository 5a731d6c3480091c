use aws_lc_rs::signature::Ed25519KeyPair;
use passes::{Credential, PassError, PassId, Secret};
use schemas::Side;

use super::*;
use crate::channel;

const NOW: UnixMillis = UnixMillis(1_800_000_000_500);
const HOUR: Duration = Duration::from_secs(3600);
const TRANSCRIPT: [u8; 32] = [5; 32];
const ID: PassId = PassId([9; 16]);

fn operator(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn keys(seed: u8) -> PassKeys {
    PassKeys::of(&operator(seed))
}

/// A pass for these topics, shown by a side `a`.
fn shown(topics: Option<&[&str]>) -> Shown {
    let secret = Secret::from_bytes([7; 32]);
    let topics = topics.map(|topics| topics.iter().map(|topic| topic.parse().unwrap()).collect());
    let expires = (NOW + HOUR).as_secs();
    let pass = Pass { key: secret.public(), role: Role::Offer, topics, expires, id: ID };
    let pass = pass.sign(NOW, &operator(1)).unwrap();
    Shown::new(Credential::new(&secret, &pass, &TRANSCRIPT, Side::A), TRANSCRIPT, channel::Side::A)
}

/// A list that was made so long ago, with this pass.
fn list(age: Duration, revoked: Option<PassId>, seed: u8) -> Option<String> {
    let made = UnixMillis(NOW.0 - u64::try_from(age.as_millis()).unwrap());
    let mut list = Revocations::default();
    if let Some(id) = revoked {
        list.add(id, None, made);
    }
    Some(list.sign(made, &operator(seed)).unwrap())
}

fn topic(topic: &str) -> Wanted {
    Wanted { by: MatchBy::Random(Some(topic.parse().unwrap())), colleague: None }
}

fn anybody() -> Wanted {
    Wanted { by: MatchBy::Random(None), colleague: None }
}

fn standing(shown: &Shown, wanted: &Wanted, keys: Keys, list: Option<String>) -> Result<Standing, Bad> {
    judge(shown, wanted, &Known { keys, list }, NOW).map(|(standing, pass)| {
        assert_eq!(pass.id, ID);
        standing
    })
}

fn pinned() -> Keys {
    Keys::Pinned(keys(1))
}

#[test]
fn only_a_known_key_and_a_new_list_make_a_verified_helper() {
    let shown = shown(None);
    let day = 24 * HOUR;
    let second = Duration::from_secs(1);
    let cases = [
        (pinned(), list(HOUR, None, 1), Standing::Verified),
        (pinned(), list(day - second, Some(PassId([8; 16])), 1), Standing::Verified),
        (pinned(), list(day + second, None, 1), Standing::Unlisted),
        (pinned(), list(HOUR, None, 2), Standing::Unlisted),
        (pinned(), None, Standing::Unlisted),
        (Keys::Told(keys(1)), list(HOUR, None, 1), Standing::ServerSays),
        (Keys::Told(keys(1)), None, Standing::ServerSays),
        (Keys::None, None, Standing::Unknown),
    ];
    for (keys, list, expected) in cases {
        assert_eq!(standing(&shown, &anybody(), keys, list), Ok(expected));
    }
}

#[test]
fn a_key_that_is_not_the_operators_is_bad_whoever_says_otherwise() {
    let shown = shown(None);
    let forged = Err(Bad::Credential(CredentialError::Pass(PassError::Forged)));
    for keys in [Keys::Pinned(keys(2)), Keys::Told(keys(2))] {
        assert_eq!(standing(&shown, &anybody(), keys, list(HOUR, None, 1)), forged);
    }
}

#[test]
fn a_revoked_pass_is_bad_however_old_the_list() {
    let shown = shown(None);
    for age in [HOUR, 48 * HOUR] {
        for keys in [pinned(), Keys::Told(keys(1))] {
            assert_eq!(standing(&shown, &anybody(), keys, list(age, Some(ID), 1)), Err(Bad::Revoked));
        }
    }
    assert_eq!(
        standing(&shown, &anybody(), pinned(), list(HOUR, Some(ID), 2)),
        Ok(Standing::Unlisted),
        "a list of somebody else revokes nothing"
    );
}

#[test]
fn an_expired_pass_is_bad() {
    let known = Known { keys: pinned(), list: None };
    let expired = Err(Bad::Credential(CredentialError::Pass(PassError::Expired)));
    assert_eq!(judge(&shown(None), &anybody(), &known, NOW + HOUR).map(drop), expired);
}

#[test]
fn a_pass_is_for_its_topics() {
    let shown = shown(Some(&["grief", "debt"]));
    let list = || list(HOUR, None, 1);
    assert_eq!(standing(&shown, &topic("Grief"), pinned(), list()), Ok(Standing::Verified));
    assert_eq!(standing(&shown, &topic("work"), pinned(), list()), Err(Bad::NotForThis));
    assert_eq!(standing(&shown, &anybody(), pinned(), list()), Err(Bad::NotForThis));
    let invite = Wanted { by: MatchBy::Invite("AAECAwQFBgcICQoLDA0ODw".parse().unwrap()), colleague: None };
    assert_eq!(
        standing(&shown, &invite, pinned(), list()),
        Ok(Standing::Verified),
        "who was invited is meant"
    );
}

#[test]
fn after_a_handover_nobody_else_will_do() {
    let by = MatchBy::Invite("AAECAwQFBgcICQoLDA0ODw".parse().unwrap());
    let wanted = |key: [u8; 32]| Wanted { by: by.clone(), colleague: Some(sha256(&[&key])) };
    let (right, wrong) = (wanted(Secret::from_bytes([7; 32]).public()), wanted([1; 32]));
    let shown = shown(None);
    for keys in [pinned(), Keys::Told(keys(1))] {
        assert!(standing(&shown, &right, keys.clone(), None).is_ok());
        assert_eq!(standing(&shown, &wrong, keys, None), Err(Bad::SomebodyElse));
    }
    assert_eq!(standing(&shown, &right, Keys::None, None), Err(Bad::SomebodyElse), "no key, no proof");
}

#[test]
fn who_is_verified_or_vouched_for_by_the_server_may_hand_over() {
    let believed = [Standing::Verified, Standing::ServerSays].map(Standing::verdict);
    assert_eq!(believed, [Verdict::Believed; 2]);
    assert_eq!([Standing::Unlisted, Standing::Unknown].map(Standing::verdict), [Verdict::Taken; 2]);
}
