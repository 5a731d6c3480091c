//! What events and frames cost on the bus: `cargo bench -p schemas --bench events`. Allocations are
//! counted.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic as a test may")]

use std::{hint::black_box, time::Duration};

use divan::{
    Bencher,
    counter::{BytesCount, ItemsCount},
};
use schemas::{
    BootId, NodeId, RoomId, SessionId, Side, Stamp, Tag, UnixMillis, WantId,
    criteria::Queue,
    event::{
        Attached, Attachment, Lease, Presence, RememberedRoom, RoomEvent, SessionLease, Want, WantEvent,
    },
    frame::{Frames, put_frame, put_header},
    limits::{BATCH, WANT_BATCH},
    message::Message,
    session::SessionState,
    subject::{self, Subject},
};

#[global_allocator]
static ALLOC: divan::AllocProfiler = divan::AllocProfiler::system();

/// How many frames one read may return: one when there is little traffic, many under load.
const FRAMES: [usize; 3] = [1, 16, 256];
/// The smallest padded packet of the end-to-end channel; most messages fit into one.
const FRAME: [u8; 256] = [0xa5; 256];

fn main() {
    divan::main();
}

/// What is published most often, and the largest of what is published regularly.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Joined,
    Want,
    Wants,
    Leases,
    Presence,
}

const KINDS: [Kind; 5] = [Kind::Joined, Kind::Want, Kind::Wants, Kind::Leases, Kind::Presence];

fn message(kind: Kind) -> Message {
    let (node, room, stamp) = (node(), RoomId::from_bytes([7; 16]), Stamp(1_700_000_000_000));
    let owner = Tag::from_bytes([3; 8]);
    match kind {
        Kind::Joined => {
            let event = RoomEvent::Joined(Attachment { side: Side::A, stamp, node: node.clone(), owner });
            Message::Peer { room, to: node, event }
        }
        Kind::Want => Message::Want { from: node, event: WantEvent::Waiting(vec![want(1)]) },
        Kind::Wants => {
            let wants = (0..WANT_BATCH).map(|n| want(n as u8)).collect();
            Message::Want { from: node, event: WantEvent::Waiting(wants) }
        }
        Kind::Leases => {
            let lease = SessionLease {
                session: SessionId::from_random([5; 16]),
                stamp,
                state: SessionState::Paired,
                connected: true,
                room: Some(room),
                ends: UnixMillis(stamp.0),
            };
            Message::Lease { from: node, lease: Lease { boot: BootId(1), sessions: vec![lease; BATCH] } }
        }
        Kind::Presence => {
            let attached = Attached { peer: stamp, side: Side::B, stamp, owner };
            Message::Presence {
                to: node.clone(),
                presence: Presence { node, rooms: vec![(room, attached); BATCH] },
            }
        }
    }
}

fn node() -> NodeId {
    "gateway-1".parse().unwrap()
}

fn want(n: u8) -> Want {
    Want {
        id: WantId::from_bytes([n; 16]),
        session: SessionId::from_random([n; 16]),
        stamp: Stamp(1_700_000_000_000),
        age: Duration::from_secs(3),
        queue: Queue::Topic([n; 16]),
        role: None,
        language: Some("ko".parse().unwrap()),
        channel: schemas::criteria::ChannelVersion::CURRENT,
        met: vec![RememberedRoom(Tag::from_bytes([n; 8]), std::time::Duration::from_secs(200)); 2],
        reported: Vec::new(),
        origin: None,
        pass: false,
        delay: std::time::Duration::ZERO,
        trace: None,
    }
}

#[divan::bench(args = KINDS)]
fn encode(bencher: Bencher, kind: Kind) {
    let message = message(kind);
    let bytes = BytesCount::new(message.encode().unwrap().len());
    bencher.counter(bytes).bench_local(|| black_box(&message).encode());
}

#[divan::bench(args = KINDS)]
fn decode(bencher: Bencher, kind: Kind) {
    let message = message(kind);
    let (subject, body) = (message.subject(), message.encode().unwrap());
    bencher
        .counter(BytesCount::new(body.len()))
        .bench_local(|| Message::decode(subject.clone(), black_box(&body)));
}

/// Encodes the frames of one read for the bus.
#[divan::bench(args = FRAMES)]
fn put_frames(bencher: Bencher, frames: usize) {
    let mut out = Vec::with_capacity(frames * 300);
    bencher.counter(ItemsCount::new(frames)).bench_local(|| {
        out.clear();
        put_header(&mut out, Side::A, Stamp(1));
        (0..frames).for_each(|_| put_frame(&mut out, black_box(&FRAME)));
        black_box(&out);
    });
}

/// Checks and reads the same frames.
#[divan::bench(args = FRAMES)]
fn parse_frames(bencher: Bencher, frames: usize) {
    let mut bytes = Vec::new();
    put_header(&mut bytes, Side::A, Stamp(1));
    (0..frames).for_each(|_| put_frame(&mut bytes, &FRAME));
    bencher.counter(ItemsCount::new(frames)).bench_local(|| {
        let frames = Frames::parse(black_box(&bytes)).unwrap();
        frames.iter().for_each(|frame| _ = black_box(frame));
    });
}

/// What a gateway does with the subject of each message of frames.
#[divan::bench]
fn room_of_a_subject(bencher: Bencher) {
    let text = Subject::Frames(RoomId::from_bytes([7; 16]), node()).text();
    bencher.bench_local(|| subject::room_of_frames(black_box(&text)));
}

/// What a gateway makes for each message of frames.
#[divan::bench]
fn subject_of_a_room(bencher: Bencher) {
    let subject = Subject::Frames(RoomId::from_bytes([7; 16]), node());
    bencher.bench_local(|| black_box(&subject).text());
}
