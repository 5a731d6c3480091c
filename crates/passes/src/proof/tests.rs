use aws_lc_rs::signature::Ed25519KeyPair;
use proptest::prelude::*;
use schemas::criteria::Role;

use super::*;
use crate::{
    keys::PassKeys,
    pass::{Pass, PassId},
};

const NOW: UnixMillis = UnixMillis(1_800_000_000_500);
const HOST: &str = "chat.example";
const MILLISECOND: Duration = Duration::from_millis(1);

fn secret() -> Secret {
    Secret::from_bytes([7; 32])
}

/// A pass of that secret.
fn pass() -> (String, Believed) {
    let operator = Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap();
    let expires = NOW.as_secs() + 3600;
    let pass = Pass { key: secret().public(), role: Role::Offer, topics: None, expires, id: PassId([9; 16]) };
    let text = pass.sign(NOW, &operator).unwrap();
    let believed = Pass::verify(&text, &PassKeys::of(&operator), NOW).unwrap();
    (text, believed)
}

#[test]
fn a_proof_is_for_one_pass_one_host_and_one_helper() {
    let (text, believed) = pass();
    let proof = SessionProof::new(&secret(), &text, HOST, NOW, [3; 16]);
    assert_eq!(proof.check(&believed, &text, [HOST], NOW), Ok(()));
    assert_eq!(proof.check(&believed, &text, ["other.example", HOST], NOW), Ok(()));
    for host in ["other.example", "chat.example:8443", "chat.example.", ""] {
        assert_eq!(proof.check(&believed, &text, [host], NOW), Err(ProofError::Forged), "{host}");
    }
    assert_eq!(proof.check(&believed, &text, [], NOW), Err(ProofError::Forged));
    assert_eq!(proof.check(&believed, "another pass", [HOST], NOW), Err(ProofError::Forged));
    let thief = SessionProof::new(&Secret::from_bytes([8; 32]), &text, HOST, NOW, [3; 16]);
    assert_eq!(thief.check(&believed, &text, [HOST], NOW), Err(ProofError::Forged));
}

#[test]
fn a_proof_counts_for_a_minute_in_either_direction() {
    let (text, believed) = pass();
    let proof = SessionProof::new(&secret(), &text, HOST, NOW, [3; 16]);
    let at = |now| proof.check(&believed, &text, [HOST], now);
    for now in [NOW + PROOF_LIFE, NOW - PROOF_LIFE] {
        assert_eq!(at(now), Ok(()));
    }
    for now in [NOW + PROOF_LIFE + MILLISECOND, NOW - PROOF_LIFE - MILLISECOND] {
        assert_eq!(at(now), Err(ProofError::Stale));
    }
}

proptest! {
    #[test]
    fn a_proof_is_read_back_and_no_bit_of_it_can_be_changed(
        random: [u8; 16], at in 0..PROOF_BYTES, bit in 0u8..8,
    ) {
        let (pass, believed) = pass();
        let proof = SessionProof::new(&secret(), &pass, HOST, NOW, random);
        prop_assert_eq!(SessionProof::parse(&proof.text()), Ok(proof.clone()));
        let mut bytes: [u8; PROOF_BYTES] = text::read(&proof.text()).unwrap();
        bytes[at] ^= 1 << bit;
        let changed = SessionProof::parse(&text::of(&bytes)).unwrap();
        prop_assert!(changed.check(&believed, &pass, [HOST], NOW).is_err());
    }

    #[test]
    fn no_text_of_another_length_is_a_proof(text in "[A-Za-z0-9_-]{0,116}|.{0,200}") {
        prop_assert_eq!(SessionProof::parse(&text), Err(ProofError::Unreadable));
    }
}
