//! What became of wants that wait no longer: for [`WANT_FORGET`] a late repetition cannot bring one back, and what was said of it can be
//! said again. And which invites are spent.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{
    NodeId, Tag, UnixMillis, WantId,
    criteria::Queue,
    event::MatchEvent,
    limits::{SPENT_LIFE, WANT_FORGET},
};

use super::{Effect, recent::Recent};

/// How many wants are remembered at most: what 50,000 matches in a second leave in [`WANT_FORGET`]. Beyond it the oldest is forgotten
/// early: a late repetition of it may be matched, and is then declined.
pub const MAX_REMEMBERED: usize = 1_000_000;

/// How many spent invites are remembered at most, in about 30 MB. Beyond it the oldest can be used again: the promise is best effort.
pub const MAX_SPENT: usize = 1_000_000;

/// What became of a want.
#[derive(Debug)]
pub(super) enum Fate<'a> {
    /// Its gateway took it back, or a newer want of its session replaced it.
    Withdrawn,
    /// Its gateway was told of a match, or that its invite is spent.
    Told(&'a mut Told),
}

/// What a gateway was told of a want.
#[derive(Debug)]
pub(super) struct Told {
    /// What was said, to say it again if it was lost.
    pub(super) effect: Effect,
    /// When it was decided.
    pub(super) decided: UnixMillis,
    /// When it was last said.
    pub(super) said: UnixMillis,
}

/// The fates of wants, each for [`WANT_FORGET`].
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Few at a time: a gateway that hears of a match takes the want back.
    told: BTreeMap<WantId, Told>,
    /// The same by when it was decided.
    decided: BTreeSet<(UnixMillis, WantId)>,
    /// By [`half_of`] their ids.
    withdrawn: Recent,
}

/// What is kept of the id of a want that was withdrawn. Ids are random, and so are halves of them: should two of a million be alike all
/// the same, the second waits for [`WANT_FORGET`] longer.
fn half_of(id: &WantId) -> Tag {
    let mut half = [0; 8];
    half.copy_from_slice(&id.as_bytes()[..8]);
    Tag::from_bytes(half)
}

impl Memory {
    pub(super) fn withdraw(&mut self, now: UnixMillis, id: WantId) {
        self.forget_what_was_told(&id);
        self.withdrawn.insert(now + WANT_FORGET, half_of(&id));
        self.make_room();
    }

    pub(super) fn told(&mut self, now: UnixMillis, id: WantId, effect: Effect) {
        self.forget_what_was_told(&id);
        self.told.insert(id, Told { effect, decided: now, said: now });
        self.decided.insert((now, id));
        self.make_room();
    }

    /// The oldest of the many goes first, be it those who were told or those who have withdrawn.
    fn make_room(&mut self) {
        if self.told.len() + self.withdrawn.len() <= MAX_REMEMBERED {
            return;
        }
        if self.told.len() > self.withdrawn.len() {
            self.forget_oldest_told();
        } else {
            self.withdrawn.forget_oldest();
        }
    }

    /// What became of a want, if that still counts.
    pub(super) fn recall(&mut self, now: UnixMillis, id: &WantId) -> Option<Fate<'_>> {
        match self.told.get_mut(id).filter(|told| now < told.decided + WANT_FORGET) {
            Some(told) => Some(Fate::Told(told)),
            None => self.withdrawn.until(half_of(id)).filter(|until| now < *until).map(|_| Fate::Withdrawn),
        }
    }

    /// The gateway that was told of a want.
    pub(super) fn told_to(&self, id: &WantId) -> Option<&NodeId> {
        self.told.get(id).map(|told| &told.effect.to)
    }

    /// Lets a want of which a gateway was told count again.
    pub(super) fn forget_what_was_told(&mut self, id: &WantId) {
        if let Some(told) = self.told.remove(id) {
            self.decided.remove(&(told.decided, *id));
        }
    }

    /// Forgets what was said by who speaks no longer. Withdrawals stay.
    pub(super) fn forget_told(&mut self) {
        self.told.clear();
        self.decided.clear();
    }

    fn forget_oldest_told(&mut self) {
        if let Some((_, oldest)) = self.decided.pop_first() {
            self.told.remove(&oldest);
        }
    }

    /// Frees what counts no longer, a few at a time. Tells how many wants that were.
    pub(super) fn expire(&mut self, now: UnixMillis, steps: usize) -> usize {
        let before = self.told.len();
        for _ in 0..steps {
            match self.decided.first() {
                Some((decided, _)) if *decided + WANT_FORGET <= now => self.forget_oldest_told(),
                _ => break,
            }
        }
        before - self.told.len() + self.withdrawn.expire(now, steps)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.told.len() + self.withdrawn.len()
    }
}

