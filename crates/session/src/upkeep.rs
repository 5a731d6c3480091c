//! What time brings, a bus that goes and comes back, and the end of this node.

use std::time::Duration;

use rand::Rng;
use schemas::{SessionId, Stamp, UnixMillis, control::EndReason, time::millis};

use crate::{
    effect::{ToClient, Unsigned},
    graces::Standstill,
    room::Room,
    session::Session,
    sessions::Sessions,
    settings::Topology,
    timers::{TICK, Timer},
};

impl Sessions {
    /// Runs timers that are due, at most so many; returns whether there may be more. To be called
    /// before [`Self::tick`], which runs all: after a rush thousands are due at once, and chats are
    /// to go on in between.
    pub fn run_due_timers(&mut self, now: UnixMillis, most: usize) -> bool {
        if let Some(standstill) = self.graces.tick(now) {
            self.excuse_silence(now, standstill);
        }
        for _ in 0..most {
            let Some(timer) = self.timers.pop_due(now) else { return false };
            self.run_timer(now, timer);
        }
        true
    }

    /// How long no timer is due, at most [`TICK`].
    pub fn until_next_timer(&self, now: UnixMillis) -> Duration {
        self.timers.next().map_or(TICK, |deadline| deadline.since(now).min(TICK))
    }

    /// Does what is due. To be called every [`TICK`].
    pub fn tick(&mut self, now: UnixMillis) {
        while self.run_due_timers(now, usize::MAX) {}
        for node in self.neighbours.expire(now) {
            self.lose_gateway(now, &node);
        }
        if self.wants.repetition_due(now) {
            self.repeat_wants(now);
            self.doubt_outlooks(now);
        }
        if let Some(rooms) = self.next_slice(now) {
            for room in &rooms {
                self.with_room(now, *room, Room::check_silence);
            }
            self.renew_rooms(&rooms);
            self.expire(now);
            if let Some(since) = self.neighbours.take_repetition() {
                self.repeat_sessions(now, since);
            }
        }
        self.renew_part();
    }

    /// What others published while this process stood still is still to be read: nobody was silent
    /// in this time, and no grace has run. The others may have taken this gateway for lost: they
    /// are told at once that its people are there.
    fn excuse_silence(&mut self, now: UnixMillis, standstill: Standstill) {
        let Standstill { pause, grace_pause, grace_now } = standstill;
        self.neighbours.excuse_silence(now, pause);
        for room in self.rooms.iter_mut() {
            room.excuse_silence(now, pause);
            room.prolong_graces(grace_now, grace_pause);
        }
        self.publish_presence(&self.rooms.ids());
    }

    fn run_timer(&mut self, now: UnixMillis, timer: Timer) {
        match timer {
            Timer::Room(room) => self.with_room(now, room, Room::run_due),
            Timer::Session(id, stamp) => self.run_session_timer(now, id, stamp),
            Timer::RepeatAttached { id, stamp, time } => {
                let is_attached = |it: &Session| it.stamp == stamp && it.conn.is_some();
                if self.sessions.get(&id).is_some_and(|session| is_attached(session)) {
                    self.repeat_attached(now, id, stamp, time);
                }
            }
            Timer::OtherVersion(want) => self.give_up_other_version(want),
            Timer::Repeat(published) => self.publish(*published),
        }
    }

    /// Half of the token's life is over, or all of the session's. Without a connection only a grace
    /// is left of it, which ends sooner.
    fn run_session_timer(&mut self, now: UnixMillis, id: SessionId, stamp: Stamp) {
        let session = self.sessions.get(&id).filter(|it| it.stamp == stamp && it.conn.is_some());
        let Some(session) = session else { return };
        let ends = session.ends();
        if ends <= now {
            return self.end_session(now, id);
        }
        let is_in_room = session.shown && self.is_in_room(id);
        let ticket = session.ticket(id).filter(|_| is_in_room);
        let tokens = Unsigned::Token(session.grant(id), ticket);
        self.send(id, ToClient::Unsigned(tokens));
        self.timers.at(ends.min(now + self.settings.token_life / 2), Timer::Session(id, stamp));
    }

    /// Forgets what has expired, and gives its memory back.
    fn expire(&mut self, now: UnixMillis) {
        self.timers.shrink();
        self.endings.expire(now);
        self.stamps.expire(now);
        self.memories.expire(now);
        self.silent_origins.expire(now);
    }

    /// The bus is not up yet. To be called before anything else, if it is so: graces do not stand
    /// still when it comes up for the first time.
    pub fn bus_awaited(&mut self) {
        self.graces.bus_awaited();
    }

    /// The bus is down: peers on other gateways cannot be heard, and their graces stand still.
    pub fn bus_down(&mut self, now: UnixMillis) {
        self.graces.bus_down(now);
    }

    /// The bus is back, or there for the first time.
    pub fn bus_up(&mut self, now: UnixMillis) {
        if let Some(since) = self.graces.bus_up(now) {
            self.neighbours.unheard_from(since);
        }
        self.missed(now);
    }

    /// Messages may have been missed: everything that others rely on is repeated.
    pub fn missed(&mut self, now: UnixMillis) {
        for room in self.rooms.iter_mut() {
            room.restart_silence(now);
        }
        self.publish_presence(&self.rooms.ids());
        self.publish_all_leases();
        self.repeat_wants(now);
        self.neighbours.unheard_from(now);
    }

    /// This node goes away: nobody can begin to wait here any more, and every client is told when
    /// to come back.
    pub fn drain(&mut self, now: UnixMillis) {
        self.draining = true;
        if self.settings.topology == Topology::Standalone {
            for room in self.rooms.ids() {
                self.end_room(now, room, EndReason::Shutdown);
            }
        }
        let attached = self.sessions.iter().filter(|(_, session)| session.conn.is_some());
        let sessions: Vec<_> = attached.map(|(id, _)| *id).collect();
        for id in sessions {
            let reconnect_in_ms = self.rng.random_range(0..=millis(self.settings.drain_spread));
            let to = self.neighbours.public_address(self.rng.random()).map(str::to_owned);
            self.send(id, ToClient::Drain { reconnect_in_ms, to });
        }
    }
}
