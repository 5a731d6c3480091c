//! Faults that are planted on purpose: what must never be has to be found when it is.

use session::{TicketGrant, ToClient, Unsigned};

use super::{bus::Kind, world::World};

/// What is wrong in a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plant {
    /// The bus loses each `attached`, also those that are said again.
    ResendsLost,
    /// Gateways show somebody who is matched the room of two others.
    Third,
}

impl World {
    /// Whether the plant loses this message.
    pub(super) fn is_lost_on_purpose(&self, kind: Kind) -> bool {
        kind == Kind::Attached && self.plant == Some(Plant::ResendsLost)
    }

    /// What a gateway sends its client instead.
    pub(super) fn spoil(&self, message: ToClient) -> ToClient {
        match message {
            ToClient::Unsigned(Unsigned::Paired(ticket, expect)) if self.plant == Some(Plant::Third) => {
                let room = self.ledger.room_of_others(ticket.session).unwrap_or(ticket.room);
                ToClient::Unsigned(Unsigned::Paired(TicketGrant { room, ..ticket }, expect))
            }
            other => other,
        }
    }
}
