//! The subjects of the bus. They are built and parsed only here, and only from ids. No id can
//! contain a separator or wildcard: a malformed or too long subject would cost a node its whole
//! NATS connection.

mod interest;
mod questions;
mod roles;

use crate::{KeyId, NodeId, RoomId, Service, SessionId, order::OrderKind};

pub use interest::Interest;
pub use questions::{
    INBOX, Replies, SERVICES, Verb, asked_of_all, asked_of_service, asker_of_inbox, inbox_prefix,
    is_operators_inbox, ready_endpoint,
};
pub use roles::{Kind, OPERATOR, Permissions, inboxes};

/// What all subjects begin with.
pub const PREFIX: &str = "cc.v1";

/// Before the gateway that speaks, in the token of a subject that else says what kind of room event
/// it is. So one subscription brings what is said of a room and its frames, in order.
const OWN: &str = "at-";

/// The subject of one message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Chat frames for the side that the gateway holds.
    Frames(RoomId, NodeId),
    /// A room event for that gateway.
    Peer(RoomId, NodeId),
    /// A room event for every gateway.
    Room(RoomId, Service),
    /// The rooms that the publisher shares with that gateway.
    Presence(NodeId),
    /// Wants of that gateway.
    Want(NodeId),
    /// Reports of people who were on that gateway.
    Report(NodeId),
    /// The keys by which gateways make origins, as that gateway tells them; for gateways alone.
    Origin(NodeId),
    /// Matches for that gateway.
    Match(NodeId),
    /// How it stands where people of that gateway wait.
    Queue(NodeId),
    /// Events of a session.
    Session(SessionId, Service),
    /// A room event of an attachment of the first gateway, for the second.
    OwnPeer(RoomId, NodeId, NodeId),
    /// A room event of an attachment of that gateway, for every gateway.
    OwnRoom(RoomId, NodeId),
    /// The rooms that the first gateway shares with the second.
    OwnPresence(NodeId, NodeId),
    /// An event of a session that is attached to that gateway.
    OwnSession(SessionId, NodeId),
    /// Where is this session?
    Ask(SessionId),
    /// Events of a signing key, from that node.
    Key(KeyId, Service, NodeId),
    /// What that gateway holds.
    Lease(NodeId),
    /// That node asks what it has missed.
    Sync(NodeId),
    /// That node is running.
    Node(Service, NodeId),
    /// An order of the operator, of that kind.
    Order(OrderKind),
    /// Which orders are in force?
    OrdersAsk,
}

impl Subject {
    /// The subject as the servers see it; at most 170 bytes.
    pub fn text(&self) -> String {
        match self {
            // In one piece, because it is written for each message of frames.
            Self::Frames(room, node) => [PREFIX, ".room.", &room.text(), ".frame.", node.as_str()].concat(),
            Self::Peer(room, node) => format!("{PREFIX}.room.{}.peer.{}", room.text(), node.as_str()),
            Self::Room(room, speaker) => format!("{PREFIX}.room.{}.event.{}", room.text(), speaker.word()),
            Self::Presence(node) => format!("{PREFIX}.presence.{}", node.as_str()),
            Self::Want(node) => format!("{PREFIX}.want.{}", node.as_str()),
            Self::Report(node) => format!("{PREFIX}.report.{}", node.as_str()),
            Self::Origin(node) => format!("{PREFIX}.origin.{}", node.as_str()),
            Self::Match(node) => format!("{PREFIX}.match.{}", node.as_str()),
            Self::Queue(node) => format!("{PREFIX}.queue.{}", node.as_str()),
            Self::Session(session, speaker) => {
                format!("{PREFIX}.session.{}.event.{}", session.text(), speaker.word())
            }
            Self::OwnPeer(room, from, to) => {
                format!("{PREFIX}.room.{}.{OWN}{}.{}", room.text(), from.as_str(), to.as_str())
            }
            Self::OwnRoom(room, from) => format!("{PREFIX}.joined.{}.{}", from.as_str(), room.text()),
            Self::OwnPresence(from, to) => format!("{PREFIX}.present.{}.{}", from.as_str(), to.as_str()),
            Self::OwnSession(session, from) => {
                format!("{PREFIX}.attached.{}.{}", from.as_str(), session.text())
            }
            Self::Ask(session) => format!("{PREFIX}.session.{}.ask", session.text()),
            Self::Key(key, speaker, node) => {
                format!("{PREFIX}.key.{}.{}.{}", key.text(), speaker.word(), node.as_str())
            }
            Self::Lease(node) => format!("{PREFIX}.lease.{}", node.as_str()),
            Self::Sync(node) => format!("{PREFIX}.sync.{}", node.as_str()),
            Self::Node(service, node) => format!("{PREFIX}.node.{}.{}", service.word(), node.as_str()),
            Self::Order(kind) => format!("{PREFIX}.order.{}", kind.word()),
            Self::OrdersAsk => format!("{PREFIX}.orders.ask"),
        }
    }

