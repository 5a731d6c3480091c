//! What the janitor knows and decides: a pure fold over what it hears. Time comes in as an argument, effects go out as values.
//!
//! **Silence is never final.** From silence and from clocks the janitor concludes one thing only: `Expired`, which means "I have
//! forgotten this". A gateway that holds the room, the session or the key knows better and ignores it. `Ended`, which is final, and
//! the tombstones come from events alone: somebody left, reported, or deleted a session. So a janitor whose clock is hours wrong
//! harms nothing that lives: silence is measured in durations on its own monotonic clock, and where it must compare a wall time
//! that others wrote down (`ends` of a session, `not_after` of a key), what follows is advice.
//!
//! It decides nothing for two periods after its start or after a gap in hearing, in which all that lives has been renewed. A long
//! pause between two inputs (the process was stopped) is a gap like any other.
//!
//! Several janitors may run. All fold everything and answer questions; the one with the lowest living id speaks, so that effects are
//! not doubled. Nothing depends on it: every effect may come twice, or from a janitor that knows less.

mod bounded;
mod expire;
mod hear;
mod records;
mod sync;
mod terms;

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
use records::{EndedRoom, Gateway, Held, Key, Named, RevokedSession, Run};

pub use sync::SyncCursor;
pub use terms::{Capacity, EXPIRIES_PER_TICK, FRESH, QUIET, SILENCE, Terms};

/// What can happen to the janitor.
#[derive(Clone, Debug)]
pub enum Input {
    /// A message came from the bus.
    Heard(Message),
    /// Another node has answered [`Effect::AskSync`].
    Learned(SyncAnswer),
    /// Messages may have been missed, or the bus is down.
    Gap,
    /// Time has passed; about once in [`limits::HEARTBEAT`], while the bus is up.
    Tick,
}

/// What the janitor wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Publish this, now or never.
    Say(Message),
    /// Answer the [`Message::Ask`] just heard.
    Answer(SessionAnswer),
    /// Answer the [`Message::Sync`] just heard, with all batches of [`Leases::sync_batch`].
    AnswerSync,
    /// Ask the other nodes what was missed.
    AskSync,
}

/// How much is known; for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sessions with a lease.
    pub sessions: usize,
    /// Rooms that are named.
    pub rooms: usize,
    /// Signing keys.
    pub keys: usize,
    /// Ended rooms that are remembered.
    pub ended: usize,
    /// Revoked sessions that are remembered.
    pub revoked: usize,
    /// What has been dropped for want of room since the start.
    pub overflowed: u64,
    /// What has come and gone since the start.
    pub moved: u64,
}

/// Room that the queue of effects keeps when it is empty: what a rush of expiries has needed is given back.
const KEPT_EFFECTS: usize = 32;

/// The fold.
#[derive(Debug)]
pub struct Leases {
    me: NodeId,
    terms: Terms,
    start: UnixMillis,
    /// Nothing that was heard before this proves where anybody is.
    listening_since: Moment,
    /// When the last input came.
    last_input: UnixMillis,
    /// When to ask the others, if they have not answered.
    ask_sync_at: Option<UnixMillis>,
    sessions: Bounded<SessionId, Held>,
    rooms: Bounded<RoomId, Named>,
    keys: Bounded<KeyId, Key>,
    gateways: Bounded<NodeId, Gateway>,
    ended: Bounded<RoomId, EndedRoom>,
    revoked: Bounded<SessionId, RevokedSession>,
    janitors: Nodes,
    effects: VecDeque<Effect>,
}

impl Leases {
    /// A janitor that knows nothing yet.
    pub fn new(me: NodeId, terms: Terms, now: UnixMillis) -> Self {
        let Capacity { sessions, rooms, tombstones, keys, gateways } = terms.capacity;
        Self {
            me,
            terms,
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

    /// Folds one input in. What follows from it waits in [`Leases::next_effect`].
    pub fn handle(&mut self, now: UnixMillis, input: Input) {
        if now.since(self.last_input) >= limits::NODE_SILENCE {
            self.gap(now);
        }
        self.last_input = now;
        match input {
            Input::Heard(message) => self.hear(now, message),
            Input::Learned(answer) => self.learn(now, answer),
            Input::Gap => self.gap(now),
            Input::Tick => self.tick(now),
        }
    }

    /// The next thing to do; to be asked until there is none.
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
        // Of keys and gateways there are few.
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

    /// Where the session is, if that is known: from its last lease, or because it is deleted.
    fn whereabouts(&self, now: UnixMillis, session: SessionId) -> Option<SessionAnswer> {
        if self.revoked.contains(&session) {
            let state = SessionState::Idle;
            return Some(SessionAnswer { state, connected: false, stamp: Stamp::NONE, room: None });
        }
        let held = self.sessions.get(&session)?;
        if self.is_quiet(now) && held.heard < self.listening_since {
            return None;
        }
        let fresh = self.moment(now).since(held.heard) <= FRESH;
        if held.connected && fresh && self.lives(now, held.run) {
            // Its gateway answers for itself, and knows better than a lease of some seconds ago.
            return None;
        }
        let room = held.room.filter(|room| self.rooms.contains(room));
        let state = if room.is_some() { SessionState::Paired } else { SessionState::Idle };
        Some(SessionAnswer { state, connected: false, stamp: held.stamp, room })
    }

    fn lives(&self, now: UnixMillis, run: Run) -> bool {
        let silence = |gateway: &Gateway| self.moment(now).since(gateway.heard);
        self.gateways.iter().any(|(_, it)| it.run == run && silence(it) < limits::NODE_SILENCE)
    }

    /// Silence up to now proves nothing; the next two periods will show who lives.
    fn gap(&mut self, now: UnixMillis) {
        self.listening_since = self.moment(now);
        self.gateways.clear();
        self.janitors.clear();
        self.ask_sync_at = Some(now);
    }

    /// Says (again) that a room is over, which is known from an event and never concluded.
    fn say_ended(&mut self, now: UnixMillis, room: RoomId, why: EndReason) {
        self.janitors.expire(now);
        if self.speaks() {
            let event = RoomEvent::Ended(why);
            self.effects.push_back(Effect::Say(Message::Room { room, speaker: Service::Janitor, event }));
        }
    }

    /// Whether this is the lowest living janitor. One that hears no other is.
    fn speaks(&self) -> bool {
        self.janitors.lowest().is_none_or(|lowest| *lowest >= self.me)
    }

    fn is_quiet(&self, now: UnixMillis) -> bool {
        self.moment(now).since(self.listening_since) < QUIET
    }

    /// Whether others may rely on what this janitor knows: it has been told by somebody, or has listened for long enough.
    fn knows_enough(&self, now: UnixMillis) -> bool {
        self.ask_sync_at.is_none() || !self.is_quiet(now)
    }

    fn moment(&self, now: UnixMillis) -> Moment {
        Moment::at(self.start, now)
    }
}
