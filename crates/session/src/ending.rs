//! How rooms and matches end.

use std::time::Duration;

use schemas::{
    CloseCode, RoomId, Service, SessionId, Side, UnixMillis,
    control::{ControlError, EndReason, ErrorCode, PeerState},
    event::RoomEvent,
    limits,
    message::Message,
};

use super::{
    Effect, Past, Route, Sessions, ToClient, Unsigned, refuse,
    rooms::{Joining, Phase},
};

/// How long it is remembered that a match came to nothing, or that a room has moved on: longer than anybody waits for a match, and
/// than a repeated match is on its way.
const PAST_LIFE: Duration = Duration::from_secs(30);

impl Sessions {
    /// A match that has not become a room: whoever sits there waits on, but for who has taken back its want, and the other
    /// gateway is told.
    pub(super) fn dissolve(&mut self, now: UnixMillis, room_id: RoomId, quitter: Option<SessionId>) {
        self.past.remember(room_id, Past::Dissolved, now + PAST_LIFE);
        for side in [Side::A, Side::B] {
            let Some(room) = self.rooms.get_mut(&room_id) else { return };
            let Some(seat) = room.seats[side as usize].take() else { continue };
            let Phase::Joining(joining) = seat.phase else {
                // One side was told already: for it the room is over.
                room.seats[side as usize] = Some(seat);
                return self.end_room(now, room_id, EndReason::Left);
            };
            if let Some(session) = self.sessions.get_mut(&seat.session) {
                session.seat = None;
            }
            let Joining { peer, waiting, .. } = *joining;
            if peer != self.settings.node {
                self.publish(Message::Peer { room: room_id, to: peer, event: RoomEvent::Declined });
            }
            if quitter != Some(seat.session) {
                self.wait_again(now, seat.session, waiting);
            }
        }
        self.drop_room(now, room_id);
    }

    /// Ends the room of a client that is in one.
    pub(super) fn leave_room(
        &mut self,
        now: UnixMillis,
        id: SessionId,
        reason: EndReason,
    ) -> Result<(), ControlError> {
        if !self.in_room(id) {
            return Err(refuse(ErrorCode::NoRoom, "this session is in no room"));
        }
        self.leave_old_seat_for(now, id, reason);
        Ok(())
    }

    /// A session goes on to something else: a room to which it has not come back is over.
    pub(super) fn leave_old_seat(&mut self, now: UnixMillis, id: SessionId) {
        self.leave_old_seat_for(now, id, EndReason::Left);
    }

    fn leave_old_seat_for(&mut self, now: UnixMillis, id: SessionId, reason: EndReason) {
        if let Some((room, _)) = self.sessions.get(&id).and_then(|session| session.seat) {
            self.end_room(now, room, reason);
        }
    }

    /// Ends a room here and tells whoever needs to know: the gateway of the other side if it is known to be there, everybody if
    /// not. When both sides are here the word goes to this node's own subject, for the janitors, who listen to all of them.
    pub(super) fn end_room(&mut self, now: UnixMillis, room_id: RoomId, reason: EndReason) {
        let Some(room) = self.rooms.get(&room_id) else { return };
        let event = RoomEvent::Ended(reason);
        let elsewhere = [Side::A, Side::B].into_iter().find(|side| room.seat(*side).is_none());
        let message = match elsewhere {
            None => Message::Peer { room: room_id, to: self.settings.node.clone(), event },
            Some(side) => match room.fold.node(side) {
                Some(to) if room.fold.state(side) == Some(PeerState::Online) => {
                    Message::Peer { room: room_id, to: to.clone(), event }
                }
                _ => Message::Room { room: room_id, speaker: Service::Gateway, event },
            },
        };
        self.publish(message);
        self.close_room(now, room_id, reason);
    }

    /// The room is over: clears the routes, tells the clients, remembers the end.
    pub(super) fn close_room(&mut self, now: UnixMillis, room_id: RoomId, reason: EndReason) {
        self.remember_end(now, room_id, reason);
        let Some(room) = self.rooms.get_mut(&room_id) else { return };
        let seats = [room.seats[0].take(), room.seats[1].take()];
        for seat in seats.iter().flatten() {
            if let Some(session) = self.sessions.get_mut(&seat.session) {
                session.seat = None;
                if let Some(conn) = session.conn {
                    self.effects.push(Effect::Route(conn, Route::Nowhere));
                }
            }
        }
        for seat in seats.into_iter().flatten() {
            match seat.phase {
                Phase::Joining(joining) => self.wait_again(now, seat.session, joining.waiting),
                // Its client may be back, but not in this room: `ended` would speak of another.
                Phase::Away => self.remember_met(now, seat.session, room_id, reason),
                Phase::In | Phase::Resuming { .. } => self.tell_end(now, seat.session, room_id, reason),
            }
        }
        self.drop_room(now, room_id);
    }

    /// Tells a client that the room that it is in, or wants to come back to, is over.
    pub(super) fn tell_end(&mut self, now: UnixMillis, id: SessionId, room: RoomId, reason: EndReason) {
        self.send(id, ToClient::Ended(reason));
        self.remember_met(now, id, room, reason);
    }

    /// A session remembers a room that is over in its next token. Without a connection it hears of the end when it comes back.
    fn remember_met(&mut self, now: UnixMillis, id: SessionId, room: RoomId, reason: EndReason) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.conn.is_none() {
            self.forget(now, id);
            return;
        }
        let history = session.history.get_or_insert_default();
        history.met(room, now);
        if reason == EndReason::Reported {
            history.reported(room);
        }
        self.send(id, ToClient::Unsigned(Unsigned::Token(self.grant(id), None)));
    }

    pub(super) fn remember_end(&mut self, now: UnixMillis, room: RoomId, reason: EndReason) {
        self.ended.remember(room, reason, now + self.settings.token_life + limits::LEEWAY);
    }

    /// Forgets a room that nobody here is in any more.
    pub(super) fn drop_room(&mut self, now: UnixMillis, room_id: RoomId) {
        let Some(room) = self.rooms.remove(&room_id) else { return };
        self.past.remember(room_id, Past::MovedOn, now + PAST_LIFE);
        for owner in [Side::A, Side::B].into_iter().filter_map(|side| room.fold.owner(side)) {
            if self.owners.get(&owner) == Some(&room_id) {
                self.owners.remove(&owner);
            }
        }
    }

    /// A deleted session ends its room wherever it is known to be.
    pub(super) fn session_revoked(&mut self, now: UnixMillis, id: SessionId, remaining: Duration) {
        let most = self.settings.token_life + limits::LEEWAY;
        self.revoked.remember(id, (), now + remaining.min(most));
        self.stop_waiting(now, id);
        let seat = self.sessions.get(&id).and_then(|session| session.seat).map(|(room, _)| room);
        if let Some(room) = seat.or_else(|| self.owners.get(&id.tag()).copied()) {
            self.end_room(now, room, EndReason::Left);
        }
        self.detach(now, id, CloseCode::SessionOver);
        self.forget(now, id);
    }
}
