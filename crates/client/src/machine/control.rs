//! What the server sends: control messages.

use std::time::{Duration, Instant};

use schemas::{
    control::{Admission, ClientMessage, EndReason, ErrorCode, PeerState, Remedy, ServerMessage},
    reconnect::LONGEST_ASKED,
};

use super::{
    doubt::Doubt,
    goal::{Goal, Leaving, Room},
    interface::{Effect, Event},
    late_report::LateReport,
    state::{ConnectionMachine, Drain, ReadySocket, RoomMembership, SocketState},
};
use crate::secret::Secret;

/// How much silence beyond the server's own interval between two pings is taken for a dead
/// connection.
const SILENCE_GRACE: Duration = Duration::from_secs(10);

/// The interval between pings that is believed. A server that sent a wrong number would otherwise
/// keep a dead connection for ever.
const HEARTBEAT_RANGE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(120));

impl ConnectionMachine {
    pub(super) fn control(&mut self, message: ServerMessage, now: Instant, random: u64) {
        match message {
            ServerMessage::Ready { token, expires_in, heartbeat_ms, limits, .. } => {
                self.grace = Duration::from_millis(limits.grace_ms);
                self.keep_token(token.into(), expires_in);
                self.ready(heartbeat_ms, now);
            }
            ServerMessage::Waiting(outlook) if matches!(self.goal, Goal::Find(_)) => {
                self.retries.reset();
                self.emit(Event::Waiting(outlook));
            }
            ServerMessage::Paired(place) => self.paired(place, now),
            ServerMessage::Resumed(place) => self.resumed(place),
            ServerMessage::Peer { state } if matches!(self.goal, Goal::Room(_)) => {
                self.emit(match state {
                    PeerState::Online => Event::PeerOnline,
                    PeerState::Away => Event::PeerAway { kept: self.grace },
                });
            }
            ServerMessage::Ended { reason } => self.ended(reason, now),
            ServerMessage::Token { token, ticket, expires_in, .. } => {
                self.keep_token(token.into(), expires_in);
                if let (Some(ticket), Goal::Room(room)) = (ticket, &mut self.goal) {
                    room.ticket = ticket.into();
                }
                if self.late_report.as_mut().is_some_and(LateReport::is_answer) {
                    self.retries.reset();
                    self.reported(true);
                }
            }
            ServerMessage::Drain { reconnect_in_ms, to } => {
                // A server cannot send a client, and its token, anywhere else.
                let to = to.and_then(|address| self.place_of(&address.parse().ok()?));
                if let SocketState::Ready(ready) = &mut self.socket {
                    let at = now + Duration::from_millis(reconnect_in_ms).min(LONGEST_ASKED);
                    ready.drain = Some(Drain { at, to });
                }
            }
            ServerMessage::Service(state) => self.emit(Event::Service(state)),
            ServerMessage::Error { code, message } => self.error(code, message, now, random),
            ServerMessage::Waiting(_) | ServerMessage::Peer { .. } | ServerMessage::Pong => {}
        }
    }

    fn ready(&mut self, heartbeat_ms: u64, now: Instant) {
        if !matches!(self.socket, SocketState::AwaitingReady { .. }) {
            return;
        }
        let (shortest, longest) = HEARTBEAT_RANGE;
        let silence = Duration::from_millis(heartbeat_ms).clamp(shortest, longest) + SILENCE_GRACE;
        self.socket = SocketState::Ready(ReadySocket {
            since: now,
            last_received: now,
            silence,
            drain: None,
            retry: None,
            membership: RoomMembership::Outside,
            doubt: Doubt::default(),
        });
        self.unauthorized = 0;
        self.emit(Event::Connected);
        // Its answer is lost with the connection before.
        self.reported(false);
        self.repeat_goal(now);
    }

    fn keep_token(&mut self, token: Secret, expires_in: u64) {
        self.token = token.clone();
        self.effects.push(Effect::KeepToken(token, Duration::from_secs(expires_in)));
    }

