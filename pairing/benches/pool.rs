//! What a find, a match and the repetition of wants cost, with few and with very many in the pool.
//!
//! `cargo bench -p pairing --bench pool`; items are wants. None of the wants in the pool fit each
//! other, so the pool keeps its size.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic as a test may")]

use std::{hint::black_box, time::Duration};

use divan::{Bencher, counter::ItemsCount};
use pairing::pool::{FairBy, Pool};
use schemas::{
    NodeId, Origin, SessionId, Stamp, Tag, UnixMillis, WantId,
    codec::sha256,
    criteria::{Queue, Role},
    event::{RememberedRoom, Want, WantEvent},
    limits::{MET_LIFE, WANT_BATCH},
};

const WAITING: [u32; 3] = [1_000, 100_000, 1_000_000];
const START: UnixMillis = UnixMillis(1_700_000_000_000);
const GATEWAYS: u32 = 50;

#[global_allocator]
static ALLOC: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    divan::main();
}

fn gateway(n: u32) -> NodeId {
    format!("gateway-{}", n % GATEWAYS).parse().unwrap()
}

fn random(seed: &str, n: u32) -> [u8; 16] {
    let hash = sha256(&[seed.as_bytes(), &n.to_be_bytes()]);
    hash.first_chunk().copied().unwrap()
}

/// Want `n`, with as many tags as somebody who chats now and then has.
fn want(n: u32, queue: Queue) -> Want {
    Want {
        id: WantId::from_bytes(random("want", n)),
        session: SessionId::from_random(random("session", n)),
        stamp: Stamp(1),
        age: Duration::ZERO,
        queue,
        role: None,
        language: None,
        channel: schemas::criteria::ChannelVersion::CURRENT,
        met: (0..n % 3).map(|tag| met(Tag::from_bytes([(n >> (8 * tag)) as u8; 8]))).collect(),
        reported: Vec::new(),
        origin: None,
        pass: false,
        delay: Duration::ZERO,
        trace: None,
    }
}

fn met(room: Tag) -> RememberedRoom {
    RememberedRoom(room, MET_LIFE)
}

fn alone(n: u32) -> Want {
    Want { met: Vec::new(), ..want(n, Queue::Topic(random("topic", n))) }
}

fn seeker(n: u32) -> Want {
    let language = Some(["ko", "en"][n as usize % 2].parse().unwrap());
    Want { role: Some(Role::Seek), language, ..want(n, Queue::Anyone) }
}

/// A pool with so many wants.
fn pool_of(count: u32, fair_by: FairBy, want: impl Fn(u32) -> Want) -> Pool {
    let mut pool = Pool::new(fair_by, [1; 32]);
    pool.activate();
    for n in 0..count {
        pool.apply(START, &gateway(n), WantEvent::Waiting(vec![want(n)]));
    }
    assert_eq!((pool.waiting(), pool.take_effects().len()), (count as usize, 0));
    pool
}

/// Somebody comes with a topic that nobody else has, and then somebody else with the same.
#[divan::bench(args = WAITING)]
fn two_meet_among_as_many_topics(bencher: Bencher<'_, '_>, waiting: u32) {
    let mut pool = pool_of(waiting, FairBy::Origin, alone);
    let mut next = waiting;
    let [one, other] = [gateway(0), gateway(1)];
    bencher.counter(ItemsCount::new(2u32)).bench_local(|| {
        // 20 matches in a millisecond; no want falls silent.
        let now = START + Duration::from_millis(u64::from((next - waiting) / 40));
        pool.renew_all(now);
        let first = alone(next);
        let second = Want { queue: first.queue, ..alone(next + 1) };
        next += 2;
        pool.apply(now, &one, WantEvent::Waiting(vec![first]));
        pool.apply(now, &other, WantEvent::Waiting(vec![second]));
        assert_eq!(black_box(pool.take_effects()).len(), 2);
    });
    assert_eq!(pool.waiting(), waiting as usize);
}

