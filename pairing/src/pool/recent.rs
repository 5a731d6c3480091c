//! Tags, each kept until its time is over. Every match leaves some, so little is kept for each: the
//! tags are in one queue, and an index with four bytes for each finds them.

use std::{
    collections::VecDeque,
    hash::{BuildHasher, RandomState},
};

use hashbrown::HashTable;
use schemas::{Tag, UnixMillis};

/// The capacity for this many is kept, however few there are.
const KEPT_READY: usize = 256;

/// See the module. All tags are kept equally long, so the first in the queue expires first.
#[derive(Debug, Default)]
pub(super) struct Recent {
    queue: VecDeque<(UnixMillis, Tag)>,
    /// The number of the first in the queue; those behind it have the next ones.
    first: u32,
    /// The number of each tag. For one that is in the queue twice it is the later one.
    numbers: HashTable<u32>,
    /// Seeded at random: whoever forges tags does not know which of them collide.
    hasher: RandomState,
}

impl Recent {
    /// How many are kept.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Until when a tag is kept, if it is known.
    pub(super) fn until(&self, tag: Tag) -> Option<UnixMillis> {
        let number = self.numbers.find(self.hasher.hash_one(tag), |number| self.at(*number).1 == tag)?;
        Some(self.at(*number).0)
    }

    /// Adds a tag. One that is known is kept until the new time.
    pub(super) fn insert(&mut self, until: UnixMillis, tag: Tag) {
        let last = self.first.wrapping_add(self.queue.len() as u32);
        let hash = self.hasher.hash_one(tag);
        let (queue, first) = (&self.queue, self.first);
        match self.numbers.find_mut(hash, |number| queue[index(*number, first)].1 == tag) {
            Some(number) => *number = last,
            None => {
                let hash_of = |number: &u32| self.hasher.hash_one(queue[index(*number, first)].1);
                self.numbers.insert_unique(hash, last, hash_of);
            }
        }
        self.queue.push_back((until, tag));
    }

    /// Forgets what has expired, a few at a time. Returns how many.
    pub(super) fn expire(&mut self, now: UnixMillis, steps: usize) -> usize {
        let is_over = |(until, _): &(UnixMillis, Tag)| *until <= now;
        let over = self.queue.iter().take(steps).take_while(|one| is_over(one)).count();
        (0..over).for_each(|_| self.forget_oldest());
        self.give_back();
        over
    }

    /// Forgets the tag that was added first.
    pub(super) fn forget_oldest(&mut self) {
        let Some((_, tag)) = self.queue.pop_front() else { return };
        let number = self.first;
        if let Ok(entry) = self.numbers.find_entry(self.hasher.hash_one(tag), |other| *other == number) {
            entry.remove();
        }
        self.first = number.wrapping_add(1);
    }

    /// Gives back the memory that a rush needed.
    fn give_back(&mut self) {
        let enough = (2 * self.queue.len()).max(KEPT_READY);
        if self.queue.capacity() > 2 * enough {
            self.queue.shrink_to(enough);
            let (queue, first, hasher) = (&self.queue, self.first, &self.hasher);
            self.numbers.shrink_to(enough, |number| hasher.hash_one(queue[index(*number, first)].1));
        }
    }

    fn at(&self, number: u32) -> &(UnixMillis, Tag) {
        &self.queue[index(number, self.first)]
    }
}

/// The position of a number in a queue that begins with the number `first`. Numbers wrap; no queue
/// is that long.
fn index(number: u32, first: u32) -> usize {
    number.wrapping_sub(first) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const LIFE: u64 = 10;

    fn tag(n: u64) -> Tag {
        Tag::from_bytes(n.to_be_bytes())
    }

    /// Tags are added after these pauses; some are added again while they are known.
    fn history() -> impl Strategy<Value = Vec<(u64, u64)>> {
        let pause = prop_oneof![8 => Just(0u64), 3 => 1..4u64, 1 => Just(LIFE)];
        prop::collection::vec((pause, 0..200u64), 0..600)
    }

    proptest! {
        #[test]
        fn a_tag_is_known_until_its_time_is_over_and_no_longer(history in history(), first: u32) {
            // Wherever the numbers begin, including just before they wrap.
            let mut recent = Recent { first, ..Recent::default() };
            let mut model = BTreeMap::new();
            let mut now = 0;
            for (pause, n) in history {
                now += pause;
                recent.expire(UnixMillis(now), usize::MAX);
                model.retain(|_, until| *until > now);
                recent.insert(UnixMillis(now + LIFE), tag(n));
                model.insert(n, now + LIFE);
                for n in 0..200 {
                    prop_assert_eq!(recent.until(tag(n)).map(|until| until.0), model.get(&n).copied());
                }
            }
        }
    }

    #[test]
    fn the_oldest_makes_room_unless_it_has_come_again() {
        let mut recent = Recent::default();
        let until = UnixMillis(9);
        for n in [1, 2, 1, 3] {
            recent.insert(until, tag(n));
        }
        recent.forget_oldest();
        assert_eq!((recent.until(tag(1)), recent.until(tag(2))), (Some(until), Some(until)));
        recent.forget_oldest();
        assert_eq!((recent.until(tag(1)), recent.until(tag(2))), (Some(until), None));
    }

    #[test]
    fn the_memory_that_a_rush_needed_is_given_back() {
        let mut recent = Recent::default();
        let many = 100 * KEPT_READY as u64;
        (0..many).for_each(|n| recent.insert(UnixMillis(n), tag(n)));
        let left = 10;
        recent.expire(UnixMillis(many - 1 - left), usize::MAX);
        assert_eq!(recent.len() as u64, left);
        assert!(recent.queue.capacity() <= 2 * KEPT_READY, "{}", recent.queue.capacity());
        assert!(recent.numbers.capacity() <= 4 * KEPT_READY, "{}", recent.numbers.capacity());
        assert!((many - left..many).all(|n| recent.until(tag(n)) == Some(UnixMillis(n))));
    }
}
