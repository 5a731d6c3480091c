//! Which connection takes the frames that come from the bus. Sharded: the dispatcher reads it for
//! every message of frames.

use std::sync::{Arc, Weak};

use dashmap::DashMap;
use schemas::{RoomId, Side, Stamp};

use crate::ws::{connection::Connection, outbox::RoomKey};

/// Connections by the side of a room that they hold.
#[derive(Default)]
pub(crate) struct Routes(DashMap<SideKey, Route>);

/// A side of a room, in one word: there is a route for each connection whose other side is
/// elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct SideKey(u64);

impl SideKey {
    fn of(room: RoomId, side: Side) -> Self {
        Self(RoomKey::of(&room).bits() | side as u64)
    }
}

struct Route {
    connection: Weak<Connection>,
    /// The sender's attachment as it was last heard of: what an older one sent is not passed on.
    fence: Stamp,
}

impl Routes {
    /// Frames for this side go to this connection.
    pub(crate) fn open(&self, room: RoomId, side: Side, connection: &Arc<Connection>, fence: Stamp) {
        self.0.insert(SideKey::of(room, side), Route { connection: Arc::downgrade(connection), fence });
    }

    /// Frames for this side go to this connection no longer.
    pub(crate) fn close(&self, room: RoomId, side: Side, connection: &Arc<Connection>) {
        self.0.remove_if(&SideKey::of(room, side), |_, route| {
            std::ptr::eq(route.connection.as_ptr(), Arc::as_ptr(connection))
        });
    }

    /// The connection for frames that the other side sent with this stamp.
    pub(crate) fn find(&self, room: RoomId, side: Side, stamp: Stamp) -> Option<Arc<Connection>> {
        let route = self.0.get(&SideKey::of(room, side)).filter(|route| route.fence <= stamp)?;
        route.connection.upgrade()
    }
}

#[cfg(test)]
impl Routes {
    pub(crate) const ENTRY_BYTES: usize = size_of::<(SideKey, Route)>();

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
