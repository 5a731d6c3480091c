//! The pool: a fold over the wants that gateways publish, and the decision who is matched with
//! whom. Time is an argument and effects are values: the same history gives the same effects.
//!
//! Every replica has a pool, and one of them is active. A pool on standby lets everybody wait, so
//! that the replica that takes over knows all wants. An active pool keeps this true between calls,
//! once [`Pool::tick`] has nothing left to do: **no two wants that may be matched are both left
//! waiting.**
//!
//! Among strangers the pool is fair to origins: see `rotation`, and `rounds` for where many come.
//! People of an invite, and all where the operator wants it so ([`FairBy::Age`]), are served in the
//! order in which they came.
//!
//! A match may be lost on its way. So a want that is repeated after its match was sent is answered
//! with the same match. Room and sides derive from the two ids, so receiving it twice changes
//! nothing. After [`WANT_FORGET`] the want counts as a new one. Whoever has been matched with
//! someone who is gone learns that from the other's gateway, and waits again with a new id; the
//! pool need not guess.

mod avoided_origins;
mod census;
mod deciding;
mod effect;
mod index_key;
mod known_sessions;
mod members;
mod outcomes;
mod pooled_want;
mod recent;
mod recent_waits;
mod rotation;
mod rounds;
mod telling;
#[cfg(test)]
mod tests;
mod want_index;

use std::{collections::BTreeMap, time::Duration};

use rand::{SeedableRng, rngs::StdRng};
use schemas::{
    NodeId, UnixMillis, WantId,
    control::Strangers,
    criteria::Queue,
    event::{MatchEvent, Report, Want, WantEvent},
    limits::{MET_TAGS, REPORTED_TAGS, WANT_FORGET, WANT_SILENCE},
};

use avoided_origins::AvoidedOrigins;
use index_key::{IndexKey, RoleQueue};
use known_sessions::KnownSessions;
use outcomes::{Outcome, RecentOutcomes, Spent};
use pooled_want::{Apart, PooledWant};
use recent_waits::RecentWaits;
use rounds::{Market, Rounds};
use want_index::WantIndex;

pub use effect::Effect;
pub use known_sessions::MEMORY_INEXACT;
pub use outcomes::{MAX_REMEMBERED, MAX_SPENT};
pub use telling::Past;

/// How many may wait at once, in about 1.5 GB. Further wants are refused until one leaves; their
/// gateways repeat them every two seconds.
pub const MAX_WANTS: usize = 2_000_000;

/// A match is repeated at most once in this time: a repeated want that crossed it on its way does
/// not mean that it was lost.
pub const MATCH_REPEAT: Duration = Duration::from_secs(1);

/// How many wants one [`Pool::tick`] handles: a few milliseconds of work, so that heartbeats are
/// not late.
const STEPS: usize = 1024;

/// Whose turn it is among strangers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FairBy {
    /// The origins have turns in rotation.
    #[default]
    Origin,
    /// Whoever has waited longest is first.
    Age,
}

/// What the pool has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolCounts {
    /// Pairs matched.
    pub matches: u64,
    /// Effects sent again because a gateway seems not to have received them.
    pub repeated: u64,
    /// Wants whose invite was spent.
    pub spent: u64,
    /// Wants refused: the pool was full, or they were not of the right form.
    pub refused: u64,
    /// Wants dropped because nobody repeated them.
    pub silent: u64,
    /// Wants that were matched or withdrawn, and are no longer remembered.
    pub forgotten: u64,
}

/// All wants. See the module.
#[derive(Debug)]
pub struct Pool {
    fair_by: FairBy,
    rng: StdRng,
    index: WantIndex,
    rounds: Rounds,
    known: KnownSessions,
    avoided: AvoidedOrigins,
    outcomes: RecentOutcomes,
    recent_waits: RecentWaits,
    spent: Spent,
    /// Gateways that were lost, and when: a match with one of their wants is void.
    lost: BTreeMap<NodeId, UnixMillis>,
    /// What was received before counts as received then: see [`Pool::renew_all`].
    renewed: UnixMillis,
    activity: Activity,
    /// Whether people meet who do not know each other: an order of the operator.
    strangers: Strangers,
    effects: Vec<Effect>,
    counts: PoolCounts,
}

/// Whether the pool makes matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Activity {
    #[default]
    Standby,
    /// It has become active, and still has to handle all wants after this key.
    TakingOver(Option<IndexKey>),
    Active,
}

impl Pool {
    /// An empty pool on standby. All randomness comes from the seed.
    pub fn new(fair_by: FairBy, seed: [u8; 32]) -> Self {
        Self {
            fair_by,
            rng: StdRng::from_seed(seed),
            index: WantIndex::default(),
            rounds: Rounds::default(),
            known: KnownSessions::default(),
            avoided: AvoidedOrigins::default(),
            outcomes: RecentOutcomes::default(),
            recent_waits: RecentWaits::default(),
            spent: Spent::default(),
            lost: BTreeMap::new(),
            renewed: UnixMillis::default(),
            activity: Activity::default(),
            strangers: Strangers::Meet,
            effects: Vec::new(),
            counts: PoolCounts::default(),
        }
    }

