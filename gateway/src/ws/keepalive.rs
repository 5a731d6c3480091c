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
use prometheus_client::metrics::counter::Counter;
use rand::Rng;
use schemas::CloseCode;

use super::connection::Connection;

/// The wheel turns at least this often: its tick is the clock of silence and of unfinished messages...
const LONGEST_TICK: Duration = Duration::from_millis(50);
/// ...and so often in each heartbeat, so that pings are spread and short heartbeats (of tests) are kept.
const SLOTS_AT_LEAST: u32 = 20;
/// Pings that go out at once: 0.1 ms, for which chats of the same thread wait. Of 20,000 connections 42 are due in a tick. Smaller groups would
/// wake the processor more often, for each of them and for its answers.
const GROUP: usize = 10;
/// Groups are no more than this in a tick, and larger instead: timers are not finer than a millisecond. Nor are they more than the chat
/// frames of the last tick: where nobody chats nobody waits, and each group wakes a processor that sleeps.
const MOST_GROUPS: u64 = 25;
/// A ping comes up to a tenth of the heartbeat early: connections that began together do not stay together.
const JITTER_PARTS: u32 = 10;

/// The wheel.
pub(crate) struct KeepAlive {
    tick: Duration,
    slots: u32,
    pong_ticks: u32,
    now: AtomicU32,
    /// Chat frames that this node has handed on.
    frames: Counter,
    wheel: Mutex<Wheel>,
}

struct Wheel {
    slots: Vec<Vec<Weak<Connection>>>,
    /// Those that have been pinged, and owe a sign of life.
    pinged: VecDeque<Due>,
    /// How many of the last of these are still to be pinged in this tick...
    left: usize,
    /// ...and in how many groups. A tick has one at least, if empty.
    groups: u32,
    /// How long a group waits for the next.
    pause: Duration,
    /// Chat frames until this tick began.
    frames: u64,
}

/// Connections that left their slot at this tick.
struct Due {
    since: u32,
    connections: Vec<Weak<Connection>>,
}

impl Wheel {
    /// Those of this tick that are to be pinged next.
    fn next_group(&mut self) -> Vec<Weak<Connection>> {
        let size = self.left.div_ceil(self.groups.max(1) as usize);
        self.groups = self.groups.saturating_sub(1);
        let Some(due) = self.pinged.back().filter(|_| size > 0) else { return Vec::new() };
        let first = due.connections.len() - self.left;
        self.left -= size;
        due.connections[first..first + size].to_vec()
    }
}

impl Due {
    /// Takes the first of these if it is at least so old.
    fn take(queue: &mut VecDeque<Self>, now: u32, age: u32) -> Option<Self> {
        let due = queue.front()?;
        if now.wrapping_sub(due.since) < age { None } else { queue.pop_front() }
    }
}

impl KeepAlive {
    /// Pings each connection every `heartbeat`, and closes it if nothing is heard within `pong_wait` of a ping. `frames` counts those
    /// of chats.
    pub(crate) fn new(heartbeat: Duration, pong_wait: Duration, frames: Counter) -> Self {
        let tick = LONGEST_TICK.min(heartbeat / SLOTS_AT_LEAST).max(Duration::from_millis(1));
        let ticks = |duration: Duration| {
            u32::try_from(duration.as_millis() / tick.as_millis()).unwrap_or(u32::MAX).max(1)
        };
        let slots = ticks(heartbeat);
        Self {
            tick,
            slots,
            // Pings go out until the end of their tick.
            pong_ticks: ticks(pong_wait) + 1,
            now: AtomicU32::new(1),
            frames,
            wheel: Mutex::new(Wheel {
                slots: (0..slots).map(|_| Vec::new()).collect(),
                pinged: VecDeque::new(),
                left: 0,
                groups: 0,
                pause: tick,
                frames: 0,
            }),
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

    /// Takes a new connection in. Its first ping comes within a heartbeat, at any time of it: many that come together are spread.
    pub(super) fn watch(&self, connection: &Arc<Connection>) {
        let ahead = rand::rng().random_range(1..=self.slots);
        let mut wheel = self.wheel.lock();
        // Under the lock: the next turn, which takes it again, is yet to come.
        let slot = self.now().wrapping_add(ahead) % self.slots;
        wheel.slots[slot as usize].push(Arc::downgrade(connection));
    }

    /// Begins a tick, or goes on with it: pings a group of the connections whose turn it is. How long to wait before the next call.
    pub(crate) fn turn(&self) -> Duration {
        if self.wheel.lock().groups == 0 {
            let now = self.now.fetch_add(1, Relaxed).wrapping_add(1);
            self.close_silent(now);
            self.begin_pings(now);
        }
        self.ping_group();
        self.wheel.lock().pause
    }

    /// Those whose slot it is are to be pinged in this tick.
    fn begin_pings(&self, now: u32) {
        let mut wheel = self.wheel.lock();
        let connections = mem::take(&mut wheel.slots[(now % self.slots) as usize]);
        wheel.left = connections.len();
        let frames = self.frames.get();
        let heard = frames - mem::replace(&mut wheel.frames, frames);
        wheel.groups = (wheel.left.div_ceil(GROUP) as u64).min(heard).clamp(1, MOST_GROUPS) as u32;
        wheel.pause = self.tick / wheel.groups;
        if !connections.is_empty() {
            wheel.pinged.push_back(Due { since: now, connections });
        }
    }

    /// Pings those of a group, and puts them into their next slots.
    fn ping_group(&self) {
        let mut group = self.wheel.lock().next_group();
        group.retain(|it| it.upgrade().inspect(|connection| connection.ping()).is_some());
        let (now, mut rng) = (self.now(), rand::rng());
        let mut wheel = self.wheel.lock();
        for connection in group {
            let early = rng.random_range(0..=self.slots / JITTER_PARTS);
            let slot = now.wrapping_add(self.slots - early) % self.slots;
            wheel.slots[slot as usize].push(connection);
        }
    }

    fn close_silent(&self, now: u32) {
        loop {
            let due = Due::take(&mut self.wheel.lock().pinged, now, self.pong_ticks);
            let Some(Due { since, connections }) = due else { return };
            for connection in connections.iter().filter_map(Weak::upgrade) {
                if !connection.heard().since(since) {
                    connection.close(CloseCode::NoPong);
                }
            }
        }
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
        while self.now() != end || self.wheel.lock().groups > 0 {
            self.turn();
        }
    }

    /// Connections that have been pinged in this tick.
    pub(super) fn pinged_in_tick(&self) -> usize {
        let wheel = self.wheel.lock();
        let due = wheel.pinged.back().filter(|due| due.since == self.now());
        due.map_or(0, |due| due.connections.len() - wheel.left)
    }

    /// Connections that something is kept of.
    pub(super) fn watched(&self) -> usize {
        let wheel = self.wheel.lock();
        let due = wheel.pinged.iter().map(|due| due.connections.len());
        wheel.slots.iter().map(Vec::len).chain(due).sum()
    }
}