    fn paired(&mut self, place: Admission, now: Instant) {
        // Sent again, it would report somebody else.
        self.reported(false);
        let SocketState::Ready(ready) = &mut self.socket else { return };
        match &self.goal {
            Goal::Find(find) => {
                let (by, role) = (find.by.clone(), find.role);
                ready.membership = RoomMembership::Inside;
                ready.retry = None;
                self.retries.reset();
                self.goal = Goal::Room(Room { ticket: place.ticket.into(), leaving: None });
                self.emit(Event::Paired { room: place.room, side: place.side, by, role });
            }
            // The match was made before our `cancel` arrived. The owner does not know of this room,
            // so its end is not reported either.
            Goal::None => self.send(ClientMessage::Leave),
            // No honest server does this. Each room that it can make is a guess at the safety code,
            // so the chat ends where its people see it.
            Goal::Room(_) => {
                self.send(ClientMessage::Leave);
                self.ended(EndReason::Left, now);
            }
        }
    }

    fn resumed(&mut self, place: Admission) {
        if let SocketState::Ready(ready) = &mut self.socket
            && let RoomMembership::Resuming { .. } = ready.membership
            && let Goal::Room(room) = &mut self.goal
        {
            ready.membership = RoomMembership::Inside;
            room.ticket = place.ticket.into();
            self.retries.reset();
            self.emit(Event::Resumed);
            self.send_leaving();
        }
    }

    /// The room is over. If the owner wanted the next person, that find starts now.
    fn ended(&mut self, reason: EndReason, now: Instant) {
        let SocketState::Ready(ready) = &mut self.socket else { return };
        let Goal::Room(room) = &mut self.goal else { return };
        // While attached to the room, `next` was sent already, unless it was refused and is to be
        // repeated.
        let inside = matches!(ready.membership, RoomMembership::Inside);
        let sent = inside && ready.retry.is_none();
        let Leaving { report, next } = room.leaving.take().unwrap_or_default();
        ready.membership = RoomMembership::Outside;
        self.goal = next.map_or(Goal::None, Goal::Find);
        self.emit(Event::Ended { reason });
        match report {
            None => {}
            Some(_) if reason == EndReason::Reported => self.emit(Event::Reported { taken: true }),
            Some(category) => self.late_report = Some(LateReport::overtaken(category, inside, sent)),
        }
        if !sent {
            self.repeat_goal(now);
        }
    }

    fn error(&mut self, code: ErrorCode, message: String, now: Instant, random: u64) {
        let SocketState::Ready(ready) = &mut self.socket else { return };
        let resuming = matches!(ready.membership, RoomMembership::Resuming { .. });
        match (&self.goal, code) {
            // The room ended before our message arrived.
            (Goal::Room(Room { leaving: Some(_), .. }), ErrorCode::NoRoom) if !resuming => {
                let report = self.take_report();
                self.ended(EndReason::Left, now);
                if report.is_some() {
                    self.emit(Event::Reported { taken: false });
                }
                return;
            }
            // The answer to a `leave` or a report that came too late.
            (_, ErrorCode::NoRoom) if !resuming => return self.reported(false),
            // A match was on its way when the criteria changed.
            (Goal::Find(_), ErrorCode::InRoom) => {
                ready.retry = Some(now + self.retries.next(random));
                return;
            }
            (Goal::None | Goal::Find(_), code)
                if code.remedy() == Remedy::Repeat
                    && (matches!(self.goal, Goal::Find(_)) || self.late_report.is_some()) =>
            {
                // Which of the two it answers, it does not say: both are sent again.
                if let Some(report) = &mut self.late_report {
                    report.refused();
                }
                ready.retry = Some(now + self.retries.next(random));
            }
            (Goal::Room(room), code)
                if code.remedy() == Remedy::Repeat && (resuming || room.leaving.is_some()) =>
            {
                if resuming {
                    ready.membership = RoomMembership::Outside;
                }
                ready.retry = Some(now + self.retries.next(random));
            }
            (Goal::Room(_), _) if resuming => return self.ended(EndReason::Expired, now),
            (Goal::Find(_), _) => self.goal = Goal::None,
            (Goal::None, _) => self.reported(false),
            (Goal::Room(_), _) => {}
        }
        self.emit(Event::Error { code, message });
    }
}