    /// How many wants are waiting.
    pub fn waiting(&self) -> usize {
        self.index.len()
    }

    /// What it has done so far.
    pub fn counts(&self) -> PoolCounts {
        self.counts
    }

    /// Begins to make matches: first among the wants that are waiting already, in [`Self::tick`].
    pub fn activate(&mut self) {
        if self.activity == Activity::Standby {
            self.activity = Activity::TakingOver(None);
        }
    }

    /// Stops making matches. A want that was matched and is repeated waits again: its match is now
    /// another replica's to make.
    pub fn stand_by(&mut self) {
        if self.activity != Activity::Standby {
            self.activity = Activity::Standby;
            self.outcomes.forget_all_sent();
            self.rounds.clear();
        }
    }

    /// Whether strangers meet. While they do not, they keep their places, and people with an invite
    /// meet as ever. When they do again, those who wait are looked at first, in [`Self::tick`].
    pub fn let_strangers(&mut self, strangers: Strangers) {
        let before = std::mem::replace(&mut self.strangers, strangers);
        if strangers == Strangers::Meet && before != Strangers::Meet && self.activity != Activity::Standby {
            self.activity = Activity::TakingOver(None);
        }
    }

    /// Somebody was reported.
    pub fn report(&mut self, now: UnixMillis, report: &Report) {
        self.known.reported(now, report.session, report.room);
        self.avoided.reported(now, report);
    }

    /// Applies an event of the gateway `from`.
    pub fn apply(&mut self, now: UnixMillis, from: &NodeId, event: WantEvent) {
        self.tick(now);
        match event {
            WantEvent::Waiting(wants) => wants.into_iter().for_each(|want| self.receive(now, from, want)),
            WantEvent::Withdrawn(ids) => ids.into_iter().for_each(|id| self.withdraw(now, from, id)),
            WantEvent::Met(queue) => self.mark_spent(now, queue),
            WantEvent::Asked(_) => {} // of the one that leads, which answers with `answer`
        }
    }

    /// Drops all wants of a gateway that is lost or has started again. Wants that were matched with
    /// them may be matched again.
    pub fn forget_node(&mut self, now: UnixMillis, node: &NodeId) {
        self.index.remove_node(now, node);
        self.lost.retain(|_, at| now.since(*at) < WANT_FORGET);
        self.lost.insert(node.clone(), now);
    }

    /// Counts every want as received now. After a gap, silence proves nothing.
    pub fn renew_all(&mut self, now: UnixMillis) {
        self.renewed = now;
    }

    /// Handles what is due: drops silent wants, widens language filters, matches after a take-over.
    /// The amount of work is bounded; if more is left, [`Self::next_deadline`] has passed.
    pub fn tick(&mut self, now: UnixMillis) {
        let mut widened = Vec::new();
        for _ in 0..STEPS {
            let Some(id) = self.index.next_due(now) else { break };
            widened.extend(self.check_deadline(now, id));
        }
        // All are widened before any is matched. After a pause there may be several, and the one
        // that has waited longest goes first.
        widened.sort_unstable();
        widened.into_iter().for_each(|(_, id)| self.offer(now, id));
        if let Some(ids) = self.rounds.begin(now, STEPS) {
            self.play_round(now, ids);
        }
        if let Activity::TakingOver(after) = self.activity {
            self.take_over(now, after);
        }
        self.counts.forgotten += self.outcomes.expire(now, STEPS) as u64;
        self.spent.expire(now, STEPS);
        self.index.expire(now, STEPS);
        self.rounds.expire(now, STEPS);
        self.known.expire(now, STEPS);
        self.avoided.expire(now, STEPS);
        self.recent_waits.expire(now, STEPS);
    }

    /// When [`Self::tick`] is to be called next; `None` while there are no wants.
    pub fn next_deadline(&self) -> Option<UnixMillis> {
        match self.activity {
            Activity::TakingOver(_) => Some(UnixMillis(0)),
            Activity::Standby | Activity::Active => {
                self.index.next_deadline().into_iter().chain(self.rounds.next_deadline()).min()
            }
        }
    }

