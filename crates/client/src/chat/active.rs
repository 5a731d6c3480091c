//! The chat under way: a room and its channel.

use std::{future::pending, time::Duration};

use schemas::criteria::Criteria;

use super::{
    event::{End, Event},
    helpers::{Judging, Known, Wanted},
};
use crate::channel::{Channel, Handover, Whose};

/// A room and its channel.
pub(super) struct ActiveChat {
    pub(super) channel: Channel,
    pub(super) room: RoomState,
    /// The reason, where the channel does not know it.
    pub(super) end: Option<End>,
    pub(super) next: Option<Criteria>,
    /// What the pass of a helper has to be for.
    pub(super) wanted: Wanted,
    /// A credential of the peer that is being judged.
    pub(super) judging: Option<Judging>,
    /// The helper's offer that a colleague goes on.
    pub(super) handover: Option<Handover>,
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
    pub(super) fn new(channel: Channel, wanted: Wanted) -> Self {
        Self {
            channel,
            room: RoomState::Open,
            end: None,
            next: None,
            wanted,
            judging: None,
            handover: None,
            vanish_after: None,
        }
    }

    /// What is needed to judge the peer's credential, once it is known.
    pub(super) async fn learned(active: Option<&mut Self>) -> Known {
        match active.and_then(|active| active.judging.as_mut()) {
            Some(judging) => judging.known().await,
            None => pending().await,
        }
    }

    /// Tells that another time holds after which messages vanish, if one does since a side has set
    /// it.
    pub(super) fn timer_set(&mut self, by: Whose, holds: Option<Duration>) -> Option<Event> {
        let before = std::mem::replace(&mut self.vanish_after, holds);
        (before != holds).then_some(Event::Timer { by, vanish_after: holds })
    }
}
