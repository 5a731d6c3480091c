//! The machine itself: what it remembers, and the steps that all its parts share.

use std::time::{Duration, Instant};

use schemas::{
    control::{Category, ClientMessage},
    reconnect::STABLE,
};

use super::{
    backoff::BackOff,
    doubt::{Doubt, Spare},
    goal::{Goal, Room},
    interface::{Closed, Effect, Event},
    late_report::LateReport,
};
use crate::{secret::Secret, server::ServerUrl};

/// How long the server may take for `ready`, and for the answer to `resume`. By the protocol that
/// answer takes up to 1 s if the peer is silent.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection to a service, kept up over any number of sockets.
pub(crate) struct ConnectionMachine {
    pub(super) token: Secret,
    /// The server's addresses, in the order in which they are tried.
    addresses: Vec<ServerUrl>,
    /// The address of the last attempt, counted around.
    pub(super) url: usize,
    pub(super) socket: SocketState,
    pub(super) goal: Goal,
    /// A report of a chat that is over.
    pub(super) late_report: Option<LateReport>,
    pub(super) reconnects: BackOff,
    pub(super) retries: BackOff,
    /// Answers with status 401 in a row.
    pub(super) unauthorized: u32,
    /// How long the server keeps the place of somebody who is away.
    pub(super) grace: Duration,
    pub(super) effects: Vec<Effect>,
}

/// The one socket at a time.
pub(super) enum SocketState {
    /// There is none before `until`.
    Backoff { until: Instant },
    /// It is being opened.
    Opening { deadline: Instant },
    /// It is open, and `ready` has not come yet.
    AwaitingReady { deadline: Instant },
    /// The server has sent `ready`.
    Ready(ReadySocket),
    /// There will be none.
    Closed,
}

/// What there is to know about a socket on which `ready` has come.
pub(super) struct ReadySocket {
    pub(super) since: Instant,
    pub(super) last_received: Instant,
    /// After this much silence the connection is taken for dead.
    pub(super) silence: Duration,
    /// When to move to another node.
    pub(super) drain: Option<Drain>,
    /// When to repeat what the server could not do for now.
    pub(super) retry: Option<Instant>,
    pub(super) membership: RoomMembership,
    /// Whether it still works.
    pub(super) doubt: Doubt,
}

/// A node goes away.
pub(super) struct Drain {
    /// When to move to another.
    pub(super) at: Instant,
    /// The address to go to, counted around, if one of those that are known was named.
    pub(super) to: Option<usize>,
}

/// Whether this socket is attached to the room.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RoomMembership {
    Outside,
    /// `resume` was sent, and its answer is awaited.
    Resuming {
        deadline: Instant,
    },
    Inside,
}

impl ConnectionMachine {
    /// A machine that connects at `now`. It tries the addresses in turn, from the first.
    pub(crate) fn new(token: Secret, addresses: Vec<ServerUrl>, now: Instant) -> Self {
        Self {
            token,
            addresses,
            url: 0,
            socket: SocketState::Backoff { until: now },
            goal: Goal::None,
            late_report: None,
            reconnects: BackOff::of_connections(),
            retries: BackOff::of_requests(),
            unauthorized: 0,
            grace: Duration::ZERO,
            effects: Vec::new(),
        }
    }

