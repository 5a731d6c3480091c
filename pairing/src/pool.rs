//! The pool: a fold over what gateways say of their wants, and the decision who meets whom. Time comes in as an argument, effects go
//! out as values; the same history gives the same effects.
//!
//! Every replica folds, one speaks. A silent pool lets everybody wait, so that whoever takes over finds all who wait; a speaking one
//! keeps this true between calls, once [`Pool::tick`] has nothing left to do: **no two who may meet are both left waiting.**
//!
//! A match may be lost on its way. So a want that is said again after its match was is answered with the same match (room and sides
//! derive from the two ids, hearing it twice changes nothing), and counts afresh after [`WANT_FORGET`]. Whoever has been matched with
//! someone who is gone hears so from the other's gateway and waits again under a new id; the pool need not guess.

mod lines;
mod memory;
mod place;
mod recent;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use schemas::{
    NodeId, UnixMillis, WantId,
    criteria::Queue,
    event::{Half, MatchEvent, Want, WantEvent},
    limits::{MET_TAGS, REPORTED_TAGS, WANT_FORGET, WANT_SILENCE},
};

use lines::Lines;
use memory::{Fate, Memory, Spent};
use place::{Line, Place};

pub use memory::{MAX_REMEMBERED, MAX_SPENT};

/// How many may wait at once, in about 1 GB. Whoever comes on top is refused until someone leaves: the gateway says the want again
/// every two seconds.
pub const MAX_WANTS: usize = 2_000_000;

/// A match is said again at most once in this time: a repetition that crossed it on its way is no sign of a loss.
pub const MATCH_REPEAT: Duration = Duration::from_secs(1);

/// How many wants one [`Pool::tick`] looks at: a few milliseconds' worth, so that heartbeats are not late.
const STEPS: usize = 1024;

/// What pairing tells a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The gateway.
    pub to: NodeId,
    /// What it hears. The halves of a pair are in the order of their ids.
    pub event: MatchEvent,
}

/// What the pool has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Pairs matched.
    pub matches: u64,
    /// Effects said again because a gateway seems not to have heard them.
    pub repeated: u64,
    /// Wants whose invite was spent.
    pub spent: u64,
    /// Wants refused: the pool was full, or they were not of the right form.
    pub refused: u64,
    /// Wants dropped because nobody said them again.
    pub silent: u64,
    /// Wants that were matched or withdrawn, and that are remembered no longer.
    pub forgotten: u64,
}

/// Who waits. See the module.
#[derive(Debug, Default)]
pub struct Pool {
    lines: Lines,
    memory: Memory,
    spent: Spent,
    /// Gateways that were lost, and when: a match with one of their wants is void.
    lost: BTreeMap<NodeId, UnixMillis>,
    /// What was heard before counts as heard now: see [`Pool::pardon`].
    pardoned: UnixMillis,
    voice: Voice,
    effects: Vec<Effect>,
    tally: Tally,
}

/// Whether the pool decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Voice {
    #[default]
    Silent,
    /// Has begun to decide, and has yet to look at all who stand after this place.
    TakingOver(Option<Place>),
    Speaking,
}

