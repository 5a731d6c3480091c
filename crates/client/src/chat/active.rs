//! The chat under way: a room and its channel.

use std::time::Duration;

use schemas::criteria::Criteria;

use super::event::{End, Event};
use crate::channel::{Channel, Whose};

/// A room and its channel.
pub(super) struct ActiveChat {
    pub(super) channel: Channel,
    pub(super) room: RoomState,
    /// The reason, where the channel does not know it.
    pub(super) end: Option<End>,
    pub(super) next: Option<Criteria>,
    /// How long messages are shown, as it was told last.
    vanish_after: Option<Duration>,
}

/// Whether the server still has the room.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RoomState {
    Open,
    Over,
}

impl ActiveChat {
    pub(super) fn new(channel: Channel) -> Self {
        Self { channel, room: RoomState::Open, end: None, next: None, vanish_after: None }
    }

    /// Tells that another time holds after which messages vanish, if one does since a side has set
    /// it.
    pub(super) fn timer_set(&mut self, by: Whose, holds: Option<Duration>) -> Option<Event> {
        let before = std::mem::replace(&mut self.vanish_after, holds);
        (before != holds).then_some(Event::Timer { by, vanish_after: holds })
    }
}
