//! What clients ask for, on their connections and over REST.

use schemas::{
    RoomId, SessionId, Stamp, UnixMillis,
    control::{ControlError, EndReason},
    criteria::Criteria,
    event::SessionEvent,
    token::{PassGrant, TicketClaims},
};

use crate::{
    command::{ClientCommand, ClientOrigin, find_in_room, in_another_room, no_room, peer_unreachable},
    effect::{ConnId, ToClient},
    endings::DeletedAt,
    room::Room,
    seat::Seat,
    session::Session,
    sessions::Sessions,
};

impl Sessions {
    /// A client asks for something. A connection that has been replaced is ignored.
    ///
    /// # Errors
    /// What the client is to be told; nothing has changed then.
    pub fn command(
        &mut self,
        now: UnixMillis,
        id: SessionId,
        conn: ConnId,
        command: ClientCommand,
    ) -> Result<(), ControlError> {
        if !self.is_attached(id, conn) {
            return Ok(());
        }
        match command {
            ClientCommand::Find(_) if self.is_in_room(id) => Err(find_in_room()),
            ClientCommand::Find(find) => self.find(now, id, find),
            ClientCommand::Cancel => {
                self.stop_waiting(now, id);
                Ok(())
            }
            ClientCommand::Resume(ticket) => self.resume(now, id, &ticket),
            ClientCommand::Leave if !self.is_in_room(id) => Err(no_room()),
            ClientCommand::Leave => {
                self.leave_room(now, id, EndReason::Left);
                Ok(())
            }
            ClientCommand::Report(_) => self.report(now, id),
            ClientCommand::Next(find) => {
                self.check_find(now, id, &find)?;
                if self.is_in_room(id) {
                    self.leave_room(now, id, EndReason::Left);
                }
                self.find(now, id, find)
            }
        }
    }

    /// Where the client of a session comes from: to be told before it looks for somebody.
    pub fn introduce(&mut self, id: SessionId, conn: ConnId, client: ClientOrigin) {
        if let Some(session) = self.sessions.get_mut(&id).filter(|session| session.conn == Some(conn)) {
            session.memory.get_or_insert_default().client = Some(client);
        }
    }

    /// Ends a session for good, here and everywhere.
    pub fn revoke(&mut self, now: UnixMillis, id: SessionId) {
        let remaining = self.settings.revocation_memory();
        self.end_revoked(now, id, DeletedAt::Here, remaining);
        self.repeat_session(now, id, SessionEvent::Revoked { remaining });
    }

    /// Ends all sessions of this gateway that came with such a pass, and says so everywhere. Returns
    /// how many.
    pub fn revoke_passes(&mut self, now: UnixMillis, is_revoked: impl Fn(&PassGrant) -> bool) -> usize {
        let has_one = |session: &Session| session.pass.as_deref().is_some_and(&is_revoked);
        let theirs = self.sessions.iter().filter(|(_, session)| has_one(session));
        let theirs: Vec<_> = theirs.map(|(id, _)| *id).collect();
        for id in &theirs {
            self.revoke(now, *id);
        }
        theirs.len()
    }

    /// The owner leaves this room over REST, wherever the session is attached.
    pub fn leave_remotely(&mut self, now: UnixMillis, id: SessionId, room: RoomId) {
        if self.rooms.contains(&room) {
            self.end_room(now, room, EndReason::Left);
        } else {
            self.endings.end_room(now, room, EndReason::Left);
            self.repeat_session(now, id, SessionEvent::Left(room));
        }
    }

    fn find(&mut self, now: UnixMillis, id: SessionId, find: Criteria) -> Result<(), ControlError> {
        self.check_find(now, id, &find)?;
        if !self.want(id).is_some_and(|want| want.is_for(&find)) {
            self.stop_waiting(now, id);
            self.leave_room(now, id, EndReason::Left);
            self.start_over(now, id);
            self.wait(now, id, find);
        }
        let outlook = self.want(id).map(|want| want.told).unwrap_or_default();
        self.send(id, ToClient::Waiting(outlook));
        Ok(())
    }

    /// Back into a room with a verified ticket of the same session.
    fn resume(&mut self, now: UnixMillis, id: SessionId, ticket: &TicketClaims) -> Result<(), ControlError> {
        let (room_id, side) = (ticket.room, ticket.side);
        if self.is_in_room(id) {
            return self.resume_again(id, room_id);
        }
        if let Some(reason) = self.endings.reason(now, room_id) {
            self.stop_waiting(now, id);
            self.send_end(now, id, (room_id, side), reason);
            return Ok(());
        }
        let room = self.rooms.get(&room_id);
        let peer_is_here = room.is_some_and(|room| room.seat(side.other()).is_some());
        if !self.graces.is_bus_up() && !peer_is_here {
            return Err(peer_unreachable());
        }
        let heard = room.map_or(Stamp::NONE, |room| room.stamp(side));
        self.stop_waiting(now, id);
        if self.seat(id).is_some_and(|(old, _)| old != room_id) {
            self.leave_room(now, id, EndReason::Left);
        }
        self.raise_stamp(now, id, ticket.stamp.max(heard));
        self.take_seat(now, room_id, side, Seat::resuming(now, id));
        self.with_room(now, room_id, Room::settle);
        Ok(())
    }

    /// A resume of somebody who is in a room: of the same one it repeats what is true already, of
    /// another it is refused.
    fn resume_again(&mut self, id: SessionId, room_id: RoomId) -> Result<(), ControlError> {
        let Some((_, side)) = self.seat(id).filter(|(current, _)| *current == room_id) else {
            return Err(in_another_room());
        };
        // While the first resume is under way, its answer will serve both.
        if let Some(peer) = self.rooms.get(&room_id).and_then(|room| room.seat(side)?.told()) {
            self.send_resumed(id, peer);
        }
        Ok(())
    }
}
