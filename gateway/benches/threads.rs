//! Whether two threads carry more than one:
//! `cargo bench -p gateway --bench threads --features bench`.
//!
//! All clients are of one gateway; each thread has its own pairs and does for them what the relay
//! path does after reading: looks up where the frames go, writes them as WebSocket frames, counts
//! them, and hands them to the other side's socket, which the thread empties again. What the
//! threads share is the gateway. Two threads of two gateways share nothing: the difference between
//! the two is contention, the rest is the machine's.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to measure")]
#![expect(clippy::disallowed_methods, reason = "a measurement has a clock of its own")]

use std::{
    io::Read,
    os::unix::net::UnixStream,
    thread,
    time::{Duration, Instant},
};

use bus::Local;
use gateway::{
    bench::{Connected, Relay},
    config::Config,
};
use schemas::{BootId, RoomId};

/// Pairs in a lot; each thread has one.
const PAIRS: usize = 64;
/// Frames that one read has brought.
const FRAMES: usize = 32;
/// Each is so long.
const BYTES: usize = 128;
/// How long each measurement takes.
const TIME: Duration = Duration::from_secs(2);
/// Measurements of each kind, in turns, so that a busy machine hurts all alike.
const ROUNDS: usize = 3;

/// One that speaks, and the other side's socket.
struct Pair {
    speaker: Connected,
    listener: UnixStream,
    _other: (Connected, UnixStream),
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut relays = [relay("n1"), relay("n2")];
    // Two lots of the first gateway, one of the second.
    let mut lots: Vec<Vec<Pair>> = runtime
        .block_on(async { [0, 0, 1].map(|n| (0..PAIRS).map(|_| pair(&mut relays[n])).collect()).into() });
    let [shared, other] = &relays;
    // Until the sockets are known to take bytes, and `ready` has been said.
    for (relay, lot) in [shared, shared, other].into_iter().zip(&mut lots) {
        lot.iter_mut().for_each(|pair| while !pass(relay, pair) {});
    }
    let [first, second, third] = &mut lots[..] else { return };
    for _ in 0..ROUNDS {
        let one = measure([(shared, &mut *first)]);
        let two = measure([(shared, &mut *first), (shared, second)]);
        let apart = measure([(shared, &mut *first), (other, third)]);
        println!(
            "million frames a second: one thread {:.2}; two threads {:.2}; two threads of two gateways {:.2}",
            one / 1e6,
            two / 1e6,
            apart / 1e6
        );
    }
}

fn relay(node: &str) -> Relay {
    let config = Config::new(node.parse().unwrap(), BootId(1));
    let bus = Local::new().join(config.node.clone());
    Relay::new(config, bus)
}

fn pair(relay: &mut Relay) -> Pair {
    let (speaker, speakers_end) = relay.connect().unwrap();
    let (listening, listener) = relay.connect().unwrap();
    Connected::pair(&speaker, &listening, RoomId::from_bytes(rand::random()));
    Pair { speaker, listener, _other: (listening, speakers_end) }
}

/// Frames a second, all threads together.
fn measure<const THREADS: usize>(lots: [(&Relay, &mut Vec<Pair>); THREADS]) -> f64 {
    let start = Instant::now();
    let rounds: usize = thread::scope(|scope| {
        let workers = lots.map(|(relay, pairs)| scope.spawn(move || work(relay, pairs)));
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    (rounds * PAIRS * FRAMES) as f64 / start.elapsed().as_secs_f64()
}

fn work(relay: &Relay, pairs: &mut [Pair]) -> usize {
    let start = Instant::now();
    let mut rounds = 0;
    while start.elapsed() < TIME {
        for pair in &mut *pairs {
            assert!(pass(relay, pair), "a socket that is emptied takes all");
        }
        rounds += 1;
    }
    rounds
}

/// Passes the frames of one read on, and empties the listener's socket. Whether something was in
/// it.
fn pass(relay: &Relay, pair: &mut Pair) -> bool {
    let frame = [7; BYTES];
    relay.pass_on(&pair.speaker, [frame.as_slice(); FRAMES]);
    let mut into = [0; 64 * 1024];
    pair.listener.read(&mut into).is_ok_and(|count| count > 0)
}
