//! What became of wants that wait no longer: for [`WANT_FORGET`] a late repetition cannot bring one back, and what was said of it can be
//! said again. And which invites are spent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use schemas::{
    NodeId, Tag, UnixMillis, WantId,
    criteria::Queue,
    event::MatchEvent,
    limits::{SPENT_LIFE, WANT_FORGET},
};

use super::Effect;

/// How many wants are remembered at most: what 50,000 matches in a second leave in [`WANT_FORGET`]. Beyond it the oldest is forgotten
/// early: a late repetition of it may be matched, and is then declined.
pub const MAX_REMEMBERED: usize = 1_000_000;

/// How many spent invites are remembered at most, in about 40 MB. Beyond it the oldest can be used again: the promise is best effort.
pub const MAX_SPENT: usize = 1_000_000;

/// What became of a want.
#[derive(Debug)]
pub(super) enum Fate {
    /// Its gateway took it back, or a newer want of its session replaced it.
    Withdrawn,
    /// Its gateway was told of a match, or that its invite is spent. Boxed: it takes the want back in no time.
    Told(Box<Told>),
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
    fates: BTreeMap<WantId, (UnixMillis, Fate)>,
    /// Each of them once, with the time at which it is to be looked at.
    order: VecDeque<(UnixMillis, WantId)>,
}

impl Memory {
    pub(super) fn withdraw(&mut self, now: UnixMillis, id: WantId) {
        self.remember(now, id, Fate::Withdrawn);
    }

    pub(super) fn told(&mut self, now: UnixMillis, id: WantId, effect: Effect) {
        self.remember(now, id, Fate::Told(Box::new(Told { effect, decided: now, said: now })));
    }

    fn remember(&mut self, now: UnixMillis, id: WantId, fate: Fate) {
        let until = now + WANT_FORGET;
        if self.fates.insert(id, (until, fate)).is_none() {
            self.order.push_back((until, id));
        }
        if self.order.len() > MAX_REMEMBERED
            && let Some((_, oldest)) = self.order.pop_front()
        {
            self.fates.remove(&oldest);
        }
    }

    /// What became of a want, if that still counts.
    pub(super) fn recall(&mut self, now: UnixMillis, id: &WantId) -> Option<&mut Fate> {
        self.fates.get_mut(id).filter(|(until, _)| now < *until).map(|(_, fate)| fate)
    }

    /// The gateway that was told of a want.
    pub(super) fn told_to(&self, id: &WantId) -> Option<&NodeId> {
        match self.fates.get(id) {
            Some((_, Fate::Told(told))) => Some(&told.effect.to),
            _ => None,
        }
    }

    /// Lets a want count again.
    pub(super) fn forget(&mut self, id: &WantId) {
        self.fates.remove(id);
    }

    /// Forgets what was said by who speaks no longer. Withdrawals stay.
    pub(super) fn forget_told(&mut self) {
        self.fates.retain(|_, (_, fate)| matches!(fate, Fate::Withdrawn));
    }

    /// Frees what counts no longer, a few at a time.
    pub(super) fn expire(&mut self, now: UnixMillis, steps: usize) {
        for _ in 0..steps {
            match self.order.front() {
                Some((until, _)) if *until <= now => self.look_at_oldest(now),
                _ => return,
            }
        }
    }

    /// Forgets the oldest, unless it has been remembered anew: then it is the newest.
    fn look_at_oldest(&mut self, now: UnixMillis) {
        let Some((_, id)) = self.order.pop_front() else { return };
        match self.fates.get(&id) {
            Some((until, _)) if *until > now => self.order.push_back((*until, id)),
            Some(_) => drop(self.fates.remove(&id)),
            None => {}
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.fates.len()
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
pub(super) struct Spent {
    queues: BTreeSet<Tag>,
    order: VecDeque<(UnixMillis, Tag)>,
}

impl Spent {
    /// Marks a queue. The first meeting counts, so that saying it again does not prolong it.
    pub(super) fn mark(&mut self, now: UnixMillis, queue: Queue) {
        let Some(tag) = queue.invite_tag().filter(|tag| self.queues.insert(*tag)) else { return };
        self.order.push_back((now + SPENT_LIFE, tag));
        if self.order.len() > MAX_SPENT {
            self.forget_oldest();
        }
    }

    pub(super) fn holds(&self, queue: Queue) -> bool {
        queue.invite_tag().is_some_and(|tag| self.queues.contains(&tag))
    }

    /// Frees what has expired, a few at a time.
    pub(super) fn expire(&mut self, now: UnixMillis, steps: usize) {
        for _ in 0..steps {
            match self.order.front() {
                Some((until, _)) if *until <= now => self.forget_oldest(),
                _ => return,
            }
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, tag)) = self.order.pop_front() {
            self.queues.remove(&tag);
        }
    }
}