/// Somebody offers where all others seek, in two languages, and is matched with the one that has
/// waited longest. Then another one who seeks comes.
#[divan::bench(args = WAITING)]
fn two_meet_in_one_queue(bencher: Bencher<'_, '_>, waiting: u32) {
    let mut pool = pool_of(waiting, FairBy::Age, seeker);
    let mut next = waiting;
    let at = gateway(0);
    bencher.counter(ItemsCount::new(2u32)).bench_local(|| {
        let offer = Want { role: Some(Role::Offer), ..seeker(next) };
        pool.apply(START, &at, WantEvent::Waiting(vec![offer]));
        assert!(!black_box(pool.take_effects()).is_empty());
        pool.apply(START, &at, WantEvent::Waiting(vec![seeker(next + 1)]));
        next += 2;
    });
    assert_eq!(pool.waiting(), waiting as usize);
}

/// A round of a second in which a hundred come who offer, among a million who seek, of so many
/// origins; and a hundred more who seek come.
#[divan::bench(args = [1_000_000, 1_000, 1], sample_count = 10, sample_size = 10)]
fn a_round_among_a_million(bencher: Bencher<'_, '_>, origins: u32) {
    const WAIT: u32 = 1_000_000;
    const COME: u32 = 100;
    let second = Duration::from_secs(1);
    let want = |n: u32| {
        let hash = sha256(&[b"origin", &(n % origins).to_be_bytes()]);
        let origin = hash.first_chunk().copied().map(Origin::from_bytes);
        Want { origin, language: None, ..seeker(n) }
    };
    let mut pool = pool_of(WAIT, FairBy::Origin, want);
    let (mut next, mut now, at) = (WAIT, START, gateway(0));
    bencher.counter(ItemsCount::new(2 * COME)).bench_local(|| {
        now += second;
        // No want falls silent.
        pool.renew_all(now);
        for n in next..next + COME {
            let offer = Want { role: Some(Role::Offer), ..want(n) };
            pool.apply(now, &at, WantEvent::Waiting(vec![offer]));
        }
        now += second;
        pool.renew_all(now);
        while pool.next_deadline().is_some_and(|deadline| deadline <= now) {
            pool.tick(now);
        }
        assert!(!black_box(pool.take_effects()).is_empty());
        for n in next + COME..next + 2 * COME {
            pool.apply(now, &at, WantEvent::Waiting(vec![want(n)]));
        }
        next += 2 * COME;
    });
    assert_eq!(pool.waiting(), WAIT as usize);
}

/// One batch of what every gateway repeats every two seconds of all its wants.
#[divan::bench(args = WAITING)]
fn a_batch_is_repeated(bencher: Bencher<'_, '_>, waiting: u32) {
    let mut pool = pool_of(waiting, FairBy::Age, seeker);
    let mut next = 0;
    let count = WANT_BATCH as u32;
    let batch = || {
        // A batch comes from one gateway, whose wants are spread over the pool.
        next += 1;
        let ids = (0..count).map(|n| (next + n * GATEWAYS) % waiting / GATEWAYS * GATEWAYS + next % GATEWAYS);
        (gateway(next), WantEvent::Waiting(ids.map(seeker).collect()))
    };
    bencher.counter(ItemsCount::new(count)).with_inputs(batch).bench_local_values(|(from, event)| {
        pool.apply(START, &from, event);
    });
    assert_eq!(pool.waiting(), waiting as usize);
}

/// All come at once: the allocations show what a want takes.
#[divan::bench(args = WAITING, sample_count = 3, sample_size = 1)]
fn all_come(bencher: Bencher<'_, '_>, waiting: u32) {
    bencher.counter(ItemsCount::new(waiting)).bench_local(|| pool_of(waiting, FairBy::Age, seeker));
}

/// A replica takes over and handles all wants.
#[divan::bench(args = WAITING, sample_count = 3, sample_size = 1)]
fn a_replica_takes_over(bencher: Bencher<'_, '_>, waiting: u32) {
    let mut pool = pool_of(waiting, FairBy::Age, seeker);
    bencher.counter(ItemsCount::new(waiting)).bench_local(|| {
        pool.stand_by();
        pool.activate();
        while pool.next_deadline().is_some_and(|deadline| deadline <= START) {
            pool.tick(START);
        }
    });
    assert_eq!(pool.waiting(), waiting as usize);
}
