//! Many pairs at once, on several threads, with every writer that a connection can have.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rand::{Rng, SeedableRng, rngs::StdRng};
use schemas::{
    control::{PeerState, ServerMessage},
    limits::FRAME_BYTES,
};
use websocket::Opcode;

use super::support::*;

const PAIRS: u64 = 50;
const ROUNDS: u32 = 40;
/// Frames that one side sends before it reads as many of the other's.
const AT_ONCE: u32 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pairs_of_all_kinds_talk_both_ways_at_once_and_everything_arrives_in_order() {
    let gateway = Gateway::new(|_| ());
    let ways = [Way::Plain, Way::Tls, Way::Narrow, Way::NarrowTls];
    let (mut talks, mut connections) = (Vec::new(), Vec::new());
    for seed in 0..PAIRS {
        let (one, other) = (ways[seed as usize % 4], ways[(seed / 4) as usize % 4]);
        for (client, connection) in gateway.pair(one, other).await {
            connections.push(connection);
            talks.push(tokio::task::JoinSet::new());
            let last = talks.len() - 1;
            talks[last].spawn(talk(client, seed));
        }
    }
    // What sessions and the keep-alive say meanwhile, from other threads.
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Relaxed) {
                for connection in &connections {
                    connection.send(&ServerMessage::Peer { state: PeerState::Online });
                }
                gateway.node.keep_alive().turn();
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        });
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                for mut talk in talks {
                    while let Some(ended) = talk.join_next().await {
                        ended.unwrap();
                    }
                }
            });
        });
        done.store(true, Relaxed);
    });
    assert_eq!(gateway.node.metrics().frames_dropped.get(), 0);
    drop(connections);
    gateway.expect_nothing_left().await;
}

/// Sends and reads in turns; both sides of a pair draw the same sizes.
async fn talk(mut client: Client, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    for round in 0..ROUNDS {
        let payloads: Vec<Vec<u8>> = (0..AT_ONCE)
            .map(|n| {
                let most = if rng.random_bool(0.05) { FRAME_BYTES / 4 } else { 300 };
                let mut payload = vec![seed as u8; rng.random_range(8..most)];
                payload[..4].copy_from_slice(&round.to_be_bytes());
                payload[4..8].copy_from_slice(&n.to_be_bytes());
                payload
            })
            .collect();
        client.raw(&frames(Opcode::Binary, &payloads)).await;
        for payload in payloads {
            assert_eq!(client.frame_of_peer().await, payload);
        }
    }
    // Both have all: the goodbye takes nothing away.
    client.leave().await;
}
