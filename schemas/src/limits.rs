//! Every limit on which two processes must agree, each with its reason. A limit of one process
//! alone is beside the code that it limits.

use std::time::Duration;

/// The name of the WebSocket subprotocol, which contains the protocol's version.
pub const SUBPROTOCOL: &str = "cipher-chat.v1";

/// Largest binary message of a client, in bytes: four times the largest padded packet of the
/// end-to-end channel.
pub const FRAME_BYTES: usize = 64 * 1024;

/// Largest control message of a client, in bytes: a ticket in a `resume` is about 600.
pub const CONTROL_BYTES: usize = 4 * 1024;

/// Largest message of chat frames on the bus, in bytes: what one read of a socket can return, with
/// room for one whole frame.
pub const BUS_FRAMES_BYTES: usize = 128 * 1024;

/// Largest event on the bus, in bytes. Below the servers' `max_payload` of 192 KiB, beyond which
/// they would cut the connection.
pub const EVENT_BYTES: usize = 128 * 1024;

/// How deep arrays and maps may be nested in an event; the deepest event has 5 levels.
pub const EVENT_DEPTH: usize = 12;

/// Longest node id: it is a subject token, and subjects stay far below the servers' 512-byte
/// control line.
pub const NODE_ID_CHARS: usize = 64;

/// Longest topic in characters, as typed.
pub const TOPIC_CHARS: usize = 64;

/// Longest BCP 47 tag accepted. RFC 5646, section 4.4.1 asks for at least 35.
pub const LANGUAGE_CHARS: usize = 35;

/// How many entries a batch on the bus holds at most (wants, leases, presence, sync). 1000 of the
/// largest stay below [`EVENT_BYTES`] with room to spare (a want with 24 tags is the largest; see
/// [`WANT_BATCH`]).
pub const BATCH: usize = 1000;

/// How many wants one batch holds at most: a want with all its tags takes about 750 bytes.
pub const WANT_BATCH: usize = 150;

/// How many classes one message of pairing tells of at most: each takes less than 150 bytes.
pub const CLASS_BATCH: usize = 500;

/// For how many queues a gateway asks in one message at most: the answer, with three classes for
/// each, is one message, too.
pub const ASK_BATCH: usize = CLASS_BATCH / 3;

/// How seldom somebody who waits is told that the outlook has changed.
pub const OUTLOOK_REPEAT: Duration = Duration::from_secs(5);

/// An outlook that pairing has not confirmed for so long is not true any more.
pub const OUTLOOK_SILENCE: Duration = Duration::from_secs(30);

/// Most certificates that vouch for a signing key: the node's own, and two between it and the
/// authority.
pub const PROOF_CERTIFICATES: usize = 3;

/// Most bytes of the certificates and the signature that vouch for a signing key. Three with RSA
/// keys of 4096 bits take about 5 KiB.
pub const PROOF_BYTES: usize = 6 * 1024;

/// How many signing keys one batch holds at most, each with [`PROOF_BYTES`].
pub const KEY_BATCH: usize = 20;

/// How many signing keys of one gateway are believed at a time. It has three at the most (replaced,
/// signing, announced), and one more for each time that it has started again within the life of a
/// key.
pub const KEYS_PER_NODE: usize = 32;

/// How many of its last rooms a session remembers.
pub const MET_TAGS: usize = 8;

/// How many rooms a session remembers in which it has reported the other side, and how many in
/// which it was reported.
pub const REPORTED_TAGS: usize = 16;

/// For how long after its end a room can be reported.
pub const REPORT_WAIT: Duration = Duration::from_secs(60);

/// For how long two people who have just chatted are not matched again, but by an invite.
pub const MET_LIFE: Duration = Duration::from_secs(5 * 60);

/// The longest life of a session; after a day a client opens a new one.
pub const SESSION_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// Tolerated difference between two clocks when a token is checked.
pub const LEEWAY: Duration = Duration::from_secs(5);

/// A stamp further ahead of the clock is not believed. Below that it can be exceeded: the session
/// connects again, one higher. A clock that is wrong by less makes stamps that others still
/// believe.
pub const STAMP_AHEAD: Duration = SESSION_LIFE;

/// Longest public address of a node, in bytes: a host's name has at most 253, and few have a path.
pub const URL_BYTES: usize = 512;

/// Longest text of an order, in characters: a notice is read at a glance, on a phone too.
pub const ORDER_TEXT_CHARS: usize = 280;

/// What an order may ask of a new session, in hashes: with more a phone would work for minutes.
pub const ORDER_WORK: std::ops::RangeInclusive<u32> = 1..=1_000_000;

/// Longest list of revoked passes, in bytes: a thousand take about 50 KiB. It travels in an order, and
/// with one order of each other kind it is below [`EVENT_BYTES`].
pub const PASS_LIST_BYTES: usize = 64 * 1024;

/// How long an order lasts at most: what is meant to last longer belongs into the options. For so
/// long a node remembers an order that is over, so that none before it comes back.
pub const ORDER_LIFE: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// How long a node may be told to stop: whoever hears of it later is not meant.
pub const DRAIN_ORDER_LIFE: Duration = Duration::from_secs(60);

/// How often every node publishes a heartbeat.
pub const HEARTBEAT: Duration = Duration::from_secs(1);

/// Without a heartbeat for this long a node counts as lost: three heartbeats may be lost, and a
/// peer is still told `away` within 5 s.
pub const NODE_SILENCE: Duration = Duration::from_millis(3500);

/// Presence and leases are published once in this period.
pub const RENEWAL: Duration = Duration::from_secs(10);

/// How often wants are repeated.
pub const WANT_REPEAT: Duration = Duration::from_secs(2);

/// A want that is not repeated for this long is dropped: two repetitions may be lost.
pub const WANT_SILENCE: Duration = Duration::from_secs(7);

/// For how long a pool ignores wants that were matched or withdrawn, so that a late repetition
/// cannot bring one back.
pub const WANT_FORGET: Duration = Duration::from_secs(10);

/// Two different languages are kept apart until either side has waited this long.
pub const LANGUAGE_PATIENCE: Duration = Duration::from_secs(10);

/// How long a client waits before it is told that only others with another version of the channel
/// are there: it may be that somebody else has not reloaded the page either.
pub const VERSION_PATIENCE: Duration = Duration::from_secs(10);

/// For how long a spent invite code is remembered, best effort.
pub const SPENT_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// When a revocation and a new attachment are published: what must survive a lost message is
/// repeated by its owner.
pub const REPEATS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(5)];

const _: () = assert!(FRAME_BYTES + CONTROL_BYTES < BUS_FRAMES_BYTES);
