//! Gateways as pairing sees them, and what they expect of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use pairing::pool::{Effect, FairBy, Pool};
use proptest::prelude::*;
use schemas::{
    NodeId, Origin, SessionId, Stamp, Tag, UnixMillis, WantId,
    event::{Half, MatchEvent, RememberedRoom, Want, WantEvent},
    limits::MET_LIFE,
};

use super::{
    Criteria, ORIGINS, SLACK, SLACK_IF_LATER, START, Step,
    held::{Held, Match},
    node, queue,
};

/// The gateways, as far as pairing sees them, and a pool.
pub(super) struct World {
    fair_by: FairBy,
    pub(super) pool: Pool,
    /// What is remembered of sessions.
    remembered: BTreeMap<SessionId, BTreeMap<Tag, UnixMillis>>,
    now: UnixMillis,
    made: u32,
    pub(super) held: BTreeMap<WantId, Held>,
    matched: BTreeMap<WantId, Match>,
    in_flight: Vec<Effect>,
}

impl World {
    pub(super) fn new(fair_by: FairBy, seed: u8) -> Self {
        let mut pool = Pool::new(fair_by, [seed; 32]);
        pool.activate();
        pool.tick(START);
        Self {
            fair_by,
            pool,
            remembered: BTreeMap::new(),
            now: START,
            made: 0,
            held: BTreeMap::new(),
            matched: BTreeMap::new(),
            in_flight: Vec::new(),
        }
    }

