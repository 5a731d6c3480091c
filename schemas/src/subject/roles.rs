//! What each role publishes and what it receives. The services subscribe to it, and the
//! permissions of the NATS servers are made of it: what is not listed here is refused there.
//!
//! Answers to questions need no permission that lasts for a moment (`allow_responses` of NATS).
//! With it an asker chooses the subject on which others publish in their own names, its number of
//! answers must fit the largest sync, and a reload of the server forgets all of it. Instead, a role
//! that answers may publish to the inboxes of all nodes that ask, and to no others.

use super::{INBOX, Interest, OWN, PREFIX, SERVICES, Subject};
use crate::{NodeId, Service, words::words};

/// The name of the person who watches a cluster over NATS. No node has it.
pub const OPERATOR: &str = "ops";

/// The inboxes of a node or a person.
pub fn inboxes(name: &str) -> String {
    format!("{INBOX}{name}.>")
}

words! {
    /// The kinds of subjects: who publishes on them is decided by kind.
    pub enum Kind {
        /// Chat frames for the side that a gateway holds.
        Frames = "frames",
        /// A room event for one gateway.
        Peer = "peer",
        /// A room event for every gateway.
        Room = "room",
        /// The rooms that the publisher shares with a gateway.
        Presence = "presence",
        /// Wants of the publisher.
        Want = "want",
        /// Reports of people who were on the publisher.
        Report = "report",
        /// The keys by which gateways make origins, as the publisher tells them.
        Origin = "origin",
        /// Matches for one gateway.
        Match = "match",
        /// How it stands where people of one gateway wait.
        Queue = "queue",
        /// Events of a session.
        Session = "session",
        /// A room event of an attachment of the publisher, for one gateway.
        OwnPeer = "own-peer",
        /// A room event of an attachment of the publisher, for every gateway.
        OwnRoom = "own-room",
        /// The rooms that the publisher shares with a gateway.
        OwnPresence = "own-presence",
        /// An event of a session that is attached to the publisher.
        OwnSession = "own-session",
        /// Where is this session?
        Ask = "ask",
        /// Events of a signing key.
        Key = "key",
        /// What the publisher holds.
        Lease = "lease",
        /// The publisher asks what it has missed.
        Sync = "sync",
        /// The publisher is running.
        Node = "node",
        /// An order of the operator, and of nobody else.
        Order = "order",
        /// Which orders are in force?
        OrdersAsk = "orders-ask",
    }
}

impl Kind {
    /// The roles that publish on subjects of this kind. Which events each of them may publish:
    /// [`Message::publishers`](crate::message::Message::publishers).
    pub const fn publishers(self) -> &'static [Service] {
        use Service::{Gateway, Janitor, Pairing};
        match self {
            Self::Frames
            | Self::Peer
            | Self::Presence
            | Self::Want
            | Self::Report
            | Self::Origin
            | Self::OwnPeer
            | Self::OwnRoom
            | Self::OwnPresence
            | Self::OwnSession
            | Self::Ask
            | Self::Lease => &[Gateway],
            Self::Match | Self::Queue => &[Pairing],
            Self::Room | Self::Session | Self::Key | Self::Sync => &[Gateway, Janitor],
            Self::Node | Self::OrdersAsk => &Service::ALL,
            Self::Order => &[],
        }
    }

    /// The roles that answer, if messages of this kind are questions.
    pub const fn answered_by(self) -> &'static [Service] {
        match self {
            // An order is answered, too, but to the operator, whom all may answer.
            Self::Ask | Self::Sync | Self::OrdersAsk => &[Service::Gateway, Service::Janitor],
            Self::Frames
            | Self::Peer
            | Self::Room
            | Self::Presence
            | Self::Want
            | Self::Report
            | Self::Origin
            | Self::Match
            | Self::Queue
            | Self::Session
            | Self::OwnPeer
            | Self::OwnRoom
            | Self::OwnPresence
            | Self::OwnSession
            | Self::Key
            | Self::Lease
            | Self::Node
            | Self::Order => &[],
        }
    }

    /// The subjects of this kind on which `node` publishes in this role, as one wildcard. Where a
    /// subject names its publisher, that is `role` and `node`.
    pub fn published_by(self, role: Service, node: &NodeId) -> String {
        let (role, node) = (role.word(), node.as_str());
        match self {
            Self::Frames => format!("{PREFIX}.room.*.frame.*"),
            Self::Peer => format!("{PREFIX}.room.*.peer.*"),
            Self::Room => format!("{PREFIX}.room.*.event.{role}"),
            Self::Presence => format!("{PREFIX}.presence.*"),
            Self::Want => format!("{PREFIX}.want.{node}"),
            Self::Report => format!("{PREFIX}.report.{node}"),
            Self::Origin => format!("{PREFIX}.origin.{node}"),
            Self::Match => format!("{PREFIX}.match.*"),
            Self::Queue => format!("{PREFIX}.queue.*"),
            Self::Session => format!("{PREFIX}.session.*.event.{role}"),
            Self::OwnPeer => format!("{PREFIX}.room.*.{OWN}{node}.*"),
            Self::OwnRoom => format!("{PREFIX}.joined.{node}.*"),
            Self::OwnPresence => format!("{PREFIX}.present.{node}.*"),
            Self::OwnSession => format!("{PREFIX}.attached.{node}.*"),
            Self::Ask => format!("{PREFIX}.session.*.ask"),
            Self::Key => format!("{PREFIX}.key.*.{role}.{node}"),
            Self::Lease => format!("{PREFIX}.lease.{node}"),
            Self::Sync => format!("{PREFIX}.sync.{node}"),
            Self::Node => format!("{PREFIX}.node.{role}.{node}"),
            Self::Order => format!("{PREFIX}.order.*"),
            Self::OrdersAsk => format!("{PREFIX}.orders.ask"),
        }
    }
}