    /// When [`Input::Tick`](super::Input::Tick) is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.socket {
            SocketState::Backoff { until: deadline }
            | SocketState::Opening { deadline }
            | SocketState::AwaitingReady { deadline } => Some(*deadline),
            SocketState::Ready(ready) => ready.deadline(),
            SocketState::Closed => None,
        }
    }

    /// The next attempt is made at another address.
    pub(super) fn next_address(&mut self) {
        self.url = self.url.wrapping_add(1);
    }

    /// The place of an address, counted around from the present one; `None` if it is not known.
    pub(super) fn place_of(&self, address: &ServerUrl) -> Option<usize> {
        let ahead = (0..self.addresses.len()).map(|n| self.url.wrapping_add(n));
        ahead.into_iter().find(|place| self.addresses[place % self.addresses.len()] == *address)
    }

    pub(super) fn emit(&mut self, event: Event) {
        self.effects.push(Effect::Emit(event));
    }

    pub(super) fn send(&mut self, message: ClientMessage) {
        self.effects.push(Effect::SendControl(message));
    }

    pub(super) fn is_inside(&self) -> bool {
        matches!(&self.socket, SocketState::Ready(ready) if ready.membership == RoomMembership::Inside)
    }

    /// Sends, on a connection that is ready, whatever the goal needs.
    pub(super) fn repeat_goal(&mut self, now: Instant) {
        let SocketState::Ready(ready) = &mut self.socket else { return };
        ready.retry = None;
        let report = self.late_report.as_mut().and_then(LateReport::message);
        self.effects.extend(report.map(Effect::SendControl));
        match (&self.goal, ready.membership) {
            (Goal::Find(find), _) => {
                self.effects.push(Effect::SendControl(ClientMessage::Find(find.clone())));
            }
            (Goal::Room(room), RoomMembership::Outside) => {
                ready.membership = RoomMembership::Resuming { deadline: now + ANSWER_TIMEOUT };
                let ticket = room.ticket.expose().to_owned();
                self.effects.push(Effect::SendControl(ClientMessage::Resume(ticket)));
            }
            (Goal::Room(_), RoomMembership::Inside) => self.send_leaving(),
            (Goal::None, _) | (Goal::Room(_), RoomMembership::Resuming { .. }) => {}
        }
    }

    /// Leaves the room if the owner wants that and this connection is attached to it.
    pub(super) fn send_leaving(&mut self) {
        if self.is_inside()
            && let Goal::Room(Room { leaving: Some(leaving), .. }) = &self.goal
        {
            self.effects.extend(leaving.messages().into_iter().map(Effect::SendControl));
        }
    }

    /// The second socket becomes the connection, if there is one; the first is over. Returns
    /// whether there is one.
    pub(super) fn change_over(&mut self, now: Instant) -> bool {
        let SocketState::Ready(ready) = &self.socket else { return false };
        let was_useful = ready.was_useful(now);
        let socket = match ready.doubt.spare {
            Some(Spare::Opening { deadline }) => SocketState::Opening { deadline },
            Some(Spare::AwaitingReady { deadline }) => SocketState::AwaitingReady { deadline },
            Some(Spare::Backoff { .. }) | None => return false,
        };
        self.socket = socket;
        if was_useful {
            self.reconnects.reset();
        }
        self.effects.push(Effect::TakeSpare);
        self.emit(Event::Disconnected { retry_in: Duration::ZERO });
        true
    }

    /// Gives the second socket up, if there is one.
    pub(super) fn drop_spare(&mut self) {
        if let SocketState::Ready(ready) = &mut self.socket
            && let Some(Spare::Opening { .. } | Spare::AwaitingReady { .. }) = ready.doubt.spare.take()
        {
            self.effects.push(Effect::DropSpare);
        }
    }

    /// The late report, if there is one, is over, and the owner learns whether the server has taken
    /// it.
    pub(super) fn reported(&mut self, taken: bool) {
        if self.late_report.take().is_some() {
            self.emit(Event::Reported { taken });
        }
    }

    /// The report with which the owner wants to end the room, if so, is not made.
    pub(super) fn take_report(&mut self) -> Option<Category> {
        let Goal::Room(Room { leaving: Some(leaving), .. }) = &mut self.goal else { return None };
        leaving.report.take()
    }

    pub(super) fn close(&mut self, reason: Closed) {
        self.drop_spare();
        self.reported(false);
        if self.take_report().is_some() {
            self.emit(Event::Reported { taken: false });
        }
        self.socket = SocketState::Closed;
        self.goal = Goal::None;
        self.emit(Event::Closed { reason });
    }
}

impl ReadySocket {
    pub(super) fn is_dead(&self, now: Instant) -> bool {
        self.last_received + self.silence <= now
            || self.answer_deadline().is_some_and(|deadline| deadline <= now)
    }

    /// Whether this connection counts as a success. One whose `resume` was never answered does not.
    pub(super) fn was_useful(&self, now: Instant) -> bool {
        let resuming = matches!(self.membership, RoomMembership::Resuming { .. });
        !resuming && now.saturating_duration_since(self.since) >= STABLE
    }

    fn deadline(&self) -> Option<Instant> {
        let silent = Some(self.last_received + self.silence);
        let drain = self.drain.as_ref().map(|drain| drain.at);
        let due = [silent, drain, self.retry, self.answer_deadline(), self.doubt.deadline()];
        due.into_iter().flatten().min()
    }

    fn answer_deadline(&self) -> Option<Instant> {
        match self.membership {
            RoomMembership::Resuming { deadline } => Some(deadline),
            RoomMembership::Outside | RoomMembership::Inside => None,
        }
    }
}
