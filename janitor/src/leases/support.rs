//! A janitor in virtual time, and messages for it.

use std::{borrow::Borrow, cell::RefCell, time::Duration};

use schemas::{
    BootId, NodeId, RoomId, Service, SessionId, Side, Stamp, Tag, UnixMillis,
    announcement::Announcement,
    control::EndReason,
    event::{Attachment, Heartbeat, KeyEvent, Lease, RoomEvent, SessionEvent, SessionLease, SyncAnswer},
    lifetimes::Lifetimes,
    limits,
    message::Message,
    session::SessionState,
};

use super::{Capacity, Counts, Effect, Input, LeasePolicy, Leases, QUIET, SyncCursor};

pub(super) const TOKEN_LIFE: Duration = Duration::from_secs(600);
pub(super) const ROTATION: Duration = Duration::from_secs(3600);
pub(super) const GRACE: Duration = Duration::from_secs(60);
pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) fn policy() -> LeasePolicy {
    let capacity = Capacity::default();
    let lifetimes = Lifetimes { token_life: TOKEN_LIFE, key_rotation: ROTATION, grace: GRACE };
    LeasePolicy { lifetimes, capacity }
}

/// A janitor called `j2` and its time.
pub(super) struct Rig {
    leases: RefCell<Leases>,
    now: RefCell<UnixMillis>,
}

impl Rig {
    /// One that has listened for long enough to decide.
    pub(super) fn awake() -> Self {
        let rig = Self::starting(policy());
        rig.pass(QUIET);
        rig
    }

    pub(super) fn starting(policy: LeasePolicy) -> Self {
        let start = UnixMillis::from_secs(1_750_000_000);
        Self { leases: Leases::new(node("j2"), policy, start).into(), now: start.into() }
    }

    pub(super) fn now(&self) -> UnixMillis {
        *self.now.borrow()
    }

    pub(super) fn give(&self, input: Input) -> Vec<Effect> {
        let mut leases = self.leases.borrow_mut();
        leases.handle(self.now(), input);
        std::iter::from_fn(|| leases.next_effect()).collect()
    }

    pub(super) fn receive(&self, message: Message) -> Vec<Effect> {
        self.give(Input::Received(message))
    }

    pub(super) fn jump(&self, time: Duration) {
        *self.now.borrow_mut() += time;
    }

    /// Lets time pass second by second, and returns the effects.
    pub(super) fn pass(&self, time: Duration) -> Vec<Effect> {
        self.pass_with(time, Vec::new)
    }

    /// The same, while `renewed` is received again in each period.
    pub(super) fn pass_with(&self, time: Duration, renewed: impl Fn() -> Vec<Message>) -> Vec<Effect> {
        let mut effects = Vec::new();
        for second in 0..time.as_secs() {
            self.jump(SECOND);
            if second % limits::RENEWAL.as_secs() == 0 {
                renewed().into_iter().for_each(|message| effects.extend(self.receive(message)));
            }
            effects.extend(self.give(Input::Tick));
        }
        effects
    }

    pub(super) fn counts(&self) -> Counts {
        self.leases.borrow().counts()
    }

    /// All batches with which it would answer a sync.
    pub(super) fn sync(&self) -> Vec<SyncAnswer> {
        let mut cursor = SyncCursor::default();
        let mut batches = Vec::new();
        while batches.last().is_none_or(|batch: &SyncAnswer| !batch.last) {
            batches.push(self.leases.borrow().sync_batch(self.now(), &mut cursor));
        }
        batches
    }
}

pub(super) fn node(name: &str) -> NodeId {
    name.parse().unwrap()
}

pub(super) fn session(n: u64) -> SessionId {
    let mut bytes = [7; 16];
    bytes[8..].copy_from_slice(&n.to_be_bytes());
    SessionId::from_random(bytes)
}

pub(super) fn room(n: u64) -> RoomId {
    let mut bytes = [3; 16];
    bytes[8..].copy_from_slice(&n.to_be_bytes());
    RoomId::from_bytes(bytes)
}

pub(super) fn lease_of(n: u64, stamp: u64, room: Option<RoomId>) -> SessionLease {
    let state = if room.is_some() { SessionState::Paired } else { SessionState::Waiting };
    let ends = UnixMillis::from_secs(u32::MAX.into());
    SessionLease { session: session(n), stamp: Stamp(stamp), state, connected: true, room, ends }
}

pub(super) fn lease(from: &str, boot: u64, sessions: Vec<SessionLease>) -> Message {
    Message::Lease { from: node(from), lease: Lease { boot: BootId(boot), sessions } }
}

pub(super) fn beat(service: Service, from: &str, boot: u64) -> Message {
    let heartbeat = Heartbeat::new(BootId(boot), "1");
    Message::Heartbeat { service, from: node(from), heartbeat }
}

pub(super) fn attachment(stamp: u64) -> Attachment {
    Attachment { side: Side::A, stamp: Stamp(stamp), node: node("g1"), owner: Tag::from_bytes([1; 8]) }
}

pub(super) fn peer(room: RoomId, event: RoomEvent) -> Message {
    Message::Peer { room, to: node("g2"), event }
}

pub(super) fn ended(room: RoomId, why: EndReason) -> Message {
    Message::Room { room, speaker: Service::Gateway, event: RoomEvent::Ended(why) }
}

pub(super) fn revoked(n: u64) -> Message {
    session_event(n, SessionEvent::Revoked { remaining: TOKEN_LIFE })
}

pub(super) fn session_event(n: u64, event: SessionEvent) -> Message {
    Message::Session { session: session(n), speaker: Service::Gateway, event }
}

/// A key of the gateway `g1`.
pub(super) fn public(n: u8, not_after: UnixMillis) -> Announcement {
    key_of("g1", n, not_after)
}

pub(super) fn key_of(gateway: &str, n: u8, not_after: UnixMillis) -> Announcement {
    Announcement { public: [n; 32], not_after, node: node(gateway), possession: [0; 64], proof: None }
}

pub(super) fn announced(key: impl Borrow<Announcement>) -> Message {
    let (key, speaker, from) = (key.borrow().clone(), Service::Gateway, node("g1"));
    Message::Key { key: key.id(), speaker, from, event: KeyEvent::Announced(key.into()) }
}

pub(super) fn publishes_ended(room: RoomId, why: EndReason) -> Effect {
    Effect::Publish(Message::Room { room, speaker: Service::Janitor, event: RoomEvent::Ended(why) })
}

pub(super) fn publishes_room_expired(room: RoomId) -> Effect {
    Effect::Publish(Message::Room { room, speaker: Service::Janitor, event: RoomEvent::Expired })
}

pub(super) fn publishes_session_expired(n: u64) -> Effect {
    Effect::Publish(Message::Session {
        session: session(n),
        speaker: Service::Janitor,
        event: SessionEvent::Expired,
    })
}

pub(super) fn publishes_held_twice(n: u64) -> Effect {
    Effect::Publish(Message::Session {
        session: session(n),
        speaker: Service::Janitor,
        event: SessionEvent::HeldTwice,
    })
}

pub(super) fn publishes_key_expired(key: &Announcement) -> Effect {
    let (key, speaker, from) = (key.id(), Service::Janitor, node("j2"));
    Effect::Publish(Message::Key { key, speaker, from, event: KeyEvent::Expired })
}
