//! Keep-alive for all connections of the process with one timer: each waits in a slot of a wheel for its next ping.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Weak,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use parking_lot::Mutex;
use rand::Rng;
use schemas::CloseCode;

use super::{codec, connection::Connection};

/// The wheel turns at least this often: of 20,000 connections 40 are pinged at once, in a fraction of a millisecond...
const LONGEST_TICK: Duration = Duration::from_millis(50);
/// ...and so often in each heartbeat, so that pings are spread and short heartbeats (of tests) are kept.
const SLOTS_AT_LEAST: u32 = 20;
/// A ping comes up to a tenth of the heartbeat early: connections that began together do not stay together.
const JITTER_PARTS: u32 = 10;

/// The wheel.
pub(crate) struct KeepAlive {
    tick: Duration,
    slots: u32,
    pong_ticks: u32,
    now: AtomicU32,
    wheel: Mutex<Wheel>,
}

struct Wheel {
    slots: Vec<Vec<Weak<Connection>>>,
    /// Connections that have been pinged, by the tick at which they must have been heard.
    pinged: VecDeque<(u32, Vec<Weak<Connection>>)>,
}

impl KeepAlive {
    /// Pings each connection every `heartbeat`, and closes it if nothing is heard within `pong_wait` of a ping.
    pub(crate) fn new(heartbeat: Duration, pong_wait: Duration) -> Self {
        let tick = LONGEST_TICK.min(heartbeat / SLOTS_AT_LEAST).max(Duration::from_millis(1));
        let ticks = |duration: Duration| {
            u32::try_from(duration.as_millis() / tick.as_millis()).unwrap_or(u32::MAX).max(1)
        };
        let slots = ticks(heartbeat);
        Self {
            tick,
            slots,
            pong_ticks: ticks(pong_wait),
            now: AtomicU32::new(1),
            wheel: Mutex::new(Wheel {
                slots: (0..slots).map(|_| Vec::new()).collect(),
                pinged: VecDeque::new(),
            }),
        }
    }

    /// How often [`Self::turn`] is to be called.
    pub(crate) fn tick(&self) -> Duration {
        self.tick
    }

    /// The current tick: what a connection notes when it hears something.
    pub(super) fn now(&self) -> u32 {
        self.now.load(Relaxed)
    }

    /// How long ago a tick was.
    pub(super) fn since(&self, tick: u32) -> Duration {
        self.tick * self.now().wrapping_sub(tick)
    }

    /// Takes a new connection in.
    pub(super) fn watch(&self, connection: &Arc<Connection>) {
        let slot = rand::rng().random_range(0..self.slots) as usize;
        self.wheel.lock().slots[slot].push(Arc::downgrade(connection));
    }

    /// Pings the connections whose turn it is, and closes those that have not been heard since their ping.
    pub(crate) fn turn(&self) {
        let now = self.now.fetch_add(1, Relaxed).wrapping_add(1);
        let due = std::mem::take(&mut self.wheel.lock().slots[(now % self.slots) as usize]);
        let mut ping = Vec::new();
        codec::put_ping(&mut ping, b"");
        let alive: Vec<_> = due.into_iter().filter(|connection| connection.strong_count() > 0).collect();
        for connection in alive.iter().filter_map(Weak::upgrade) {
            connection.say(&ping);
        }
        self.close_silent(now);
        if !alive.is_empty() {
            self.keep(now, alive);
        }
    }

    /// Puts pinged connections into their next slots, and into the list of those that owe a sign of life.
    fn keep(&self, now: u32, alive: Vec<Weak<Connection>>) {
        let mut rng = rand::rng();
        let mut wheel = self.wheel.lock();
        for connection in &alive {
            let early = rng.random_range(0..=self.slots / JITTER_PARTS);
            let slot = (now.wrapping_add(self.slots - early.min(self.slots - 1)) % self.slots) as usize;
            wheel.slots[slot].push(connection.clone());
        }
        wheel.pinged.push_back((now, alive));
    }

    fn close_silent(&self, now: u32) {
        loop {
            let mut wheel = self.wheel.lock();
            if wheel.pinged.front().is_none_or(|(at, _)| now.wrapping_sub(*at) < self.pong_ticks) {
                return;
            }
            let Some((pinged, connections)) = wheel.pinged.pop_front() else { return };
            drop(wheel);
            let silent = |connection: &Arc<Connection>| (connection.heard().wrapping_sub(pinged) as i32) < 0;
            for connection in connections.iter().filter_map(Weak::upgrade).filter(silent) {
                connection.close(CloseCode::NoPong);
            }
        }
    }
}

#[cfg(test)]
impl KeepAlive {
    /// Connections that something is kept of.
    pub(super) fn watched(&self) -> usize {
        let wheel = self.wheel.lock();
        let pinged = wheel.pinged.iter().map(|(_, connections)| connections.len());
        wheel.slots.iter().map(Vec::len).chain(pinged).sum()
    }
}