impl Pool {
    /// An empty, silent pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.lines.len()
    }

    /// What it has done so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Begins to match: first those who wait already, as [`Self::tick`] comes to them.
    pub fn speak(&mut self) {
        if self.voice == Voice::Silent {
            self.voice = Voice::TakingOver(None);
        }
    }

    /// Only folds from now on. Whoever was matched and is said again waits again: the match is another's to make.
    pub fn hush(&mut self) {
        if self.voice != Voice::Silent {
            self.voice = Voice::Silent;
            self.memory.forget_told();
        }
    }

    /// Folds in what the gateway `from` says.
    pub fn apply(&mut self, now: UnixMillis, from: &NodeId, event: WantEvent) {
        self.tick(now);
        match event {
            WantEvent::Waiting(wants) => wants.into_iter().for_each(|want| self.hear(now, from, want)),
            WantEvent::Withdrawn(ids) => ids.into_iter().for_each(|id| self.withdraw(now, from, id)),
            WantEvent::Met(queue) => self.spend(now, queue),
        }
    }

    /// Drops all wants of a gateway that is dead or has started again, and frees those who were matched with them.
    pub fn forget_node(&mut self, now: UnixMillis, node: &NodeId) {
        self.lines.remove_node(node);
        self.lost.retain(|_, at| now.since(*at) < WANT_FORGET);
        self.lost.insert(node.clone(), now);
    }

    /// After a gap in hearing, silence proves nothing: everybody counts as heard now.
    pub fn pardon(&mut self, now: UnixMillis) {
        self.pardoned = now;
    }

    /// Does what time brings: drops the silent, lets the patient meet other languages, matches after a take-over. A bounded amount of
    /// work; if more is left, [`Self::next_deadline`] has passed.
    pub fn tick(&mut self, now: UnixMillis) {
        let mut opened = Vec::new();
        for _ in 0..STEPS {
            let Some(id) = self.lines.due(now) else { break };
            opened.extend(self.look_at(now, id));
        }
        // All are open before anybody meets: after a pause several may be, and the longest waiting goes first.
        opened.sort_unstable();
        opened.into_iter().for_each(|(_, id)| self.settle(now, id));
        if let Voice::TakingOver(after) = self.voice {
            self.take_over(now, after);
        }
        self.tally.forgotten += self.memory.expire(now, STEPS) as u64;
        self.spent.expire(now, STEPS);
    }

    /// When [`Self::tick`] is to be called next; `None` while nobody waits.
    pub fn next_deadline(&self) -> Option<UnixMillis> {
        match self.voice {
            Voice::TakingOver(_) => Some(UnixMillis(0)),
            Voice::Silent | Voice::Speaking => self.lines.next_deadline(),
        }
    }

    /// Hands over what is to be said, in order.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    fn hear(&mut self, now: UnixMillis, from: &NodeId, want: Want) {
        if want.tags.len() > MET_TAGS + REPORTED_TAGS {
            self.tally.refused += 1;
        } else if let Some(waiting) = self.lines.get(&want.id) {
            // An id belongs to the gateway that made it, and what it wants does not change; only its tags expire.
            if waiting.node == *from && self.lines.refresh(now, &want.id, want.tags) {
                self.settle(now, want.id);
            }
        } else if !self.has_fate(now, from, &want.id) {
            self.admit(now, from, want);
        }
    }

    /// Whether a want was matched or withdrawn a moment ago. If its gateway does not seem to know, it is told again.
    fn has_fate(&mut self, now: UnixMillis, from: &NodeId, id: &WantId) -> bool {
        let lost = &self.lost;
        match self.memory.recall(now, id) {
            None => return false,
            Some(Fate::Told(told)) if is_void(&told.effect, told.decided, lost) => {}
            Some(Fate::Told(told)) => {
                if told.effect.to == *from && now.since(told.said) >= MATCH_REPEAT {
                    let effect = told.effect.clone();
                    self.say_again(now, effect);
                }
                return true;
            }
            Some(Fate::Withdrawn) => return true,
        }
        self.memory.forget_what_was_told(id);
        false
    }

    fn say_again(&mut self, now: UnixMillis, effect: Effect) {
        for id in effect.wants() {
            // Both halves may be on this gateway: one saying serves them.
            match self.memory.recall(now, &id) {
                Some(Fate::Told(told)) if told.effect == effect => told.said = now,
                _ => {}
            }
        }
        self.tally.repeated += 1;
        self.effects.push(effect);
    }

    fn admit(&mut self, now: UnixMillis, from: &NodeId, want: Want) {
        if let Some((other, stamp)) = self.lines.of_session(&want.session) {
            if stamp > want.stamp {
                return;
            }
            self.lines.remove(&other);
            self.memory.withdraw(now, other);
        }
        if self.lines.len() >= MAX_WANTS {
            self.tally.refused += 1;
            return;
        }
        let id = want.id;
        self.lines.insert(now, from, want);
        self.settle(now, id);
    }

    fn withdraw(&mut self, now: UnixMillis, from: &NodeId, id: WantId) {
        let waits_at = self.lines.get(&id).map(|waiting| &waiting.node);
        if waits_at.or_else(|| self.memory.told_to(&id)).is_some_and(|holder| holder != from) {
            return;
        }
        self.lines.remove(&id);
        // Also if it was not known: what it overtook must not bring it in.
        self.memory.withdraw(now, id);
    }

    fn spend(&mut self, now: UnixMillis, queue: Queue) {
        self.spent.mark(now, queue);
        if self.spent.holds(queue) {
            self.lines.in_queue(queue).into_iter().for_each(|id| self.settle(now, id));
        }
    }

    /// Decides about one who waits, if anything can be decided. A silent pool decides nothing.
    fn settle(&mut self, now: UnixMillis, id: WantId) {
        if self.voice == Voice::Silent {
            return;
        }
        let Some(waiting) = self.lines.get(&id) else { return };
        if self.spent.holds(waiting.lane.queue) {
            self.tally.spent += 1;
            self.tell(now, id, MatchEvent::Spent(id));
        } else if let Some(partner) = self.lines.partner_of(&id) {
            self.pair(now, id.min(partner), id.max(partner));
        }
    }

    fn pair(&mut self, now: UnixMillis, low: WantId, high: WantId) {
        let half = |want| Some(Half { want, node: self.lines.get(&want)?.node.clone() });
        let (Some(first), Some(second)) = (half(low), half(high)) else { return };
        let event = MatchEvent::Pair([first, second]);
        self.tally.matches += 1;
        let first_told = self.tell(now, low, event.clone());
        let second_told = self.tell(now, high, event);
        if first_told == second_told {
            // Both are on one gateway, and one message is enough.
            self.effects.pop();
        }
    }

    /// Takes a want out and tells its gateway why. Gives that gateway.
    fn tell(&mut self, now: UnixMillis, id: WantId, event: MatchEvent) -> Option<NodeId> {
        let to = self.lines.remove(&id)?.node;
        let effect = Effect { to: to.clone(), event };
        self.memory.told(now, id, effect.clone());
        self.effects.push(effect);
        Some(to)
    }

    /// Drops a want of which nothing was heard for too long. If it has just opened to other languages, gives since when it waits.
    fn look_at(&mut self, now: UnixMillis, id: WantId) -> Option<(UnixMillis, WantId)> {
        let waiting = self.lines.get(&id)?;
        let heard = waiting.heard.max(self.pardoned);
        if now.since(heard) >= WANT_SILENCE {
            self.tally.silent += 1;
            self.lines.remove(&id);
            return None;
        }
        let opened = waiting.ripe(now).then_some((waiting.since, id));
        if opened.is_some() {
            self.lines.open(&id);
        }
        self.lines.rearm(&id, heard);
        opened
    }

    /// Looks at the next of those who waited when this pool began to speak; in each line at the longest waiting first.
    fn take_over(&mut self, now: UnixMillis, after: Option<Place>) {
        let places = self.lines.after(after, STEPS);
        self.voice = places.last().map_or(Voice::Speaking, |last| Voice::TakingOver(Some(*last)));
        // Who stands in the line of the choosy stands in another as well.
        for place in places.into_iter().filter(|place| place.line != Line::CHOOSY) {
            self.settle(now, place.id);
        }
    }
}

/// Whether a match was made with a want of a gateway that has been lost since. In doubt it is void: the two are matched anew.
fn is_void(effect: &Effect, decided: UnixMillis, lost: &BTreeMap<NodeId, UnixMillis>) -> bool {
    match &effect.event {
        MatchEvent::Pair(halves) => {
            halves.iter().any(|half| lost.get(&half.node).is_some_and(|at| decided <= *at))
        }
        MatchEvent::Spent(_) => false,
    }
}
