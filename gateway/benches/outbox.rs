//! What waiting for a socket costs, without the socket:
//! `cargo bench -p gateway --bench outbox --features bench`. Items are frames.

use divan::{Bencher, counter::ItemsCount};
use gateway::bench::OpenOutbox;
use schemas::RoomId;
use websocket::put_binary;

/// 128 bytes is the neutral load of the other benchmarks; chat packets are padded to 256 and up.
const PAYLOADS: [usize; 3] = [128, 256, 4096];
const ROOM: RoomId = RoomId::from_bytes([3; 16]);
/// What waits for a slow client, in frames.
const WAITING: u32 = 32;

fn main() {
    divan::main();
}

fn frame(payload: usize) -> Vec<u8> {
    let mut frame = Vec::new();
    put_binary(&mut frame, &vec![0xa5; payload]);
    frame
}

/// Nothing waits: the frame goes past the outbox into the socket.
#[divan::bench]
fn past_an_empty_outbox(bencher: Bencher) {
    let mut outbox = OpenOutbox::new(ROOM);
    assert!(outbox.pass());
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| outbox.pass());
}

/// From the bus: appended, then written.
#[divan::bench(args = PAYLOADS)]
fn appended_and_written(bencher: Bencher, payload: usize) {
    let (mut outbox, frame) = (OpenOutbox::new(ROOM), frame(payload));
    let mut one = || (outbox.push(&frame), outbox.write(usize::MAX));
    assert_eq!(one(), (true, frame.len()));
    bencher.counter(ItemsCount::new(1_u32)).bench_local(one);
}

/// A client that reads slowly: its socket takes a frame and a half at a time, and what it does not
/// take goes back to the front.
#[divan::bench(args = PAYLOADS)]
fn written_piece_by_piece(bencher: Bencher, payload: usize) {
    let (mut outbox, frame) = (OpenOutbox::new(ROOM), frame(payload));
    let takes = frame.len() * 3 / 2;
    let mut all = || {
        let pushed = (0..WAITING).filter(|_| outbox.push(&frame)).count();
        let mut written = 0;
        while let taken @ 1.. = outbox.write(takes) {
            written += taken;
        }
        (pushed, written)
    };
    assert_eq!(all(), (WAITING as usize, frame.len() * WAITING as usize));
    bencher.counter(ItemsCount::new(WAITING)).bench_local(all);
}

/// Into an outbox in which something waits already.
#[divan::bench(args = PAYLOADS)]
fn appended_behind_others(bencher: Bencher, payload: usize) {
    let frame = frame(payload);
    bencher
        .counter(ItemsCount::new(WAITING))
        .with_inputs(|| OpenOutbox::new(ROOM))
        .bench_local_refs(|outbox| (0..WAITING).filter(|_| outbox.push(&frame)).count());
}
