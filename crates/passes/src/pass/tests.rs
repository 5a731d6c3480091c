use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::link::Secret;

const NOW: UnixMillis = UnixMillis(1_800_000_000_500);
const HOUR: u64 = 3600;

fn operator(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn pass() -> Pass {
    Pass {
        key: Secret::from_bytes([7; 32]).public(),
        role: Role::Offer,
        topics: Some(vec!["grief".parse().unwrap(), "debt".parse().unwrap()]),
        expires: NOW.as_secs() + HOUR,
        id: PassId([9; 16]),
    }
}

fn keys() -> PassKeys {
    PassKeys::of(&operator(1))
}

fn verify(text: &str) -> Result<Pass, PassError> {
    Pass::verify(text, &keys(), NOW).map(|believed| believed.pass().clone())
}

/// Whatever somebody signs with the operator's key.
fn signed(header: &Value, claims: &Value) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(operator(1).sign(signed.as_bytes())))
}

fn header() -> Value {
    json!({"alg": "EdDSA", "typ": KIND})
}

fn claims() -> Value {
    let key = text::of(&pass().key);
    json!({"aud": KIND, "key": key, "role": "offer", "exp": NOW.as_secs() + HOUR,
        "jti": String::from(PassId([9; 16]))})
}

#[test]
fn a_pass_says_what_was_signed() {
    for pass in [pass(), Pass { topics: None, ..pass() }] {
        let text = pass.sign(NOW, &operator(1)).unwrap();
        assert_eq!(verify(&text), Ok(pass.clone()));
        assert_eq!(Pass::read(&text), Some(pass));
    }
    let written = signed(&header(), &claims());
    assert_eq!(verify(&written), Ok(Pass { topics: None, ..pass() }));
}

#[test]
fn one_of_several_keys_may_have_signed_it_and_no_other() {
    let text = pass().sign(NOW, &operator(2)).unwrap();
    assert_eq!(verify(&text), Err(PassError::Forged));
    let both = PassKeys::new([1, 2].map(|seed| crate::keys::public(&operator(seed)))).unwrap();
    assert!(Pass::verify(&text, &both, NOW).is_ok());
}

#[test]
fn a_pass_ends_and_none_lasts_for_ever() {
    let text = pass().sign(NOW, &operator(1)).unwrap();
    let end = UnixMillis::from_secs(pass().expires);
    let verify_at = |now| Pass::verify(&text, &keys(), now).map(drop);
    assert_eq!(verify_at(end - Duration::from_millis(1)), Ok(()));
    assert_eq!(verify_at(end), Err(PassError::Expired));
    // Long before: as if the operator's clock were far ahead.
    assert_eq!(verify_at(UnixMillis(0)), Err(PassError::Long));
    for expires in [NOW.as_secs(), (NOW + LONGEST_LIFE * 2).as_secs()] {
        assert_eq!(Pass { expires, ..pass() }.sign(NOW, &operator(1)), Err(SignError::Life));
    }
}

#[test]
fn what_is_not_exactly_a_pass_is_none() {
    for (name, value) in [("alg", "none"), ("alg", "HS256"), ("alg", "eddsa"), ("typ", "JWT")] {
        let mut header = header();
        header[name] = value.into();
        assert_eq!(verify(&signed(&header, &claims())), Err(PassError::Unreadable), "{name} {value}");
    }
    for (name, value) in [
        ("aud", json!("cipher-chat")),
        ("aud", json!([KIND])),
        ("role", json!("admin")),
        ("exp", json!("soon")),
        ("exp", json!(u64::MAX)),
        ("exp", json!(-1)),
        ("jti", json!("short")),
        ("key", json!("short")),
        ("topics", json!([])),
        ("topics", json!([""])),
        ("topics", json!(vec!["x"; TOPICS + 1])),
        ("nbf", json!(0)),
    ] {
        let mut claims = claims();
        claims[name] = value.clone();
        assert_eq!(verify(&signed(&header(), &claims)), Err(PassError::Unreadable), "{name} {value}");
    }
    for name in ["aud", "role", "exp", "jti", "key"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        assert_eq!(verify(&signed(&header(), &claims)), Err(PassError::Unreadable), "without {name}");
    }
    let mut crit = header();
    crit["crit"] = json!(["exp"]);
    assert_eq!(verify(&signed(&crit, &claims())), Err(PassError::Unreadable));
    let text = pass().sign(NOW, &operator(1)).unwrap();
    for wrong in [format!("{text}="), format!(" {text}"), format!("{text}.x"), text[1..].to_owned()] {
        assert_eq!(verify(&wrong), Err(PassError::Unreadable), "{wrong}");
    }
}

#[test]
fn a_pass_has_limits() {
    let topics = |count: usize, topic: &str| {
        let topics = (0..count).map(|n| format!("{topic}{n}").parse().unwrap()).collect();
        Pass { topics: Some(topics), ..pass() }.sign(NOW, &operator(1))
    };
    assert!(topics(TOPICS, "topic").is_ok());
    assert_eq!(topics(TOPICS + 1, "topic"), Err(SignError::Topics));
    assert_eq!(topics(0, ""), Err(SignError::Topics));
    assert_eq!(topics(TOPICS, &"가".repeat(60)), Err(SignError::Large));
    assert_eq!(verify(&"x".repeat(PASS_BYTES + 1)), Err(PassError::Unreadable));
}

proptest! {
    #[test]
    fn no_text_is_a_pass_by_accident(text in ".{0,300}") {
        prop_assert!(verify(&text).is_err());
    }

    #[test]
    fn no_letter_of_a_pass_can_be_changed(at in 0usize..400, letter in "[A-Za-z0-9_.-]") {
        let text = pass().sign(NOW, &operator(1)).unwrap();
        let at = at % text.len();
        let changed = format!("{}{letter}{}", &text[..at], &text[at + 1..]);
        prop_assert_eq!(verify(&changed).is_ok(), changed == text);
    }

    #[test]
    fn every_pass_is_read_back(
        key: [u8; 32], id: [u8; 16], life in 1..LONGEST_LIFE.as_secs(),
        topics in proptest::option::of(proptest::collection::vec("[a-z]{1,20}", 1..=TOPICS)),
    ) {
        let topics = topics.map(|topics| topics.iter().map(|topic| topic.parse().unwrap()).collect());
        let expires = NOW.as_secs() + life;
        let pass = Pass { key, role: Role::Offer, topics, expires, id: PassId(id) };
        let text = pass.sign(NOW, &operator(1)).unwrap();
        prop_assert_eq!(verify(&text), Ok(pass));
    }
}
