//! Rooms of which this gateway holds a side: joining, resuming, being away, ending.

use std::time::Duration;

use rand::Rng;
use schemas::{
    NodeId, RoomId, Service, SessionId, Side, Stamp, Tag, UnixMillis, control::PeerState, event::RoomEvent,
    message::Message, room,
};

use super::{Effect, Route, Sessions, TicketGrant, Timer, ToClient, Unsigned, waiting::Waiting};

/// How long a side waits for the other half of a match: six repetitions of `Joined`.
pub(super) const JOIN_PATIENCE: Duration = Duration::from_secs(3);
/// `Joined` of a match is repeated this often until the other side is heard.
const JOIN_REPEAT: Duration = Duration::from_millis(500);
/// `Joined` of a resume is repeated after these pauses, and then after [`SLOW_REPEAT`] for ever, until the other side is heard.
const RESUME_REPEATS: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];
/// `Joined` is said this often, to everybody, while the other side is away: the two may have lost sight of each other because both
/// have moved, and neither is to rely on the other's word alone.
const SLOW_REPEAT: Duration = Duration::from_secs(10);
/// The first of the slow repetitions is spread over this time: a dead gateway leaves many alone at once.
const SPREAD_MS: u64 = 5_000;

/// A room of which at least one side is, or was a moment ago, here.
#[derive(Default)]
pub(super) struct Room {
    pub(super) fold: room::Room,
    /// Boxed: mostly one of the two is elsewhere.
    pub(super) seats: [Option<Box<Seat>>; 2],
    /// Since when each side is away, on the clock of graces.
    pub(super) away_since: [Option<UnixMillis>; 2],
}

/// A side that is held here.
pub(super) struct Seat {
    pub(super) session: SessionId,
    pub(super) phase: Phase,
    /// What the client knows of the other side.
    pub(super) told: PeerState,
    /// The other side's attachment to which its frames go.
    routed: Option<(NodeId, Stamp)>,
    /// Whether the other side has been heard since this one sat down.
    pub(super) heard: Heard,
    /// When the other side, if it is elsewhere, was heard of last.
    pub(super) sign: UnixMillis,
    /// When `Joined` is said next, unless the other side is known to know.
    pub(super) say_again: UnixMillis,
    said: u8,
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
    Joining(Box<Joining>),
    /// Came back with a ticket; the other side has not been heard.
    Resuming { until: UnixMillis },
    /// The client has been told that it is in the room.
    In,
    /// The socket was lost.
    Away,
}

/// A match whose other half has not been heard.
#[derive(Debug, PartialEq)]
pub(super) struct Joining {
    pub(super) until: UnixMillis,
    pub(super) peer: NodeId,
    pub(super) waiting: Box<Waiting>,
}

impl Room {
    /// People here who are in the room.
    pub(super) fn people(&self) -> usize {
        self.seats
            .iter()
            .flatten()
            .filter(|seat| matches!(seat.phase, Phase::In | Phase::Resuming { .. }))
            .count()
    }

    pub(super) fn seat(&self, side: Side) -> Option<&Seat> {
        self.seats[side as usize].as_deref()
    }

    /// The stamp of the side that belongs to `owner`, if it is elsewhere and away.
    pub(super) fn away_stamp(&self, owner: Tag) -> Option<Stamp> {
        let away = |side: &Side| {
            self.fold.owner(*side) == Some(owner) && self.fold.state(*side) == Some(PeerState::Away)
        };
        [Side::A, Side::B].into_iter().find(away).map(|side| self.fold.stamp(side))
    }

    /// Whether the other half of its match is expected there.
    pub(super) fn is_joining(&self, node: &NodeId) -> bool {
        let expects = |phase: &Phase| matches!(phase, Phase::Joining(joining) if joining.peer == *node);
        self.seats.iter().flatten().any(|seat| expects(&seat.phase))
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
        seat.is_some_and(|seat| matches!(seat.phase, Phase::Joining(_)))
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
        (session.seat, session.shown) = (Some((room_id, side)), !matches!(phase, Phase::Joining(_)));
        let room = self.rooms.entry(room_id).or_default();
        room.fold.apply(&RoomEvent::Joined(attachment));
        room.away_since[side as usize] = None;
        room.seats[side as usize] = Some(Box::new(Seat {
            session: id,
            phase,
            told: PeerState::Online,
            routed: None,
            heard: Heard::NotYet,
            sign: now,
            say_again: now,
            said: 0,
        }));
        self.say_joined(now, room_id, side);
        self.timers.at(now + JOIN_REPEAT, Timer::Room(room_id));
    }

