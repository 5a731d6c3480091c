//! Who is matched with whom, and when that is decided.

use std::collections::BTreeSet;

use schemas::{
    NodeId, UnixMillis, WantId,
    control::Strangers,
    event::{Half, MatchEvent},
};

use super::{Activity, Effect, IndexKey, Market, Pool, STEPS};

impl Pool {
    /// Something of a want is new: decides about it at once, or in the round of its market. Else
    /// whoever waits already would meet those who wait for the round.
    pub(super) fn offer(&mut self, now: UnixMillis, id: WantId) {
        let Some(want) = self.index.get(&id) else { return };
        let market = Market::of(want.role_queue);
        if self.activity != Activity::Standby && self.rounds.is_busy(now, market) {
            self.rounds.wait(now, market, id);
        } else {
            self.decide(now, id);
        }
    }

    /// Decides about the wants of a round, in the order of the turns of their origins.
    pub(super) fn play_round(&mut self, now: UnixMillis, ids: Vec<WantId>) {
        let place_of = |pool: &Self, id| pool.index.position(&id).map(|(turn, since)| (turn, since, id));
        let mut waiting: BTreeSet<_> = ids.into_iter().filter_map(|id| place_of(self, id)).collect();
        while let Some((turn, since, id)) = waiting.pop_first() {
            match place_of(self, id) {
                // Its origin was served meanwhile.
                Some(place) if place != (turn, since, id) => {
                    waiting.insert(place);
                }
                Some(_) => self.decide(now, id),
                None => {}
            }
        }
    }

    /// Decides about a want, if anything can be decided. A pool on standby decides nothing.
    pub(super) fn decide(&mut self, now: UnixMillis, id: WantId) {
        if self.activity == Activity::Standby {
            return;
        }
        let Some(want) = self.index.get(&id) else { return };
        if self.spent.holds(want.role_queue.queue) {
            self.counts.spent += 1;
            self.conclude(now, id, MatchEvent::Spent(id));
        } else if self.strangers != Strangers::Meet && want.role_queue.queue.invite_tag().is_none() {
            // By an order of the operator.
        } else if let Some(partner) = self.index.partner_of(now, &id) {
            self.pair(now, id.min(partner), id.max(partner));
        }
    }

    fn pair(&mut self, now: UnixMillis, low: WantId, high: WantId) {
        let half = |want| {
            let pooled = self.index.get(&want)?;
            Some(Half { want, node: pooled.node.clone(), pass: pooled.pass })
        };
        let (Some(first), Some(second)) = (half(low), half(high)) else { return };
        let event = MatchEvent::Pair([first, second]);
        self.counts.matches += 1;
        for id in [low, high] {
            if let Some(want) = self.index.get(&id) {
                self.recent_waits.served(now, want.role_queue, want.session, want.since);
            }
        }
        self.index.take_turn(&low, &mut self.rng);
        self.index.take_turn(&high, &mut self.rng);
        let first = self.conclude(now, low, event.clone());
        let second = self.conclude(now, high, event);
        if first == second {
            // Both are on one gateway, and one message is enough.
            self.effects.pop();
        }
    }

    /// Removes a want and sends its gateway the reason. Returns that gateway.
    fn conclude(&mut self, now: UnixMillis, id: WantId, event: MatchEvent) -> Option<NodeId> {
        let to = self.remove(now, &id)?.node;
        let effect = Effect { to: to.clone(), event };
        self.outcomes.record_sent(now, id, effect.clone());
        self.effects.push(effect);
        Some(to)
    }

    /// Handles the next of the wants that were waiting when this pool became active; in each bucket
    /// the longest waiting first.
    pub(super) fn take_over(&mut self, now: UnixMillis, after: Option<IndexKey>) {
        let keys = self.index.after(after, STEPS);
        self.activity = keys.last().map_or(Activity::Active, |last| Activity::TakingOver(Some(*last)));
        // Each want in this bucket is in another as well.
        for key in keys.into_iter().filter(|key| !key.bucket.is_second()) {
            self.decide(now, key.id);
        }
    }
}
