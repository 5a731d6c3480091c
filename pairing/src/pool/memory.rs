//! What became of wants that wait no longer: for [`WANT_FORGET`] a late repetition cannot bring one back, and what was said of it can be
//! said again. And which invites are spent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use schemas::{
    NodeId, UnixMillis, WantId,
    criteria::Queue,
    event::MatchEvent,
    limits::{SPENT_LIFE, WANT_FORGET},
};

use super::Effect;

/// How many wants are remembered at most: what 50,000 matches in a second leave in [`WANT_FORGET`]. Beyond it the oldest is forgotten
/// early: a late repetition of it may be matched, and is then declined.
pub const MAX_REMEMBERED: usize = 1_000_000;

/// How many spent invites are remembered at most, in about 60 MB. Beyond it the oldest can be used again: the promise is best effort.
pub const MAX_SPENT: usize = 1_000_000;

/// What became of a want.
#[derive(Debug)]
pub(super) enum Fate {
    /// Its gateway took it back, or a newer want of its session replaced it.
    Withdrawn,
    /// Its gateway was told of a match, or that its invite is spent.
    Told {
        /// What was said, to say it again if it was lost.
        effect: Effect,
        /// When it was decided.
        decided: UnixMillis,
        /// When it was last said.
        said: UnixMillis,
    },
}

/// The fates of wants, each for [`WANT_FORGET`].
#[derive(Debug, Default)]
pub(super) struct Memory {
    fates: BTreeMap<WantId, (UnixMillis, Fate)>,
    order: VecDeque<(UnixMillis, WantId)>,
}

impl Memory {
    pub(super) fn withdraw(&mut self, now: UnixMillis, id: WantId) {
        self.remember(now, id, Fate::Withdrawn);
    }

    pub(super) fn told(&mut self, now: UnixMillis, id: WantId, effect: Effect) {
        self.remember(now, id, Fate::Told { effect, decided: now, said: now });
    }

    fn remember(&mut self, now: UnixMillis, id: WantId, fate: Fate) {
        let until = now + WANT_FORGET;
        self.fates.insert(id, (until, fate));
        self.order.push_back((until, id));
        if self.order.len() > MAX_REMEMBERED {
            self.forget_oldest();
        }
    }

    /// What became of a want, if that still counts.
    pub(super) fn recall(&mut self, now: UnixMillis, id: &WantId) -> Option<&mut Fate> {
        self.fates.get_mut(id).filter(|(until, _)| now < *until).map(|(_, fate)| fate)
    }

    /// The gateway that was told of a want.
    pub(super) fn told_to(&self, id: &WantId) -> Option<&NodeId> {
        match self.fates.get(id) {
            Some((_, Fate::Told { effect, .. })) => Some(&effect.to),
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
                Some((until, _)) if *until <= now => self.forget_oldest(),
                _ => return,
            }
        }
    }

    fn forget_oldest(&mut self) {
        let Some((until, id)) = self.order.pop_front() else { return };
        // It may have been remembered anew in between, and then stands further back as well.
        if self.fates.get(&id).is_some_and(|(current, _)| *current == until) {
            self.fates.remove(&id);
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
    queues: BTreeSet<Queue>,
    order: VecDeque<(UnixMillis, Queue)>,
}

impl Spent {
    /// Marks a queue. The first meeting counts, so that saying it again does not prolong it.
    pub(super) fn mark(&mut self, now: UnixMillis, queue: Queue) {
        if !queue.is_invite() || !self.queues.insert(queue) {
            return;
        }
        self.order.push_back((now + SPENT_LIFE, queue));
        if self.order.len() > MAX_SPENT {
            self.forget_oldest();
        }
    }

    pub(super) fn holds(&self, queue: Queue) -> bool {
        queue.is_invite() && self.queues.contains(&queue)
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
        if let Some((_, queue)) = self.order.pop_front() {
            self.queues.remove(&queue);
        }
    }
}
