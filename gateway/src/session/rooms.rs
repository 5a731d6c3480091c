//! Rooms of which this gateway holds a side: joining, resuming, being away, ending.

use std::time::Duration;

use schemas::{
    CloseCode, NodeId, RoomId, Service, SessionId, Side, Stamp, Tag, UnixMillis,
    control::{ControlError, EndReason, ErrorCode, PeerState},
    event::RoomEvent,
    limits,
    message::Message,
    room,
    token::TicketClaims,
};

use super::{BusState, Effect, Route, Sessions, TicketGrant, Timer, ToClient, refuse, waiting::Waiting};

/// How long a side waits for the other half of a match: six repetitions of `Joined`.
pub(super) const JOIN_PATIENCE: Duration = Duration::from_secs(3);
/// `Joined` of a match is repeated this often until the other side is heard.
const JOIN_REPEAT: Duration = Duration::from_millis(500);
/// A resume waits this long for the other side before it goes on alone.
const RESUME_PATIENCE: Duration = Duration::from_secs(1);
/// `Joined` of a resume is repeated after these pauses, the last one for ever, until the other side is heard.
const RESUME_REPEATS: [Duration; 5] = [
    Duration::from_millis(500),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(10),
];
/// A seat whose owner does not come back is kept this much longer than the grace, so that the other side's gateway ends the room.
const LINGER: Duration = Duration::from_secs(5);
/// How long a match that came to nothing is answered with `Declined`: longer than anybody waits for it.
const DISSOLVED_LIFE: Duration = Duration::from_secs(30);

/// A room of which at least one side is, or was a moment ago, here.
pub(super) struct Room {
    pub(super) fold: room::Room,
    pub(super) seats: [Option<Seat>; 2],
    /// Since when each side is away, on the clock of graces.
    away_since: [Option<UnixMillis>; 2],
    /// When the side that is elsewhere was heard of last.
    pub(super) sign: UnixMillis,
}

/// A side that is held here.
pub(super) struct Seat {
    pub(super) session: SessionId,
    pub(super) phase: Phase,
    /// What the client knows of the other side.
    told: PeerState,
    /// The other side's attachment to which its frames go.
    routed: Option<(NodeId, Stamp)>,
    /// Whether the other side has been heard since this one sat down: until then it says `Joined` again and again.
    pub(super) heard: Heard,
    say_again: UnixMillis,
    said: usize,
}

/// Whether a side has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Yes,
    NotYet,
}

/// How far a side is.
#[derive(Debug, PartialEq)]
pub(super) enum Phase {
    /// Matched; the other half has not been heard. The client still waits.
    Joining { until: UnixMillis, peer: NodeId, waiting: Box<Waiting> },
    /// Came back with a ticket; the other side has not been heard.
    Resuming { until: UnixMillis },
    /// The client has been told that it is in the room.
    In,
    /// The socket was lost.
    Away,
}

impl Room {
    fn new(now: UnixMillis) -> Self {
        Self { fold: room::Room::default(), seats: [None, None], away_since: [None, None], sign: now }
    }

    /// People here who are in the room.
    pub(super) fn people(&self) -> usize {
        self.seats
            .iter()
            .flatten()
            .filter(|seat| matches!(seat.phase, Phase::In | Phase::Resuming { .. }))
            .count()
    }

    pub(super) fn seat(&self, side: Side) -> Option<&Seat> {
        self.seats[side as usize].as_ref()
    }

    /// The stamp of the side that belongs to `owner`, if it is elsewhere and away.
    pub(super) fn away_stamp(&self, owner: Tag) -> Option<Stamp> {
        let away = |side: &Side| {
            self.fold.owner(*side) == Some(owner) && self.fold.state(*side) == Some(PeerState::Away)
        };
        [Side::A, Side::B].into_iter().find(away).map(|side| self.fold.stamp(side))
    }

    /// A side that is here with its socket.
    pub(super) fn is_attached(&self, side: Side) -> bool {
        self.seat(side).is_some_and(|seat| seat.phase != Phase::Away)
    }
}

