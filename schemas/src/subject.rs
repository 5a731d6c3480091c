//! The subjects of the bus. They are built and parsed only here, and only from ids. No id can
//! contain a separator or wildcard: a malformed or too long subject would cost a node its whole
//! NATS connection.

mod roles;

use crate::{KeyId, NodeId, RoomId, Service, SessionId, order::OrderKind};

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

/// What the inboxes of all nodes begin with. An answer goes to no other subject.
pub const INBOX: &str = "_INBOX_";

/// Longest name of an inbox after its prefix.
const INBOX_CHARS: usize = 32;

/// What the inboxes of a node begin with. It contains the node's id, so that a permission can name
/// them, and ends before a dot.
pub fn inbox_prefix(node: &NodeId) -> String {
    format!("{INBOX}{}", node.as_str())
}

/// The node whose inbox this is; `None` for any other subject. Whoever answered on whatever a
/// question names would publish on any subject in its own name.
pub fn asker_of_inbox(reply: &str) -> Option<NodeId> {
    let (asker, inbox) = reply.strip_prefix(INBOX)?.split_once('.')?;
    let form = (1..=INBOX_CHARS).contains(&inbox.len()) && inbox.bytes().all(|b| b.is_ascii_alphanumeric());
    asker.parse().ok().filter(|_| form)
}

/// What a node subscribes to in order to answer the NATS micro protocol (ADR-32).
pub const SERVICES: &str = "$SRV.>";

/// What a node is asked by the NATS micro protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Who is there?
    Ping,
    /// What is it?
    Info,
    /// What has it done?
    Stats,
    /// Is it ready? Our own endpoint.
    Ready,
}

impl Verb {
    const ALL: [Self; 4] = [Self::Ping, Self::Info, Self::Stats, Self::Ready];

    const fn word(self) -> &'static str {
        match self {
            Self::Ping => "PING",
            Self::Info => "INFO",
            Self::Stats => "STATS",
            Self::Ready => "READY",
        }
    }
}

/// What is asked of the service `name` on `node`; `None` if that is nothing, or of another. A
/// question is for all services, for those of a name, or for one.
pub fn asked_of_service(subject: &str, name: &str, node: &NodeId) -> Option<Verb> {
    let mut tokens = subject.strip_prefix("$SRV.")?.split('.');
    let word = tokens.next()?;
    let verb = Verb::ALL.into_iter().find(|verb| verb.word() == word)?;
    let is_ours = tokens.next().is_none_or(|of| of == name)
        && tokens.next().is_none_or(|of| of == node.as_str())
        && tokens.next().is_none();
    is_ours.then_some(verb)
}

/// Where all services are asked something at once.
pub fn asked_of_all(verb: Verb) -> String {
    format!("$SRV.{}", verb.word())
}

/// Where the service `name` on `node` is asked whether it is ready.
pub fn ready_endpoint(name: &str, node: &NodeId) -> String {
    format!("$SRV.{}.{name}.{}", Verb::Ready.word(), node.as_str())
}

/// To whose inboxes a node answers the NATS micro protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replies {
    /// `_INBOX_<asker>.` only, so that permissions tell whose they are: where nodes have
    /// certificates.
    OfNodes,
    /// Also `_INBOX.`, which every NATS client uses that was told nothing else.
    OfAnybody,
}

/// Longest inbox of an operator's tool: two ids of its own after the prefix.
const OPERATOR_INBOX_CHARS: usize = 64;

/// Whether an operator's question may be answered there.
pub fn is_operators_inbox(reply: &str, replies: Replies) -> bool {
    let Some((prefix, inbox)) = reply.split_once('.') else { return false };
    let asker = prefix.strip_prefix(INBOX).is_some_and(|asker| asker.parse::<NodeId>().is_ok());
    let known = asker || (replies == Replies::OfAnybody && prefix == "_INBOX");
    let tokens = || inbox.split('.');
    let form = inbox.len() <= OPERATOR_INBOX_CHARS
        && tokens().all(|token| !token.is_empty() && token.bytes().all(|b| b.is_ascii_alphanumeric()));
    known && form
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
    /// All reports.
    Reports,
    /// The keys by which gateways make origins.
    Origins,
    /// Matches for this gateway.
    Matches(NodeId),
    /// Events of all sessions.
    SessionEvents,
    /// What gateways say to every gateway of their own attachments to rooms.
    OwnRooms,
    /// What gateways say to this one of the rooms that they share with it.
    OwnPresences(NodeId),
    /// What gateways say of their own attachments of sessions.
    OwnSessions,
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
    /// Orders of every kind.
    Orders,
    /// Questions which orders are in force.
    OrdersAsks,
}

