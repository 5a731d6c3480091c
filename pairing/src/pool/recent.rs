//! What has happened lately: keys, each until its time is over. Everybody who meets somebody leaves one, so that little is kept of each: they
//! stand in one line, and an index of four bytes each finds them.

use std::{
    collections::VecDeque,
    hash::{BuildHasher, Hash, RandomState},
};

use hashbrown::HashTable;
use schemas::UnixMillis;

/// Room for this many is kept, however few there are.
const KEPT_READY: usize = 256;

/// See the module. All keys last equally long, so that the first in line is over first.
#[derive(Debug)]
pub(super) struct Recent<K> {
    line: VecDeque<(UnixMillis, K)>,
    /// The number of the first in line; those behind it have the next ones.
    first: u32,
    /// The number of each key. One that is in line twice counts from where it is last.
    numbers: HashTable<u32>,
    /// Seeded at random: whoever makes keys up does not know which of them collide.
    hasher: RandomState,
}

impl<K> Default for Recent<K> {
    fn default() -> Self {
        Self { line: VecDeque::new(), first: 0, numbers: HashTable::new(), hasher: RandomState::new() }
    }
}

impl<K: Copy + Eq + Hash> Recent<K> {
    /// How much is kept.
    pub(super) fn len(&self) -> usize {
        self.line.len()
    }

    /// Until when a key lasts, if it is known.
    pub(super) fn until(&self, key: &K) -> Option<UnixMillis> {
        let number = self.numbers.find(self.hasher.hash_one(key), |number| self.at(*number).1 == *key)?;
        Some(self.at(*number).0)
    }

    /// Adds a key. One that is known lasts until the new time.
    pub(super) fn insert(&mut self, until: UnixMillis, key: K) {
        let last = self.first.wrapping_add(self.line.len() as u32);
        let hash = self.hasher.hash_one(key);
        let (line, first) = (&self.line, self.first);
        match self.numbers.find_mut(hash, |number| line[index(*number, first)].1 == key) {
            Some(number) => *number = last,
            None => {
                let hash_of = |number: &u32| self.hasher.hash_one(line[index(*number, first)].1);
                self.numbers.insert_unique(hash, last, hash_of);
            }
        }
        self.line.push_back((until, key));
    }

    /// Forgets what is over, a few at a time. Tells how many.
    pub(super) fn expire(&mut self, now: UnixMillis, steps: usize) -> usize {
        let is_over = |(until, _): &(UnixMillis, K)| *until <= now;
        let over = self.line.iter().take(steps).take_while(|one| is_over(one)).count();
        (0..over).for_each(|_| self.forget_oldest());
        self.give_back();
        over
    }

    /// Forgets the one that came first.
    pub(super) fn forget_oldest(&mut self) {
        let Some((_, key)) = self.line.pop_front() else { return };
        let number = self.first;
        if let Ok(entry) = self.numbers.find_entry(self.hasher.hash_one(key), |other| *other == number) {
            entry.remove();
        }
        self.first = number.wrapping_add(1);
    }

    /// What a rush has needed is not kept.
    fn give_back(&mut self) {
        let enough = (2 * self.line.len()).max(KEPT_READY);
        if self.line.capacity() > 2 * enough {
            self.line.shrink_to(enough);
            let (line, first, hasher) = (&self.line, self.first, &self.hasher);
            self.numbers.shrink_to(enough, |number| hasher.hash_one(line[index(*number, first)].1));
        }
    }

    fn at(&self, number: u32) -> &(UnixMillis, K) {
        &self.line[index(number, self.first)]
    }
}

/// Where in a line that begins with the number `first` this one stands. Numbers wrap; no line is that long.
fn index(number: u32, first: u32) -> usize {
    number.wrapping_sub(first) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const LIFE: u64 = 10;

    /// Keys come at these times; some come again while they are known.
    fn history() -> impl Strategy<Value = Vec<(u64, u8)>> {
        let pause = prop_oneof![8 => Just(0u64), 3 => 1..4u64, 1 => Just(LIFE)];
        prop::collection::vec((pause, any::<u8>()), 0..600)
    }

    proptest! {
        #[test]
        fn a_key_is_known_until_its_time_is_over_and_no_longer(history in history(), first: u32) {
            // Wherever the numbers begin, also just before they wrap.
            let mut recent = Recent { first, ..Recent::default() };
            let mut model = BTreeMap::new();
            let mut now = 0;
            for (pause, key) in history {
                now += pause;
                recent.expire(UnixMillis(now), usize::MAX);
                model.retain(|_, until| *until > now);
                recent.insert(UnixMillis(now + LIFE), key);
                model.insert(key, now + LIFE);
                for key in 0..=u8::MAX {
                    prop_assert_eq!(recent.until(&key).map(|until| until.0), model.get(&key).copied());
                }
            }
        }
    }

    #[test]
    fn the_oldest_makes_room_unless_it_has_come_again() {
        let mut recent = Recent::default();
        for key in [1, 2, 1, 3] {
            recent.insert(UnixMillis(9), key);
        }
        recent.forget_oldest();
        assert_eq!((recent.until(&1), recent.until(&2)), (Some(UnixMillis(9)), Some(UnixMillis(9))));
        recent.forget_oldest();
        assert_eq!((recent.until(&1), recent.until(&2)), (Some(UnixMillis(9)), None));
    }

    #[test]
    fn what_a_rush_has_needed_is_given_back() {
        let mut recent = Recent::default();
        let many = 100 * KEPT_READY as u64;
        (0..many).for_each(|n| recent.insert(UnixMillis(n), n));
        let left = 10;
        recent.expire(UnixMillis(many - 1 - left), usize::MAX);
        assert_eq!(recent.len() as u64, left);
        assert!(recent.line.capacity() <= 2 * KEPT_READY, "{}", recent.line.capacity());
        assert!(recent.numbers.capacity() <= 4 * KEPT_READY, "{}", recent.numbers.capacity());
        assert!((many - left..many).all(|n| recent.until(&n) == Some(UnixMillis(n))));
    }
}