impl Sessions {
    /// Whether the session's client has been told of a room, or is on its way back into one.
    pub(super) fn in_room(&self, id: SessionId) -> bool {
        let seat = self.sessions.get(&id).and_then(|session| session.seat);
        let phase = seat.and_then(|(room, side)| self.rooms.get(&room)?.seat(side)).map(|seat| &seat.phase);
        matches!(phase, Some(Phase::In | Phase::Resuming { .. }))
    }

    pub(super) fn is_joining(&self, room: RoomId, side: Side) -> bool {
        let seat = self.rooms.get(&room).and_then(|room| room.seat(side));
        seat.is_some_and(|seat| matches!(seat.phase, Phase::Joining { .. }))
    }

    /// Puts a session onto a side of a room, and says so to whoever may have the other.
    pub(super) fn sit_down(
        &mut self,
        now: UnixMillis,
        id: SessionId,
        room_id: RoomId,
        side: Side,
        phase: Phase,
    ) {
        let attachment = self.attachment(id, side);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.seat = Some((room_id, side));
        let room = self.rooms.entry(room_id).or_insert_with(|| Room::new(now));
        room.fold.apply(&RoomEvent::Joined(attachment));
        room.away_since[side as usize] = None;
        room.seats[side as usize] = Some(Seat {
            session: id,
            phase,
            told: PeerState::Online,
            routed: None,
            heard: Heard::NotYet,
            say_again: now,
            said: 0,
        });
        self.say_joined(now, room_id, side);
        self.timers.at(now + JOIN_REPEAT, Timer::Room(room_id));
    }

    /// Says `Joined`, unless the other side is here and needs no telling.
    fn say_joined(&mut self, now: UnixMillis, room_id: RoomId, side: Side) {
        let Some(room) = self.rooms.get_mut(&room_id) else { return };
        let other_is_here = room.is_attached(side.other());
        let Some(attachment) = room.fold.attachment(side) else { return };
        let Some(seat) = room.seats[side as usize].as_mut() else { return };
        let message = match &seat.phase {
            Phase::Joining { peer, .. } => {
                seat.say_again = now + JOIN_REPEAT;
                let to = peer.clone();
                (to != self.settings.node).then_some(Message::Peer {
                    room: room_id,
                    to,
                    event: RoomEvent::Joined(attachment),
                })
            }
            _ => {
                seat.say_again = now + RESUME_REPEATS[seat.said.min(RESUME_REPEATS.len() - 1)];
                let event = RoomEvent::Joined(attachment);
                (!other_is_here).then_some(Message::Room { room: room_id, speaker: Service::Gateway, event })
            }
        };
        seat.said += 1;
        self.effects.extend(message.map(Effect::Publish));
    }

    /// Back into a room with a verified ticket of the same session.
    pub(super) fn resume(
        &mut self,
        now: UnixMillis,
        id: SessionId,
        ticket: &TicketClaims,
    ) -> Result<(), ControlError> {
        let (room_id, side) = (ticket.room, ticket.side);
        if self.in_room(id) {
            return match self.sessions.get(&id).and_then(|session| session.seat) {
                Some((current, _)) if current == room_id => {
                    self.show(id, room_id, side, ToClient::Resumed);
                    Ok(())
                }
                _ => Err(refuse(ErrorCode::InRoom, "this session is in another room")),
            };
        }
        if let Some(reason) = self.ended.get(now, &room_id).copied() {
            self.stop_waiting(now, id);
            self.tell_end(now, id, room_id, reason);
            return Ok(());
        }
        let other_is_here = self.rooms.get(&room_id).is_some_and(|room| room.seat(side.other()).is_some());
        if matches!(self.bus, BusState::Down { .. }) && !other_is_here {
            return Err(refuse(ErrorCode::Unavailable, "the other side cannot be reached now; try again"));
        }
        self.stop_waiting(now, id);
        if self.sessions.get(&id).and_then(|session| session.seat).is_some_and(|(old, _)| old != room_id) {
            self.leave_old_seat(now, id);
        }
        self.raise_stamp(now, id, ticket.stamp);
        self.sit_down(now, id, room_id, side, Phase::Resuming { until: now + RESUME_PATIENCE });
        self.settle(now, room_id);
        Ok(())
    }