impl Interest {
    /// All that a node of this role hears as such. What it publishes:
    /// [`Subject::publishers`].
    pub fn of(role: Service, node: &NodeId) -> Vec<Self> {
        match role {
            Service::Gateway => vec![
                Self::RoomTraffic(node.clone()),
                Self::RoomEvents,
                Self::Presence(node.clone()),
                Self::Matches(node.clone()),
                Self::Origins,
                Self::Reports,
                Self::SessionEvents,
                Self::OwnRooms,
                Self::OwnPresences(node.clone()),
                Self::OwnSessions,
                Self::Asks,
                Self::Keys,
                Self::Syncs,
                Self::Heartbeats(Service::Gateway),
            ],
            Service::Pairing => vec![
                Self::Wants,
                Self::Reports,
                Self::Heartbeats(Service::Pairing),
                Self::Heartbeats(Service::Gateway),
            ],
            Service::Janitor => vec![
                Self::PeerEvents,
                Self::RoomEvents,
                Self::SessionEvents,
                Self::OwnRooms,
                Self::OwnSessions,
                Self::Asks,
                Self::Keys,
                Self::Leases,
                Self::Syncs,
                Self::Heartbeats(Service::Janitor),
                Self::Heartbeats(Service::Gateway),
            ],
        }
    }

    /// What every node hears, whatever its role: who is running, and what time they have.
    pub fn of_all() -> Vec<Self> {
        Service::ALL.map(Self::Heartbeats).into()
    }

    /// What every node hears besides, whatever its role: the operator's orders, and who asks for them.
    pub fn of_orders() -> Vec<Self> {
        vec![Self::Orders, Self::OrdersAsks]
    }

    /// The wildcard subject to subscribe to.
    pub fn text(&self) -> String {
        match self {
            Self::RoomTraffic(node) => format!("{PREFIX}.room.*.*.{}", node.as_str()),
            Self::PeerEvents => format!("{PREFIX}.room.*.peer.*"),
            Self::RoomEvents => format!("{PREFIX}.room.*.event.*"),
            Self::Presence(node) => Subject::Presence(node.clone()).text(),
            Self::Wants => format!("{PREFIX}.want.*"),
            Self::Reports => format!("{PREFIX}.report.*"),
            Self::Origins => format!("{PREFIX}.origin.*"),
            Self::Matches(node) => Subject::Match(node.clone()).text(),
            Self::SessionEvents => format!("{PREFIX}.session.*.event.*"),
            Self::OwnRooms => format!("{PREFIX}.joined.*.*"),
            Self::OwnPresences(node) => format!("{PREFIX}.present.*.{}", node.as_str()),
            Self::OwnSessions => format!("{PREFIX}.attached.*.*"),
            Self::Asks => format!("{PREFIX}.session.*.ask"),
            Self::Keys => format!("{PREFIX}.key.*.*.*"),
            Self::Leases => format!("{PREFIX}.lease.*"),
            Self::Syncs => format!("{PREFIX}.sync.*"),
            Self::Heartbeats(service) => format!("{PREFIX}.node.{}.*", service.word()),
            Self::Orders => format!("{PREFIX}.order.*"),
            Self::OrdersAsks => Subject::OrdersAsk.text(),
        }
    }

    /// Whether a message on `subject` is received: the wildcard's rule, for the bus without a
    /// server.
    pub fn covers(&self, subject: &Subject) -> bool {
        match (self, subject) {
            (
                Self::RoomTraffic(me),
                Subject::Frames(_, node) | Subject::Peer(_, node) | Subject::OwnPeer(_, _, node),
            )
            | (Self::OwnPresences(me), Subject::OwnPresence(_, node))
            | (Self::Presence(me), Subject::Presence(node))
            | (Self::Matches(me), Subject::Match(node)) => me == node,
            (Self::Heartbeats(of), Subject::Node(service, _)) => of == service,
            (Self::PeerEvents, Subject::Peer(..))
            | (Self::RoomEvents, Subject::Room(..))
            | (Self::Wants, Subject::Want(_))
            | (Self::Reports, Subject::Report(_))
            | (Self::Origins, Subject::Origin(_))
            | (Self::SessionEvents, Subject::Session(..))
            | (Self::OwnRooms, Subject::OwnRoom(..))
            | (Self::OwnSessions, Subject::OwnSession(..))
            | (Self::Asks, Subject::Ask(_))
            | (Self::Keys, Subject::Key(..))
            | (Self::Leases, Subject::Lease(_))
            | (Self::Syncs, Subject::Sync(_))
            | (Self::Orders, Subject::Order(_))
            | (Self::OrdersAsks, Subject::OrdersAsk) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn every_subject() -> Vec<Subject> {
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
            Subject::Report(node()),
            Subject::Origin(node()),
            Subject::Match(node()),
            Subject::Session(session, Service::Janitor),
            Subject::OwnPeer(room, node(), node()),
            Subject::OwnRoom(room, node()),
            Subject::OwnPresence(node(), node()),
            Subject::OwnSession(session, node()),
            Subject::Ask(session),
            Subject::Key(key, Service::Gateway, node()),
            Subject::Lease(node()),
            Subject::Sync(node()),
            Subject::Node(Service::Pairing, node()),
            Subject::Order(OrderKind::InvitesOnly),
            Subject::OrdersAsk,
        ]
    }

    pub(super) fn every_interest() -> Vec<Interest> {
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
            Interest::Reports,
            Interest::Origins,
            Interest::Matches(node()),
            Interest::Matches(other()),
            Interest::SessionEvents,
            Interest::OwnRooms,
            Interest::OwnPresences(node()),
            Interest::OwnPresences(other()),
            Interest::OwnSessions,
            Interest::Asks,
            Interest::Keys,
            Interest::Leases,
            Interest::Syncs,
            Interest::Orders,
            Interest::OrdersAsks,
        ];
        all.extend(Service::ALL.map(Interest::Heartbeats));
        all
    }

