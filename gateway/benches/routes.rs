//! What it costs to find the connection for a message of frames from the bus:
//! `cargo bench -p gateway --bench routes --features bench`.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to measure")]

use bus::Local;
use divan::{Bencher, black_box, counter::ItemsCount};
use gateway::{
    bench::{Connected, Relay, RouteTable},
    config::Config,
};
use schemas::{BootId, RoomId};

/// One, the design's figure for a process, and far beyond.
const ROUTES: [usize; 3] = [1, 20_000, 1_000_000];
/// Enough not to stay in the first-level cache with what lies around them; each holds a socket.
const CONNECTIONS: usize = 256;
/// Look-ups in one sample.
const MESSAGES: usize = 1000;
/// Prime to all of them: each message is for another room, far from the last, until all have had
/// one.
const STRIDE: usize = 7919;

fn main() {
    divan::main();
}

struct Table {
    routes: RouteTable,
    /// Rooms in the order in which their messages come.
    asked: Vec<RoomId>,
    _runtime: tokio::runtime::Runtime,
    _connections: Vec<Connected>,
}

fn room(n: usize) -> RoomId {
    // Bits of n spread over the id, as in random ones.
    let spread = (n as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    RoomId::from_bytes(spread.to_be_bytes())
}

fn table(routes: usize) -> Table {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let connections: Vec<Connected> = runtime.block_on(async {
        let config = Config::new("n1".parse().unwrap(), BootId(1));
        let bus = Local::new().join(config.node.clone());
        let mut relay = Relay::new(config, bus);
        (0..CONNECTIONS.min(routes)).map(|_| relay.connect().unwrap().0).collect()
    });
    let rooms: Vec<RoomId> = (0..routes).map(room).collect();
    let asked = (0..routes.max(MESSAGES)).map(|n| rooms[n * STRIDE % routes]).collect();
    Table {
        routes: RouteTable::new(&rooms, &connections),
        asked,
        _runtime: runtime,
        _connections: connections,
    }
}

#[divan::bench(args = ROUTES)]
fn found(bencher: Bencher, routes: usize) {
    let Table { routes, asked, .. } = &table(routes);
    assert!(asked.iter().all(|room| routes.find(*room)), "every room is there");
    look_up(bencher, routes, asked);
}

/// For a room that has moved on.
#[divan::bench(args = ROUTES)]
fn not_found(bencher: Bencher, routes: usize) {
    let table = table(routes);
    let asked: Vec<RoomId> = (0..table.asked.len()).map(|n| room(routes + n)).collect();
    assert!(!asked.iter().any(|room| table.routes.find(*room)), "no room is there");
    look_up(bencher, &table.routes, &asked);
}

fn look_up(bencher: Bencher, routes: &RouteTable, asked: &[RoomId]) {
    let mut messages = asked.chunks_exact(MESSAGES).cycle();
    bencher.counter(ItemsCount::new(MESSAGES)).bench_local(|| {
        for room in messages.next().into_iter().flatten() {
            black_box(routes.find(black_box(*room)));
        }
    });
}
