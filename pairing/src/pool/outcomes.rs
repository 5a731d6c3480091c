//! What became of wants that are no longer waiting. It is remembered for [`WANT_FORGET`]: until
//! then a late repetition cannot bring a want back, and a match can be sent again. Also which
//! invites are spent.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{
    NodeId, Tag, UnixMillis, WantId,
    criteria::Queue,
    limits::{SPENT_LIFE, WANT_FORGET},
};

use super::{effect::Effect, recent::Recent};

/// How many wants are remembered at most: what 50,000 matches a second leave in [`WANT_FORGET`].
/// Beyond it the oldest is forgotten early: a late repetition of it may be matched, and is then
/// declined.
pub const MAX_REMEMBERED: usize = 1_000_000;

/// How many spent invites are remembered at most, in about 30 MB. Beyond it the oldest can be used
/// again: this promise is best effort.
pub const MAX_SPENT: usize = 1_000_000;

/// What became of a want.
#[derive(Debug)]
pub(super) enum Outcome<'a> {
    /// Its gateway withdrew it, or a newer want of its session replaced it.
    Withdrawn,
    /// Its gateway was sent a match, or that its invite is spent.
    Sent(&'a mut SentMatch),
}

/// What was sent to the gateway of a want.
#[derive(Debug)]
pub(super) struct SentMatch {
    /// Kept to send it again if it was lost.
    pub(super) effect: Effect,
    /// When it was decided.
    pub(super) decided: UnixMillis,
    /// When it was last sent.
    pub(super) last_sent: UnixMillis,
}

/// What became of wants, each for [`WANT_FORGET`].
#[derive(Debug, Default)]
pub(super) struct RecentOutcomes {
    /// Few at a time: a gateway that receives a match withdraws the want.
    sent: BTreeMap<WantId, SentMatch>,
    /// The same wants by when they were decided.
    decided: BTreeSet<(UnixMillis, WantId)>,
    /// By [`half_of`] their ids.
    withdrawn: Recent,
}

/// What is kept of the id of a want that was withdrawn. Ids are random, and so are halves of them.
/// If the halves of two are equal nevertheless, the second waits for [`WANT_FORGET`] longer.
fn half_of(id: &WantId) -> Tag {
    let mut half = [0; 8];
    half.copy_from_slice(&id.as_bytes()[..8]);
    Tag::from_bytes(half)
}

impl RecentOutcomes {
    pub(super) fn withdraw(&mut self, now: UnixMillis, id: WantId) {
        self.forget_sent(&id);
        self.withdrawn.insert(now + WANT_FORGET, half_of(&id));
        self.make_room();
    }

    pub(super) fn record_sent(&mut self, now: UnixMillis, id: WantId, effect: Effect) {
        self.forget_sent(&id);
        self.sent.insert(id, SentMatch { effect, decided: now, last_sent: now });
        self.decided.insert((now, id));
        self.make_room();
    }

    /// Forgets the oldest of the larger of the two kinds.
    fn make_room(&mut self) {
        if self.sent.len() + self.withdrawn.len() <= MAX_REMEMBERED {
            return;
        }
        if self.sent.len() > self.withdrawn.len() {
            self.forget_oldest_sent();
        } else {
            self.withdrawn.forget_oldest();
        }
    }

