//! Crowds of people, and of others who always wait: who meets whom in the end.

#![expect(clippy::unwrap_used, reason = "a helper of a test may panic as the test may")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use pairing::pool::{FairBy, Pool};
use rand::{Rng, SeedableRng, rngs::StdRng};
use schemas::{
    NodeId, Origin, RoomId, SessionId, Stamp, UnixMillis, WantId,
    criteria::Queue,
    event::{MatchEvent, RememberedRoom, Want, WantEvent},
    limits::{MET_LIFE, WANT_REPEAT},
};

const START: UnixMillis = UnixMillis(1_700_000_000_000);
const TICK: Duration = Duration::from_millis(100);
/// A chat of at least this length, in which one side said nothing, is a silent one.
const SILENT: Duration = Duration::from_secs(20);

/// One visitor: a person, or somebody who always waits and never says anything.
struct Visitor {
    origin: Origin,
    is_silent: bool,
    want: Option<(WantId, UnixMillis)>,
    /// Whether it is in a chat, and until when.
    until: Option<UnixMillis>,
    met: Vec<(RoomId, UnixMillis)>,
    silent_chats: usize,
    /// How long each of its waits was.
    waited: Vec<Duration>,
}

/// Who meets whom.
#[derive(Debug, Default)]
struct Meetings {
    of_people: usize,
    with_silent: usize,
    of_silent: usize,
}

impl Meetings {
    /// The part of all meetings of people that were with a silent one.
    fn share(&self) -> f64 {
        self.with_silent as f64 / (self.of_people + self.with_silent) as f64
    }
}

struct Hall {
    pool: Pool,
    rng: StdRng,
    now: UnixMillis,
    visitors: Vec<Visitor>,
    holders: BTreeMap<WantId, usize>,
    meetings: Meetings,
    /// How long people chat with each other, and how long they bear silence.
    chat: Duration,
    patience: Duration,
}

fn gateway() -> NodeId {
    "g1".parse().unwrap()
}

impl Hall {
    fn new(fair_by: FairBy, seed: u8, chat: Duration, patience: Duration) -> Self {
        let mut pool = Pool::new(fair_by, [seed; 32]);
        pool.activate();
        pool.tick(START);
        Self {
            pool,
            rng: StdRng::from_seed([seed; 32]),
            now: START,
            visitors: Vec::new(),
            holders: BTreeMap::new(),
            meetings: Meetings::default(),
            chat,
            patience,
        }
    }

    /// So many come from one address.
    fn come(&mut self, count: usize, is_silent: bool) {
        let origin = Origin::from_bytes(self.rng.random());
        for _ in 0..count {
            self.visitors.push(Visitor {
                origin,
                is_silent,
                want: None,
                until: None,
                met: Vec::new(),
                silent_chats: 0,
                waited: Vec::new(),
            });
        }
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        let mut repeat = self.now;
        while self.now < end {
            self.now += TICK;
            for visitor in 0..self.visitors.len() {
                let it = &mut self.visitors[visitor];
                if it.until.is_some_and(|until| until <= self.now) {
                    it.until = None;
                }
                if it.until.is_none() && it.want.is_none() {
                    self.find(visitor);
                }
            }
            if repeat <= self.now {
                repeat = self.now + WANT_REPEAT;
                let waiting: Vec<_> = self.holders.values().copied().collect();
                let wants = waiting.iter().filter_map(|visitor| self.want(*visitor)).collect();
                self.pool.apply(self.now, &gateway(), WantEvent::Waiting(wants));
            }
            self.pool.tick(self.now);
            while self.pool.next_deadline().is_some_and(|deadline| deadline <= self.now) {
                self.pool.tick(self.now);
            }
            for effect in self.pool.take_effects() {
                let MatchEvent::Pair(halves) = effect.event else { panic!("nothing is spent") };
                self.meet(halves.map(|half| half.want));
            }
        }
    }

    fn find(&mut self, visitor: usize) {
        let id = WantId::from_bytes(self.rng.random());
        self.visitors[visitor].want = Some((id, self.now));
        self.holders.insert(id, visitor);
        let want = self.want(visitor).unwrap();
        self.pool.apply(self.now, &gateway(), WantEvent::Waiting(vec![want]));
    }

