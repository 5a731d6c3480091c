//! Decoding allocates in proportion to the bytes that there are, never to the lengths that they
//! declare.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(unsafe_code, reason = "a counting allocator is the only way to see what is allocated")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use schemas::{
    BootId, KeyId, NodeId, Origin, RoomId, Service, SessionId, Side, Stamp, Tag, UnixMillis, WantId,
    announcement::{Announcement, Proof},
    criteria::Queue,
    event::{Attached, Lease, Presence, RememberedRoom, SessionLease, SyncAnswer, Want, WantEvent},
    limits,
    message::{Answer, Message},
    session::SessionState,
    subject::Subject,
    trace::TraceContext,
};

/// Counts what the current thread has allocated.
struct Counting;

thread_local! {
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
}

fn count(bytes: usize) {
    ALLOCATED.with(|allocated| allocated.set(allocated.get() + bytes));
}

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`, which is the same there.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `alloc` or `realloc` above, and so from the system.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: as for `dealloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What any decoding may allocate beyond its share: scratch space and error texts.
const OVERHEAD: usize = 16 * 1024;

/// Times the size of the body: events are larger in memory than in CBOR, and a growing list is
/// copied.
const FACTOR: usize = 32;

fn allocated<T>(work: impl FnOnce() -> T) -> usize {
    let before = ALLOCATED.get();
    drop(work());
    ALLOCATED.get() - before
}

fn node() -> NodeId {
    "n1".parse().unwrap()
}

fn decode_as_everything(body: &[u8]) {
    let (room, session) = (RoomId::from_bytes([1; 16]), SessionId::from_random([2; 16]));
    for subject in [
        Subject::Peer(room, node()),
        Subject::Room(room, Service::Gateway),
        Subject::Presence(node()),
        Subject::Want(node()),
        Subject::Report(node()),
        Subject::Origin(node()),
        Subject::Match(node()),
        Subject::Queue(node()),
        Subject::Session(session, Service::Gateway),
        Subject::OwnPeer(room, node(), node()),
        Subject::OwnRoom(room, node()),
        Subject::OwnPresence(node(), node()),
        Subject::OwnSession(session, node()),
        Subject::Key(KeyId::from_bytes([3; 32]), Service::Gateway, node()),
        Subject::Lease(node()),
        Subject::Node(Service::Gateway, node()),
    ] {
        let bytes = allocated(|| Message::decode(subject.clone(), body));
        assert!(bytes <= OVERHEAD + FACTOR * body.len(), "{bytes} bytes for {} as {subject:?}", body.len());
    }
    for question in [Message::Ask { session }, Message::Sync { from: node() }] {
        let bytes = allocated(|| Answer::decode(&question, body));
        assert!(bytes <= OVERHEAD + FACTOR * body.len(), "{bytes} bytes for {} as an answer", body.len());
    }
}

/// The head of an array, map, byte string or text that announces `length`.
fn announcing(major: u8, length: u64) -> Vec<u8> {
    [&[(major << 5) | 27][..], &length.to_be_bytes()].concat()
}

/// Replaces the head of each list and string in a body by one that announces far more than follows.
fn exaggerated(body: &[u8], length: u64) -> Vec<Vec<u8>> {
    let heads = (0..body.len()).filter(|&i| matches!(body[i] >> 5, 2..=5) && body[i] & 31 < 24);
    heads.map(|i| [&body[..i], &announcing(body[i] >> 5, length), &body[i + 1..]].concat()).collect()
}

fn want(n: u8, tags: usize) -> Want {
    Want {
        id: WantId::from_bytes([n; 16]),
        session: SessionId::from_random([n; 16]),
        stamp: Stamp(u64::MAX),
        age: std::time::Duration::from_millis(u64::MAX),
        queue: Queue::Topic([n; 16]),
        role: Some(schemas::criteria::Role::Offer),
        language: Some("aaaaaaaa".parse().unwrap()),
        channel: schemas::criteria::ChannelVersion::CURRENT,
        met: vec![RememberedRoom(Tag::from_bytes([n; 8]), std::time::Duration::from_millis(u64::MAX)); tags],
        reported: vec![Tag::from_bytes([n; 8]); tags.min(limits::REPORTED_TAGS)],
        origin: Some(Origin::from_bytes([n; 12])),
        pass: false,
        delay: std::time::Duration::from_millis(u64::MAX),
        trace: Some(TraceContext::new([n; 16], [n; 8])),
    }
}

