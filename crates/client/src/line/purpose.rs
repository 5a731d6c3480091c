//! What the owner of a line wants: it outlasts every connection.

use schemas::control::{Category, ClientMessage, Find};

use crate::Secret;

/// What is to be had, now or as soon as there is a connection.
#[derive(Clone, PartialEq)]
pub(super) enum Purpose {
    /// Nothing but the connection.
    Nothing,
    /// Somebody to talk to.
    Finding(Find),
    /// The chat in this room, or its end.
    Chatting(Room),
}

/// A room, from `paired` to `ended`.
#[derive(Clone, PartialEq)]
pub(super) struct Room {
    /// The newest ticket.
    pub(super) ticket: Secret,
    /// Set once the owner wants it to end. It can end only where the session is attached to it, so this may have to wait.
    pub(super) parting: Option<Parting>,
}

/// How a room is to end.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Parting {
    /// With a report.
    pub(super) report: Option<Category>,
    /// What to do after it.
    pub(super) then: Option<Find>,
}

impl Parting {
    /// The messages that bring it about, in order.
    pub(super) fn messages(&self) -> Vec<ClientMessage> {
        let report = self.report.map(ClientMessage::Report);
        let next = self.then.clone().map(ClientMessage::Next);
        match (report, next) {
            (None, None) => vec![ClientMessage::Leave],
            (report, next) => report.into_iter().chain(next).collect(),
        }
    }
}
