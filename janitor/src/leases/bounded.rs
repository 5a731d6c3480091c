//! Maps that cannot grow beyond a limit, and the short form of time that they contain.

use std::{collections::BTreeMap, ops::Bound, time::Duration};

use schemas::UnixMillis;

/// A time on the janitor's own clock, in tenths of a second since it started: half the size of a
/// [`UnixMillis`], of which there are many. It saturates after 13 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(u32);

impl Moment {
    pub(super) fn at(start: UnixMillis, now: UnixMillis) -> Self {
        Self(u32::try_from(now.since(start).as_millis() / 100).unwrap_or(u32::MAX))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub(super) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::from(self.0.saturating_sub(earlier.0)) * 100)
    }

    /// Rounded up, so that nothing is forgotten too early.
    pub(super) fn after(self, duration: Duration) -> Self {
        let tenths = u32::try_from(duration.as_millis().div_ceil(100)).unwrap_or(u32::MAX);
        Self(self.0.saturating_add(tenths))
    }
}

/// An entry with an age.
pub(super) trait Aged {
    /// The entries with the lowest are dropped first when there is no room.
    fn age(&self) -> Moment;

    /// What is known from more than one source. It is dropped last, whatever its age.
    fn is_confirmed(&self) -> bool {
        true
    }
}

/// A map of at most `capacity` entries. When it overflows, the oldest are dropped and counted.
///
/// It is ordered, so that a walk over it can be interrupted and resumed. And a tree grows and
/// shrinks in small steps, where a hash table doubles.
#[derive(Debug)]
pub(super) struct Bounded<K, V> {
    entries: BTreeMap<K, V>,
    capacity: usize,
    overflowed: u64,
    moved: u64,
}

impl<K: Ord + Clone, V: Aged> Bounded<K, V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { entries: BTreeMap::new(), capacity: capacity.max(1), overflowed: 0, moved: 0 }
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        self.moved += u64::from(self.entries.insert(key, value).is_none());
        if self.entries.len() > self.capacity {
            self.shed();
        }
    }

    /// Drops the oldest eighth at once. Finding them costs a walk over all entries, which must not
    /// be paid for each new one.
    #[cold]
    fn shed(&mut self) {
        let before = self.entries.len();
        let excess = (before - self.capacity + self.capacity / 8).min(before);
        let rank = |value: &V| (value.is_confirmed(), value.age());
        let mut ranks: Vec<_> = self.entries.values().map(rank).collect();
        let (lower, &mut limit, _) = ranks.select_nth_unstable(excess - 1);
        // Drops all that are below the limit, and as many of those at it as are still needed.
        let mut at_limit = excess - lower.iter().filter(|rank| **rank < limit).count();
        self.retain(|_, value| {
            let rank = rank(value);
            let goes = rank < limit || (rank == limit && at_limit > 0);
            at_limit -= usize::from(goes && rank == limit);
            !goes
        });
        self.overflowed += (before - self.entries.len()) as u64;
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key)
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.entries.contains_key(key)
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let removed = self.entries.remove(key);
        self.moved += u64::from(removed.is_some());
        removed
    }

    pub(super) fn clear(&mut self) {
        self.retain(|_, _| false);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.entries.iter_mut()
    }

    /// The entries after `key`, or all.
    pub(super) fn after(&self, key: Option<K>) -> impl Iterator<Item = (&K, &V)> {
        self.entries.range((key.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded))
    }

    /// Drops, in order, the entries that are not to be kept.
    pub(super) fn retain(&mut self, keep: impl FnMut(&K, &mut V) -> bool) {
        let before = self.entries.len();
        self.entries.retain(keep);
        self.moved += (before - self.entries.len()) as u64;
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many entries were added and removed since the start.
    pub(super) fn moved(&self) -> u64 {
        self.moved
    }

    /// How many entries were dropped because there was no room, since the start.
    pub(super) fn overflowed(&self) -> u64 {
        self.overflowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    impl Aged for Moment {
        fn age(&self) -> Moment {
            *self
        }
    }

    #[test]
    fn the_oldest_make_room_and_are_counted() {
        let mut map = Bounded::new(8);
        (0..8).for_each(|n| map.insert(n, Moment(100 - n)));
        assert_eq!((map.len(), map.overflowed()), (8, 0));
        map.insert(99, Moment(200));
        assert_eq!((map.len(), map.overflowed()), (7, 2));
        assert!(map.contains(&99) && map.contains(&5) && !map.contains(&6) && !map.contains(&7));
    }

    #[test]
    fn a_moment_neither_wraps_nor_runs_backwards() {
        let start = UnixMillis(1_000);
        assert_eq!(Moment::at(start, UnixMillis(0)), Moment(0));
        assert_eq!(Moment::at(start, UnixMillis(u64::MAX)), Moment(u32::MAX));
        assert_eq!(Moment(u32::MAX).after(Duration::MAX), Moment(u32::MAX));
        assert_eq!(Moment(1).since(Moment(2)), Duration::ZERO);
        assert_eq!(Moment(1).after(Duration::from_millis(101)), Moment(3));
    }

    proptest! {
        #[test]
        fn it_never_holds_more_than_its_capacity(
            capacity in 1usize..40,
            inserts in prop::collection::vec((0u8..100, 0u32..20), 0..300),
        ) {
            let mut map = Bounded::new(capacity);
            let mut distinct = std::collections::BTreeSet::new();
            for (key, age) in inserts {
                let newest = map.iter().map(|(_, age)| *age).max();
                map.insert(key, Moment(age));
                distinct.insert(key);
                prop_assert!(map.len() <= capacity);
                prop_assert!(map.len() as u64 + map.overflowed() >= distinct.len() as u64);
                if newest.is_some_and(|newest| newest < Moment(age)) {
                    prop_assert!(map.contains(&key), "the newest is not dropped");
                }
            }
        }
    }
}
