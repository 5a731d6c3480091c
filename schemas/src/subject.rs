//! The subjects of the bus. They are built and parsed only here, and only from ids. No id can
//! contain a separator or wildcard: a malformed or too long subject would cost a node its whole
//! NATS connection.

use crate::{KeyId, NodeId, RoomId, Service, SessionId};

/// What all subjects begin with.
pub const PREFIX: &str = "cc.v1";

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
    /// Matches for that gateway.
    Match(NodeId),
    /// Events of a session.
    Session(SessionId, Service),
    /// Where is this session?
    Ask(SessionId),
    /// Events of a signing key.
    Key(KeyId, Service),
    /// What that gateway holds.
    Lease(NodeId),
    /// That node asks what it has missed.
    Sync(NodeId),
    /// That node is running.
    Node(Service, NodeId),
}

impl Subject {
    /// The subject as the servers see it; at most 150 bytes.
    pub fn text(&self) -> String {
        match self {
            // In one piece, because it is written for each message of frames.
            Self::Frames(room, node) => [PREFIX, ".room.", &room.text(), ".frame.", node.as_str()].concat(),
            Self::Peer(room, node) => format!("{PREFIX}.room.{}.peer.{}", room.text(), node.as_str()),
            Self::Room(room, speaker) => format!("{PREFIX}.room.{}.event.{}", room.text(), speaker.word()),
            Self::Presence(node) => format!("{PREFIX}.presence.{}", node.as_str()),
            Self::Want(node) => format!("{PREFIX}.want.{}", node.as_str()),
            Self::Match(node) => format!("{PREFIX}.match.{}", node.as_str()),
            Self::Session(session, speaker) => {
                format!("{PREFIX}.session.{}.event.{}", session.text(), speaker.word())
            }
            Self::Ask(session) => format!("{PREFIX}.session.{}.ask", session.text()),
            Self::Key(key, speaker) => format!("{PREFIX}.key.{}.{}", key.text(), speaker.word()),
            Self::Lease(node) => format!("{PREFIX}.lease.{}", node.as_str()),
            Self::Sync(node) => format!("{PREFIX}.sync.{}", node.as_str()),
            Self::Node(service, node) => format!("{PREFIX}.node.{}.{}", service.word(), node.as_str()),
        }
    }

    /// The roles that publish on it. Which events each of them may publish:
    /// [`Message::publishers`](crate::message::Message::publishers).
    pub const fn publishers(&self) -> &'static [Service] {
        use Service::{Gateway, Janitor, Pairing};
        match self {
            Self::Frames(..)
            | Self::Peer(..)
            | Self::Presence(_)
            | Self::Want(_)
            | Self::Ask(_)
            | Self::Lease(_) => &[Gateway],
            Self::Match(_) => &[Pairing],
            Self::Room(..) | Self::Session(..) | Self::Key(..) | Self::Sync(_) => &[Gateway, Janitor],
            Self::Node(..) => &Service::ALL,
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
                    _ => return None,
                }
            }
            "presence" => Self::Presence(next()?.parse().ok()?),
            "want" => Self::Want(next()?.parse().ok()?),
            "match" => Self::Match(next()?.parse().ok()?),
            "session" => {
                let session = next()?.parse().ok()?;
                match next()? {
                    "event" => Self::Session(session, Service::from_word(next()?)?),
                    "ask" => Self::Ask(session),
                    _ => return None,
                }
            }
            "key" => Self::Key(next()?.parse().ok()?, Service::from_word(next()?)?),
            "lease" => Self::Lease(next()?.parse().ok()?),
            "sync" => Self::Sync(next()?.parse().ok()?),
            "node" => Self::Node(Service::from_word(next()?)?, next()?.parse().ok()?),
            _ => return None,
        };
        tokens.next().is_none().then_some(subject)
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

/// What a node subscribes to. There are few, made at the start, and never one per room.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Interest {
    /// Frames and peer events for this gateway. They are one subscription, so that a `Joined` is
    /// received before its frames.
    RoomTraffic(NodeId),
    /// Peer events of all gateways, without frames.
    PeerEvents,
    /// Room events for every gateway.
    RoomEvents,
    /// Presence for this gateway.
    Presence(NodeId),
    /// All wants.
    Wants,
    /// Matches for this gateway.
    Matches(NodeId),
    /// Events of all sessions.
    SessionEvents,
    /// Questions about sessions.
    Asks,
    /// Events of all keys.
    Keys,
    /// All leases.
    Leases,
    /// Questions of starting nodes.
    Syncs,
    /// Heartbeats of the nodes of one role.
    Heartbeats(Service),
}

