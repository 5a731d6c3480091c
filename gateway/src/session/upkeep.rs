//! What time brings: timers, repetitions, and the periodic word of what is held here.

use std::{collections::BTreeMap, ops::Bound, time::Duration};

use rand::Rng;
use schemas::{
    CloseCode, NodeId, RoomId, SessionId, Side, Stamp, UnixMillis,
    control::EndReason,
    event::{Attached, Lease, Presence, SessionEvent, SessionLease},
    limits,
    message::Message,
};

use super::{BusState, Sessions, Timer, ToClient};
use crate::config::Company;

/// The machine is to be ticked this often: fine enough for the shortest repetition, and nothing for the processor.
pub const TICK: Duration = Duration::from_millis(100);
/// A tick that comes this long after the last one: this process stood still. Below it no neighbour seems silent that is not: at the last
/// tick its heartbeat was a second old at most, and a bit.
const STANDSTILL: Duration = Duration::from_secs(2);
/// Presence and leases are said in this many slices: of 20,000 sessions some 300 at once, between which chats go on. More of them would
/// be more messages: one to the janitors, and one to each gateway that shares rooms. A divisor of 256.
const SLICES: u8 = 64;
/// How long a slice waits for the next.
const SLICE: Duration = Duration::from_millis(limits::RENEWAL.as_millis() as u64 / SLICES as u64);
/// Three presence periods and a bit.
pub(super) const PRESENCE_SILENCE: Duration = Duration::from_secs(32);
/// Entries of one lease or presence message: 500 of about 120 bytes stay below [`limits::EVENT_BYTES`].
const BATCH: usize = 500;
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

/// The ids of a slice; ids are random, so that slices are about equal. `id` makes the least id with these first bytes.
fn slice_of<K>(slice: u8, id: impl Fn([u8; 16]) -> K) -> (Bound<K>, Bound<K>) {
    let first = |slice: u8| {
        let mut bytes = [0; 16];
        bytes[0] = slice * (256 / u16::from(SLICES)) as u8;
        id(bytes)
    };
    let end = if slice + 1 < SLICES { Bound::Excluded(first(slice + 1)) } else { Bound::Unbounded };
    (Bound::Included(first(slice)), end)
}

impl Sessions {
    /// Heeds timers that are due, at most so many; whether there may be more. Before [`Self::tick`], which heeds all: after a rush
    /// thousands are due at once, and chats are to go on in between.
    pub fn heed_timers(&mut self, now: UnixMillis, most: usize) -> bool {
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

    /// Does what is due. To be called every [`TICK`].
    pub fn tick(&mut self, now: UnixMillis) {
        while self.heed_timers(now, usize::MAX) {}
        for node in self.gateways.expire(now) {
            self.node_gone(now, &node);
            self.silent.insert(node, now - limits::NODE_SILENCE - IN_FLIGHT);
        }
        if self.next_repeat <= now {
            self.next_repeat = now + limits::WANT_REPEAT;
            self.repeat_wants(now);
        }
        if self.next_sweep <= now {
            self.next_sweep = (self.next_sweep + SLICE).max(now);
            self.sweep = (self.sweep + 1) % SLICES;
            self.sweep_slice(now);
            if self.sweep == 0 {
                self.counted.set(None);
            }
            if let Some(since) = self.say_again_since.take() {
                self.say_sessions_again(now, since);
            }
        }
    }

    /// What others said since the last tick is still to be read: nobody was silent in this time, and no grace has run.
    fn stood_still(&mut self, Tick { now, grace_now }: Tick, last: Tick) {
        let (pause, grace_pause) = (now.since(last.now), grace_now.since(last.grace_now));
        self.gateways.forgive(now, pause);
        for room in self.rooms.values_mut() {
            room.sign = (room.sign + pause).min(now);
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
        let shown = self.room_shown(session).filter(|_| self.in_room(id));
        let ticket = shown.and(session.seat).and_then(|(room, side)| self.ticket(id, room, side));
        self.send(id, ToClient::Token(self.grant(id), ticket));
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

    /// A slice of what is held here is said to live, and a slice of what is elsewhere is checked for silence.
    fn sweep_slice(&mut self, now: UnixMillis) {
        let sessions: Vec<_> =
            self.sessions.range(slice_of(self.sweep, SessionId::from_random)).map(|(id, _)| *id).collect();
        self.say_leases(&sessions);
        let rooms: Vec<_> =
            self.rooms.range(slice_of(self.sweep, RoomId::from_bytes)).map(|(id, _)| *id).collect();
        self.say_presence(&rooms);
        for room in rooms {
            self.silence_due(now, room);
        }
        self.timers.shrink();
        self.ended.expire(now);
        self.past.expire(now);
        self.revoked.expire(now);
        self.spent.expire(now);
        self.ahead.expire(now);
    }

    /// Says that these sessions are held here, those that are.
    pub(super) fn say_leases(&mut self, ids: &[SessionId]) {
        for batch in ids.chunks(BATCH) {
            let lease = |id: &SessionId| {
                let session = self.sessions.get(id)?;
                Some(SessionLease {
                    session: *id,
                    stamp: session.stamp,
                    state: self.state(session),
                    connected: session.conn.is_some(),
                    room: self.room_shown(session),
                    ends: session.ends(),
                })
            };
            let sessions: Vec<_> = batch.iter().filter_map(lease).collect();
            if !sessions.is_empty() {
                let lease = Lease { boot: self.settings.boot, sessions };
                self.publish(Message::Lease { from: self.settings.node.clone(), lease });
            }
        }
    }

    /// Tells the gateways that hold the other sides of these rooms which sides are here.
    fn say_presence(&mut self, rooms: &[RoomId]) {
        let mut shared = BTreeMap::<NodeId, Vec<(RoomId, Attached)>>::new();
        for id in rooms {
            let Some(room) = self.rooms.get(id) else { continue };
            for side in [Side::A, Side::B] {
                let (own, other) = (room.fold.attachment(side), room.fold.attachment(side.other()));
                let (Some(own), Some(other)) = (own, other) else { continue };
                if room.is_attached(side) && room.seat(side.other()).is_none() {
                    let attached = Attached { peer: other.stamp, side, stamp: own.stamp, owner: own.owner };
                    shared.entry(other.node).or_default().push((*id, attached));
                }
            }
        }
        for (to, rooms) in shared {
            for batch in rooms.chunks(BATCH) {
                let presence = Presence { node: self.settings.node.clone(), rooms: batch.to_vec() };
                self.publish(Message::Presence { to: to.clone(), presence });
            }
        }
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
        for room in self.rooms.values_mut() {
            room.sign = now;
        }
        let rooms: Vec<_> = self.rooms.keys().copied().collect();
        self.say_presence(&rooms);
        let sessions: Vec<_> = self.sessions.keys().copied().collect();
        self.say_leases(&sessions);
        self.repeat_wants(now);
        self.say_again_from(now - IN_FLIGHT);
    }

    /// This node goes away: nobody can begin to wait here any more, and every client is told when to come back.
    pub fn drain(&mut self, now: UnixMillis) {
        self.draining = true;
        if self.settings.company == Company::Alone {
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
