//! A want that this gateway has published for one of its sessions.

use std::time::Duration;

use schemas::{
    SessionId, Stamp, UnixMillis, WantId,
    criteria::{ChannelVersion, Criteria, Language, Queue, Role},
    event::Want,
    limits::{OUTLOOK_REPEAT, OUTLOOK_SILENCE},
    outlook::{Class, ClassState, Outlook},
};

/// A want of a session of this gateway.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OwnWant {
    pub(crate) id: WantId,
    pub(crate) queue: Queue,
    since: UnixMillis,
    role: Option<Role>,
    language: Option<Language>,
    pub(crate) channel: ChannelVersion,
    /// Whether it offers, and its session has a pass for that.
    pass: bool,
    /// The network against which it counts.
    network: Option<u64>,
    /// What its client was told last of what it may expect, and when.
    pub(crate) told: Outlook,
    told_at: UnixMillis,
    /// When pairing last said how it stands.
    heard: UnixMillis,
}

impl OwnWant {
    pub(crate) fn new(now: UnixMillis, id: WantId, find: Criteria, pass: bool, network: Option<u64>) -> Self {
        Self {
            id,
            queue: find.queue(),
            since: now,
            role: find.role,
            language: find.language,
            channel: find.channel,
            pass,
            network,
            told: Outlook::default(),
            told_at: UnixMillis(0),
            heard: now,
        }
    }

    /// The network of clients against which it counts, if it does.
    pub(crate) fn network(&self) -> Option<u64> {
        self.network
    }

    /// Whether it is what this message asks for, too.
    pub(crate) fn is_for(&self, find: &Criteria) -> bool {
        (self.queue, self.role, &self.language, self.channel)
            == (find.queue(), find.role, &find.language, find.channel)
    }

    /// Who waits for the same.
    pub(crate) fn class(&self) -> Class {
        Class { queue: self.queue, role: self.role, channel: self.channel }
    }

    /// Pairing has said how it stands. Returns the outlook if the client is to be told.
    pub(crate) fn hear(&mut self, now: UnixMillis, state: &ClassState) -> Option<Outlook> {
        self.heard = now;
        self.tell(now, state.outlook(now.since(self.since)))
    }

    /// Time has passed. Returns the outlook if the client is to be told that the one that it knows
    /// is old.
    pub(crate) fn doubt(&mut self, now: UnixMillis) -> Option<Outlook> {
        let is_old = now.since(self.heard) >= OUTLOOK_SILENCE;
        is_old.then(|| self.tell(now, Outlook::default())).flatten()
    }

    fn tell(&mut self, now: UnixMillis, outlook: Outlook) -> Option<Outlook> {
        if outlook == self.told || now.since(self.told_at) < OUTLOOK_REPEAT {
            return None;
        }
        (self.told, self.told_at) = (outlook, now);
        Some(outlook)
    }

    /// What pairing is to know of it, but for what its session remembers.
    pub(crate) fn publication(&self, now: UnixMillis, session: SessionId, stamp: Stamp) -> Want {
        Want {
            id: self.id,
            session,
            stamp,
            age: now.since(self.since),
            queue: self.queue,
            role: self.role,
            language: self.language.clone(),
            channel: self.channel,
            met: Vec::new(),
            reported: Vec::new(),
            origin: None,
            pass: self.pass,
            delay: Duration::ZERO,
            trace: None,
        }
    }
}
