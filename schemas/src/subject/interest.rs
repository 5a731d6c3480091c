//! What a node subscribes to.

use super::{PREFIX, Subject};
use crate::{NodeId, Service};

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
    /// How it stands where people of this gateway wait.
    Queues(NodeId),
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
                Self::Queues(node.clone()),
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

    /// What every node hears besides, whatever its role: the operator's orders, and who asks for
    /// them.
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
            Self::Queues(node) => Subject::Queue(node.clone()).text(),
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
            | (Self::Matches(me), Subject::Match(node))
            | (Self::Queues(me), Subject::Queue(node)) => me == node,
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
