//! The events that nodes publish, as CBOR on the bus (described in `events.cddl`). Every event may
//! be lost, doubled, delayed or reordered. So a fact that matters is repeated by its owner, and
//! ordered by stamp. Ages and remaining times are durations, so that clocks need not agree.

mod node;

use std::{ops::Not, time::Duration};

use serde::{Deserialize, Serialize};

pub use self::node::{Heartbeat, Load, OrdersAnswer, ReportCounts, ServiceCounts, SyncAnswer};
use crate::{
    BootId, NodeId, Origin, RoomId, SessionId, Side, Stamp, Tag, UnixMillis, WantId,
    announcement::Announcement,
    codec::{duration_ms, list},
    control::EndReason,
    criteria::{ChannelVersion, Language, Queue, Role},
    session::SessionState,
    trace::TraceContext,
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
    /// The session, for revocations: the gateway of the other side knows nothing else of it.
    pub owner: Tag,
}

/// Who has reported the other side of a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedBy {
    /// Its side.
    pub side: Side,
    /// Where it comes from: its address, or its /32 in IPv6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Origin>,
}

/// What happens to a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoomEvent {
    /// A side is connected here, and has not received anything of the other side. Always answered;
    /// repeated until it is.
    Joined(Attachment),
    /// A side is connected here. The answer to `Joined` of the other side.
    Present(Attachment),
    /// This attachment has lost its socket.
    Detached(Attachment),
    /// This attachment is not held here: the answer to a presence that names it.
    NotHere(Attachment),
    /// The other half of a match will not join: its want was withdrawn, or matched otherwise.
    Declined,
    /// The room has ended. Of a report nobody but the one who reported is told: for all others
    /// somebody has left.
    Ended(EndReason),
    /// This side has reported the other one, whose gateway acts on it. Also after the end of the
    /// room.
    Reported(ReportedBy),
    /// A janitor has forgotten the room. A gateway that holds a side of it ignores this.
    Expired,
}

/// One session's request to be matched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Want {
    /// Made at random for each `find`.
    pub id: WantId,
    /// Who is waiting. Nobody is matched with themselves, and of two wants of a session the one
    /// with the higher stamp counts.
    pub session: SessionId,
    /// The stamp of the session's attachment.
    pub stamp: Stamp,
    /// How long it has waited.
    #[serde(rename = "age_ms", with = "duration_ms")]
    pub age: Duration,
    /// Where it is queued.
    pub queue: Queue,
    /// Its role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Its language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// The version of the end-to-end channel that its client speaks.
    #[serde(default, skip_serializing_if = "ChannelVersion::is_first")]
    pub channel: ChannelVersion,
    /// The rooms that it remembers for a while: two wants that share a room, here or in
    /// [`Self::reported`], are not matched; by an invite they are, unless one of the two was
    /// reported there.
    #[serde(default, deserialize_with = "list::deserialize", skip_serializing_if = "Vec::is_empty")]
    pub met: Vec<RememberedRoom>,
    /// The rooms in which this session has reported the other side: remembered for its life.
    #[serde(default, deserialize_with = "list::deserialize", skip_serializing_if = "Vec::is_empty")]
    pub reported: Vec<Tag>,
    /// Where its client comes from: pairing is fair to origins. Absent while its gateway has no
    /// key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Whether it offers, and its session has a pass for that. The pass itself nobody is told.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub pass: bool,
    /// How long it is offered later than others, because of silent chats.
    #[serde(rename = "delay_ms", default, with = "duration_ms", skip_serializing_if = "Duration::is_zero")]
    pub delay: Duration,
    /// The trace of this search, if it is kept: wants travel in batches, so each has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
}

impl Want {
    /// The rooms that keep it from others now.
    pub fn tags(&self) -> impl Iterator<Item = Tag> {
        self.met.iter().map(|RememberedRoom(room, _)| *room).chain(self.reported.iter().copied())
    }
}

/// A room that a session remembers, and for how much longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedRoom(
    /// The room.
    pub Tag,
    /// For how much longer.
    #[serde(with = "duration_ms")]
    pub Duration,
);

