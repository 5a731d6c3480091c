//! Back into a room with a ticket.

use std::time::Duration;

use schemas::{
    RoomId, SessionId, Side, Stamp, UnixMillis,
    control::{ControlError, ErrorCode, PeerState},
    token::TicketClaims,
};

use super::{
    BusState, Nth, Sessions, Timer, ToClient, Unsigned, refuse,
    rooms::{Heard, Phase, Room},
};

/// A resume waits this long for the other side before it goes on alone.
const RESUME_PATIENCE: Duration = Duration::from_secs(1);

impl Sessions {
    /// Back into a room with a verified ticket of the same session.
    pub(super) fn resume(
        &mut self,
        now: UnixMillis,
        id: SessionId,
        ticket: &TicketClaims,
    ) -> Result<(), ControlError> {
        let (room_id, side) = (ticket.room, ticket.side);
        if self.in_room(id) {
            return self.resume_again(id, room_id);
        }
        if let Some(reason) = self.ended.get(now, &room_id).copied() {
            self.stop_waiting(now, id);
            self.tell_end(now, id, room_id, reason);
            return Ok(());
        }
        let room = self.rooms.get(&room_id);
        let other_is_here = room.is_some_and(|room| room.seat(side.other()).is_some());
        if self.bus != BusState::Up && !other_is_here {
            return Err(refuse(ErrorCode::Unavailable, "the other side cannot be reached now; try again"));
        }
        let heard = room.map_or(Stamp::NONE, |room| room.fold.stamp(side));
        self.stop_waiting(now, id);
        if self.sessions.get(&id).and_then(|session| session.seat).is_some_and(|(old, _)| old != room_id) {
            self.leave_old_seat(now, id);
        }
        self.raise_stamp(now, id, ticket.stamp.max(heard));
        self.sit_down(now, id, room_id, side, Phase::Resuming { until: now + RESUME_PATIENCE });
        self.settle(now, room_id);
        Ok(())
    }

    /// A resume of somebody who is in a room: of the same one it says what is true already, of another it is refused.
    fn resume_again(&mut self, id: SessionId, room_id: RoomId) -> Result<(), ControlError> {
        let seat = self.sessions.get(&id).and_then(|session| session.seat);
        let Some((_, side)) = seat.filter(|(current, _)| *current == room_id) else {
            return Err(refuse(ErrorCode::InRoom, "this session is in another room"));
        };
        let seat = self.rooms.get(&room_id).and_then(|room| room.seat(side));
        // While the first resume is under way, its answer will serve both.
        if let Some(told) = seat.filter(|seat| seat.phase == Phase::In).map(|seat| seat.told) {
            self.show_resumed(id, room_id, side, told);
        }
        Ok(())
    }

    /// What is below the highest stamp that was heard of the session is ignored everywhere. A ticket may be newer than the token
    /// that came with it, and the room may have heard of an attachment that neither knows: neither must win over this one.
    fn raise_stamp(&mut self, now: UnixMillis, id: SessionId, heard: Stamp) {
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.stamp <= heard) else {
            return;
        };
        session.stamp = heard.next();
        self.send(id, ToClient::Unsigned(Unsigned::Token(self.grant(id), None)));
        self.attached(now, id, Nth::Later);
    }

    /// The other side has been heard, or was not for too long.
    pub(super) fn finish_resume(&mut self, now: UnixMillis, room_id: RoomId, side: Side, state: PeerState) {
        let grace_now = self.grace_clock(now);
        let Some(room) = self.rooms.get_mut(&room_id) else { return };
        let Some(seat) = room.seats[side as usize].as_mut() else { return };
        (seat.phase, seat.told) = (Phase::In, state);
        let id = seat.session;
        if state == PeerState::Away {
            room.away_since[side.other() as usize].get_or_insert(grace_now);
            self.timers.at(now + self.settings.grace, Timer::Room(room_id));
        }
        self.show_resumed(id, room_id, side, state);
    }

    /// `resumed` means that the other side is there, unless `away` follows.
    fn show_resumed(&mut self, id: SessionId, room: RoomId, side: Side, peer: PeerState) {
        self.show(id, room, side, Unsigned::Resumed);
        if peer == PeerState::Away {
            self.send(id, ToClient::Peer(peer));
        }
    }
}

impl Room {
    /// Whether the other side of a seat knows where it is: it has answered, and is there.
    pub(super) fn is_known_across(&self, side: Side) -> bool {
        let other = side.other();
        let heard = self.seat(side).is_some_and(|seat| seat.heard == Heard::Yes);
        self.seat(other).is_some() || (heard && self.fold.state(other) == Some(PeerState::Online))
    }
}
