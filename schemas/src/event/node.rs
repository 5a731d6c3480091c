//! What nodes tell each other of themselves, and answer to each other.

use serde::{Deserialize, Serialize};

use crate::{
    BootId, RoomId, SessionId, UnixMillis,
    announcement::Announcement,
    codec::list,
    control::EndReason,
    order::{OrderMark, SignedOrder},
};

/// What a starting node asks for with `sync.<node>`; every gateway and janitor that is synced
/// itself answers, in batches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncAnswer {
    /// Signing keys, at most [`crate::limits::KEY_BATCH`].
    #[serde(default, deserialize_with = "list::deserialize", skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<Announcement>,
    /// Deleted sessions, each with how much longer to remember it, in milliseconds.
    #[serde(default, deserialize_with = "list::deserialize", skip_serializing_if = "Vec::is_empty")]
    pub revoked: Vec<(SessionId, u64)>,
    /// Ended rooms, likewise.
    #[serde(default, deserialize_with = "list::deserialize", skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<(RoomId, EndReason, u64)>,
    /// Set in the last batch of a node.
    pub last: bool,
}

/// What every node publishes each [`crate::limits::HEARTBEAT`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// The boot id of the node.
    pub boot: BootId,
    /// The program's version.
    pub version: String,
    /// How loaded it is.
    pub load: Load,
    /// Whether it is about to stop.
    pub draining: bool,
    /// The time by its own clock, so that others notice a clock that is wrong. `None` from a node
    /// that does not say it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<UnixMillis>,
    /// Where clients reach this gateway and no other, at most [`crate::limits::URL_BYTES`]: those
    /// of one that goes away are sent there. `None` where only all gateways together have an
    /// address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The orders that are in force at it.
    #[serde(default, deserialize_with = "list::deserialize", skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<OrderMark>,
    /// What this gateway has counted since it started. `None` from other nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<ServiceCounts>,
    /// Whether this gateway says what it says of its attachments on subjects that name it, and
    /// hears others there ([`crate::message::Message::Own`]). A gateway of the version before does
    /// not, nor one that the NATS servers do not permit it yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub names_itself: bool,
}

impl Heartbeat {
    /// One that tells nothing but which run of a node it is of, and the program's version.
    pub fn new(boot: BootId, version: impl Into<String>) -> Self {
        Self {
            boot,
            version: version.into(),
            load: Load::default(),
            draining: false,
            time: None,
            url: None,
            orders: Vec::new(),
            counts: None,
            names_itself: false,
        }
    }
}

/// What is published of the service as a whole, as one gateway has counted it:
/// [`crate::transparency`] adds it up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceCounts {
    /// When it began to count.
    pub since: UnixMillis,
    /// Sessions that it has made.
    pub sessions: u64,
    /// Chats, counted where side `a` was.
    pub chats: u64,
    /// Chats that were reported to it.
    pub reports: ReportCounts,
    /// Orders that it has taken. All take the same.
    pub orders: u64,
}

/// Reports by category.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportCounts {
    /// See [`Category::Abuse`](crate::control::Category::Abuse).
    pub abuse: u64,
    /// See [`Category::Spam`](crate::control::Category::Spam).
    pub spam: u64,
    /// See [`Category::Minor`](crate::control::Category::Minor).
    pub minor: u64,
    /// See [`Category::Other`](crate::control::Category::Other).
    pub other: u64,
}

/// The answer to `orders.ask`: the newest order of each kind, also what is over and keeps older
/// ones away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrdersAnswer {
    /// At most one of each kind.
    #[serde(deserialize_with = "list::deserialize")]
    pub orders: Vec<SignedOrder>,
}

/// How loaded a node is. A gateway sets all fields, the others those that they know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Open WebSocket connections.
    pub connections: u32,
    /// Sessions that are waiting.
    pub waiting: u32,
    /// Sessions that are in a room.
    pub chatting: u32,
}
