use proptest::prelude::*;

use super::*;

const NOW: UnixMillis = UnixMillis(1_800_000_000_500);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn operator(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn id(n: usize) -> PassId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&n.to_be_bytes());
    PassId(id)
}

fn verify(list: &str, now: UnixMillis) -> Result<Revocations, ListError> {
    Revocations::verify(list, &PassKeys::of(&operator(1)), now)
}

#[test]
fn a_list_tells_what_is_taken_back_and_how_old_it_is() {
    let mut list = Revocations::default();
    list.add(id(1), Some((NOW + DAY).as_secs()), NOW);
    let read = verify(&list.sign(NOW, &operator(1)).unwrap(), NOW).unwrap();
    assert!(read.contains(&id(1)) && !read.contains(&id(2)));
    assert_eq!((read.made(), read.age(NOW + DAY)), (NOW.as_secs(), DAY + Duration::from_millis(500)));
    assert_eq!(verify(&list.sign(NOW, &operator(2)).unwrap(), NOW), Err(ListError::Forged));
    let ahead = list.sign(NOW + DAY / 2, &operator(1)).unwrap();
    assert_eq!(verify(&ahead, NOW), Err(ListError::Ahead));
}

#[test]
fn a_pass_leaves_the_list_when_it_is_over_and_not_before() {
    let mut list = Revocations::default();
    list.add(id(1), Some((NOW + DAY).as_secs()), NOW);
    list.add(id(2), None, NOW);
    let at = |now| verify(&list.sign(now, &operator(1)).unwrap(), now).unwrap();
    assert!(at(NOW + DAY).contains(&id(1)), "clocks differ a little");
    assert!(!at(NOW + DAY * 2).contains(&id(1)) && at(NOW + DAY * 2).contains(&id(2)));
    assert!(!at(NOW + LONGEST_LIFE * 2).contains(&id(2)));
}

#[test]
fn the_newer_of_two_lists_can_always_be_told() {
    let first = verify(&Revocations::default().sign(NOW, &operator(1)).unwrap(), NOW).unwrap();
    let second = verify(&first.sign(NOW, &operator(1)).unwrap(), NOW).unwrap();
    assert!(second.made() > first.made());
}

#[test]
fn the_longest_list_fits_and_no_longer_one_is_signed() {
    let mut list = Revocations::default();
    (0..REVOKED).for_each(|n| list.add(id(n), None, NOW));
    let text = list.sign(NOW, &operator(1)).unwrap();
    assert!(text.len() <= LIST_BYTES, "{}", text.len());
    assert_eq!(verify(&text, NOW).unwrap().ids().count(), REVOKED);
    list.add(id(REVOKED), None, NOW);
    assert_eq!(list.sign(NOW, &operator(1)), Err(ListError::Many));
}

#[test]
fn a_pass_is_no_list_and_a_list_no_pass() {
    let list = Revocations::default().sign(NOW, &operator(1)).unwrap();
    let keys = PassKeys::of(&operator(1));
    assert_eq!(crate::Pass::verify(&list, &keys, NOW), Err(crate::PassError::Unreadable));
    let secret = crate::Secret::from_bytes([7; 32]);
    let (role, expires) = (schemas::criteria::Role::Offer, NOW.as_secs() + 1);
    let pass = crate::Pass { key: secret.public(), role, topics: None, expires, id: id(1) };
    let pass = pass.sign(NOW, &operator(1)).unwrap();
    assert_eq!(verify(&pass, NOW), Err(ListError::Unreadable));
}

proptest! {
    #[test]
    fn no_text_is_a_list_by_accident(text in ".{0,300}") {
        prop_assert!(verify(&text, NOW).is_err());
    }
}
