//! Who was matched lately in each class, and how long each had waited.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use schemas::{
    SessionId, UnixMillis,
    outlook::{FEWEST_WAITS, RECENT},
};

use super::index_key::RoleQueue;

/// How many waits of a class are remembered: enough for a median, and to tell few from many.
const REMEMBERED: usize = 32;

/// Of how many classes waits are remembered, in about 25 MB. Beyond it a class is not remembered
/// before another is forgotten.
const MAX_CLASSES: usize = 20_000;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct RecentWaits {
    classes: BTreeMap<RoleQueue, VecDeque<Served>>,
    /// Classes by when the last wait of each may be forgotten.
    fading: VecDeque<(UnixMillis, RoleQueue)>,
}

/// Somebody was matched.
#[derive(Debug)]
struct Served {
    at: UnixMillis,
    session: SessionId,
    waited: Duration,
}

impl RecentWaits {
    /// Somebody of this class was matched.
    pub(super) fn served(
        &mut self,
        now: UnixMillis,
        role_queue: RoleQueue,
        session: SessionId,
        since: UnixMillis,
    ) {
        if role_queue.queue.invite_tag().is_some() {
            return;
        }
        if !self.classes.contains_key(&role_queue) {
            if self.classes.len() >= MAX_CLASSES {
                return;
            }
            self.fading.push_back((now + RECENT, role_queue));
        }
        let waits = self.classes.entry(role_queue).or_default();
        if waits.len() >= REMEMBERED {
            waits.pop_front();
        }
        waits.push_back(Served { at: now, session, waited: now.since(since) });
    }

    fn recent(&self, now: UnixMillis, role_queue: RoleQueue) -> impl Iterator<Item = &Served> {
        let waits = self.classes.get(&role_queue).into_iter().flatten();
        waits.filter(move |served| now.since(served.at) < RECENT)
    }

    /// The median of the last waits in a class, if there were enough of different people.
    pub(super) fn median(&self, now: UnixMillis, role_queue: RoleQueue) -> Option<Duration> {
        let people: BTreeSet<_> = self.recent(now, role_queue).map(|served| served.session).collect();
        let mut waits: Vec<_> = self.recent(now, role_queue).map(|served| served.waited).collect();
        waits.sort_unstable();
        (people.len() >= FEWEST_WAITS).then(|| waits[waits.len() / 2])
    }

    /// How many people of a class were matched lately, without those who wait.
    pub(super) fn on_duty(
        &self,
        now: UnixMillis,
        role_queue: RoleQueue,
        waits: impl Fn(&SessionId) -> bool,
    ) -> u32 {
        let people: BTreeSet<_> = self.recent(now, role_queue).map(|served| served.session).collect();
        people.into_iter().filter(|session| !waits(session)).count() as u32
    }

    /// Forgets classes in which nobody was matched lately, a few at a time.
    pub(super) fn expire(&mut self, now: UnixMillis, steps: usize) {
        for _ in 0..steps {
            let Some((_, role_queue)) = self.fading.front().copied().filter(|(until, _)| *until <= now)
            else {
                break;
            };
            self.fading.pop_front();
            let Some(waits) = self.classes.get_mut(&role_queue) else { continue };
            while waits.front().is_some_and(|served| now.since(served.at) >= RECENT) {
                waits.pop_front();
            }
            match waits.back() {
                Some(last) => self.fading.push_back((last.at + RECENT, role_queue)),
                None => {
                    self.classes.remove(&role_queue);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use schemas::criteria::{ChannelVersion, Queue};

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn class(n: u32) -> RoleQueue {
        let mut topic = [0; 16];
        topic[..4].copy_from_slice(&n.to_be_bytes());
        RoleQueue::new(Queue::Topic(topic), None, ChannelVersion::CURRENT)
    }

    fn session(n: u8) -> SessionId {
        SessionId::from_random([n; 16])
    }

    /// People are matched at once, each after so many seconds.
    fn waits(secs: &[u64]) -> RecentWaits {
        let mut waits = RecentWaits::default();
        for (n, secs) in (0..).zip(secs) {
            waits.served(NOW, class(1), session(n), NOW - Duration::from_secs(*secs));
        }
        waits
    }

    #[test]
    fn the_median_is_that_of_five_people_or_more_and_of_the_last_quarter_of_an_hour() {
        assert_eq!(waits(&[1, 2, 3, 4]).median(NOW, class(1)), None);
        let five = waits(&[90, 1, 7, 5, 600]);
        assert_eq!(five.median(NOW, class(1)), Some(Duration::from_secs(7)));
        assert_eq!(five.median(NOW, class(2)), None);
        assert_eq!(five.median(NOW + RECENT, class(1)), None);
        let mut same = RecentWaits::default();
        (0..9).for_each(|_| same.served(NOW, class(1), session(1), NOW));
        assert_eq!(same.median(NOW, class(1)), None, "nine waits of one person tell of that person");
    }

    #[test]
    fn on_duty_is_who_was_matched_lately_and_does_not_wait() {
        let mut waits = waits(&[1, 2, 3]);
        waits.served(NOW, class(1), session(0), NOW);
        assert_eq!(waits.on_duty(NOW, class(1), |_| false), 3);
        assert_eq!(waits.on_duty(NOW, class(1), |who| *who == session(2)), 2);
        assert_eq!(waits.on_duty(NOW + RECENT, class(1), |_| false), 0);
    }

    #[test]
    fn what_is_old_is_forgotten_and_what_is_new_is_kept() {
        let mut waits = waits(&[1, 2]);
        waits.served(NOW + RECENT / 2, class(1), session(9), NOW);
        waits.expire(NOW + RECENT, 9);
        assert_eq!(waits.classes[&class(1)].len(), 1);
        waits.expire(NOW + RECENT / 2 + RECENT, 9);
        assert!(waits.classes.is_empty() && waits.fading.is_empty());
    }

    #[test]
    fn no_more_is_remembered_than_the_limits() {
        let mut waits = RecentWaits::default();
        (0..200).for_each(|n| waits.served(NOW, class(0), session(n), NOW));
        assert_eq!(waits.classes[&class(0)].len(), REMEMBERED);
        for n in 0..=MAX_CLASSES as u32 {
            waits.served(NOW, class(n), session(1), NOW);
        }
        assert_eq!((waits.classes.len(), waits.fading.len()), (MAX_CLASSES, MAX_CLASSES));
    }
}