    pub(super) fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Find { session, node, criteria } => self.find(session, node, criteria),
            Step::Cancel { session } => self.cancel(session),
            Step::ForgetTag { session } => self.forget_tag(session),
            Step::Repeat => self.repeat(),
            Step::Pass { millis } => self.pass(Duration::from_millis(millis.into())),
            Step::Die { node } => self.die(node),
            Step::Deliver => {
                self.deliver();
                Ok(())
            }
            Step::Lose => {
                self.in_flight.clear();
                Ok(())
            }
        }
    }

    fn find(&mut self, session: u8, at: u8, criteria: Criteria) -> Result<(), TestCaseError> {
        self.cancel(session)?;
        self.made += 1;
        let mut bytes = [0; 16];
        // The order of ids is not that of time.
        bytes[..4].copy_from_slice(&self.made.wrapping_mul(0x9e37_79b9).to_be_bytes());
        let mut tags: Vec<Tag> = criteria.tags.iter().map(|n| Tag::from_bytes([*n; 8])).collect();
        tags.dedup();
        let want = Want {
            id: WantId::from_bytes(bytes),
            session: SessionId::from_random([session; 16]),
            stamp: Stamp(self.made.into()),
            age: Duration::ZERO,
            queue: queue(criteria.queue),
            role: criteria.role,
            language: criteria.language.map(|language| language.parse().unwrap()),
            channel: schemas::criteria::ChannelVersion::CURRENT,
            met: tags.into_iter().map(|room| RememberedRoom(room, MET_LIFE)).collect(),
            reported: Vec::new(),
            origin: Some(Origin::from_bytes([session % ORIGINS; 12])),
            pass: false,
            delay: Duration::from_secs(criteria.delay.into()),
            trace: None,
        };
        let since = self.now - Duration::from_millis(criteria.age.into());
        let held = Held { want, node: at, since, tags: Vec::new(), fair_by: self.fair_by };
        self.held.insert(held.want.id, held.clone());
        self.publish(&[held])
    }

    fn of_session(&self, session: u8) -> Option<Held> {
        let session = SessionId::from_random([session; 16]);
        self.held.values().find(|held| held.want.session == session).cloned()
    }

    fn cancel(&mut self, session: u8) -> Result<(), TestCaseError> {
        let Some(held) = self.of_session(session) else { return Ok(()) };
        self.withdraw(&held);
        self.check()
    }

    fn withdraw(&mut self, held: &Held) {
        self.held.remove(&held.want.id);
        self.pool.apply(self.now, &node(held.node), WantEvent::Withdrawn(vec![held.want.id]));
    }

    fn forget_tag(&mut self, session: u8) -> Result<(), TestCaseError> {
        let Some(mut held) = self.of_session(session) else { return Ok(()) };
        if !held.want.met.is_empty() {
            held.want.met.remove(0);
        }
        self.held.insert(held.want.id, held.clone());
        self.publish(&[held])
    }

    fn repeat(&mut self) -> Result<(), TestCaseError> {
        let all: Vec<Held> = self.held.values().cloned().collect();
        for held in all {
            self.publish(&[held])?;
        }
        Ok(())
    }

    fn publish(&mut self, wants: &[Held]) -> Result<(), TestCaseError> {
        for held in wants {
            let want = held.published(self.now);
            self.remember(&want);
            if self.matched.get(&want.id).is_some_and(|one| one.is_over(self.now)) {
                self.matched.remove(&want.id);
            }
            self.pool.apply(self.now, &node(held.node), WantEvent::Waiting(vec![want]));
            self.check()?;
        }
        Ok(())
    }

    /// A session is kept from others by what its want says, and by what others of its wants have
    /// said.
    fn remember(&mut self, want: &Want) {
        let known = self.remembered.entry(want.session).or_default();
        for RememberedRoom(room, remaining) in &want.met {
            let until = self.now + *remaining;
            let before = known.entry(*room).or_insert(until);
            if until > *before + Duration::from_secs(10) {
                *before = until;
            }
        }
        if let Some(held) = self.held.get_mut(&want.id) {
            held.tags = known.iter().filter(|(_, until)| **until > self.now).map(|(tag, _)| *tag).collect();
        }
    }

    pub(super) fn pass(&mut self, time: Duration) -> Result<(), TestCaseError> {
        self.now += time;
        self.settle()?;
        if self.fair_by == FairBy::Origin {
            // What has just become possible waits for a round.
            self.now += SLACK;
            self.settle()?;
            self.nobody_is_left()?;
        }
        self.repeat()
    }

    fn settle(&mut self) -> Result<(), TestCaseError> {
        self.pool.tick(self.now);
        while self.pool.next_deadline().is_some_and(|deadline| deadline <= self.now) {
            self.pool.tick(self.now);
        }
        self.check()
    }

    fn die(&mut self, n: u8) -> Result<(), TestCaseError> {
        self.pool.forget_node(self.now, &node(n));
        self.held.retain(|_, held| held.node != n);
        for one in self.matched.values_mut().filter(|one| one.nodes.contains(&node(n))) {
            one.void = true;
        }
        self.check()?;
        // What is matched in the same millisecond would count as matched before the loss.
        self.now += Duration::from_millis(1);
        self.settle()
    }

    /// Every gateway handles the match of a want that is still current.
    pub(super) fn deliver(&mut self) {
        for effect in std::mem::take(&mut self.in_flight) {
            let MatchEvent::Pair(halves) = effect.event else { continue };
            for half in halves.iter().filter(|half| half.node == effect.to) {
                if let Some(held) = self.held.get(&half.want).cloned() {
                    self.withdraw(&held);
                }
            }
        }
    }

    /// Checks what the pool has sent, and what it should have sent.
    fn check(&mut self) -> Result<(), TestCaseError> {
        let effects = self.pool.take_effects();
        let mut sent: BTreeMap<[WantId; 2], BTreeSet<NodeId>> = BTreeMap::new();
        for effect in &effects {
            let MatchEvent::Pair([one, two]) = &effect.event else {
                return Err(TestCaseError::fail("nothing was spent"));
            };
            prop_assert!(one.want < two.want);
            prop_assert!([one, two].iter().any(|half| half.node == effect.to));
            let first_time = sent.entry([one.want, two.want]).or_default().insert(effect.to.clone());
            prop_assert!(first_time, "one gateway was sent the same match twice at once");
            let known = [(one, two), (two, one)].map(|(half, other)| {
                self.matched
                    .get(&half.want)
                    .is_some_and(|known| known.with == other.want && !known.is_over(self.now))
            });
            if known == [false, false] {
                self.check_new(one, two)?;
            }
        }
        self.in_flight.extend(effects);
        if self.fair_by == FairBy::Age { self.nobody_is_left() } else { Ok(()) }
    }

    fn check_new(&mut self, one: &Half, two: &Half) -> Result<(), TestCaseError> {
        let (Some(first), Some(second)) = (self.held.get(&one.want), self.held.get(&two.want)) else {
            return Err(TestCaseError::fail("a want was matched that nobody holds"));
        };
        prop_assert!(first.may_meet(second, self.now), "{first:?} {second:?}");
        prop_assert_eq!((&one.node, &two.node), (&node(first.node), &node(second.node)));
        for (chosen, partner) in [(first, second), (second, first)] {
            let passed_over = self.waiting().into_iter().find(|other| {
                let is_half = other.want.id == one.want || other.want.id == two.want;
                !is_half
                    && other.is_like(chosen)
                    && other.order() < chosen.order()
                    && other.may_meet(partner, self.now)
            });
            prop_assert!(passed_over.is_none(), "{chosen:?} was preferred to {passed_over:?}");
        }
        for (id, other) in [(one.want, two.want), (two.want, one.want)] {
            let nodes = [one.node.clone(), two.node.clone()];
            let before = self.matched.insert(id, Match { with: other, at: self.now, nodes, void: false });
            prop_assert!(before.is_none(), "matched twice: {before:?}");
        }
        Ok(())
    }

    /// Wants that the pool has not matched.
    fn waiting(&self) -> Vec<&Held> {
        let is_free = |id: &WantId| !self.matched.contains_key(id);
        self.held.values().filter(|held| is_free(&held.want.id)).collect()
    }

    fn nobody_is_left(&self) -> Result<(), TestCaseError> {
        let waiting = self.waiting();
        for (n, one) in waiting.iter().enumerate() {
            for other in &waiting[..n] {
                let is_later = [one, other].iter().any(|held| !held.want.delay.is_zero());
                let slack = match self.fair_by {
                    FairBy::Age => Duration::ZERO,
                    FairBy::Origin if is_later => SLACK_IF_LATER,
                    FairBy::Origin => SLACK,
                };
                let fit = one.may_meet(other, self.now) && one.may_meet(other, self.now - slack);
                prop_assert!(!fit, "left waiting: {one:?} {other:?}");
            }
        }
        Ok(())
    }
}
