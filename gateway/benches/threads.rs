//! Whether two threads carry more than one: `cargo bench -p gateway --bench threads --features bench`.
//!
//! All clients are of one gateway; each thread has its own pairs and does for them what the relay path does after reading: looks up where
//! the frames go, writes them as WebSocket frames, counts them, and hands them to the other side's socket, which the thread empties again.
//! What the threads share is the gateway. If they contended for any of it, two would carry less than twice as much.

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
    config::Config,
    ws::bench::{Connected, Relay},
};
use schemas::{BootId, RoomId};

/// Pairs of each thread.
const PAIRS: usize = 64;
/// Frames that one read has brought.
const FRAMES: usize = 32;
/// Each is so long.
const BYTES: usize = 128;
/// How long each measurement takes.
const TIME: Duration = Duration::from_secs(2);
/// Measurements of each kind, in turns, so that a busy machine hurts both alike.
const ROUNDS: usize = 3;

/// One that speaks, and the other side's socket.
struct Pair {
    speaker: Connected,
    listener: UnixStream,
    _other: (Connected, UnixStream),
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let config = Config::new("n1".parse().unwrap(), BootId(1));
    let bus = Local::new().join(config.node.clone());
    let mut relay = Relay::new(config, bus);
    let mut lots: Vec<Vec<Pair>> =
        runtime.block_on(async { (0..2).map(|_| (0..PAIRS).map(|_| pair(&mut relay)).collect()).collect() });
    // Until the sockets are known to take bytes, and `ready` has been said.
    lots.iter_mut().flatten().for_each(|pair| while !pass(&relay, pair) {});
    let mut best = [0.0_f64; 2];
    for _ in 0..ROUNDS {
        for threads in [1, 2] {
            let rate = measure(&relay, &mut lots[..threads]);
            best[threads - 1] = best[threads - 1].max(rate);
            println!("{threads} thread(s): {:.2} million frames a second", rate / 1e6);
        }
    }
    println!("best of {ROUNDS}: two threads carry {:.2} times as much as one", best[1] / best[0]);
}

fn pair(relay: &mut Relay) -> Pair {
    let (speaker, speakers_end) = relay.connect().unwrap();
    let (listening, listener) = relay.connect().unwrap();
    Connected::pair(&speaker, &listening, RoomId::from_bytes(rand::random()));
    Pair { speaker, listener, _other: (listening, speakers_end) }
}

/// Frames a second, all threads together.
fn measure(relay: &Relay, lots: &mut [Vec<Pair>]) -> f64 {
    let start = Instant::now();
    let rounds: usize = thread::scope(|scope| {
        let workers: Vec<_> = lots.iter_mut().map(|pairs| scope.spawn(move || work(relay, pairs))).collect();
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

/// Passes the frames of one read on, and empties the listener's socket. Whether something was in it.
fn pass(relay: &Relay, pair: &mut Pair) -> bool {
    let frame = [7; BYTES];
    relay.pass_on(&pair.speaker, [frame.as_slice(); FRAMES]);
    let mut into = [0; 64 * 1024];
    pair.listener.read(&mut into).is_ok_and(|count| count > 0)
}