fn session_lease() -> SessionLease {
    SessionLease {
        session: SessionId::from_random([1; 16]),
        stamp: Stamp(u64::MAX),
        state: SessionState::Waiting,
        connected: true,
        room: Some(RoomId::from_bytes([1; 16])),
        ends: UnixMillis(u64::MAX),
    }
}

fn attached() -> Attached {
    Attached { peer: Stamp(u64::MAX), side: Side::B, stamp: Stamp(u64::MAX), owner: Tag::from_bytes([1; 8]) }
}

#[test]
fn what_is_announced_and_not_there_is_not_allocated() {
    let lease = Lease { boot: BootId(1), sessions: vec![session_lease()] };
    let presence = Presence { node: node(), rooms: vec![(RoomId::from_bytes([1; 16]), attached())] };
    let sync = SyncAnswer {
        revoked: vec![(SessionId::from_random([1; 16]), 1)],
        ended: vec![(RoomId::from_bytes([1; 16]), schemas::control::EndReason::Left, 1)],
        ..SyncAnswer::default()
    };
    let bodies = [
        Message::Want { from: node(), event: WantEvent::Waiting(vec![want(1, 24)]) }.encode().unwrap(),
        Message::Lease { from: node(), lease }.encode().unwrap(),
        Message::Presence { to: node(), presence }.encode().unwrap(),
        Answer::Sync(sync).encode().unwrap(),
        vec![0x80],
        vec![0xa0],
        vec![0x40],
        vec![0x60],
    ];
    for length in [u64::MAX, 1 << 63, 1 << 34, 100_000] {
        for body in &bodies {
            exaggerated(body, length).iter().for_each(|body| decode_as_everything(body));
        }
    }
}

#[test]
fn the_fullest_batches_fit_into_a_message_and_into_their_share() {
    let wants = WantEvent::Waiting(vec![want(1, 24); limits::WANT_BATCH]);
    let lease = Lease { boot: BootId(1), sessions: vec![session_lease(); limits::BATCH] };
    let longest: NodeId = "n".repeat(limits::NODE_ID_CHARS).parse().unwrap();
    let rooms = vec![(RoomId::from_bytes([1; 16]), attached()); limits::BATCH];
    for message in [
        Message::Want { from: node(), event: wants },
        Message::Want { from: node(), event: WantEvent::Withdrawn(vec![want(1, 0).id; limits::BATCH]) },
        Message::Lease { from: node(), lease },
        Message::Presence { to: node(), presence: Presence { node: longest.clone(), rooms } },
    ] {
        decode_as_everything(&message.encode().expect("a full batch fits"));
    }
    let certificates = vec![serde_bytes::ByteBuf::from(vec![1; 1900]); limits::PROOF_CERTIFICATES];
    let signature = vec![1; limits::PROOF_BYTES - limits::PROOF_CERTIFICATES * 1900].into();
    let key = Announcement {
        public: [1; 32],
        not_after: UnixMillis(u64::MAX),
        node: longest,
        possession: [1; 64],
        proof: Some(Proof { chain: certificates, scheme: u16::MAX, signature }),
    };
    assert!(key.is_of_size());
    let room = RoomId::from_bytes([1; 16]);
    for sync in [
        SyncAnswer { keys: vec![key; limits::KEY_BATCH], ..SyncAnswer::default() },
        SyncAnswer {
            revoked: vec![(session_lease().session, u64::MAX); limits::BATCH],
            ..SyncAnswer::default()
        },
        SyncAnswer {
            ended: vec![(room, schemas::control::EndReason::Reported, u64::MAX); limits::BATCH],
            ..SyncAnswer::default()
        },
    ] {
        decode_as_everything(&Answer::Sync(sync).encode().expect("a full batch fits"));
    }
}
