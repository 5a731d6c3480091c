//! What the janitor knows and decides: a pure fold over the events that it receives. Time is an
//! argument, and effects are values.
//!
//! **Silence is never final.** From silence and from clocks the janitor concludes only one thing:
//! `Expired`, which means "I have forgotten this". A gateway that holds the room, the session or
//! the key ignores it. `Ended`, which is final, and tombstones come only from events: somebody
//! left, reported, or deleted a session. So a janitor whose clock is hours wrong does no harm to
//! anything that is still in use. It measures silence in durations on its own monotonic clock.
//! Where it must compare a wall time that others wrote (`ends` of a session, `not_after` of a key),
//! the result is only advice.
//!
//! It decides nothing for two periods after its start or after a gap. By then everything in use has
//! been renewed. A long pause between two inputs (the process was stopped) is a gap like any other.
//!
//! Several janitors may run. All apply every event and answer questions. Only the leader, the
//! running one with the lowest id, publishes, so that effects are not doubled. Nothing depends on
//! that: every effect may come twice, or from a janitor that knows less.

mod apply;
mod bounded;
mod expire;
mod lifetimes;
mod records;
mod sync;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use schemas::{
    KeyId, NodeId, RoomId, Service, SessionId, Stamp, UnixMillis,
    control::EndReason,
    event::{RoomEvent, SessionAnswer, SyncAnswer},
    limits,
    message::Message,
    nodes::Nodes,
    session::SessionState,
};

use bounded::{Bounded, Moment};
use records::{BootTag, EndedRoom, Gateway, Held, Key, LeasedRoom, RevokedSession};

pub use lifetimes::{Capacity, EXPIRIES_PER_TICK, FRESH, Lifetimes, QUIET, SILENCE};
pub use sync::SyncCursor;

/// An input of the janitor.
#[derive(Clone, Debug)]
pub enum Input {
    /// A message was received from the bus.
    Received(Message),
    /// Another node has answered [`Effect::AskSync`].
    Learned(SyncAnswer),
    /// Messages may have been missed, or the bus is down.
    Gap,
    /// Time has passed. Given about once in [`limits::HEARTBEAT`] while the bus is up.
    Tick,
}

/// What the janitor has decided.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Publish this; if the bus does not take it, drop it.
    Publish(Message),
    /// Answer the [`Message::Ask`] just received.
    Answer(SessionAnswer),
    /// Answer the [`Message::Sync`] just received, with all batches of [`Leases::sync_batch`].
    AnswerSync,
    /// Ask the other nodes what was missed.
    AskSync,
}

/// How much is known; for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sessions with a lease.
    pub sessions: usize,
    /// Rooms that are known to be in use.
    pub rooms: usize,
    /// Signing keys.
    pub keys: usize,
    /// Ended rooms that are remembered.
    pub ended: usize,
    /// Revoked sessions that are remembered.
    pub revoked: usize,
    /// Entries dropped because there was no room, since the start.
    pub overflowed: u64,
    /// Entries added and removed since the start.
    pub moved: u64,
}

/// The capacity that an empty queue of effects keeps; what a rush of expiries needed is given back.
const KEPT_EFFECTS: usize = 32;

/// The fold.
#[derive(Debug)]
pub struct Leases {
    me: NodeId,
    lifetimes: Lifetimes,
    start: UnixMillis,
    /// What was received before this no longer proves where anybody is.
    listening_since: Moment,
    /// When the last input came.
    last_input: UnixMillis,
    /// When to ask the other nodes for a sync; `None` once that is not needed.
    ask_sync_at: Option<UnixMillis>,
    sessions: Bounded<SessionId, Held>,
    rooms: Bounded<RoomId, LeasedRoom>,
    keys: Bounded<KeyId, Key>,
    gateways: Bounded<NodeId, Gateway>,
    ended: Bounded<RoomId, EndedRoom>,
    revoked: Bounded<SessionId, RevokedSession>,
    janitors: Nodes,
    effects: VecDeque<Effect>,
}

impl Leases {
    /// A janitor that knows nothing yet.
    pub fn new(me: NodeId, lifetimes: Lifetimes, now: UnixMillis) -> Self {
        let Capacity { sessions, rooms, tombstones, keys, gateways } = lifetimes.capacity;
        Self {
            me,
            lifetimes,
            start: now,
            listening_since: Moment::at(now, now),
            last_input: now,
            ask_sync_at: Some(now),
            sessions: Bounded::new(sessions),
            rooms: Bounded::new(rooms),
            keys: Bounded::new(keys),
            gateways: Bounded::new(gateways),
            ended: Bounded::new(tombstones),
            revoked: Bounded::new(tombstones),
            janitors: Nodes::default(),
            effects: VecDeque::new(),
        }
    }

