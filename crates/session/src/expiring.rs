//! A bounded map whose entries are forgotten after a time: what ended, what was revoked, what is
//! spent.

use std::collections::{BTreeMap, VecDeque};

use schemas::UnixMillis;

/// Capacity of the queue for so many is never given back: a short one is not moved again and again.
const LEAST: usize = 64;

/// Entries are forgotten when their time comes; past the capacity the oldest goes first.
#[derive(Debug)]
pub(crate) struct Expiring<K, V> {
    entries: BTreeMap<K, (V, UnixMillis)>,
    order: VecDeque<(K, UnixMillis)>,
    capacity: usize,
}

impl<K: Copy + Ord, V> Expiring<K, V> {
    /// An empty map of at most `capacity` entries.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { entries: BTreeMap::new(), order: VecDeque::new(), capacity }
    }

    /// Remembers `value` until `until`. What is remembered already stays, and for the longer of the
    /// two times.
    pub(crate) fn remember(&mut self, key: K, value: V, until: UnixMillis) {
        if self.entries.contains_key(&key) {
            return self.prolong(key, until);
        }
        self.entries.insert(key, (value, until));
        self.order.push_back((key, until));
        self.make_room();
    }

    /// Forgets what is remembered of `key`, and returns it.
    pub(crate) fn take(&mut self, now: UnixMillis, key: &K) -> Option<V> {
        self.entries.remove(key).filter(|(_, until)| *until > now).map(|(value, _)| value)
    }

    /// Remembers the greater of `value` and what is remembered already, for the longer of the two
    /// times.
    pub(crate) fn remember_greatest(&mut self, key: K, value: V, until: UnixMillis)
    where
        V: Ord,
    {
        match self.entries.get_mut(&key) {
            Some((known, _)) if *known >= value => {}
            Some((known, _)) => {
                *known = value;
                self.prolong(key, until);
            }
            None => self.remember(key, value, until),
        }
    }

    fn prolong(&mut self, key: K, until: UnixMillis) {
        if let Some((_, known)) = self.entries.get_mut(&key)
            && *known < until
        {
            *known = until;
            self.order.push_back((key, until));
            self.make_room();
        }
    }

    /// One entry that is prolonged again and again fills the queue as many entries do.
    fn make_room(&mut self) {
        while self.entries.len() > self.capacity || self.order.len() > 2 * self.capacity {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((key, until)) = self.order.pop_front()
            && self.entries.get(&key).is_some_and(|(_, known)| *known == until)
        {
            self.entries.remove(&key);
        }
    }

    /// What is remembered of `key`.
    pub(crate) fn get(&self, now: UnixMillis, key: &K) -> Option<&V> {
        self.entry(now, key).map(|(value, _)| value)
    }

    /// What is remembered of `key`, and until when.
    pub(crate) fn entry(&self, now: UnixMillis, key: &K) -> Option<&(V, UnixMillis)> {
        self.entries.get(key).filter(|(_, until)| *until > now)
    }

    /// Forgets what has expired, and gives memory back after a rush.
    pub(crate) fn expire(&mut self, now: UnixMillis) {
        while self.order.front().is_some_and(|(_, until)| *until <= now) {
            self.drop_oldest();
        }
        if self.order.capacity() > 4 * self.order.len().max(LEAST) {
            self.order.shrink_to(2 * self.order.len());
        }
    }

    /// Everything remembered, with the time until when.
    pub(crate) fn iter(&self, now: UnixMillis) -> impl Iterator<Item = (&K, &V, UnixMillis)> {
        self.entries
            .iter()
            .filter(move |(_, (_, until))| *until > now)
            .map(|(key, (value, until))| (key, value, *until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_forgotten_at_its_time_or_when_too_many_came_after_it() {
        let mut map = Expiring::new(2);
        map.remember(1, 'a', UnixMillis(10));
        assert_eq!(map.get(UnixMillis(9), &1), Some(&'a'));
        assert_eq!(map.get(UnixMillis(10), &1), None);
        map.remember(2, 'b', UnixMillis(20));
        map.remember(3, 'c', UnixMillis(30));
        assert_eq!(map.get(UnixMillis(0), &1), None);
        map.expire(UnixMillis(20));
        assert_eq!(map.iter(UnixMillis(0)).count(), 1);
    }

    #[test]
    fn what_is_taken_is_forgotten_and_may_be_remembered_anew() {
        let mut map = Expiring::new(2);
        map.remember(1, 'a', UnixMillis(10));
        assert_eq!((map.take(UnixMillis(9), &1), map.take(UnixMillis(9), &1)), (Some('a'), None));
        map.remember(1, 'b', UnixMillis(20));
        map.expire(UnixMillis(10));
        assert_eq!(map.get(UnixMillis(19), &1), Some(&'b'));
        assert_eq!(map.take(UnixMillis(20), &1), None);
        for n in 0..100 {
            map.remember(1, 'c', UnixMillis(30 + n));
            map.take(UnixMillis(0), &1);
        }
        assert!(map.order.len() <= 4);
    }

    #[test]
    fn memory_is_given_back_after_a_rush() {
        let mut map = Expiring::new(10_000);
        for n in 0..10_000_u64 {
            map.remember(n, (), UnixMillis(10 + n / 9_900));
        }
        let full = map.order.capacity();
        map.expire(UnixMillis(10));
        assert_eq!(map.iter(UnixMillis(0)).count(), 100);
        assert!(map.order.capacity() < full / 8);
        assert_eq!(map.get(UnixMillis(10), &9_999), Some(&()));
    }

    #[test]
    fn one_entry_that_is_prolonged_for_ever_takes_no_more_room() {
        let mut map = Expiring::new(2);
        for n in 0..100 {
            map.remember(1, 'a', UnixMillis(10 + 2 * n));
        }
        assert!(map.order.len() <= 4);
        let mut greatest = Expiring::new(2);
        for n in 0..100 {
            greatest.remember_greatest(1, n, UnixMillis(10 + n));
        }
        assert!(greatest.order.len() <= 4);
        assert_eq!(
            (map.get(UnixMillis(207), &1), greatest.get(UnixMillis(108), &1)),
            (Some(&'a'), Some(&99))
        );
    }

    #[test]
    fn a_repetition_prolongs_and_never_shortens() {
        let mut map = Expiring::new(9);
        map.remember(1, 'a', UnixMillis(10));
        map.remember(1, 'b', UnixMillis(20));
        map.remember(1, 'c', UnixMillis(5));
        map.expire(UnixMillis(15));
        assert_eq!(map.get(UnixMillis(15), &1), Some(&'a'));
        map.expire(UnixMillis(20));
        assert_eq!(map.iter(UnixMillis(0)).count(), 0);
    }
}
