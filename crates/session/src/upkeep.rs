//! What time brings: timers, repetitions, standing still, a bus that goes and comes back.

use std::time::Duration;

use rand::Rng;
use schemas::{
    CloseCode, NodeId, SessionId, Stamp, UnixMillis, control::EndReason, event::SessionEvent, limits,
};

use super::{BusState, Sessions, Timer, ToClient, Topology, Unsigned};

/// The machine is to be ticked this often: fine enough for the shortest repetition, and nothing for the processor.
pub const TICK: Duration = Duration::from_millis(100);
/// A tick that comes this long after the last one: this process stood still. Below it no neighbour seems silent that is not: at the last
/// tick its heartbeat was a second old at most, and a bit.
const STANDSTILL: Duration = Duration::from_secs(2);
/// Three presence periods and a bit.
pub(super) const PRESENCE_SILENCE: Duration = Duration::from_secs(32);
/// A gateway that was never heard has mostly just started and holds nothing. In case it has not, what was said this long ago is said again.
const NEWCOMER: Duration = Duration::from_secs(60);
/// What was said this long before a gateway fell silent may not have reached it: the last repetition comes after 5 s, and may be late.
const IN_FLIGHT: Duration = Duration::from_secs(10);
/// After its bus came back a gateway freezes graces for this long: others have to be heard first.
const THAW: Duration = Duration::from_secs(10);

/// When a tick came, by the clock and by that of graces.
#[derive(Clone, Copy)]
pub(super) struct Tick {
    now: UnixMillis,
    grace_now: UnixMillis,
}

impl Sessions {
    /// Runs timers that are due, at most so many; whether there may be more. Before [`Self::tick`], which runs all: after a rush
    /// thousands are due at once, and chats are to go on in between.
    pub fn run_due_timers(&mut self, now: UnixMillis, most: usize) -> bool {
        let tick = Tick { now, grace_now: self.grace_clock(now) };
        if let Some(last) = self.last_tick.replace(tick)
            && now.since(last.now) >= STANDSTILL
        {
            self.stood_still(tick, last);
        }
        for _ in 0..most {
            let Some(timer) = self.timers.pop_due(now) else { return false };
            self.timer_due(now, timer);
        }
        true
    }

    /// How long no timer is due, at most [`TICK`].
    pub fn rest(&self, now: UnixMillis) -> Duration {
        self.timers.next().map_or(TICK, |deadline| deadline.since(now).min(TICK))
    }

    /// Does what is due. To be called every [`TICK`].
    pub fn tick(&mut self, now: UnixMillis) {
        while self.run_due_timers(now, usize::MAX) {}
        for node in self.gateways.expire(now) {
            self.node_gone(now, &node);
            self.silent.insert(node, now - limits::NODE_SILENCE - IN_FLIGHT);
        }
        if self.next_repeat <= now {
            self.next_repeat = now + limits::WANT_REPEAT;
            self.repeat_wants(now);
        }
        if self.begin_slice(now) {
            self.tidy(now);
            if let Some(since) = self.say_again_since.take() {
                self.say_sessions_again(now, since);
            }
        }
        self.say_part();
    }

    /// What others said since the last tick is still to be read: nobody was silent in this time, and no grace has run.
    fn stood_still(&mut self, Tick { now, grace_now }: Tick, last: Tick) {
        let (pause, grace_pause) = (now.since(last.now), grace_now.since(last.grace_now));
        self.gateways.discount_pause(now, pause);
        for room in self.rooms.values_mut() {
            for seat in room.seats.iter_mut().flatten() {
                seat.sign = (seat.sign + pause).min(now);
            }
            for since in room.away_since.iter_mut().flatten() {
                *since = (*since + grace_pause).min(grace_now);
            }
        }
    }

    fn timer_due(&mut self, now: UnixMillis, timer: Timer) {
        match timer {
            Timer::Room(room) => self.room_due(now, room),
            Timer::Session(id, stamp) => self.session_due(now, id, stamp),
            Timer::SayAttached { id, stamp, time } => {
                if self.sessions.get(&id).is_some_and(|session| session.stamp == stamp) {
                    self.say_attached(now, id, stamp, time);
                }
            }
            Timer::Say(say) => {
                let (id, event) = *say;
                self.say_session_event(id, event);
            }
        }
    }

    /// Half of the token's life is over, or all of the session's. Without a socket only a grace is left of it, which ends sooner.
    fn session_due(&mut self, now: UnixMillis, id: SessionId, stamp: Stamp) {
        let Some(session) = self.sessions.get(&id).filter(|s| s.stamp == stamp && s.conn.is_some()) else {
            return;
        };
        let ends = session.ends();
        if ends <= now {
            return self.life_ends(now, id);
        }
        let shown = session.room_shown().filter(|_| self.in_room(id));
        let ticket = shown.and(session.seat).and_then(|(room, side)| self.ticket(id, room, side));
        self.send(id, ToClient::Unsigned(Unsigned::Token(self.grant(id), ticket)));
        self.timers.at(ends.min(now + self.settings.token_life / 2), Timer::Session(id, stamp));
    }