    /// Handles one input. Its effects are queued for [`Leases::next_effect`].
    pub fn handle(&mut self, now: UnixMillis, input: Input) {
        if now.since(self.last_input) >= limits::NODE_SILENCE {
            self.gap(now);
        }
        self.last_input = now;
        match input {
            Input::Received(message) => self.apply(now, message),
            Input::Learned(answer) => self.learn(now, answer),
            Input::Gap => self.gap(now),
            Input::Tick => self.tick(now),
        }
    }

    /// The next effect. The caller takes them until there is none.
    pub fn next_effect(&mut self) -> Option<Effect> {
        if self.effects.is_empty() {
            self.effects.shrink_to(KEPT_EFFECTS);
        }
        self.effects.pop_front()
    }

    /// How much is known.
    pub fn counts(&self) -> Counts {
        let overflowed = [
            self.sessions.overflowed(),
            self.rooms.overflowed(),
            self.keys.overflowed(),
            self.gateways.overflowed(),
            self.ended.overflowed(),
            self.revoked.overflowed(),
        ];
        // There are only few keys and gateways.
        let moved = [self.sessions.moved(), self.rooms.moved(), self.ended.moved(), self.revoked.moved()];
        Counts {
            sessions: self.sessions.len(),
            rooms: self.rooms.len(),
            keys: self.keys.len(),
            ended: self.ended.len(),
            revoked: self.revoked.len(),
            overflowed: overflowed.iter().sum(),
            moved: moved.iter().sum(),
        }
    }

    /// Where the session is, if that is known from its last lease or because it is deleted.
    fn locate(&self, now: UnixMillis, session: SessionId) -> Option<SessionAnswer> {
        if self.revoked.contains(&session) {
            let state = SessionState::Idle;
            return Some(SessionAnswer { state, connected: false, stamp: Stamp::NONE, room: None });
        }
        let held = self.sessions.get(&session)?;
        if self.is_quiet(now) && held.heard < self.listening_since {
            return None;
        }
        let fresh = self.moment(now).since(held.heard) <= FRESH;
        if held.connected && fresh && self.is_running(now, held.boot) {
            // Its gateway answers itself, and knows more than a lease of some seconds ago.
            return None;
        }
        let room = held.room.filter(|room| self.rooms.contains(room));
        let state = if room.is_some() { SessionState::Paired } else { SessionState::Idle };
        Some(SessionAnswer { state, connected: false, stamp: held.stamp, room })
    }

    fn is_running(&self, now: UnixMillis, boot: BootTag) -> bool {
        let silence = |gateway: &Gateway| self.moment(now).since(gateway.heard);
        self.gateways.iter().any(|(_, it)| it.boot == boot && silence(it) < limits::NODE_SILENCE)
    }

    /// Silence up to now proves nothing. The next two periods will show who is still connected.
    fn gap(&mut self, now: UnixMillis) {
        self.listening_since = self.moment(now);
        self.gateways.clear();
        self.janitors.clear();
        self.ask_sync_at = Some(now);
    }

    /// Publishes (again) that a room has ended. That is known from an event and never concluded.
    fn publish_ended(&mut self, now: UnixMillis, room: RoomId, why: EndReason) {
        self.janitors.expire(now);
        if self.leads() {
            let event = RoomEvent::Ended(why);
            self.effects.push_back(Effect::Publish(Message::Room { room, speaker: Service::Janitor, event }));
        }
    }

    /// Whether this janitor is the leader. One that knows of no other is.
    fn leads(&self) -> bool {
        self.janitors.lowest().is_none_or(|lowest| *lowest >= self.me)
    }

    fn is_quiet(&self, now: UnixMillis) -> bool {
        self.moment(now).since(self.listening_since) < QUIET
    }

    /// Whether others may rely on what this janitor knows: another node has answered its sync, or
    /// it has listened for long enough.
    fn knows_enough(&self, now: UnixMillis) -> bool {
        self.ask_sync_at.is_none() || !self.is_quiet(now)
    }

    fn moment(&self, now: UnixMillis) -> Moment {
        Moment::at(self.start, now)
    }
}