    fn want(&self, visitor: usize) -> Option<Want> {
        let it = &self.visitors[visitor];
        let (id, since) = it.want?;
        let mut session = [0; 16];
        session[..8].copy_from_slice(&visitor.to_be_bytes());
        let met = it.met.iter().filter(|(_, until)| *until > self.now);
        let met = met.map(|(room, until)| RememberedRoom(room.tag(), until.since(self.now)));
        Some(Want {
            id,
            session: SessionId::from_random(session),
            stamp: Stamp(1),
            age: self.now.since(since),
            queue: Queue::Anyone,
            role: None,
            language: None,
            channel: schemas::criteria::ChannelVersion::CURRENT,
            met: met.collect(),
            reported: Vec::new(),
            origin: Some(it.origin),
            pass: false,
            delay: Duration::from_secs([0, 5, 20, 60][it.silent_chats.min(3)]),
            trace: None,
        })
    }

    fn meet(&mut self, wants: [WantId; 2]) {
        let halves = wants.map(|want| self.holders.remove(&want).unwrap());
        let (room, _) = RoomId::of_match(wants[0], wants[1]);
        let silent = halves.map(|half| self.visitors[half].is_silent);
        match silent {
            [true, true] => self.meetings.of_silent += 1,
            [false, false] => self.meetings.of_people += 1,
            _ => self.meetings.with_silent += 1,
        }
        let chat = self.rng.random_range(self.chat / 2..self.chat * 3 / 2);
        let length = if silent.contains(&true) { self.patience } else { chat };
        self.pool.apply(self.now, &gateway(), WantEvent::Withdrawn(wants.to_vec()));
        for (half, other_is_silent) in [(halves[0], silent[1]), (halves[1], silent[0])] {
            let it = &mut self.visitors[half];
            if let Some((_, since)) = it.want.take() {
                it.waited.push(self.now.since(since));
            }
            it.met.push((room, self.now + MET_LIFE));
            let surplus = it.met.len().saturating_sub(8);
            it.met.drain(..surplus);
            it.until = Some(self.now + length);
            // Only against somebody who says something.
            if it.is_silent && !other_is_silent && length >= SILENT {
                it.silent_chats += 1;
            }
        }
    }

    fn waits(&self, people: impl Fn(&Visitor) -> bool) -> Vec<Duration> {
        let people = self.visitors.iter().filter(|visitor| people(visitor));
        let mut waits: Vec<_> = people.flat_map(|visitor| visitor.waited.iter().copied()).collect();
        waits.sort_unstable();
        waits
    }
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// 20 people of 20 addresses, and 60 who always wait and never say anything, of one.
fn attacked(fair_by: FairBy, seed: u8, chat: Duration, patience: Duration) -> Hall {
    let mut hall = Hall::new(fair_by, seed, chat, patience);
    hall.come(60, true);
    hall.run(secs(5));
    (0..20).for_each(|_| hall.come(1, false));
    hall.run(secs(900));
    hall
}

#[test]
fn one_address_with_sixty_silent_sessions_does_not_meet_everybody() {
    for (chat, patience) in [(5, 2), (5, 5)] {
        for seed in 0..3 {
            let hall = attacked(FairBy::Origin, seed, secs(chat), secs(patience));
            let share = hall.meetings.share();
            println!("chat {chat} s, patience {patience} s: {share:.2} {:?}", hall.meetings);
            assert!(share < 0.35, "chat {chat} s, patience {patience} s: {share:.2} {:?}", hall.meetings);
        }
    }
    // Where the one who has waited longest is first, most people meet it.
    let share = attacked(FairBy::Age, 1, secs(5), secs(5)).meetings.share();
    assert!(share > 0.5, "{share:.2}");
}

#[test]
fn a_hall_behind_one_address_meet_each_other_quickly() {
    for (others, seed) in [(0, 1), (1, 2), (20, 3)] {
        let mut hall = Hall::new(FairBy::Origin, seed, secs(60), secs(10));
        hall.come(500, false);
        let in_hall = hall.visitors[0].origin;
        (0..others).for_each(|_| hall.come(1, false));
        hall.run(secs(600));
        let waits = hall.waits(|visitor| visitor.origin == in_hall);
        assert!(waits.len() > 500 * 5, "{} chats", waits.len());
        assert!(waits[waits.len() * 99 / 100] <= secs(2), "{:?}", waits[waits.len() * 99 / 100]);
        let never: BTreeSet<_> =
            hall.visitors.iter().filter(|visitor| visitor.waited.len() < 5).map(|it| it.origin).collect();
        assert!(never.is_empty(), "somebody hardly met anybody");
    }
}
