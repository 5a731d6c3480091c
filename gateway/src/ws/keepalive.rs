//! Keep-alive for all connections of the process with one timer: each waits in a slot of a wheel for its next ping.

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

/// The wheel turns at least this often: of 20,000 connections 40 are pinged at once, in a fraction of a millisecond...
const LONGEST_TICK: Duration = Duration::from_millis(50);
/// ...and so often in each heartbeat, so that pings are spread and short heartbeats (of tests) are kept.
const SLOTS_AT_LEAST: u32 = 20;
/// A ping comes up to a tenth of the heartbeat early: connections that began together do not stay together.
const JITTER_PARTS: u32 = 10;
/// And up to a tenth earlier if it can go with a frame for the client, in the same write and the same packet.
const RIDE_PARTS: u32 = 10;

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
    /// Those whose ping waits for a frame to go with, by the tick since which it does.
    owing: VecDeque<Due>,
    /// Those that have been pinged, and owe a sign of life.
    pinged: VecDeque<Due>,
}

/// Connections that left their slot at this tick.
struct Due {
    since: u32,
    connections: Vec<Weak<Connection>>,
}

impl Due {
    /// Takes the first of these if it is at least so old.
    fn take(queue: &mut VecDeque<Self>, now: u32, age: u32) -> Option<Self> {
        let due = queue.front()?;
        if now.wrapping_sub(due.since) < age { None } else { queue.pop_front() }
    }
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
                owing: VecDeque::new(),
                pinged: VecDeque::new(),
            }),
        }
    }

    /// How long a ping may wait for a frame, in ticks.
    fn ride(&self) -> u32 {
        self.slots / RIDE_PARTS
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

    /// Takes a new connection in. Its first ping comes within a heartbeat, at any time of it: many that come together are spread.
    pub(super) fn watch(&self, connection: &Arc<Connection>) {
        let ahead = rand::rng().random_range(1..=self.slots - self.ride());
        let mut wheel = self.wheel.lock();
        // Under the lock: the next turn, which takes it again, is yet to come.
        let slot = self.now().wrapping_add(ahead) % self.slots;
        wheel.slots[slot as usize].push(Arc::downgrade(connection));
    }

    /// Pings the connections whose turn it is, and closes those that have not been heard since their ping.
    pub(crate) fn turn(&self) {
        let now = self.now.fetch_add(1, Relaxed).wrapping_add(1);
        self.owe(now);
        self.ping(now);
        self.close_silent(now);
    }

    /// From now on frames take a ping with them.
    fn owe(&self, now: u32) {
        let mut connections = mem::take(&mut self.wheel.lock().slots[(now % self.slots) as usize]);
        connections.retain(|it| it.upgrade().inspect(|connection| connection.life().owe_ping(now)).is_some());
        if !connections.is_empty() {
            self.wheel.lock().owing.push_back(Due { since: now, connections });
        }
    }

    /// Pings those that no frame has taken a ping to, and puts all into their next slots.
    fn ping(&self, now: u32) {
        loop {
            let due = Due::take(&mut self.wheel.lock().owing, now, self.ride());
            let Some(Due { since, connections }) = due else { return };
            let pinged = |it: Weak<Connection>| {
                let connection = it.upgrade()?;
                Some((it, if connection.ping() { now } else { since }))
            };
            let pinged: Vec<_> = connections.into_iter().filter_map(pinged).collect();
            let mut rng = rand::rng();
            let mut wheel = self.wheel.lock();
            for (connection, pinged) in &pinged {
                let early = rng.random_range(0..=self.slots / JITTER_PARTS);
                let slot = pinged.wrapping_add(self.slots - self.ride() - early) % self.slots;
                wheel.slots[slot as usize].push(connection.clone());
            }
            let connections = pinged.into_iter().map(|(connection, _)| connection).collect();
            wheel.pinged.push_back(Due { since, connections });
        }
    }

    fn close_silent(&self, now: u32) {
        loop {
            let due = Due::take(&mut self.wheel.lock().pinged, now, self.ride() + self.pong_ticks);
            let Some(Due { since, connections }) = due else { return };
            for connection in connections.iter().filter_map(Weak::upgrade) {
                if !connection.life().heard_since(since) {
                    connection.close(CloseCode::NoPong);
                }
            }
        }
    }
}

#[cfg(test)]
impl KeepAlive {
    /// Connections that something is kept of.
    pub(super) fn watched(&self) -> usize {
        let wheel = self.wheel.lock();
        let due = wheel.owing.iter().chain(&wheel.pinged).map(|due| due.connections.len());
        wheel.slots.iter().map(Vec::len).chain(due).sum()
    }
}