impl Effect {
    /// The wants that it speaks of.
    pub(super) fn wants(&self) -> Vec<WantId> {
        match &self.event {
            MatchEvent::Pair(halves) => halves.iter().map(|half| half.want).collect(),
            MatchEvent::Spent(want) => vec![*want],
        }
    }
}

/// The invite queues in which two people have met, each for [`SPENT_LIFE`].
#[derive(Debug, Default)]
pub(super) struct Spent(Recent);

impl Spent {
    /// Marks a queue. The first meeting counts, so that saying it again does not prolong it.
    pub(super) fn mark(&mut self, now: UnixMillis, queue: Queue) {
        let Some(tag) = queue.invite_tag().filter(|tag| self.0.until(*tag).is_none()) else { return };
        self.0.insert(now + SPENT_LIFE, tag);
        if self.0.len() > MAX_SPENT {
            self.0.forget_oldest();
        }
    }

    pub(super) fn holds(&self, queue: Queue) -> bool {
        queue.invite_tag().is_some_and(|tag| self.0.until(tag).is_some())
    }

    /// Frees what has expired, a few at a time.
    pub(super) fn expire(&mut self, now: UnixMillis, steps: usize) {
        self.0.expire(now, steps);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn want(n: usize) -> WantId {
        WantId::from_bytes((n as u128).reverse_bits().to_be_bytes())
    }

    fn spent(want: WantId) -> Effect {
        Effect { to: "g1".parse().unwrap(), event: MatchEvent::Spent(want) }
    }

    #[test]
    fn no_more_is_remembered_than_the_limit_and_the_oldest_goes_first() {
        let mut memory = Memory::default();
        (0..MAX_REMEMBERED).for_each(|n| memory.withdraw(NOW, want(n)));
        assert!(matches!(memory.recall(NOW, &want(0)), Some(Fate::Withdrawn)));
        let (newer, newest) = (want(MAX_REMEMBERED), want(MAX_REMEMBERED + 1));
        memory.told(NOW, newer, spent(newer));
        memory.withdraw(NOW, newest);
        assert_eq!(memory.len(), MAX_REMEMBERED);
        assert!(memory.recall(NOW, &want(0)).is_none() && memory.recall(NOW, &want(1)).is_none());
        assert!(memory.recall(NOW, &want(2)).is_some());
        assert!(matches!(memory.recall(NOW, &newer), Some(Fate::Told(_))));
        assert!(matches!(memory.recall(NOW, &newest), Some(Fate::Withdrawn)));
    }

    #[test]
    fn matches_that_nobody_takes_make_room_for_newer_ones() {
        let mut memory = Memory::default();
        (0..=MAX_REMEMBERED)
            .for_each(|n| memory.told(NOW + Duration::from_millis(n as u64 / 1000), want(n), spent(want(n))));
        assert_eq!(memory.len(), MAX_REMEMBERED);
        assert!(memory.recall(NOW, &want(0)).is_none());
        assert!(
            memory.recall(NOW, &want(1)).is_some() && memory.recall(NOW, &want(MAX_REMEMBERED)).is_some()
        );
    }

    #[test]
    fn whoever_withdraws_after_a_match_is_remembered_from_then_on() {
        let mut memory = Memory::default();
        memory.told(NOW, want(1), spent(want(1)));
        let later = NOW + WANT_FORGET / 2;
        memory.withdraw(later, want(1));
        assert_eq!((memory.expire(NOW + WANT_FORGET, 9), memory.len()), (0, 1));
        assert!(matches!(memory.recall(NOW + WANT_FORGET, &want(1)), Some(Fate::Withdrawn)));
        assert!(memory.recall(later + WANT_FORGET, &want(1)).is_none());
        assert_eq!((memory.expire(later + WANT_FORGET, 9), memory.len()), (1, 0));
    }
}
