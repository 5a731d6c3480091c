//! Random histories against the rules of matching, written independently of how the pool implements
//! them.

#![expect(clippy::unwrap_used, reason = "a helper of a test may panic as the test may")]

mod held;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use pairing::pool::{Effect, FairBy, Pool};
use proptest::prelude::*;
use schemas::{
    NodeId, Origin, RoomId, SessionId, Stamp, Tag, UnixMillis, WantId,
    criteria::{Queue, Role},
    event::{Half, MatchEvent, RememberedRoom, Want, WantEvent},
    limits::MET_LIFE,
};

use held::{Held, Match};

const START: UnixMillis = UnixMillis(1_700_000_000_000);
const SESSIONS: u8 = 10;
const NODES: u8 = 3;
const ORIGINS: u8 = 4;
/// So much later a want that is offered later may find somebody who has waited long enough, and
/// who waits for a round a partner.
const SLACK: Duration = Duration::from_secs(1);

/// What happens. Sessions and gateways are small numbers, so that they collide often.
#[derive(Clone, Debug)]
enum Step {
    /// A session sends `find`.
    Find { session: u8, node: u8, criteria: Criteria },
    /// It stops waiting.
    Cancel { session: u8 },
    /// Its gateway repeats it, without its first tag: an older token gains nothing.
    ForgetTag { session: u8 },
    /// All gateways repeat everything.
    Repeat,
    /// Time passes, and wants are repeated as they should.
    Pass { millis: u16 },
    /// A gateway is lost with all that it holds.
    Die { node: u8 },
    /// The gateways receive the matches, and withdraw the wants of each pair.
    Deliver,
    /// The matches are lost.
    Lose,
}

#[derive(Clone, Debug)]
struct Criteria {
    queue: u8,
    role: Option<Role>,
    language: Option<&'static str>,
    tags: Vec<u8>,
    age: u16,
    /// In seconds.
    delay: u8,
}

fn criteria() -> impl Strategy<Value = Criteria> {
    let role = prop_oneof![2 => Just(None), 1 => Just(Some(Role::Seek)), 1 => Just(Some(Role::Offer))];
    let language = prop::option::of(prop::sample::select(vec!["ko", "en"]));
    let tags = prop::collection::vec(0..6u8, 0..3);
    let delay = prop_oneof![4 => Just(0), 1 => prop::sample::select(vec![5, 20, 60])];
    (0..3u8, role, language, tags, prop_oneof![Just(0), 0..20_000u16], delay).prop_map(
        |(queue, role, language, tags, age, delay)| Criteria { queue, role, language, tags, age, delay },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => (0..SESSIONS, 0..NODES, criteria()).prop_map(|(session, node, criteria)| Step::Find { session, node, criteria }),
        2 => (0..SESSIONS).prop_map(|session| Step::Cancel { session }),
        2 => (0..SESSIONS).prop_map(|session| Step::ForgetTag { session }),
        2 => Just(Step::Repeat),
        4 => (1..5900u16).prop_map(|millis| Step::Pass { millis }),
        1 => (0..NODES).prop_map(|node| Step::Die { node }),
        3 => Just(Step::Deliver),
        2 => Just(Step::Lose),
    ]
}

fn node(n: u8) -> NodeId {
    format!("g{n}").parse().unwrap()
}

fn queue(n: u8) -> Queue {
    [Queue::Anyone, Queue::Topic([1; 16]), Queue::Invite([1; 16])][usize::from(n)]
}

fn fair_by() -> impl Strategy<Value = FairBy> {
    prop::sample::select(vec![FairBy::Origin, FairBy::Age])
}

/// The gateways, as far as pairing sees them, and a pool.
struct World {
    fair_by: FairBy,
    pool: Pool,
    /// What is remembered of sessions.
    remembered: BTreeMap<SessionId, BTreeMap<Tag, UnixMillis>>,
    now: UnixMillis,
    made: u32,
    held: BTreeMap<WantId, Held>,
    matched: BTreeMap<WantId, Match>,
    in_flight: Vec<Effect>,
}

impl World {
    fn new(fair_by: FairBy, seed: u8) -> Self {
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

    fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
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

    fn pass(&mut self, time: Duration) -> Result<(), TestCaseError> {
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
    fn deliver(&mut self) {
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
        let slack = if self.fair_by == FairBy::Age { Duration::ZERO } else { SLACK };
        for (n, one) in waiting.iter().enumerate() {
            for other in &waiting[..n] {
                let fit = one.may_meet(other, self.now) && one.may_meet(other, self.now - slack);
                prop_assert!(!fit, "left waiting: {one:?} {other:?}");
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn every_match_keeps_the_rules_and_nobody_who_could_meet_is_left(
        steps in prop::collection::vec(step(), 1..120),
        fair_by in fair_by(),
        seed: u8,
    ) {
        let mut world = World::new(fair_by, seed);
        for step in steps {
            world.take(step)?;
        }
        // In the end every match is received, whatever was lost.
        for _ in 0..4 {
            world.pass(Duration::from_secs(2))?;
            world.deliver();
        }
        let left = world.held.len();
        prop_assert_eq!(world.pool.waiting(), left, "a want is waiting that the pool does not know");
    }

    #[test]
    fn two_replicas_that_receive_in_different_order_propose_one_room(all_criteria in prop::collection::vec(criteria(), 2), turned: bool) {
        let wants: Vec<Want> = all_criteria.iter().zip(1u8..).map(|(criteria, n)| Want {
            id: WantId::from_bytes([n; 16]),
            session: SessionId::from_random([n; 16]),
            stamp: Stamp(1),
            age: Duration::from_millis(criteria.age.into()),
            queue: Queue::Anyone,
            role: None,
            language: criteria.language.map(|language| language.parse().unwrap()),
            channel: schemas::criteria::ChannelVersion::CURRENT,
            met: Vec::new(),
        reported: Vec::new(),
        origin: None,
        delay: Duration::ZERO,
        trace: None,
        }).collect();
        let rooms = |order: [usize; 2]| {
            let mut pool = Pool::new(FairBy::Age, [3; 32]);
            pool.activate();
            for n in order {
                pool.apply(START, &node(n as u8), WantEvent::Waiting(vec![wants[n].clone()]));
            }
            let halves = pool.take_effects().into_iter().map(|effect| effect.event);
            halves.map(|event| match event {
                MatchEvent::Pair([one, two]) => RoomId::of_match(one.want, two.want),
                MatchEvent::Spent(_) => panic!("nothing was spent"),
            }).collect::<Vec<_>>()
        };
        let order = if turned { [1, 0] } else { [0, 1] };
        prop_assert_eq!(rooms(order), rooms([0, 1]));
        let mut late = Pool::new(FairBy::Age, [3; 32]);
        for n in order {
            late.apply(START, &node(n as u8), WantEvent::Waiting(vec![wants[n].clone()]));
        }
        late.activate();
        late.tick(START);
        prop_assert_eq!(late.take_effects().len(), rooms([0, 1]).len());
    }
}
