use std::time::Duration;

use aws_lc_rs::signature::Ed25519KeyPair;
use proptest::prelude::*;

use super::*;
use crate::{link::Secret, proof::PROOF_LIFE};

const NOW: UnixMillis = UnixMillis(1_800_000_000_500);
const HOST: &str = "chat.example";
const MILLISECOND: Duration = Duration::from_millis(1);

fn operator() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap()
}

fn door() -> Door {
    Door::new(PassKeys::of(&operator()), ["Chat.Example".to_owned()])
}

fn id(n: usize) -> PassId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&n.to_be_bytes());
    PassId(id)
}

/// The secret of that helper, and a pass.
fn helper(n: usize) -> (Secret, String) {
    let secret = Secret::from_bytes([u8::try_from(n % 251).unwrap(); 32]);
    let expires = NOW.as_secs() + 3600;
    let pass = Pass { key: secret.public(), role: Role::Offer, topics: None, expires, id: id(n) };
    let pass = pass.sign(NOW, &operator()).unwrap();
    (secret, pass)
}

fn come(door: &mut Door, n: usize, random: u8, now: UnixMillis) -> Result<(), Refused> {
    let (secret, pass) = helper(n);
    let proof = SessionProof::new(&secret, &pass, HOST, now, [random; 16]);
    door.admit(&pass, &proof.text(), None, now).map(drop)
}

#[test]
fn a_proof_opens_once_and_is_forgotten_only_when_it_is_stale() {
    let mut door = door();
    let (secret, pass) = helper(1);
    let proof = SessionProof::new(&secret, &pass, HOST, NOW, [1; 16]).text();
    assert_eq!(door.admit(&pass, &proof, None, NOW).map(|believed| believed.pass().id), Ok(id(1)));
    for now in [NOW, NOW + PROOF_LIFE] {
        assert_eq!(door.admit(&pass, &proof, None, now), Err(Refused::Spent));
    }
    let late = NOW + PROOF_LIFE + MILLISECOND;
    assert_eq!(door.admit(&pass, &proof, None, late), Err(Refused::Proof(ProofError::Stale)));
    assert_eq!(come(&mut door, 1, 2, late), Ok(()));
    assert_eq!(door.used[&id(1)].len(), 1, "what is stale is forgotten");
}

#[test]
fn a_pass_without_its_proof_opens_nothing() {
    let mut door = door();
    let (_, pass) = helper(1);
    let thief = SessionProof::new(&Secret::from_bytes([9; 32]), &pass, HOST, NOW, [1; 16]);
    assert_eq!(door.admit(&pass, &thief.text(), None, NOW), Err(Refused::Proof(ProofError::Forged)));
    assert_eq!(door.admit(&pass, "", None, NOW), Err(Refused::Proof(ProofError::Unreadable)));
    let (secret, _) = helper(1);
    let elsewhere = SessionProof::new(&secret, &pass, "other.example", NOW, [1; 16]);
    assert_eq!(door.admit(&pass, &elsewhere.text(), None, NOW), Err(Refused::Proof(ProofError::Forged)));
    assert!(door.used.is_empty(), "a proof is spent on an entry, not on a refusal");
}

#[test]
fn one_pass_fills_its_own_place_and_all_passes_together_a_bounded_one() {
    let mut door = door();
    for random in 0..PROOFS_PER_PASS {
        assert_eq!(come(&mut door, 0, u8::try_from(random).unwrap(), NOW), Ok(()));
    }
    assert_eq!(come(&mut door, 0, 200, NOW), Err(Refused::Busy));
    for n in 1..PASSES {
        let proof = SessionProof::new(&Secret::from_bytes([1; 32]), "", HOST, NOW, [1; 16]);
        assert_eq!(door.spend(id(n), &proof, NOW), Ok(()));
    }
    assert_eq!(come(&mut door, PASSES, 1, NOW), Err(Refused::Busy));
    assert_eq!(come(&mut door, 1, 2, NOW), Ok(()), "who has a place keeps it");
    assert_eq!(come(&mut door, PASSES, 1, NOW + PROOF_LIFE + MILLISECOND), Ok(()));
}

#[test]
fn the_newest_list_counts_and_tells_whom_to_send_away() {
    let mut door = door();
    let mut list = Revocations::default();
    list.add(id(1), None, NOW);
    let first = list.sign(NOW, &operator()).unwrap();
    assert_eq!(door.take(&first, NOW), Ok(Listed::Taken(vec![id(1)])));
    assert_eq!(come(&mut door, 1, 1, NOW), Err(Refused::Revoked));
    assert_eq!(come(&mut door, 2, 1, NOW), Ok(()));
    list.add(id(2), None, NOW);
    let second = list.sign(NOW + Duration::from_secs(1), &operator()).unwrap();
    assert_eq!(door.take(&second, NOW), Ok(Listed::Taken(vec![id(2)])));
    for old in [&first, &second] {
        assert_eq!(door.take(old, NOW), Ok(Listed::Known));
    }
    assert_eq!(door.list(), Some(second.as_str()));
    assert!(door.is_revoked(&id(1)) && door.is_revoked(&id(2)));
    let other = Ed25519KeyPair::from_seed_unchecked(&[2; 32]).unwrap();
    let forged = Revocations::default().sign(NOW + Duration::from_secs(2), &other).unwrap();
    assert_eq!(door.take(&forged, NOW), Err(ListError::Forged));
    assert_eq!(door.list(), Some(second.as_str()));
}

#[test]
fn a_pass_allows_its_role_and_its_topics_alone() {
    let topic = |text: &str| text.parse::<Topic>().unwrap();
    let (key, expires) = ([0; 32], 0);
    let of = |topics: Option<Vec<Topic>>| Pass { key, role: Role::Offer, topics, expires, id: id(1) };
    let (all, one) = (of(None), of(Some(vec![topic("grief")])));
    assert!(all.allows(Role::Offer, None) && all.allows(Role::Offer, Some(&topic("debt"))));
    assert!(one.allows(Role::Offer, Some(&topic("GRIEF"))));
    assert!(!one.allows(Role::Offer, Some(&topic("debt"))) && !one.allows(Role::Offer, None));
    assert!(!all.allows(Role::Seek, None));
}

proptest! {
    #[test]
    fn nobody_comes_in_twice_with_one_proof(comings in prop::collection::vec((0usize..3, 0u8..6, 0u64..40), 1..40)) {
        let (mut door, mut now, mut seen) = (door(), NOW, Vec::new());
        for (n, random, seconds) in comings {
            now += Duration::from_secs(seconds);
            let came = come(&mut door, n, random, now);
            if came.is_ok() {
                // The same proof, at any later time.
                let (secret, pass) = helper(n);
                seen.push((pass.clone(), SessionProof::new(&secret, &pass, HOST, now, [random; 16]).text()));
            }
            for (pass, proof) in &seen {
                prop_assert!(door.admit(pass, proof, None, now).is_err());
            }
        }
    }
}
