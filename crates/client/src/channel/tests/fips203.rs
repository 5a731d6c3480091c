//! NIST's vectors for ML-KEM-768 (`schemas/vectors/ml-kem.json`, from its ACVP server): against
//! what the channel uses, and against the second implementation that makes our own vectors.

use ml_kem::{B32, EncapsulationKey, MlKem768};
use serde_json::Value;

use super::*;
use crate::channel::kem::{Encapsulation, KeyPair};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../../schemas/vectors/ml-kem.json")).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    unhex(value.as_str().unwrap())
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

#[test]
fn keys_are_made_and_expanded_as_fips_203_says() {
    for case in vectors()["key_generation"].as_array().unwrap() {
        let seed: [u8; 64] = [bytes(&case["d"]), bytes(&case["z"])].concat().try_into().unwrap();
        let made = reference::kem(&seed, &[0; 32]);
        assert_eq!(made.expanded, bytes(&case["dk"]), "{}", case["tcId"]);
        // AWS-LC takes the expanded key, and the two agree on what is in it.
        let keys = KeyPair::from_expanded(&made.expanded).unwrap();
        assert_eq!(keys.encapsulation, made.encapsulation_key);
        assert_eq!(**keys.decapsulate(&made.ciphertext).unwrap(), made.secret);
    }
}

#[test]
fn the_second_implementation_encapsulates_as_fips_203_says() {
    for case in vectors()["encapsulation"].as_array().unwrap() {
        let key: [u8; 1184] = array(&case["ek"]);
        let key = EncapsulationKey::<MlKem768>::new(&key.into()).unwrap();
        let (ciphertext, secret) = key.encapsulate_deterministic(&B32::from(array(&case["m"])));
        assert_eq!((ciphertext.to_vec(), secret.to_vec()), (bytes(&case["c"]), bytes(&case["k"])));
    }
}

#[test]
fn aws_lc_decapsulates_and_rejects_as_fips_203_says() {
    let vectors = vectors();
    let expanded = bytes(&vectors["decapsulation"]["dk"]);
    for case in vectors["decapsulation"]["cases"].as_array().unwrap() {
        let secret = KeyPair::from_expanded(&expanded).unwrap().decapsulate(&bytes(&case["c"])).unwrap();
        assert_eq!(secret.to_vec(), bytes(&case["k"]), "{}", case["reason"]);
    }
}

#[test]
fn each_implementation_opens_what_the_other_has_made() {
    let made = reference::kem(&[7; 64], &[8; 32]);
    let (ciphertext, secret) = Encapsulation::Fresh.perform(&made.encapsulation_key).unwrap();
    let keys = KeyPair::from_expanded(&made.expanded).unwrap();
    assert_eq!(**keys.decapsulate(&ciphertext).unwrap(), **secret);
    let opened = {
        use ml_kem::Decapsulate;
        let key = ml_kem::DecapsulationKey::<MlKem768>::from_seed([7; 64].into());
        key.decapsulate_slice(&ciphertext).unwrap()
    };
    assert_eq!(opened.to_vec(), secret.to_vec());
}

#[test]
fn keys_of_the_wrong_form_are_refused() {
    let key = reference::kem(&[7; 64], &[8; 32]).encapsulation_key;
    let mut beyond = key.clone();
    beyond[..3].fill(0xff);
    for wrong in [&key[1..], &[], &beyond[..]] {
        assert!(Encapsulation::Fresh.perform(wrong).is_err());
    }
    assert!(KeyPair::from_expanded(&[0; 2399]).is_err());
    let keys = KeyPair::from_expanded(&reference::kem(&[7; 64], &[8; 32]).expanded).unwrap();
    assert!(keys.decapsulate(&[0; 1087]).is_err());
}