impl Subject {
    /// Its kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Frames(..) => Kind::Frames,
            Self::Peer(..) => Kind::Peer,
            Self::Room(..) => Kind::Room,
            Self::Presence(_) => Kind::Presence,
            Self::Want(_) => Kind::Want,
            Self::Report(_) => Kind::Report,
            Self::Origin(_) => Kind::Origin,
            Self::Match(_) => Kind::Match,
            Self::Queue(_) => Kind::Queue,
            Self::Session(..) => Kind::Session,
            Self::OwnPeer(..) => Kind::OwnPeer,
            Self::OwnRoom(..) => Kind::OwnRoom,
            Self::OwnPresence(..) => Kind::OwnPresence,
            Self::OwnSession(..) => Kind::OwnSession,
            Self::Ask(_) => Kind::Ask,
            Self::Key(..) => Kind::Key,
            Self::Lease(_) => Kind::Lease,
            Self::Sync(_) => Kind::Sync,
            Self::Node(..) => Kind::Node,
            Self::Order(_) => Kind::Order,
            Self::OrdersAsk => Kind::OrdersAsk,
        }
    }

    /// The roles that publish on it. Which events each of them may publish:
    /// [`Message::publishers`](crate::message::Message::publishers).
    pub const fn publishers(&self) -> &'static [Service] {
        self.kind().publishers()
    }
}

/// What one user of the NATS servers may do, as wildcards. Everything else is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// On what it may publish.
    pub publish: Vec<String>,
    /// To what it may subscribe.
    pub subscribe: Vec<String>,
}

impl Permissions {
    /// Those of `node` in the cluster of `members`. It is one of them.
    pub fn of_node(role: Service, node: &NodeId, members: &[(Service, NodeId)]) -> Self {
        let kinds = Kind::ALL.iter().copied();
        let own = kinds.clone().filter(|kind| kind.publishers().contains(&role));
        let mut publish: Vec<_> = own.map(|kind| kind.published_by(role, node)).collect();
        // A node sends a message to itself to learn that all before it have reached the server.
        publish.push(inboxes(node.as_str()));
        let answered: Vec<_> = kinds.filter(|kind| kind.answered_by().contains(&role)).collect();
        let asks = |role| answered.iter().any(|kind| kind.publishers().contains(role));
        let askers = members.iter().filter(|(role, member)| asks(role) && member != node);
        publish.extend(askers.map(|(_, member)| inboxes(member.as_str())));
        // The answers of the micro protocol.
        publish.push(inboxes(OPERATOR));

        let mut received = Interest::of(role, node);
        received.extend(Interest::of_orders());
        received.extend(Interest::of_all().into_iter().filter(|own| !Interest::of(role, node).contains(own)));
        let mut subscribe: Vec<_> = received.iter().map(Interest::text).collect();
        subscribe.extend([inboxes(node.as_str()), SERVICES.to_owned()]);
        Self { publish, subscribe }
    }

    /// Those of who watches and commands the cluster: who is running and how rooms and keys come
    /// and go, and the orders. Not what is said in a room, who waits for whom, or what a node
    /// holds.
    pub fn of_operator() -> Self {
        let heard = ["node.>", "room.*.event.>", "room.*.peer.*", "joined.>", "key.>", "order.*"];
        let mut subscribe: Vec<_> = heard.iter().map(|subject| format!("{PREFIX}.{subject}")).collect();
        subscribe.push(inboxes(OPERATOR));
        let ordered = [Interest::Orders, Interest::OrdersAsks].map(|ordered| ordered.text());
        let mut publish = vec![SERVICES.to_owned()];
        publish.extend(ordered);
        // To learn that all before has reached the server.
        publish.push(inboxes(OPERATOR));
        Self { publish, subscribe }
    }
}

#[cfg(test)]
mod tests;
