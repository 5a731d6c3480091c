//! What nodes tell each other, as CBOR on the bus (described in `events.cddl`). Everything may be lost, doubled, delayed or reordered:
//! what matters is repeated by its owner and folded by stamp. Ages and remaining times are durations, so that clocks need not agree.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    BootId, KeyId, NodeId, RoomId, SessionId, Side, Stamp, Tag, UnixMillis, WantId,
    codec::{duration_ms, list},
    control::EndReason,
    criteria::{Language, Queue, Role},
    session::SessionState,
};

/// One attachment of a side of a room to a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The side.
    pub side: Side,
    /// Orders the attachments of the side's session.
    pub stamp: Stamp,
    /// The gateway that holds the socket.
    pub node: NodeId,
    /// The session, for revocations: the other side's gateway knows no more of it.
    pub owner: Tag,
}

/// The life of a room between its two gateways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoomEvent {
    /// A side is here, and has not heard the other. Always answered; repeated until it is.
    Joined(Attachment),
    /// A side is here. The answer to `Joined` of the other side.
    Present(Attachment),
    /// This attachment has lost its socket.
    Detached(Attachment),
    /// This attachment is not held here: the answer to a presence that takes it for alive.
    NotHere(Attachment),
    /// The other half of a match will not come: its want was withdrawn or taken.
    Declined,
    /// The room is over.
    Ended(EndReason),
    /// A janitor has forgotten the room. A gateway that holds a side of it knows better.
    Expired,
}

/// A session waits to be matched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Want {
    /// Made at random for each `find`.
    pub id: WantId,
    /// Who waits: nobody meets oneself, and of two wants of a session the one with the higher stamp counts.
    pub session: SessionId,
    /// Of the session's attachment.
    pub stamp: Stamp,
    /// How long it has waited.
    #[serde(rename = "age_ms", with = "duration_ms")]
    pub age: Duration,
    /// Where it queues.
    pub queue: Queue,
    /// The part it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The language it speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Rooms that it remembers: two wants that share one are not matched.
    #[serde(default, deserialize_with = "list::deserialize", skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
}

/// What a gateway tells pairing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WantEvent {
    /// These wait: new ones at once, all again every [`crate::limits::WANT_REPEAT`].
    Waiting(#[serde(deserialize_with = "list::deserialize")] Vec<Want>),
    /// These wait no longer.
    Withdrawn(#[serde(deserialize_with = "list::deserialize")] Vec<WantId>),
    /// The two people of this invite have met: its queue is spent.
    Met(Queue),
}

/// One half of a match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Half {
    /// The want.
    pub want: WantId,
    /// The gateway that holds it.
    pub node: NodeId,
}

/// What pairing tells a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MatchEvent {
    /// Two wants fit. Room and sides derive from their ids ([`RoomId::of_match`]).
    Pair([Half; 2]),
    /// This want names an invite that is spent.
    Spent(WantId),
}

/// What is said of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionEvent {
    /// It has connected here: every older attachment is over.
    Attached {
        /// Of the new attachment.
        stamp: Stamp,
        /// The gateway.
        node: NodeId,
    },
    /// Its owner has deleted it. Kept by every gateway for this long.
    Revoked {
        /// One token life at the first saying.
        #[serde(rename = "remaining_ms", with = "duration_ms")]
        remaining: Duration,
    },
    /// Its owner has left this room, over REST.
    Left(RoomId),
    /// A janitor has forgotten it: past its life, or never renewed. A gateway that holds it knows better.
    Expired,
}

/// The answer to `session.<session>.ask`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionAnswer {
    /// What it is doing.
    pub state: SessionState,
    /// Whether a socket is open.
    pub connected: bool,
    /// Of the attachment that is spoken of: the highest answer counts.
    pub stamp: Stamp,
    /// The room it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
}

/// What is said of a signing key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyEvent {
    /// It signs or has signed.
    Announced(PublicKey),
    /// No token that it signed is alive.
    Expired,
}

/// The public half of a signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// Ed25519 (RFC 8032); its thumbprint is the key's id.
    #[serde(with = "serde_bytes")]
    pub public: [u8; 32],
    /// Its last signature + one token life.
    pub not_after: UnixMillis,
}

/// What a gateway holds, in batches every [`crate::limits::RENEWAL`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The run of the gateway.
    pub boot: BootId,
    /// Sessions that are attached, or have been a moment ago.
    #[serde(deserialize_with = "list::deserialize")]
    pub sessions: Vec<SessionLease>,
}

/// One session that a gateway holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionLease {
    /// The session.
    pub session: SessionId,
    /// Of its attachment.
    pub stamp: Stamp,
    /// What it is doing.
    pub state: SessionState,
    /// Whether its socket is open.
    pub connected: bool,
    /// Its room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// When the session's life ends.
    pub ends: UnixMillis,
}

/// The rooms that two gateways share, as one of them sees them, each [`crate::limits::RENEWAL`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// The gateway that speaks.
    pub node: NodeId,
    /// Its sides.
    #[serde(deserialize_with = "list::deserialize")]
    pub rooms: Vec<(RoomId, Attached)>,
}

/// A side in a [`Presence`]: an [`Attachment`] whose node is the speaker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// The stamp of the listener's side, as the speaker knows it.
    pub peer: Stamp,
    /// The side.
    pub side: Side,
    /// Its stamp.
    pub stamp: Stamp,
    /// Its session.
    pub owner: Tag,
}

impl Attached {
    /// The same, with its node.
    pub fn at(&self, node: &NodeId) -> Attachment {
        Attachment { side: self.side, stamp: self.stamp, node: node.clone(), owner: self.owner }
    }
}

/// What a starting node asks for with `sync.<node>`; every synced gateway and janitor answers, in batches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncAnswer {
    /// Signing keys.
    #[serde(default, deserialize_with = "list::deserialize", skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<PublicKey>,
    /// Deleted sessions, each with how much longer to remember it, in milliseconds.
    #[serde(default, deserialize_with = "list::deserialize", skip_serializing_if = "Vec::is_empty")]
    pub revoked: Vec<(SessionId, u64)>,
    /// Ended rooms, likewise.
    #[serde(default, deserialize_with = "list::deserialize", skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<(RoomId, EndReason, u64)>,
    /// Set in the last batch of a node.
    pub last: bool,
}

/// Every node says this each [`crate::limits::HEARTBEAT`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// The run of the node.
    pub boot: BootId,
    /// The program's version.
    pub version: String,
    /// What it carries.
    pub load: Load,
    /// Whether it goes away.
    pub draining: bool,
}

/// What a node carries; a gateway fills all, the others what they have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Open WebSocket connections.
    pub connections: u32,
    /// Sessions that wait.
    pub waiting: u32,
    /// Sessions that chat.
    pub chatting: u32,
}

impl PublicKey {
    /// The key's id.
    pub fn id(&self) -> KeyId {
        KeyId::of_public(&self.public)
    }
}
