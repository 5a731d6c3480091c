//! What the janitor knows, and the questions that all its parts ask of it.

use std::collections::VecDeque;

use schemas::{
    KeyId, NodeId, RoomId, Service, SessionId, Stamp, UnixMillis,
    control::EndReason,
    event::{RoomEvent, SessionAnswer},
    limits,
    message::Message,
    nodes::Nodes,
    session::SessionState,
};

use super::{
    bounded::{Bounded, Moment},
    policy::{Capacity, FRESH, LeasePolicy, QUIET},
    records::{BootTag, EndedRoom, Gateway, Held, Key, LeasedRoom, RevokedSession},
};

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
    /// Entries dropped because there was no room, or because one gateway named too many, since the
    /// start.
    pub overflowed: u64,
    /// Entries added and removed since the start.
    pub moved: u64,
}

/// The capacity that an empty queue of effects keeps; what a rush of expiries needed is given back.
const KEPT_EFFECTS: usize = 32;

/// The fold.
#[derive(Debug)]
pub struct Leases {
    pub(super) me: NodeId,
    pub(super) policy: LeasePolicy,
    pub(super) start: UnixMillis,
    /// What was received before this no longer proves where anybody is.
    pub(super) listening_since: Moment,
    /// When the last input came.
    pub(super) last_input: UnixMillis,
    /// When to ask the other nodes for a sync; `None` once that is not needed.
    pub(super) ask_sync_at: Option<UnixMillis>,
    pub(super) sessions: Bounded<SessionId, Held>,
    pub(super) rooms: Bounded<RoomId, LeasedRoom>,
    pub(super) keys: Bounded<KeyId, Key>,
    pub(super) gateways: Bounded<NodeId, Gateway>,
    pub(super) ended: Bounded<RoomId, EndedRoom>,
    pub(super) revoked: Bounded<SessionId, RevokedSession>,
    pub(super) janitors: Nodes,
    /// How many sessions that two gateways hold were named since the last tick.
    pub(super) named_held_twice: usize,
    /// Leases and rooms that were not taken in, because one gateway named too many.
    pub(super) refused_leases: u64,
    pub(super) effects: VecDeque<Effect>,
}

impl Leases {
    /// A janitor that knows nothing yet.
    pub fn new(me: NodeId, policy: LeasePolicy, now: UnixMillis) -> Self {
        let Capacity { sessions, rooms, tombstones, keys, gateways } = policy.capacity;
        Self {
            me,
            policy,
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
            named_held_twice: 0,
            refused_leases: 0,
            effects: VecDeque::new(),
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
            overflowed: overflowed.iter().sum::<u64>() + self.refused_leases,
            moved: moved.iter().sum(),
        }
    }

    /// Where the session is, if that is known from its last lease or because it is deleted.
    pub(super) fn locate(&self, now: UnixMillis, session: SessionId) -> Option<SessionAnswer> {
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

    pub(super) fn is_running(&self, now: UnixMillis, boot: BootTag) -> bool {
        let silence = |gateway: &Gateway| self.moment(now).since(gateway.heard);
        self.gateways.iter().any(|(_, it)| it.boot == boot && silence(it) < limits::NODE_SILENCE)
    }

    /// Silence up to now proves nothing. The next two periods will show who is still connected.
    pub(super) fn gap(&mut self, now: UnixMillis) {
        self.listening_since = self.moment(now);
        self.gateways.clear();
        self.janitors.clear();
        self.ask_sync_at = Some(now);
    }

    /// Publishes (again) that a room has ended. That is known from an event and never concluded.
    pub(super) fn publish_ended(&mut self, now: UnixMillis, room: RoomId, why: EndReason) {
        self.janitors.expire(now);
        if self.leads() {
            let event = RoomEvent::Ended(why);
            self.effects.push_back(Effect::Publish(Message::Room { room, speaker: Service::Janitor, event }));
        }
    }

    /// Whether this janitor is the leader. One that knows of no other is.
    pub(super) fn leads(&self) -> bool {
        self.janitors.lowest().is_none_or(|lowest| *lowest >= self.me)
    }

    pub(super) fn is_quiet(&self, now: UnixMillis) -> bool {
        self.moment(now).since(self.listening_since) < QUIET
    }

    /// Whether others may rely on what this janitor knows: another node has answered its sync, or
    /// it has listened for long enough.
    pub(super) fn knows_enough(&self, now: UnixMillis) -> bool {
        self.ask_sync_at.is_none() || !self.is_quiet(now)
    }

    pub(super) fn moment(&self, now: UnixMillis) -> Moment {
        Moment::at(self.start, now)
    }
}
