//! Random histories against the rules of matching, written independently of how the pool implements
//! them.

#![expect(clippy::unwrap_used, reason = "a helper of a test may panic as the test may")]

mod held;
mod world;

use std::time::Duration;

use pairing::pool::{FairBy, Pool};
use proptest::prelude::*;
use schemas::{
    NodeId, RoomId, SessionId, Stamp, UnixMillis, WantId,
    criteria::{Queue, Role},
    event::{MatchEvent, Want, WantEvent},
};

use world::World;

const START: UnixMillis = UnixMillis(1_700_000_000_000);
const SESSIONS: u8 = 10;
const NODES: u8 = 3;
const ORIGINS: u8 = 4;
/// So much later who waits for a round finds a partner.
const SLACK: Duration = Duration::from_secs(1);
/// So much later a want that is offered later does: it asks once a second whether somebody has
/// waited long enough, and then waits for a round.
const SLACK_IF_LATER: Duration = Duration::from_secs(2);

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
        pass: false,
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