    /// Takes what is to be sent, in order.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    fn receive(&mut self, now: UnixMillis, from: &NodeId, want: Want) {
        if want.met.len() > MET_TAGS + REPORTED_TAGS || want.reported.len() > REPORTED_TAGS {
            self.counts.refused += 1;
        } else if let Some(known) = self.index.get(&want.id) {
            // An id belongs to the gateway that made it, and its criteria do not change; only its
            // tags expire.
            if known.node == *from {
                let apart = self.apart(now, &want);
                if self.index.refresh(now, &want.id, &want, apart) {
                    self.offer(now, want.id);
                }
            }
        } else if !self.has_outcome(now, from, &want.id) {
            self.admit(now, from, want);
        }
    }

    /// What keeps a want from others: what it says, and what is remembered of its session.
    fn apart(&mut self, now: UnixMillis, want: &Want) -> Apart {
        Apart { rooms: self.known.unite(now, want), origins: self.avoided.of(now, &want.reported) }
    }

    /// Whether a want was matched or withdrawn a moment ago. If its gateway seems not to know of
    /// the match, it is sent again.
    fn has_outcome(&mut self, now: UnixMillis, from: &NodeId, id: &WantId) -> bool {
        let lost = &self.lost;
        match self.outcomes.get(now, id) {
            None => return false,
            Some(Outcome::Sent(sent)) if is_void(&sent.effect, sent.decided, lost) => {}
            Some(Outcome::Sent(sent)) => {
                if sent.effect.to == *from && now.since(sent.last_sent) >= MATCH_REPEAT {
                    let effect = sent.effect.clone();
                    self.repeat(now, effect);
                }
                return true;
            }
            Some(Outcome::Withdrawn) => return true,
        }
        self.outcomes.forget_sent(id);
        false
    }

    fn repeat(&mut self, now: UnixMillis, effect: Effect) {
        for id in effect.wants() {
            // Both halves may be on this gateway; then one message serves them.
            match self.outcomes.get(now, &id) {
                Some(Outcome::Sent(sent)) if sent.effect == effect => sent.last_sent = now,
                _ => {}
            }
        }
        self.counts.repeated += 1;
        self.effects.push(effect);
    }

    fn admit(&mut self, now: UnixMillis, from: &NodeId, want: Want) {
        if let Some((other, stamp)) = self.index.of_session(&want.session) {
            if stamp > want.stamp {
                return;
            }
            self.remove(now, &other);
            self.outcomes.withdraw(now, other);
        }
        if self.index.len() >= MAX_WANTS {
            self.counts.refused += 1;
            return;
        }
        let (id, apart) = (want.id, self.apart(now, &want));
        if let Some(origin) = want.origin {
            self.avoided.saw(now, origin, want.session.tag());
        }
        let pooled = PooledWant::new(now, from, &want, apart, self.fair_by);
        let market = Market::of(pooled.role_queue);
        self.index.insert(now, from, pooled, id, &mut self.rng);
        if self.fair_by == FairBy::Origin && want.queue.invite_tag().is_none() {
            self.rounds.arrived(now, market);
        }
        self.offer(now, id);
    }

    fn remove(&mut self, now: UnixMillis, id: &WantId) -> Option<PooledWant> {
        let market = Market::of(self.index.get(id)?.role_queue);
        let remember = self.rounds.is_busy(now, market);
        self.index.remove(now, id, remember)
    }

    fn withdraw(&mut self, now: UnixMillis, from: &NodeId, id: WantId) {
        let holder = self.index.get(&id).map(|want| &want.node);
        if holder.or_else(|| self.outcomes.sent_to(&id)).is_some_and(|holder| holder != from) {
            return;
        }
        self.remove(now, &id);
        // Also if it is not known: the withdrawal may have overtaken the want.
        self.outcomes.withdraw(now, id);
    }

    fn mark_spent(&mut self, now: UnixMillis, queue: Queue) {
        self.spent.mark(now, queue);
        if self.spent.holds(queue) {
            self.index.in_queue(queue).into_iter().for_each(|id| self.decide(now, id));
        }
    }

    /// Drops a want that was not repeated for too long. If it may be matched with others now than
    /// before, returns since when it has been waiting.
    fn check_deadline(&mut self, now: UnixMillis, id: WantId) -> Option<(UnixMillis, WantId)> {
        let want = self.index.get(&id)?;
        let heard = want.heard.max(self.renewed);
        if now.since(heard) >= WANT_SILENCE {
            self.counts.silent += 1;
            self.remove(now, &id);
            return None;
        }
        let (since, is_due_to_widen, asks_again) = (want.since, want.is_due_to_widen(now), want.asks_again());
        if is_due_to_widen {
            self.index.widen(&id);
        }
        self.index.reschedule(&id, now, heard);
        (is_due_to_widen || asks_again).then_some((since, id))
    }
}

/// Whether a match was made with a want of a gateway that has been lost since. In doubt it is void:
/// the two are matched again.
fn is_void(effect: &Effect, decided: UnixMillis, lost: &BTreeMap<NodeId, UnixMillis>) -> bool {
    match &effect.event {
        MatchEvent::Pair(halves) => {
            halves.iter().any(|half| lost.get(&half.node).is_some_and(|at| decided <= *at))
        }
        MatchEvent::Spent(_) => false,
    }
}
