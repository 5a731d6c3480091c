//! Keep-alive for all connections of the process with one timer: each waits in a slot of a wheel
//! for its next ping.

use std::{
    collections::VecDeque,
    mem,
    sync::{
        Arc, Weak,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use parking_lot::Mutex;
use rand::Rng;
use schemas::CloseCode;

use super::connection::Connection;

/// How long a slot of the wheel lasts, at most. Of 20,000 connections some 17 are due in each:
/// 0.2 ms for which the chats of the same thread wait. The tick is also the clock of silence and
/// of unfinished messages.
const LONGEST_TICK: Duration = Duration::from_millis(20);
/// The wheel turns on over so many slots at once if nobody is due in them: each turn wakes a
/// sleeping processor, and a server with few people has mostly empty slots.
const TICKS_AT_ONCE: u32 = 3;
/// And so often in each heartbeat, so that short heartbeats (of tests) are kept.
const SLOTS_AT_LEAST: u32 = 20;
/// A ping comes up to a tenth of the heartbeat early: connections that began together do not stay
/// together.
const JITTER_PARTS: u32 = 10;

/// The wheel.
pub(crate) struct KeepAlive {
    tick: Duration,
    slots: u32,
    pong_ticks: u32,
    now: AtomicU32,
    /// How many ticks the next turn is ahead.
    ahead: AtomicU32,
    wheel: Mutex<Wheel>,
}

struct Wheel {
    slots: Vec<Vec<Weak<Connection>>>,
    /// Those that have been pinged, and have to be heard from. The oldest first.
    pinged: VecDeque<Pinged>,
}

/// Connections that were pinged at this tick.
struct Pinged {
    at: u32,
    connections: Vec<Weak<Connection>>,
}

impl KeepAlive {
    /// Pings each connection every `heartbeat`, and closes it if nothing is heard within
    /// `pong_wait` of a ping.
    pub(crate) fn new(heartbeat: Duration, pong_wait: Duration) -> Self {
        let tick = LONGEST_TICK.min(heartbeat / SLOTS_AT_LEAST).max(Duration::from_millis(1));
        let ticks = |millis: u128| u32::try_from(millis).unwrap_or(u32::MAX).max(1);
        let slots = ticks(heartbeat.as_millis() / tick.as_millis());
        let wheel = Wheel { slots: (0..slots).map(|_| Vec::new()).collect(), pinged: VecDeque::new() };
        Self {
            tick,
            slots,
            pong_ticks: ticks(pong_wait.as_millis().div_ceil(tick.as_millis())),
            now: AtomicU32::new(1),
            ahead: AtomicU32::new(1),
            wheel: Mutex::new(wheel),
        }
    }

    /// The current tick: what a connection notes when it hears something.
    pub(super) fn now(&self) -> u32 {
        self.now.load(Relaxed)
    }

    /// How long ago a tick was.
    pub(super) fn since(&self, tick: u32) -> Duration {
        self.tick * self.now().wrapping_sub(tick)
    }

    /// Takes a new connection in. Its first ping comes within a heartbeat, at any time of it: many
    /// that come together are spread.
    pub(super) fn watch(&self, connection: &Arc<Connection>) {
        let ahead = rand::rng().random_range(1..=self.slots);
        let mut wheel = self.wheel.lock();
        // Under the lock: the next turn, which takes it again, is yet to come.
        let slot = self.now().wrapping_add(ahead) % self.slots;
        wheel.slots[slot as usize].push(Arc::downgrade(connection));
    }

    /// Goes on to the tick that the last call named: closes who has not answered in time, and pings
    /// whose turn it is. How long to wait before the next call.
    pub(crate) fn turn(&self) -> Duration {
        for _ in 0..self.ahead.load(Relaxed) {
            // A connection that has come meanwhile may be due in a slot that was empty.
            self.ping(self.now.fetch_add(1, Relaxed).wrapping_add(1));
        }
        let now = self.now();
        self.close_silent(now);
        let ahead = self.empty_ahead(now) + 1;
        self.ahead.store(ahead, Relaxed);
        self.tick * ahead
    }

    /// In how many of the next slots nobody is due.
    fn empty_ahead(&self, now: u32) -> u32 {
        let wheel = self.wheel.lock();
        let due = |ahead: &u32| !wheel.slots[(now.wrapping_add(*ahead) % self.slots) as usize].is_empty();
        (1..TICKS_AT_ONCE).find(due).unwrap_or(TICKS_AT_ONCE) - 1
    }

    /// Pings the connections of this tick, and puts them into their next slots.
    fn ping(&self, now: u32) {
        let mut connections = mem::take(&mut self.wheel.lock().slots[(now % self.slots) as usize]);
        connections.retain(|it| it.upgrade().inspect(|connection| connection.ping()).is_some());
        if connections.is_empty() {
            return;
        }
        let (mut rng, mut wheel) = (rand::rng(), self.wheel.lock());
        for connection in &connections {
            let early = rng.random_range(0..=self.slots / JITTER_PARTS);
            let slot = now.wrapping_add(self.slots - early) % self.slots;
            wheel.slots[slot as usize].push(connection.clone());
        }
        wheel.pinged.push_back(Pinged { at: now, connections });
    }

    fn close_silent(&self, now: u32) {
        loop {
            let Some(Pinged { at, connections }) = self.take_due(now) else { return };
            for connection in connections.iter().filter_map(Weak::upgrade) {
                if !connection.heard().since(at) {
                    connection.close(CloseCode::NoPong);
                }
            }
        }
    }

    /// Those that have had their time to answer.
    fn take_due(&self, now: u32) -> Option<Pinged> {
        let mut wheel = self.wheel.lock();
        let first = wheel.pinged.front()?;
        if now.wrapping_sub(first.at) < self.pong_ticks { None } else { wheel.pinged.pop_front() }
    }
}

#[cfg(test)]
impl KeepAlive {
    /// How long a tick is.
    pub(super) fn tick(&self) -> Duration {
        self.tick
    }

    /// Lets time pass, in whole ticks.
    pub(super) fn pass(&self, time: Duration) {
        let ticks = (time.as_millis() / self.tick.as_millis()) as u32;
        let end = self.now().wrapping_add(ticks);
        while self.now() != end {
            self.ahead.store(1, Relaxed);
            self.turn();
        }
    }

    /// How many connections have been pinged in this tick.
    pub(super) fn pinged_in_tick(&self) -> usize {
        let wheel = self.wheel.lock();
        let last = wheel.pinged.back().filter(|pinged| pinged.at == self.now());
        last.map_or(0, |pinged| pinged.connections.len())
    }

    /// Connections that something is kept of.
    pub(super) fn watched(&self) -> usize {
        let wheel = self.wheel.lock();
        let pinged = wheel.pinged.iter().map(|pinged| pinged.connections.len());
        wheel.slots.iter().map(Vec::len).chain(pinged).sum()
    }
}