    /// A ticket may be newer than the token that came with it: what it names must not win over this attachment.
    fn raise_stamp(&mut self, now: UnixMillis, id: SessionId, heard: Stamp) {
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.stamp <= heard) else {
            return;
        };
        let before = std::mem::replace(&mut session.stamp, heard.next());
        let (stamp, ends) = (session.stamp, session.ends());
        tracing::debug!(ahead_ms = stamp.0.saturating_sub(before.0), "a ticket was newer than its token");
        self.send(id, ToClient::Token(self.grant(id), None));
        self.announce_attached(now, id);
        self.timers.at(now + self.settings.token_life / 2, Timer::Token(id, stamp));
        self.timers.at(ends, Timer::Life(id, stamp));
    }

    /// After any change: tells the clients here what is new to them, and sets where their frames go. Messages come before
    /// routes, so that no frame overtakes the news of its room.
    pub(super) fn settle(&mut self, now: UnixMillis, room_id: RoomId) {
        for side in [Side::A, Side::B] {
            self.settle_away(now, room_id, side);
            self.settle_client(now, room_id, side);
        }
        for side in [Side::A, Side::B] {
            self.settle_route(room_id, side);
        }
    }

    fn settle_away(&mut self, now: UnixMillis, room_id: RoomId, side: Side) {
        let grace_now = self.grace_clock(now);
        let Some(room) = self.rooms.get_mut(&room_id) else { return };
        let since = &mut room.away_since[side as usize];
        match room.fold.state(side) {
            Some(PeerState::Away) if since.is_none() => {
                *since = Some(grace_now);
                self.timers.at(now + self.settings.grace, Timer::Room(room_id));
            }
            Some(PeerState::Online) => *since = None,
            _ => {}
        }
        if let Some(owner) = room.fold.owner(side)
            && room.seat(side).is_none()
        {
            self.owners.insert(owner, room_id);
        }
    }

    fn settle_client(&mut self, now: UnixMillis, room_id: RoomId, side: Side) {
        let Some(room) = self.rooms.get_mut(&room_id) else { return };
        let state = room.fold.state(side.other());
        let other_is_here = room.seat(side.other()).is_some();
        let Some(seat) = room.seats[side as usize].as_mut() else { return };
        if other_is_here {
            seat.heard = Heard::Yes;
        }
        let id = seat.session;
        match (&seat.phase, state) {
            (Phase::Joining { waiting, .. }, Some(PeerState::Online)) => {
                let queue = waiting.queue;
                seat.phase = Phase::In;
                self.show(id, room_id, side, ToClient::Paired);
                self.met(now, queue);
            }
            (Phase::Resuming { .. }, Some(state)) if seat.heard == Heard::Yes => {
                self.finish_resume(now, room_id, side, state)
            }
            (Phase::In, Some(state)) if state != seat.told => {
                seat.told = state;
                self.send(id, ToClient::Peer(state));
            }
            _ => {}
        }
    }

    fn finish_resume(&mut self, now: UnixMillis, room_id: RoomId, side: Side, state: PeerState) {
        let grace_now = self.grace_clock(now);
        let Some(room) = self.rooms.get_mut(&room_id) else { return };
        let Some(seat) = room.seats[side as usize].as_mut() else { return };
        (seat.phase, seat.told) = (Phase::In, state);
        let id = seat.session;
        self.show(id, room_id, side, ToClient::Resumed);
        if state == PeerState::Away {
            if let Some(room) = self.rooms.get_mut(&room_id) {
                room.away_since[side.other() as usize].get_or_insert(grace_now);
            }
            self.timers.at(now + self.settings.grace, Timer::Room(room_id));
            self.send(id, ToClient::Peer(PeerState::Away));
        }
    }

    fn settle_route(&mut self, room_id: RoomId, side: Side) {
        let Some(room) = self.rooms.get_mut(&room_id) else { return };
        let other = room.fold.attachment(side.other());
        let online = room.fold.state(side.other()) == Some(PeerState::Online);
        let other_session = room.seat(side.other()).map(|seat| seat.session);
        let own_stamp = room.fold.stamp(side);
        let Some(seat) = room.seats[side as usize].as_mut().filter(|seat| seat.phase == Phase::In) else {
            return;
        };
        let wanted = other.filter(|_| online).map(|at| (at.node, at.stamp));
        if wanted == seat.routed {
            return;
        }
        seat.routed.clone_from(&wanted);
        let Some(conn) = self.sessions.get(&seat.session).and_then(|session| session.conn) else { return };
        let route = match (wanted, other_session) {
            (None, _) => Route::Nowhere,
            (Some(_), Some(other)) => match self.sessions.get(&other).and_then(|session| session.conn) {
                Some(peer) => Route::Local { room: room_id, peer },
                None => Route::Nowhere,
            },
            (Some((node, fence)), None) => Route::Remote { room: room_id, side, stamp: own_stamp, node, fence },
        };
        self.effects.push(Effect::Route(conn, route));
    }

    /// Sends a message that carries a room ticket.
    fn show(&mut self, id: SessionId, room: RoomId, side: Side, message: fn(TicketGrant) -> ToClient) {
        if let Some(grant) = self.ticket(id, room, side) {
            self.send(id, message(grant));
        }
    }

    pub(super) fn ticket(&self, id: SessionId, room: RoomId, side: Side) -> Option<TicketGrant> {
        let stamp = self.sessions.get(&id)?.stamp;
        Some(TicketGrant { session: id, room, side, stamp })
    }

    /// The owner of a seat has lost its socket.
    pub(super) fn leave_seat_empty(&mut self, now: UnixMillis, id: SessionId) {
        let Some((room_id, side)) = self.sessions.get(&id).and_then(|session| session.seat) else { return };
        let Some(room) = self.rooms.get_mut(&room_id) else { return };
        let Some(seat) = room.seats[side as usize].as_mut().filter(|seat| seat.phase != Phase::Away) else {
            return;
        };
        (seat.phase, seat.routed) = (Phase::Away, None);
        if let Some(attachment) = room.fold.attachment(side) {
            room.fold.apply(&RoomEvent::Detached(attachment.clone()));
            self.say_to_other(room_id, side, RoomEvent::Detached(attachment));
        }
        self.settle(now, room_id);
    }

    /// Tells the gateway of the other side something of this side, if it is known and elsewhere.
    pub(super) fn say_to_other(&mut self, room_id: RoomId, side: Side, event: RoomEvent) {
        let Some(room) = self.rooms.get(&room_id) else { return };
        if let Some(to) = room.fold.node(side.other()).filter(|node| **node != self.settings.node).cloned() {
            self.publish(Message::Peer { room: room_id, to, event });
        }
    }

    /// Takes a session off its seat without a word.
    pub(super) fn empty_seat(&mut self, room_id: RoomId, side: Side) {
        let Some(seat) = self.rooms.get_mut(&room_id).and_then(|room| room.seats[side as usize].take())
        else {
            return;
        };
        let Some(session) = self.sessions.get_mut(&seat.session).filter(|s| s.seat == Some((room_id, side)))
        else {
            return;
        };
        session.seat = None;
        if session.conn.is_none() {
            self.sessions.remove(&seat.session);
        }
    }

    /// A match that has not become a room: whoever sits there waits on, and the other gateway is told.
    pub(super) fn dissolve(&mut self, now: UnixMillis, room_id: RoomId) {
        self.dissolved.remember(room_id, (), now + DISSOLVED_LIFE);
        for side in [Side::A, Side::B] {
            let Some(room) = self.rooms.get_mut(&room_id) else { return };
            let Some(seat) = room.seats[side as usize].take() else { continue };
            let Phase::Joining { peer, waiting, .. } = seat.phase else {
                // One side was told already: for it the room is over.
                room.seats[side as usize] = Some(seat);
                return self.end_room(now, room_id, EndReason::Left);
            };
            if let Some(session) = self.sessions.get_mut(&seat.session) {
                session.seat = None;
            }
            if peer != self.settings.node {
                self.publish(Message::Peer { room: room_id, to: peer, event: RoomEvent::Declined });
            }
            self.wait_again(now, seat.session, waiting);
        }
        self.drop_room(room_id);
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
                Phase::Joining { waiting, .. } => self.wait_again(now, seat.session, waiting),
                _ => self.tell_end(now, seat.session, room_id, reason),
            }
        }
        self.drop_room(room_id);
    }

    /// Tells a client that a room is over; it remembers the room in its next token.
    fn tell_end(&mut self, now: UnixMillis, id: SessionId, room: RoomId, reason: EndReason) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.conn.is_none() {
            self.sessions.remove(&id);
            return;
        }
        session.memory.met(room, now);
        if reason == EndReason::Reported {
            session.memory.reported(room);
        }
        self.send(id, ToClient::Ended(reason));
        self.send(id, ToClient::Token(self.grant(id), None));
    }

    pub(super) fn remember_end(&mut self, now: UnixMillis, room: RoomId, reason: EndReason) {
        self.ended.remember(room, reason, now + self.settings.token_life + limits::LEEWAY);
    }

    pub(super) fn drop_room(&mut self, room_id: RoomId) {
        let Some(room) = self.rooms.remove(&room_id) else { return };
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
        let seat = self.sessions.get(&id).and_then(|session| session.seat).map(|(room, _)| room);
        if let Some(room) = seat.or_else(|| self.owners.get(&id.tag()).copied()) {
            self.stop_waiting(now, id);
            self.end_room(now, room, EndReason::Left);
        }
        self.detach(now, id, CloseCode::SessionOver);
        self.sessions.remove(&id);
    }

    /// What is due in a room.
    pub(super) fn room_due(&mut self, now: UnixMillis, room_id: RoomId) {
        for side in [Side::A, Side::B] {
            self.seat_due(now, room_id, side);
        }
        self.grace_due(now, room_id);
        self.schedule(now, room_id);
    }

    fn seat_due(&mut self, now: UnixMillis, room_id: RoomId, side: Side) {
        let Some(room) = self.rooms.get(&room_id) else { return };
        let state = room.fold.state(side.other()).unwrap_or(PeerState::Away);
        let Some(seat) = room.seat(side) else { return };
        match seat.phase {
            Phase::Joining { until, .. } if until <= now => return self.dissolve(now, room_id),
            Phase::Resuming { until } if until <= now => {
                self.finish_resume(now, room_id, side, state);
                self.settle_route(room_id, side);
            }
            Phase::Away => return,
            _ => {}
        }
        let seat = self.rooms.get(&room_id).and_then(|room| room.seat(side));
        if seat.is_some_and(|seat| seat.heard == Heard::NotYet && seat.say_again <= now) {
            self.say_joined(now, room_id, side);
        }
    }

    /// Ends the room of a side that has stayed away too long, if the other side is held here; else only forgets the seat.
    fn grace_due(&mut self, now: UnixMillis, room_id: RoomId) {
        let grace_now = self.grace_clock(now);
        for side in [Side::A, Side::B] {
            let Some(room) = self.rooms.get(&room_id) else { return };
            let Some(since) = room.away_since[side as usize] else { continue };
            let away = grace_now.since(since);
            if away >= self.settings.grace && room.seat(side.other()).is_some() {
                return self.end_room(now, room_id, EndReason::Expired);
            }
            if away >= self.settings.grace + LINGER {
                self.empty_seat(room_id, side);
                return self.drop_room(room_id);
            }
        }
    }

    /// Sets the timer for whatever is next in the room.
    fn schedule(&mut self, now: UnixMillis, room_id: RoomId) {
        let grace_now = self.grace_clock(now);
        let Some(room) = self.rooms.get(&room_id) else { return };
        let mut next = None::<UnixMillis>;
        let mut at = |time: UnixMillis| next = Some(next.map_or(time, |soonest| soonest.min(time)));
        for side in [Side::A, Side::B] {
            if let Some(since) = room.away_since[side as usize] {
                let patience = if room.seat(side.other()).is_some() { Duration::ZERO } else { LINGER };
                at(now + (self.settings.grace + patience).saturating_sub(grace_now.since(since)));
            }
            let Some(seat) = room.seat(side) else { continue };
            if let Phase::Joining { until, .. } | Phase::Resuming { until } = seat.phase {
                at(until);
            }
            if seat.phase != Phase::Away && seat.heard == Heard::NotYet {
                at(seat.say_again);
            }
        }
        if let Some(time) = next {
            // Never at once again: while graces stand still a deadline may lie in the past.
            self.timers.at(time.max(now + super::upkeep::TICK), Timer::Room(room_id));
        }
    }
}