    /// A session has lived for [`limits::SESSION_LIFE`].
    fn life_ends(&mut self, now: UnixMillis, id: SessionId) {
        self.stop_waiting(now, id);
        if let Some((room, _)) = self.sessions.get(&id).and_then(|session| session.seat) {
            self.end_room(now, room, EndReason::Expired);
        }
        self.detach(now, id, CloseCode::SessionOver);
        self.forget(now, id);
    }

    /// Forgets what has expired, and gives its memory back.
    fn tidy(&mut self, now: UnixMillis) {
        self.timers.shrink();
        self.ended.expire(now);
        self.past.expire(now);
        self.revoked.expire(now);
        self.spent.expire(now);
        self.ahead.expire(now);
    }

    /// A gateway is back, or new: it is told at once which rooms are shared with it, and soon what it may have missed of sessions.
    pub(super) fn gateway_joined(&mut self, now: UnixMillis, node: &NodeId) {
        let rooms = self.rooms_with(node);
        self.say_presence(&rooms);
        let since = self.silent.remove(node).unwrap_or(now - NEWCOMER);
        self.say_again_from(since);
    }

    fn say_again_from(&mut self, since: UnixMillis) {
        self.say_again_since = Some(self.say_again_since.map_or(since, |earlier| earlier.min(since)));
    }

    /// Who has been attached or revoked since then: a gateway that was cut off may hold an older attachment of it.
    fn say_sessions_again(&mut self, now: UnixMillis, since: UnixMillis) {
        // A stamp is never below the clock at which it was made.
        let attached = self.sessions.iter().filter(|(_, it)| it.conn.is_some() && it.stamp.0 >= since.0);
        let attached: Vec<_> = attached.map(|(id, it)| (*id, it.stamp)).collect();
        for (id, stamp) in attached {
            self.say_attached(now, id, stamp, 0);
        }
        let life = self.settings.token_life + limits::LEEWAY;
        let revoked = self.revoked.iter(now).filter(|(_, (), until)| *until >= since + life);
        let mut revoked: Vec<_> = revoked.map(|(id, (), until)| (*id, until.since(now))).collect();
        revoked.sort_unstable();
        for (id, remaining) in revoked {
            self.say_session_event(id, SessionEvent::Revoked { remaining });
        }
        self.silent.retain(|_, last| now.since(*last) < life);
    }

    /// The time by which graces run: it stands still while the bus is down, and for [`THAW`] after.
    pub(super) fn grace_clock(&self, now: UnixMillis) -> UnixMillis {
        match self.bus {
            BusState::Down { since } => since.max(self.thaw) - self.frozen,
            BusState::Up | BusState::Awaited => now.max(self.thaw) - self.frozen,
        }
    }

    /// The bus is not up yet. To be told before anything else, if it is so: graces do not freeze when it comes up for the first time.
    pub fn bus_awaited(&mut self) {
        self.bus = BusState::Awaited;
    }

    /// The bus is down: other sides cannot be heard, and their graces stand still.
    pub fn bus_down(&mut self, now: UnixMillis) {
        if self.bus == BusState::Up {
            self.bus = BusState::Down { since: now };
        }
    }

    /// The bus is back, or there for the first time.
    pub fn bus_up(&mut self, now: UnixMillis) {
        if self.bus == BusState::Awaited {
            self.bus = BusState::Up;
        } else if let BusState::Down { since } = self.bus {
            let thaw = now + THAW;
            self.frozen += thaw.since(since.max(self.thaw));
            (self.bus, self.thaw) = (BusState::Up, thaw);
            self.say_again_from(since - IN_FLIGHT);
        }
        self.missed(now);
    }

    /// Messages may have been missed: everything that others rely on is said again.
    pub fn missed(&mut self, now: UnixMillis) {
        for seat in self.rooms.values_mut().flat_map(|room| &mut room.seats).flatten() {
            seat.sign = now;
        }
        let rooms: Vec<_> = self.rooms.keys().copied().collect();
        self.say_presence(&rooms);
        self.say_all_leases();
        self.repeat_wants(now);
        self.say_again_from(now - IN_FLIGHT);
    }

    /// This node goes away: nobody can begin to wait here any more, and every client is told when to come back.
    pub fn drain(&mut self, now: UnixMillis) {
        self.draining = true;
        if self.settings.topology == Topology::Standalone {
            let rooms: Vec<_> = self.rooms.keys().copied().collect();
            for room in rooms {
                self.end_room(now, room, EndReason::Shutdown);
            }
        }
        let attached = self.sessions.iter().filter(|(_, session)| session.conn.is_some());
        let sessions: Vec<_> = attached.map(|(id, _)| *id).collect();
        for id in sessions {
            let reconnect_in_ms =
                self.rng.random_range(0..=schemas::time::millis(self.settings.drain_spread));
            self.send(id, ToClient::Drain { reconnect_in_ms });
        }
    }
}
