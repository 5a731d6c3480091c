//! The rules, one by one. Random histories are in `tests/histories/`.

mod fairness;
mod matching;
mod soft_state;
mod telling;

use schemas::{
    SessionId, Stamp, Tag,
    criteria::{ChannelVersion, Role},
    event::{Half, RememberedRoom, Want},
    limits::{LANGUAGE_PATIENCE, MET_LIFE, SESSION_LIFE, SPENT_LIFE, WANT_REPEAT},
};

use super::*;

const START: UnixMillis = UnixMillis(1_700_000_000_000);
const MOMENT: Duration = Duration::from_millis(1);

/// A pool with a clock.
struct Rig {
    pool: Pool,
    now: UnixMillis,
}

fn node(id: &str) -> NodeId {
    id.parse().unwrap()
}

fn id(n: u8) -> WantId {
    WantId::from_bytes([n; 16])
}

fn tag(n: u8) -> Tag {
    Tag::from_bytes([n; 8])
}

fn invite(n: u8) -> Queue {
    Queue::Invite([n; 16])
}

/// Want `n` of session `n`, new and without criteria.
fn want(n: u8) -> Want {
    Want {
        id: id(n),
        session: SessionId::from_random([n; 16]),
        stamp: Stamp(1),
        age: Duration::ZERO,
        queue: Queue::Anyone,
        role: None,
        language: None,
        channel: ChannelVersion::CURRENT,
        met: Vec::new(),
        reported: Vec::new(),
        origin: None,
        pass: false,
        delay: Duration::ZERO,
        trace: None,
    }
}

fn speaking(n: u8, language: &str) -> Want {
    Want { language: Some(language.parse().unwrap()), ..want(n) }
}

fn with_tags(n: u8, tags: &[u8]) -> Want {
    Want { met: tags.iter().map(|n| RememberedRoom(tag(*n), MET_LIFE)).collect(), ..want(n) }
}

/// What `to` is sent when want `one` of `one_node` is matched with want `other` of `other_node`;
/// `one` is the lower.
fn pair(to: &str, (one, one_node): (u8, &str), (other, other_node): (u8, &str)) -> Effect {
    let half = |n, at| Half { want: id(n), node: node(at), pass: false };
    Effect { to: node(to), event: MatchEvent::Pair([half(one, one_node), half(other, other_node)]) }
}

fn spent(to: &str, n: u8) -> Effect {
    Effect { to: node(to), event: MatchEvent::Spent(id(n)) }
}

impl Rig {
    fn standby() -> Self {
        Self { pool: Pool::new(FairBy::Age, [1; 32]), now: START }
    }

    fn active() -> Self {
        let mut rig = Self::standby();
        rig.activate();
        rig
    }

    fn activate(&mut self) {
        self.pool.activate();
        self.settle();
    }

    /// Ticks until nothing is left to do.
    fn settle(&mut self) {
        self.pool.tick(self.now);
        while self.pool.next_deadline().is_some_and(|deadline| deadline <= self.now) {
            self.pool.tick(self.now);
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.settle();
    }

    fn waits(&mut self, at: &str, want: Want) {
        self.pool.apply(self.now, &node(at), WantEvent::Waiting(vec![want]));
    }

    fn withdraws(&mut self, at: &str, n: u8) {
        self.pool.apply(self.now, &node(at), WantEvent::Withdrawn(vec![id(n)]));
    }

    fn meets(&mut self, queue: Queue) {
        self.pool.apply(self.now, &node("g1"), WantEvent::Met(queue));
    }

    /// Checks that exactly this has been sent since the last call.
    #[track_caller]
    fn sends(&mut self, expected: &[Effect]) {
        assert_eq!(self.pool.take_effects(), expected);
    }
}
