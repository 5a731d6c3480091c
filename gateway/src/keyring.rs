//! Which public keys verify tokens: a fold over announcements. Pure: time comes in as an argument.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::Duration,
};

use schemas::{KeyId, UnixMillis, event::PublicKey, limits};

/// How many keys a ring holds at most, about 400 KB. A gateway has three alive at the most
/// (replaced, signing, announced), so this is room for more than a thousand gateways; beyond it a
/// flood of announcements is refused and what is known stays.
pub const KEYS: usize = 4096;

/// The public keys that verify tokens now.
///
/// A key is here until this node's own clock is past its `not_after`, whatever a janitor says
/// earlier: the announcement that lives longest counts, capped to `horizon` from when it was heard,
/// so that no announcement makes a key immortal.
#[derive(Clone, Debug)]
pub struct KeyRing {
    horizon: Duration,
    keys: BTreeMap<KeyId, Held>,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    key: PublicKey,
    owner: Owner,
    heard: UnixMillis,
}

/// Who signs with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Us,
    Another,
}

/// What an announcement did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// The key was not known, and verifies from now on.
    New,
    /// It was known; its end may have moved away.
    Known,
    /// Its end has passed: it stays out.
    Past,
    /// [`KEYS`] are known already: it stays out.
    Full,
}

impl KeyRing {
    /// An empty ring. `horizon` is one key rotation and one token life: nobody may promise a key
    /// for longer.
    pub fn new(horizon: Duration) -> Self {
        Self { horizon, keys: BTreeMap::new() }
    }

    /// Folds in an announcement of another gateway's key, or of an own one that comes back.
    pub fn hear(&mut self, now: UnixMillis, announced: &PublicKey) -> Learned {
        let not_after = announced.not_after.min(now + self.horizon);
        if is_past(now, not_after) {
            return Learned::Past;
        }
        let room = self.keys.len() < KEYS;
        match self.keys.entry(announced.id()) {
            Entry::Occupied(mut known) => {
                let held = known.get_mut();
                held.heard = now;
                // What others say of an own key is an echo.
                if held.owner == Owner::Another {
                    held.key.not_after = held.key.not_after.max(not_after);
                }
                Learned::Known
            }
            Entry::Vacant(_) if !room => Learned::Full,
            Entry::Vacant(place) => {
                let key = PublicKey { public: announced.public, not_after };
                place.insert(Held { key, owner: Owner::Another, heard: now });
                Learned::New
            }
        }
    }

    /// Takes in an own key, or moves its end away. Own keys find room in a full ring.
    pub fn own(&mut self, now: UnixMillis, key: PublicKey) {
        let held = self.keys.entry(key.id()).or_insert(Held { key, owner: Owner::Us, heard: now });
        held.owner = Owner::Us;
        held.key.not_after = held.key.not_after.max(key.not_after);
    }

    /// A janitor has said that no token of this key is alive. It goes only if this node's own clock
    /// agrees.
    pub fn expire(&mut self, now: UnixMillis, id: &KeyId) {
        if self.keys.get(id).is_some_and(|held| is_past(now, held.key.not_after)) {
            self.keys.remove(id);
        }
    }

    /// Drops the keys whose end has passed.
    pub fn sweep(&mut self, now: UnixMillis) {
        self.keys.retain(|_, held| !is_past(now, held.key.not_after));
    }

    /// The public key that verifies what names `id`.
    pub fn get(&self, now: UnixMillis, id: &KeyId) -> Option<&[u8; 32]> {
        let held = self.keys.get(id)?;
        (!is_past(now, held.key.not_after)).then_some(&held.key.public)
    }

    /// Every key that verifies now, for a gateway that starts.
    pub fn known(&self, now: UnixMillis) -> Vec<PublicKey> {
        self.keys.values().map(|held| held.key).filter(|key| !is_past(now, key.not_after)).collect()
    }

    /// The keys to announce: the own ones, and those of which nobody has spoken for
    /// [`limits::RENEWAL`]. So each key is heard about once in a period, not once from every
    /// gateway (compare RFC 6206, the suppression of Trickle). What is returned counts as heard.
    pub fn due(&mut self, now: UnixMillis) -> Vec<PublicKey> {
        self.sweep(now);
        let silent = |held: &Held| now.since(held.heard) >= limits::RENEWAL;
        let due = self.keys.values_mut().filter(|held| held.owner == Owner::Us || silent(held));
        due.map(|held| {
            held.heard = now;
            held.key
        })
        .collect()
    }

    /// How many keys are held.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// A token may be shown for [`limits::LEEWAY`] after its end, and so its key is needed that much
/// longer.
fn is_past(now: UnixMillis, not_after: UnixMillis) -> bool {
    now > not_after + limits::LEEWAY
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HORIZON: Duration = Duration::from_secs(100);
    const START: UnixMillis = UnixMillis(1_000_000_000);

    fn key(n: u16, not_after: UnixMillis) -> PublicKey {
        let mut public = [0; 32];
        public[..2].copy_from_slice(&n.to_be_bytes());
        PublicKey { public, not_after }
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
        ring.hear(START, &key(1, UnixMillis(u64::MAX)));
        assert_eq!(ring.known(START), [key(1, START + HORIZON)]);
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
}
