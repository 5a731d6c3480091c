//! What the owner of a connection wants. It outlasts every socket.

use schemas::control::{Category, ClientMessage};
use schemas::criteria::Criteria;

use crate::secret::Secret;

/// What to bring back on each new connection.
#[derive(Clone, PartialEq)]
pub(super) enum Goal {
    /// Nothing but the connection.
    None,
    /// Somebody to chat with.
    Find(Criteria),
    /// The chat in this room, or its end.
    Room(Room),
}

/// A room, from `paired` to `ended`.
#[derive(Clone, PartialEq)]
pub(super) struct Room {
    /// The newest ticket.
    pub(super) ticket: Secret,
    /// Set once the owner wants the room to end. Only a connection that is attached to the room
    /// can end it, so this may have to wait.
    pub(super) leaving: Option<Leaving>,
}

/// How a room is to be left.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Leaving {
    /// Report the peer first.
    pub(super) report: Option<Category>,
    /// Whom to find after it.
    pub(super) next: Option<Criteria>,
}

impl Leaving {
    /// The messages to send, in order.
    pub(super) fn messages(&self) -> Vec<ClientMessage> {
        let report = self.report.map(ClientMessage::Report);
        let next = self.next.clone().map(ClientMessage::Next);
        match (report, next) {
            (None, None) => vec![ClientMessage::Leave],
            (report, next) => report.into_iter().chain(next).collect(),
        }
    }
}