    /// What became of a want, if that is not too long ago.
    pub(super) fn get(&mut self, now: UnixMillis, id: &WantId) -> Option<Outcome<'_>> {
        match self.sent.get_mut(id).filter(|sent| now < sent.decided + WANT_FORGET) {
            Some(sent) => Some(Outcome::Sent(sent)),
            None => {
                self.withdrawn.until(half_of(id)).filter(|until| now < *until).map(|_| Outcome::Withdrawn)
            }
        }
    }

    /// The gateway to which the outcome of a want was sent.
    pub(super) fn sent_to(&self, id: &WantId) -> Option<&NodeId> {
        self.sent.get(id).map(|sent| &sent.effect.to)
    }

    /// Forgets what was sent about a want, so that it may be matched again.
    pub(super) fn forget_sent(&mut self, id: &WantId) {
        if let Some(sent) = self.sent.remove(id) {
            self.decided.remove(&(sent.decided, *id));
        }
    }

    /// Forgets everything that was sent. Withdrawals are kept.
    pub(super) fn forget_all_sent(&mut self) {
        self.sent.clear();
        self.decided.clear();
    }

    fn forget_oldest_sent(&mut self) {
        if let Some((_, oldest)) = self.decided.pop_first() {
            self.sent.remove(&oldest);
        }
    }

    /// Frees what is older than [`WANT_FORGET`], a few at a time. Returns how many wants that were.
    pub(super) fn expire(&mut self, now: UnixMillis, steps: usize) -> usize {
        let before = self.sent.len();
        for _ in 0..steps {
            match self.decided.first() {
                Some((decided, _)) if *decided + WANT_FORGET <= now => self.forget_oldest_sent(),
                _ => break,
            }
        }
        before - self.sent.len() + self.withdrawn.expire(now, steps)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.sent.len() + self.withdrawn.len()
    }
}

/// The invite queues in which two people have met, each for [`SPENT_LIFE`].
#[derive(Debug, Default)]
pub(super) struct Spent(Recent);

impl Spent {
    /// Marks a queue. Only the first time counts: a repetition does not prolong it.
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

    use schemas::event::MatchEvent;

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
        let mut outcomes = RecentOutcomes::default();
        (0..MAX_REMEMBERED).for_each(|n| outcomes.withdraw(NOW, want(n)));
        assert!(matches!(outcomes.get(NOW, &want(0)), Some(Outcome::Withdrawn)));
        let (newer, newest) = (want(MAX_REMEMBERED), want(MAX_REMEMBERED + 1));
        outcomes.record_sent(NOW, newer, spent(newer));
        outcomes.withdraw(NOW, newest);
        assert_eq!(outcomes.len(), MAX_REMEMBERED);
        assert!(outcomes.get(NOW, &want(0)).is_none() && outcomes.get(NOW, &want(1)).is_none());
        assert!(outcomes.get(NOW, &want(2)).is_some());
        assert!(matches!(outcomes.get(NOW, &newer), Some(Outcome::Sent(_))));
        assert!(matches!(outcomes.get(NOW, &newest), Some(Outcome::Withdrawn)));
    }

    #[test]
    fn matches_that_nobody_takes_make_room_for_newer_ones() {
        let mut outcomes = RecentOutcomes::default();
        (0..=MAX_REMEMBERED).for_each(|n| {
            outcomes.record_sent(NOW + Duration::from_millis(n as u64 / 1000), want(n), spent(want(n)))
        });
        assert_eq!(outcomes.len(), MAX_REMEMBERED);
        assert!(outcomes.get(NOW, &want(0)).is_none());
        assert!(outcomes.get(NOW, &want(1)).is_some() && outcomes.get(NOW, &want(MAX_REMEMBERED)).is_some());
    }

    #[test]
    fn a_withdrawal_after_a_match_is_remembered_from_then_on() {
        let mut outcomes = RecentOutcomes::default();
        outcomes.record_sent(NOW, want(1), spent(want(1)));
        let later = NOW + WANT_FORGET / 2;
        outcomes.withdraw(later, want(1));
        assert_eq!((outcomes.expire(NOW + WANT_FORGET, 9), outcomes.len()), (0, 1));
        assert!(matches!(outcomes.get(NOW + WANT_FORGET, &want(1)), Some(Outcome::Withdrawn)));
        assert!(outcomes.get(later + WANT_FORGET, &want(1)).is_none());
        assert_eq!((outcomes.expire(later + WANT_FORGET, 9), outcomes.len()), (1, 0));
    }
}