    #[test]
    fn every_subject_is_read_back_and_is_short() {
        for subject in every_subject() {
            let text = subject.text();
            assert!(text.len() <= 170, "{text}");
            assert_eq!(Subject::parse(&text), Some(subject));
            assert_eq!(Subject::parse(&format!("{text}.more")), None);
            assert_eq!(
                Subject::parse(&text[..text.len() - text.rsplit('.').next().unwrap().len() - 1]),
                None
            );
        }
    }

    #[test]
    fn who_names_itself_is_seen_in_a_subject_and_in_a_wildcard() {
        for subject in every_subject() {
            let is_own = matches!(
                subject.kind(),
                Kind::OwnPeer | Kind::OwnRoom | Kind::OwnPresence | Kind::OwnSession
            );
            assert_eq!(super::is_own(&subject.text()), is_own, "{subject:?}");
        }
        for interest in every_interest() {
            let is_own =
                matches!(interest, Interest::OwnRooms | Interest::OwnPresences(_) | Interest::OwnSessions);
            assert_eq!(super::is_own(&interest.text()), is_own, "{interest:?}");
        }
        assert!(!super::is_own("cc.v1") && !super::is_own("joined.g1.x"));
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
            "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.at-.n",
            "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.at-gateway.n",
            "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.at-n.*",
            "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.n.n",
            "cc.v1.joined.n",
            "cc.v1.session.x.ask",
            "cc.v1.want.",
            "cc.v2.want.n",
            "cc.v1",
            "",
        ] {
            assert_eq!(Subject::parse(wrong), None, "{wrong}");
        }
    }

    /// NATS's own rule for `*` and `>`, with which `covers` is compared.
    pub(super) fn wildcard_matches(wildcard: &str, subject: &str) -> bool {
        let (mut wild, mut tokens) = (wildcard.split('.'), subject.split('.'));
        loop {
            match (wild.next(), tokens.next()) {
                (None, None) | (Some(">"), Some(_)) => return true,
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

    #[test]
    fn whatever_is_published_some_role_hears() {
        let node: NodeId = "x".repeat(64).parse().unwrap();
        for subject in every_subject() {
            let of_roles = Service::ALL.into_iter().flat_map(|role| Interest::of(role, &node));
            let mut heard = of_roles.chain(Interest::of_orders());
            assert!(heard.any(|interest| interest.covers(&subject)), "{subject:?}");
        }
        for role in Service::ALL {
            let heard = Interest::of(role, &node);
            let hears_frames = heard.iter().any(|it| it.covers(&every_subject()[0]));
            assert_eq!(hears_frames, role == Service::Gateway, "{role:?} and frames");
            let overlaps = every_subject().iter().any(|it| heard.iter().filter(|i| i.covers(it)).count() > 1);
            assert!(!overlaps, "{role:?} would hear something twice");
        }
    }

    #[test]
    fn a_question_of_the_micro_protocol_is_for_all_of_a_name_or_of_one() {
        let node: NodeId = "g1".parse().unwrap();
        for (subject, verb) in [
            ("$SRV.PING", Some(Verb::Ping)),
            ("$SRV.INFO.cipher-chat-gateway", Some(Verb::Info)),
            ("$SRV.STATS.cipher-chat-gateway.g1", Some(Verb::Stats)),
            ("$SRV.STATS.cipher-chat-gateway.g1.x", None),
            ("$SRV.STATS.cipher-chat-gateway.g2", None),
            ("$SRV.STATS.other", None),
            ("$SRV.STOP", None),
            ("$SRV", None),
            ("cc.v1.PING", None),
        ] {
            assert_eq!(asked_of_service(subject, "cipher-chat-gateway", &node), verb, "{subject}");
        }
        assert_eq!(asked_of_all(Verb::Stats), "$SRV.STATS");
        let endpoint = ready_endpoint("cipher-chat-gateway", &node);
        assert_eq!(asked_of_service(&endpoint, "cipher-chat-gateway", &node), Some(Verb::Ready));
    }

    #[test]
    fn an_operator_is_answered_in_an_inbox() {
        for (reply, of_nodes, of_anybody) in [
            ("_INBOX_ops.abc", true, true),
            ("_INBOX_ops.abc.1", true, true),
            ("_INBOX.abc.1", false, true),
            ("_INBOX", false, false),
            ("_INBOX.", false, false),
            ("_INBOX.a..b", false, false),
            ("_INBOX_ops.>", false, false),
            ("_INBOX_.abc", false, false),
            ("cc.v1.want.g1", false, false),
            ("$SRV.PING", false, false),
        ] {
            assert_eq!(is_operators_inbox(reply, Replies::OfNodes), of_nodes, "{reply}");
            assert_eq!(is_operators_inbox(reply, Replies::OfAnybody), of_anybody, "{reply}");
        }
    }
}
