use aws_lc_rs::signature::Ed25519KeyPair;
use proptest::prelude::*;
use schemas::criteria::Role;

use super::*;
use crate::pass::PassId;

const NOW: UnixMillis = UnixMillis(1_800_000_000_500);
const TRANSCRIPT: [u8; TRANSCRIPT_BYTES] = [5; TRANSCRIPT_BYTES];

fn operator() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap()
}

fn credential(secret: u8) -> Credential {
    let key = Secret::from_bytes([7; 32]).public();
    let expires = NOW.as_secs() + 3600;
    let pass = Pass { key, role: Role::Offer, topics: None, expires, id: PassId([9; 16]) };
    let pass = pass.sign(NOW, &operator()).unwrap();
    Credential::new(&Secret::from_bytes([secret; 32]), &pass, &TRANSCRIPT, Side::A)
}

fn verify(credential: &Credential, transcript: u8, side: Side) -> Result<PassId, CredentialError> {
    let keys = PassKeys::of(&operator());
    let believed = credential.verify(&keys, &[transcript; TRANSCRIPT_BYTES], side, NOW)?;
    Ok(believed.pass().id)
}

#[test]
fn a_credential_is_of_one_chat_one_side_and_one_helper() {
    assert_eq!(verify(&credential(7), 5, Side::A), Ok(PassId([9; 16])));
    assert_eq!(verify(&credential(7), 6, Side::A), Err(CredentialError::Forged));
    assert_eq!(verify(&credential(7), 5, Side::B), Err(CredentialError::Forged));
    assert_eq!(verify(&credential(8), 5, Side::A), Err(CredentialError::Forged));
    let later = NOW + std::time::Duration::from_secs(3600);
    let expired = credential(7).verify(&PassKeys::of(&operator()), &TRANSCRIPT, Side::A, later);
    assert_eq!(expired, Err(CredentialError::Pass(PassError::Expired)));
}

#[test]
fn what_is_longer_or_shorter_than_it_says_is_none() {
    let bytes = credential(7).bytes();
    assert_eq!(Credential::parse(&bytes), Ok(credential(7)));
    for wrong in [&bytes[1..], &bytes[..bytes.len() - 1], &[&bytes[..], &[0]].concat(), &[], &[0]] {
        assert_eq!(Credential::parse(wrong), Err(CredentialError::Unreadable));
    }
    let long = [&[0x08, 0x01][..], &[b'x'; 0x0801 + 64]].concat();
    assert_eq!(Credential::parse(&long), Err(CredentialError::Unreadable));
}

proptest! {
    #[test]
    fn what_is_read_is_written_the_same(bytes: Vec<u8>) {
        let framed = |length: u16| [&length.to_be_bytes()[..], &bytes].concat();
        let fitting = framed(u16::try_from(bytes.len().saturating_sub(64)).unwrap());
        for given in [&bytes, &fitting] {
            if let Ok(credential) = Credential::parse(given) {
                prop_assert_eq!(&credential.bytes(), given);
                prop_assert!(verify(&credential, 5, Side::A).is_err());
            }
        }
    }
}
