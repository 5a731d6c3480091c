//! Leases and presence: other nodes are to know that this one still holds what it holds.

use std::collections::BTreeMap;

use schemas::{
    NodeId, RoomId, SessionId, UnixMillis,
    event::{Lease, Presence, SessionLease},
    message::Message,
};

use crate::sessions::Sessions;

/// Entries of one lease or presence message: 500 of about 120 bytes stay below
/// [`schemas::limits::EVENT_BYTES`].
const BATCH: usize = 500;

impl Sessions {
    /// Renews a part of what is held here: to be called often. Returns whether there was something
    /// left.
    pub fn renew_part(&mut self) -> bool {
        let leases = self.renewal.next_sessions(&self.sessions, |id, session| session.lease(id));
        let rooms = self.renewal.next_rooms();
        let was_left = !(leases.is_empty() && rooms.is_empty());
        self.publish_leases(&leases);
        self.publish_presence(&rooms);
        was_left
    }

    /// Begins the next slice of the round, if it is time. Returns those of its rooms of which a
    /// side is elsewhere.
    pub(crate) fn next_slice(&mut self, now: UnixMillis) -> Option<Vec<RoomId>> {
        if !self.renewal.is_due(now) {
            return None;
        }
        while self.renew_part() {}
        let (ids, is_first) = self.renewal.begin_slice(now);
        if is_first {
            self.counted.set(None);
        }
        Some(self.rooms.shared_in(ids))
    }

    /// These rooms of the slice are to be renewed.
    pub(crate) fn renew_rooms(&mut self, rooms: &[RoomId]) {
        for shared in self.by_gateway(rooms).into_values() {
            self.renewal.add_rooms(&shared);
        }
    }

    /// Publishes that all sessions are held here.
    pub(crate) fn publish_all_leases(&mut self) {
        let leases: Vec<_> = self.sessions.iter().map(|(id, session)| session.lease(*id)).collect();
        self.publish_leases(&leases);
    }

    /// Publishes of these sessions that they are held here, if they are.
    pub(crate) fn publish_leases_of(&mut self, ids: &[SessionId]) {
        let held = ids.iter().filter_map(|id| Some(self.sessions.get(id)?.lease(*id)));
        self.publish_leases(&held.collect::<Vec<_>>());
    }

    fn publish_leases(&mut self, leases: &[SessionLease]) {
        for batch in leases.chunks(BATCH) {
            let lease = Lease { boot: self.settings.boot, sessions: batch.to_vec() };
            self.publish(Message::Lease { from: self.settings.node.clone(), lease });
        }
    }

    /// Tells the gateways that hold the other sides of these rooms which sides are here.
    pub(crate) fn publish_presence(&mut self, rooms: &[RoomId]) {
        for (to, rooms) in self.by_gateway(rooms) {
            for batch in rooms.chunks(BATCH) {
                let presence = |id: &RoomId| Some((*id, self.rooms.get(id)?.presence()?.1));
                let rooms = batch.iter().filter_map(presence).collect();
                let presence = Presence { node: self.settings.node.clone(), rooms };
                self.publish(Message::Presence { to: to.clone(), presence });
            }
        }
    }

    /// Those of these rooms of which one side is here and the other elsewhere, by the gateway that
    /// holds the other.
    fn by_gateway(&self, rooms: &[RoomId]) -> BTreeMap<NodeId, Vec<RoomId>> {
        let mut shared = BTreeMap::<NodeId, Vec<RoomId>>::new();
        for id in rooms {
            if let Some((other, _)) = self.rooms.get(id).and_then(|room| room.presence()) {
                shared.entry(other).or_default().push(*id);
            }
        }
        shared
    }
}