    /// Parses a subject; `None` if it is not one of these, or a part of it is malformed.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(PREFIX)?.strip_prefix('.')?;
        let mut tokens = rest.split('.');
        let mut next = || tokens.next();
        let subject = match next()? {
            "room" => {
                let room = next()?.parse().ok()?;
                match next()? {
                    "frame" => Self::Frames(room, next()?.parse().ok()?),
                    "peer" => Self::Peer(room, next()?.parse().ok()?),
                    "event" => Self::Room(room, Service::from_word(next()?)?),
                    own => {
                        let from = own.strip_prefix(OWN)?.parse().ok()?;
                        Self::OwnPeer(room, from, next()?.parse().ok()?)
                    }
                }
            }
            "presence" => Self::Presence(next()?.parse().ok()?),
            "want" => Self::Want(next()?.parse().ok()?),
            "report" => Self::Report(next()?.parse().ok()?),
            "origin" => Self::Origin(next()?.parse().ok()?),
            "match" => Self::Match(next()?.parse().ok()?),
            "queue" => Self::Queue(next()?.parse().ok()?),
            "session" => {
                let session = next()?.parse().ok()?;
                match next()? {
                    "event" => Self::Session(session, Service::from_word(next()?)?),
                    "ask" => Self::Ask(session),
                    _ => return None,
                }
            }
            "key" => Self::Key(next()?.parse().ok()?, Service::from_word(next()?)?, next()?.parse().ok()?),
            "joined" => {
                let from = next()?.parse().ok()?;
                Self::OwnRoom(next()?.parse().ok()?, from)
            }
            "present" => Self::OwnPresence(next()?.parse().ok()?, next()?.parse().ok()?),
            "attached" => {
                let from = next()?.parse().ok()?;
                Self::OwnSession(next()?.parse().ok()?, from)
            }
            "lease" => Self::Lease(next()?.parse().ok()?),
            "sync" => Self::Sync(next()?.parse().ok()?),
            "node" => Self::Node(Service::from_word(next()?)?, next()?.parse().ok()?),
            "order" => {
                let word = next()?;
                Self::Order(OrderKind::ALL.iter().copied().find(|kind| kind.word() == word)?)
            }
            "orders" if next()? == "ask" => Self::OrdersAsk,
            _ => return None,
        };
        tokens.next().is_none().then_some(subject)
    }
}

/// Whether this is, or would match, subjects on which gateways name themselves.
pub fn is_own(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('.')) else { return false };
    let mut tokens = rest.split('.');
    match tokens.next() {
        Some("joined" | "present" | "attached") => true,
        Some("room") => tokens.nth(1).is_some_and(|token| token.starts_with(OWN)),
        _ => false,
    }
}

/// The room, if the subject is one of chat frames. Like [`Subject::parse`], but without allocating
/// the node's id.
pub fn room_of_frames(text: &str) -> Option<RoomId> {
    const ROOM_CHARS: usize = 22;
    let rest = text.strip_prefix(PREFIX)?.strip_prefix(".room.")?;
    let (room, rest) = rest.split_at_checked(ROOM_CHARS)?;
    if rest.starts_with(".frame.") { room.parse().ok() } else { None }
}

#[cfg(test)]
pub(crate) mod tests;
