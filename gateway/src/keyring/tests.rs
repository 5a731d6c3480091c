use proptest::prelude::*;

use super::*;

const HORIZON: Duration = Duration::from_secs(100);
const START: UnixMillis = UnixMillis(1_000_000_000);

/// Each of a gateway of its own.
fn key(n: u16, not_after: UnixMillis) -> Announcement {
    key_of(&format!("g{n}"), n, not_after)
}

fn key_of(node: &str, n: u16, not_after: UnixMillis) -> Announcement {
    let mut public = [0; 32];
    public[..2].copy_from_slice(&n.to_be_bytes());
    let (node, possession) = (node.parse().unwrap(), [0; 64]);
    Announcement { public, not_after, node, possession, proof: None }
}

#[test]
fn a_key_verifies_until_its_end_and_a_leeway_more() {
    let mut ring = KeyRing::new(HORIZON);
    let end = START + Duration::from_secs(50);
    assert_eq!(ring.hear(START, &key(1, end)), Learned::New);
    let id = key(1, end).id();
    let last = end + limits::LEEWAY;
    assert_eq!(ring.get(last, &id), Some(&key(1, end).public));
    let later = last + Duration::from_millis(1);
    assert_eq!(ring.get(later, &id), None);
    assert_eq!(ring.hear(later, &key(1, end)), Learned::Past, "a late announcement revives nothing");
    ring.sweep(later);
    assert!(ring.is_empty());
}

#[test]
fn a_janitor_with_a_fast_clock_drops_nothing() {
    let mut ring = KeyRing::new(HORIZON);
    let end = START + Duration::from_secs(50);
    ring.hear(START, &key(1, end));
    ring.expire(end, &key(1, end).id());
    assert_eq!(ring.len(), 1);
    ring.expire(end + Duration::from_secs(6), &key(1, end).id());
    assert!(ring.is_empty());
}

#[test]
fn nobody_promises_a_key_for_longer_than_the_horizon() {
    let mut ring = KeyRing::new(HORIZON);
    let immortal = key(1, UnixMillis(u64::MAX));
    ring.hear(START, &immortal);
    assert_eq!(ring.known(START), std::slice::from_ref(&immortal), "it is passed on as it was signed");
    let last = START + HORIZON + limits::LEEWAY;
    assert!(ring.get(last, &immortal.id()).is_some());
    assert_eq!(ring.get(last + Duration::from_millis(1), &immortal.id()), None);
}

#[test]
fn one_gateway_cannot_fill_the_ring() {
    let mut ring = KeyRing::new(HORIZON);
    let end = START + HORIZON;
    let learned = (0..5000).map(|n| ring.hear(START, &key_of("rogue", n, end)));
    let new = learned.filter(|learned| *learned == Learned::New).count();
    assert_eq!((new, ring.len()), (limits::KEYS_PER_NODE, limits::KEYS_PER_NODE));
    assert_eq!(ring.hear(START, &key(6000, end)), Learned::New);
    let later = end + limits::LEEWAY + Duration::from_millis(1);
    ring.sweep(later);
    assert_eq!(ring.hear(later, &key_of("rogue", 7000, later)), Learned::New, "as its keys end it has room");
}

#[test]
fn only_the_same_announcement_is_an_echo() {
    let mut ring = KeyRing::new(HORIZON);
    let end = START + HORIZON;
    let first = key(1, end);
    ring.hear(START, &first);
    let later = START + limits::RENEWAL;
    assert!(!ring.is_echo(later, &Announcement { possession: [1; 64], ..first.clone() }));
    assert!(!ring.is_echo(later, &key(2, end)));
    assert_eq!(ring.clone().due(later), std::slice::from_ref(&first), "neither counts as heard");
    assert!(ring.is_echo(later, &first));
    assert_eq!(ring.due(later), []);
}

/// By their numbers; the ring has them by their ids.
fn in_order(mut keys: Vec<Announcement>) -> Vec<Announcement> {
    keys.sort_by_key(|key| key.public);
    keys
}

fn proof(of: u8) -> Option<Proof> {
    Some(Proof { chain: vec![vec![of].into()], scheme: 0, signature: vec![of].into() })
}