    /// Says `Joined`, unless the other side is here and needs no telling.
    pub(super) fn say_joined(&mut self, now: UnixMillis, room_id: RoomId, side: Side) {
        let Some(room) = self.rooms.get_mut(&room_id) else { return };
        let other_is_here = room.is_attached(side.other());
        let Some(attachment) = room.fold.attachment(side) else { return };
        let Some(seat) = room.seats[side as usize].as_mut() else { return };
        let message = match &seat.phase {
            Phase::Joining(joining) => {
                seat.say_again = now + JOIN_REPEAT;
                let to = joining.peer.clone();
                (to != self.settings.node).then_some(Message::Peer {
                    room: room_id,
                    to,
                    event: RoomEvent::Joined(attachment),
                })
            }
            _ => {
                let pause = RESUME_REPEATS.get(usize::from(seat.said)).copied();
                seat.say_again = now + pause.unwrap_or(SLOW_REPEAT);
                let event = RoomEvent::Joined(attachment);
                (!other_is_here).then_some(Message::Room { room: room_id, speaker: Service::Gateway, event })
            }
        };
        seat.said = seat.said.saturating_add(1);
        self.effects.extend(message.map(Effect::Publish));
    }

    /// After any change: sends the clients here what is new to them, and sets where their frames go. Messages come before
    /// routes, so that no frame overtakes the news of its room; but that the peer is online comes after them, for whoever
    /// receives it may send at once.
    pub(super) fn settle(&mut self, now: UnixMillis, room_id: RoomId) {
        let mut online = [None; 2];
        for side in [Side::A, Side::B] {
            self.settle_away(now, room_id, side);
            online[side as usize] = self.settle_client(now, room_id, side);
        }
        for side in [Side::A, Side::B] {
            self.settle_route(room_id, side);
        }
        for id in online.into_iter().flatten() {
            self.send(id, ToClient::Peer(PeerState::Online));
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

    /// Returns the session whose client is still to learn that its peer is online.
    fn settle_client(&mut self, now: UnixMillis, room_id: RoomId, side: Side) -> Option<SessionId> {
        let room = self.rooms.get_mut(&room_id)?;
        let state = room.fold.state(side.other());
        let other_is_here = room.seat(side.other()).is_some();
        let seat = room.seats[side as usize].as_mut()?;
        if other_is_here {
            seat.heard = Heard::Yes;
        }
        let id = seat.session;
        match (&seat.phase, state) {
            (Phase::Joining(joining), Some(PeerState::Online)) => {
                let queue = joining.waiting.queue;
                seat.phase = Phase::In;
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.shown = true;
                }
                self.show(id, room_id, side, Unsigned::Paired);
                self.met(now, queue);
            }
            (Phase::Resuming { .. }, Some(state)) if seat.heard == Heard::Yes => {
                self.finish_resume(now, room_id, side, state)
            }
            (Phase::In, Some(state)) if state != seat.told => {
                seat.told = state;
                seat.say_again =
                    now + SLOW_REPEAT + Duration::from_millis(self.rng.random_range(0..SPREAD_MS));
                self.timers.at(seat.say_again, Timer::Room(room_id));
                if state == PeerState::Online {
                    return Some(id);
                }
                self.send(id, ToClient::Peer(state));
            }
            _ => {}
        }
        None
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
            (Some((node, fence)), None) => {
                Route::Remote { room: room_id, side, stamp: own_stamp, node, fence }
            }
        };
        self.effects.push(Effect::Route(conn, route));
    }

    /// Sends a message that carries a room ticket.
    pub(super) fn show(
        &mut self,
        id: SessionId,
        room: RoomId,
        side: Side,
        message: fn(TicketGrant) -> Unsigned,
    ) {
        if let Some(grant) = self.ticket(id, room, side) {
            self.send(id, ToClient::Unsigned(message(grant)));
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
    pub(super) fn empty_seat(&mut self, now: UnixMillis, room_id: RoomId, side: Side) {
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
            self.forget(now, seat.session);
        }
    }
}