impl Interest {
    /// The wildcard subject to subscribe to.
    pub fn text(&self) -> String {
        match self {
            Self::RoomTraffic(node) => format!("{PREFIX}.room.*.*.{}", node.as_str()),
            Self::PeerEvents => format!("{PREFIX}.room.*.peer.*"),
            Self::RoomEvents => format!("{PREFIX}.room.*.event.*"),
            Self::Presence(node) => Subject::Presence(node.clone()).text(),
            Self::Wants => format!("{PREFIX}.want.*"),
            Self::Matches(node) => Subject::Match(node.clone()).text(),
            Self::SessionEvents => format!("{PREFIX}.session.*.event.*"),
            Self::Asks => format!("{PREFIX}.session.*.ask"),
            Self::Keys => format!("{PREFIX}.key.*.*"),
            Self::Leases => format!("{PREFIX}.lease.*"),
            Self::Syncs => format!("{PREFIX}.sync.*"),
            Self::Heartbeats(service) => format!("{PREFIX}.node.{}.*", service.word()),
        }
    }

    /// Whether a message on `subject` is received: the wildcard's rule, for the bus without a
    /// server.
    pub fn covers(&self, subject: &Subject) -> bool {
        match (self, subject) {
            (Self::RoomTraffic(me), Subject::Frames(_, node) | Subject::Peer(_, node))
            | (Self::Presence(me), Subject::Presence(node))
            | (Self::Matches(me), Subject::Match(node)) => me == node,
            (Self::Heartbeats(of), Subject::Node(service, _)) => of == service,
            (Self::PeerEvents, Subject::Peer(..))
            | (Self::RoomEvents, Subject::Room(..))
            | (Self::Wants, Subject::Want(_))
            | (Self::SessionEvents, Subject::Session(..))
            | (Self::Asks, Subject::Ask(_))
            | (Self::Keys, Subject::Key(..))
            | (Self::Leases, Subject::Lease(_))
            | (Self::Syncs, Subject::Sync(_)) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_subject() -> Vec<Subject> {
        let room = RoomId::from_bytes([0xfe; 16]);
        let node = || "x".repeat(64).parse::<NodeId>().unwrap();
        let session = SessionId::from_random([9; 16]);
        let key = KeyId::from_bytes([1; 32]);
        vec![
            Subject::Frames(room, node()),
            Subject::Peer(room, node()),
            Subject::Room(room, Service::Gateway),
            Subject::Presence(node()),
            Subject::Want(node()),
            Subject::Match(node()),
            Subject::Session(session, Service::Janitor),
            Subject::Ask(session),
            Subject::Key(key, Service::Gateway),
            Subject::Lease(node()),
            Subject::Sync(node()),
            Subject::Node(Service::Pairing, node()),
        ]
    }

    fn every_interest() -> Vec<Interest> {
        let node = || "x".repeat(64).parse::<NodeId>().unwrap();
        let other = || "other".parse::<NodeId>().unwrap();
        let mut all = vec![
            Interest::RoomTraffic(node()),
            Interest::RoomTraffic(other()),
            Interest::PeerEvents,
            Interest::RoomEvents,
            Interest::Presence(node()),
            Interest::Presence(other()),
            Interest::Wants,
            Interest::Matches(node()),
            Interest::Matches(other()),
            Interest::SessionEvents,
            Interest::Asks,
            Interest::Keys,
            Interest::Leases,
            Interest::Syncs,
        ];
        all.extend(Service::ALL.map(Interest::Heartbeats));
        all
    }

    #[test]
    fn every_subject_is_read_back_and_is_short() {
        for subject in every_subject() {
            let text = subject.text();
            assert!(text.len() <= 150, "{text}");
            assert_eq!(Subject::parse(&text), Some(subject));
            assert_eq!(Subject::parse(&format!("{text}.more")), None);
            assert_eq!(
                Subject::parse(&text[..text.len() - text.rsplit('.').next().unwrap().len() - 1]),
                None
            );
        }
    }

    #[test]
    fn the_room_of_frames_is_read_the_short_way_too() {
        for subject in every_subject() {
            let expected = if let Subject::Frames(room, _) = subject { Some(room) } else { None };
            assert_eq!(room_of_frames(&subject.text()), expected);
        }
        assert_eq!(room_of_frames("cc.v1.room.AAAAAAAAAAAAAAAAAAAAAB.frame.n"), None);
    }

    #[test]
    fn only_ids_of_the_right_form_are_read() {
        for wrong in [
            "cc.v1.room.*.peer.n",
            "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAB.peer.n",
            "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.event.nobody",
            "cc.v1.session.x.ask",
            "cc.v1.want.",
            "cc.v2.want.n",
            "cc.v1",
            "",
        ] {
            assert_eq!(Subject::parse(wrong), None, "{wrong}");
        }
    }

    /// NATS's own rule for `*`, with which `covers` is compared.
    fn wildcard_matches(wildcard: &str, subject: &str) -> bool {
        let (mut wild, mut tokens) = (wildcard.split('.'), subject.split('.'));
        loop {
            match (wild.next(), tokens.next()) {
                (None, None) => return true,
                (Some("*"), Some(_)) => {}
                (Some(w), Some(t)) if w == t => {}
                _ => return false,
            }
        }
    }

    #[test]
    fn an_interest_covers_exactly_what_its_wildcard_matches() {
        for interest in every_interest() {
            for subject in every_subject() {
                let expected = wildcard_matches(&interest.text(), &subject.text());
                assert_eq!(interest.covers(&subject), expected, "{interest:?} {subject:?}");
            }
        }
    }
}
