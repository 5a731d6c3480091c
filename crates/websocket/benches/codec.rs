//! What framing costs: `cargo bench -p websocket --bench codec`.

use std::hint::black_box;

use divan::{Bencher, counter::BytesCount, counter::ItemsCount};
use websocket::{Decoder, Event, FrameEnd, Limits, Opcode, client, put_binary, unmask};

const LIMITS: Limits = Limits { binary: 65_536, text: 4096 };
/// What one read of a busy socket brings.
const READ_BYTES: usize = 65_536;
/// 128 bytes is the neutral load of `bench/`; chat packets are padded to 256 and up.
const PAYLOADS: [usize; 4] = [16, 128, 256, 4096];

fn main() {
    divan::main();
}

fn one_read(payload: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(READ_BYTES);
    let message = vec![0xa5; payload];
    while bytes.len() + payload + 14 <= READ_BYTES {
        client::put_frame(&mut bytes, Opcode::Binary, FrameEnd::Final, [0x37, 0xfa, 0x21, 0x3d], &message);
    }
    bytes
}

fn frames_in(read: &[u8]) -> u32 {
    let mut read = read.to_vec();
    let mut decoder = Decoder::default();
    let mut incoming = decoder.read(&mut read, LIMITS);
    while let Ok(Some(_)) = incoming.next_event() {}
    incoming.frames()
}

/// Masked frames to messages. Decoding overwrites its input, so each round starts by copying it:
/// see `copy_of_a_read`.
#[divan::bench(args = PAYLOADS)]
fn decode(bencher: Bencher, payload: usize) {
    let read = one_read(payload);
    let mut buffer = read.clone();
    let mut decoder = Decoder::default();
    bencher.counter(ItemsCount::new(frames_in(&read))).bench_local(|| {
        buffer.copy_from_slice(&read);
        let mut incoming = decoder.read(&mut buffer, LIMITS);
        while let Ok(Some(event)) = incoming.next_event() {
            black_box(event);
        }
    });
}

/// Masked frames to server frames in an output buffer: the relay inside one node.
#[divan::bench(args = PAYLOADS)]
fn relay(bencher: Bencher, payload: usize) {
    let read = one_read(payload);
    let mut buffer = read.clone();
    let mut decoder = Decoder::default();
    let mut out = Vec::with_capacity(READ_BYTES);
    bencher.counter(ItemsCount::new(frames_in(&read))).bench_local(|| {
        buffer.copy_from_slice(&read);
        out.clear();
        let mut incoming = decoder.read(&mut buffer, LIMITS);
        while let Ok(Some(Event::Binary(message))) = incoming.next_event() {
            put_binary(&mut out, message);
        }
        black_box(&out);
    });
}

/// The part of `decode` and `relay` that is not framing.
#[divan::bench(args = PAYLOADS)]
fn copy_of_a_read(bencher: Bencher, payload: usize) {
    let read = one_read(payload);
    let mut buffer = read.clone();
    bencher.counter(ItemsCount::new(frames_in(&read))).bench_local(|| {
        black_box(&mut buffer).copy_from_slice(black_box(&read));
    });
}

#[divan::bench(args = PAYLOADS)]
fn encode(bencher: Bencher, payload: usize) {
    let message = vec![0xa5; payload];
    let mut out = Vec::with_capacity(payload + 10);
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        out.clear();
        put_binary(&mut out, black_box(&message));
        black_box(&out);
    });
}

#[divan::bench(args = [7, 16, 128, 135, 256, 4096, 65_536])]
fn unmasking(bencher: Bencher, payload: usize) {
    let mut bytes = vec![0xa5; payload];
    bencher
        .counter(BytesCount::new(payload))
        .bench_local(|| unmask(black_box(&mut bytes), [0x37, 0xfa, 0x21, 0x3d]));
}