#[test]
fn a_key_of_a_revoked_certificate_lives_for_one_token_life_and_is_passed_on_to_nobody() {
    const LIFE: Duration = Duration::from_secs(20);
    let mut ring = KeyRing::new(HORIZON);
    let end = START + HORIZON;
    let stolen = Announcement { proof: proof(1), ..key_of("g1", 1, end) };
    let honest = Announcement { proof: proof(1), ..key_of("g1", 2, end) };
    let others = Announcement { proof: proof(1), ..key_of("g2", 3, end) };
    for key in [&stolen, &honest, &others] {
        ring.hear(START, key);
    }
    ring.own(START, key_of("me", 4, end));
    ring.revoke(START, LIFE, |key| key.node.as_str() != "g2");
    let later = START + limits::RENEWAL;
    assert_eq!(in_order(ring.known(START)), [others.clone(), key_of("me", 4, end)]);
    assert_eq!(in_order(ring.due(later)), [others, key_of("me", 4, end)]);
    assert!(ring.is_echo(START, &stolen) && ring.get(START, &stolen.id()).is_some());
    // Its gateway vouches for it again; the end is the same.
    let again = Announcement { proof: proof(2), ..honest };
    assert_eq!(ring.hear(START, &again), Learned::Known);
    assert!(ring.known(START).contains(&again));
    let last = START + LIFE + limits::LEEWAY;
    assert!(ring.get(last, &stolen.id()).is_some());
    let over = last + Duration::from_millis(1);
    assert_eq!(ring.get(over, &stolen.id()), None);
    assert!(ring.get(over, &again.id()).is_some());
    ring.revoke(over, LIFE, |_| false);
    assert!(ring.get(end, &again.id()).is_some());
}

#[test]
fn own_keys_are_vouched_for_again_and_those_of_others_are_not() {
    let mut ring = KeyRing::new(HORIZON);
    let end = START + HORIZON;
    ring.own(START, key(1, end));
    ring.hear(START, &key(2, end));
    ring.prove_own(|_| proof(7));
    let own = Announcement { proof: proof(7), ..key(1, end) };
    assert_eq!(in_order(ring.known(START)), [own.clone(), key(2, end)]);
    ring.prove_own(|_| None);
    assert_eq!(ring.due(START), [own]);
}

#[test]
fn a_flood_of_keys_displaces_none_and_own_keys_find_room() {
    let mut ring = KeyRing::new(HORIZON);
    let end = START + HORIZON;
    let most = u16::try_from(KEYS).unwrap();
    (0..most).for_each(|n| assert_eq!(ring.hear(START, &key(n, end)), Learned::New));
    assert_eq!(ring.hear(START, &key(most, end)), Learned::Full);
    assert_eq!(ring.hear(START, &key(0, end)), Learned::Known);
    ring.own(START, key(most, end));
    assert!(ring.get(START, &key(most, end).id()).is_some());
}

#[test]
fn each_key_is_announced_once_in_a_period_by_somebody() {
    let mut ring = KeyRing::new(HORIZON);
    let end = START + HORIZON;
    ring.own(START, key(1, end));
    ring.hear(START, &key(2, end));
    assert_eq!(ring.due(START), [key(1, end)], "the other was heard a moment ago");
    let later = START + limits::RENEWAL;
    assert_eq!(ring.due(later).len(), 2);
    assert_eq!(ring.due(later), [key(1, end)]);
}

#[test]
fn the_echo_of_an_own_key_does_not_move_its_end() {
    let mut ring = KeyRing::new(HORIZON);
    let end = START + Duration::from_secs(10);
    ring.own(START, key(1, end));
    ring.hear(START, &key(1, end + Duration::from_secs(60)));
    assert_eq!(ring.known(START), [key(1, end)]);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Announce { key: u16, life_ms: u64 },
    Expire { key: u16 },
    Sweep,
    Due,
    Pass { ms: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4u16, 0..200_000u64).prop_map(|(key, life_ms)| Step::Announce { key, life_ms }),
        2 => (0..4u16).prop_map(|key| Step::Expire { key }),
        1 => Just(Step::Sweep),
        1 => Just(Step::Due),
        4 => (0..60_000u64).prop_map(|ms| Step::Pass { ms }),
    ]
}

proptest! {
    /// The one truth: a key verifies exactly while some announcement of it, capped when it was
    /// heard, has not passed.
    #[test]
    fn no_order_of_events_revives_a_key_or_drops_it_early(steps in prop::collection::vec(step(), 1..60)) {
        let mut ring = KeyRing::new(HORIZON);
        let mut now = START;
        let mut ends = [None::<UnixMillis>; 4];
        for step in steps {
            match step {
                Step::Announce { key: n, life_ms } => {
                    // From 100 s before to 100 s after: late announcements too.
                    let end = UnixMillis(now.0 + life_ms - 100_000);
                    ring.hear(now, &key(n, end));
                    let capped = end.min(now + HORIZON);
                    let known = &mut ends[usize::from(n)];
                    *known = (*known).max(Some(capped));
                }
                Step::Expire { key: n } => ring.expire(now, &key(n, now).id()),
                Step::Sweep => ring.sweep(now),
                Step::Due => { ring.due(now); }
                Step::Pass { ms } => now += Duration::from_millis(ms),
            }
            for (n, end) in (0u16..).zip(&ends) {
                let alive = end.is_some_and(|end| now <= end + limits::LEEWAY);
                prop_assert_eq!(ring.get(now, &key(n, now).id()).is_some(), alive);
            }
        }
    }
}