/// What a gateway publishes for pairing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WantEvent {
    /// These are waiting. New ones are published at once, and all every
    /// [`crate::limits::WANT_REPEAT`].
    Waiting(#[serde(deserialize_with = "list::deserialize")] Vec<Want>),
    /// These are no longer waiting.
    Withdrawn(#[serde(deserialize_with = "list::deserialize")] Vec<WantId>),
    /// The two people of this invite have met: its queue is spent.
    Met(Queue),
    /// How is it in these queues? At most [`crate::limits::ASK_BATCH`] are answered, with
    /// [`crate::message::Message::Queue`]. From a gateway that tells who is there before anybody
    /// waits.
    Asked(#[serde(deserialize_with = "list::deserialize")] Vec<Queue>),
}

/// One half of a match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Half {
    /// The want.
    pub want: WantId,
    /// The gateway that holds it.
    pub node: NodeId,
    /// [`Want::pass`]: for the client of the other half.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub pass: bool,
}

/// What pairing publishes for a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MatchEvent {
    /// Two wants fit. Room and sides derive from their ids ([`RoomId::of_match`]).
    Pair([Half; 2]),
    /// This want names an invite that is spent.
    Spent(WantId),
}

/// Somebody was reported, as its gateway publishes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The room, as the one who reported remembers it.
    pub room: Tag,
    /// The session that was reported.
    pub session: Tag,
    /// Where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The [region](ReportedBy::region) of the one who has reported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reporter: Option<Origin>,
    /// How many chats the publisher has had with somebody of this origin in the last hour.
    pub chats: u32,
}

/// What happens to a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionEvent {
    /// It has connected here: every older attachment is over.
    Attached {
        /// The stamp of the new attachment.
        stamp: Stamp,
        /// The gateway.
        node: NodeId,
    },
    /// Its owner has deleted it.
    Revoked {
        /// How long every gateway remembers that: at first, for
        /// [`crate::lifetimes::revocation_memory`].
        #[serde(rename = "remaining_ms", with = "duration_ms")]
        remaining: Duration,
    },
    /// Its owner has left this room, over REST.
    Left(RoomId),
    /// From its attachment with this stamp on it looks for somebody else: a room that it holds by
    /// an older one is over.
    StartedOver {
        /// The stamp of the attachment.
        stamp: Stamp,
    },
    /// A janitor has forgotten it: it is past its life, or nobody renewed it. A gateway that holds
    /// it ignores this.
    Expired,
    /// A janitor has current leases of two gateways for it: one of them has missed that it was
    /// replaced. Whoever holds it publishes `Attached` again.
    HeldTwice,
}

/// The answer to `session.<session>.ask`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionAnswer {
    /// What it is doing.
    pub state: SessionState,
    /// Whether a socket is open.
    pub connected: bool,
    /// The stamp of the attachment that this is about: the answer with the highest one counts.
    pub stamp: Stamp,
    /// The room it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
}

/// What happens to a signing key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyEvent {
    /// It is used to sign, or has been.
    Announced(Box<Announcement>),
    /// No token that it signed is valid any more.
    Expired,
}

/// What a gateway holds, in batches every [`crate::limits::RENEWAL`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The boot id of the gateway.
    pub boot: BootId,
    /// Sessions that are attached, or were a moment ago.
    #[serde(deserialize_with = "list::deserialize")]
    pub sessions: Vec<SessionLease>,
}

/// One session that a gateway holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionLease {
    /// The session.
    pub session: SessionId,
    /// The stamp of its attachment.
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
    /// The gateway that publishes this.
    pub node: NodeId,
    /// Its sides.
    #[serde(deserialize_with = "list::deserialize")]
    pub rooms: Vec<(RoomId, Attached)>,
}

/// A side in a [`Presence`]: an [`Attachment`] to the gateway that publishes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// The stamp of the receiver's side, as the publisher knows it; [`Stamp::NONE`] if it takes
    /// that side for away. A receiver that knows better answers at once.
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
