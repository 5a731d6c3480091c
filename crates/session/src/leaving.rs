//! How a session leaves what it has: its want, its room, its connection.

use std::time::Duration;

use schemas::{CloseCode, SessionId, Stamp, UnixMillis, control::EndReason, event::SessionEvent};

use crate::{endings::DeletedAt, sessions::Sessions, settings::Topology};

impl Sessions {
    /// Withdraws the want, or dissolves the match that has not become a room yet.
    pub(crate) fn stop_waiting(&mut self, now: UnixMillis, id: SessionId) {
        let seat = self.seat(id);
        self.withdraw(id);
        if let Some((room, side)) = seat
            && self.rooms.get(&room).and_then(|room| room.seat(side)).is_some_and(|seat| seat.is_joining())
        {
            self.dissolve(now, room, Some(id));
        }
    }

    /// Ends the room of a session, if it has one. A room to which it has not come back is over,
    /// too: it goes on to something else.
    pub(crate) fn leave_room(&mut self, now: UnixMillis, id: SessionId, reason: EndReason) {
        if let Some((room, _)) = self.seat(id) {
            self.end_room(now, room, reason);
        }
    }

    /// Closes the connection of a session, if it has one here, and releases what depended on it.
    pub(crate) fn detach(&mut self, now: UnixMillis, id: SessionId, code: CloseCode) {
        if let Some(conn) = self.sessions.get_mut(&id).and_then(|session| session.conn.take()) {
            self.close(conn, code);
            self.lose_connection(now, id);
        }
    }

    /// A session is without a connection: its want is withdrawn, its match dissolved, its seat kept
    /// for the grace.
    pub(crate) fn lose_connection(&mut self, now: UnixMillis, id: SessionId) {
        self.stop_waiting(now, id);
        let memory = self.sessions.get_mut(&id).and_then(|session| session.memory.as_mut());
        if let Some(conduct) = memory.and_then(|memory| memory.conduct.as_mut()) {
            conduct.pause(now);
            conduct.connection_over();
        }
        if let Some((room, side)) = self.seat(id) {
            self.with_room(now, room, |room, at| room.lose_connection(at, side));
        }
        if self.sessions.get(&id).is_some_and(|session| session.seat.is_none()) {
            self.forget(now, id);
        }
    }

    /// A deleted session ends its room wherever it is known to be.
    pub(crate) fn end_revoked(&mut self, now: UnixMillis, id: SessionId, at: DeletedAt, remaining: Duration) {
        self.endings.revoke(now, id, at, remaining);
        self.stop_waiting(now, id);
        let room = self.seat(id).map(|(room, _)| room).or_else(|| self.rooms.of_owner(id.tag()));
        if let Some(room) = room {
            self.end_room(now, room, EndReason::Left);
        }
        self.detach(now, id, CloseCode::SessionOver);
        self.forget(now, id);
    }

    /// A session that has come here from elsewhere looks for somebody else, and so does not come
    /// back into a room that it may hold there: whoever is waiting for it is to know at once.
    pub(crate) fn start_over(&mut self, now: UnixMillis, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.may_hold_room) else {
            return;
        };
        session.may_hold_room = false;
        let stamp = session.stamp;
        if self.settings.topology == Topology::Cluster {
            self.repeat_session(now, id, SessionEvent::StartedOver { stamp });
        }
    }

    /// A session looks for somebody else from that attachment on. The room that it holds by an
    /// older one is known here if this gateway held it, or holds the other side.
    pub(crate) fn end_older(&mut self, now: UnixMillis, id: SessionId, stamp: Stamp) {
        let owner = id.tag();
        let room = self.seat(id).map(|(room, _)| room).or_else(|| self.rooms.of_owner(owner));
        let Some(room) = room else { return };
        let held_by = self.rooms.get(&room).and_then(|room| room.stamp_of(owner));
        if held_by.is_some_and(|held_by| held_by < stamp) {
            self.end_room(now, room, EndReason::Left);
        }
    }

    /// A session has lasted for [`schemas::limits::SESSION_LIFE`].
    pub(crate) fn end_session(&mut self, now: UnixMillis, id: SessionId) {
        self.stop_waiting(now, id);
        self.leave_room(now, id, EndReason::Expired);
        self.detach(now, id, CloseCode::SessionOver);
        self.forget(now, id);
    }
}
