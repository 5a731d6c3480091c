//! A want that this gateway has published for one of its sessions.

use std::time::Duration;

use schemas::{
    SessionId, Stamp, UnixMillis, WantId,
    criteria::{ChannelVersion, Criteria, Language, Queue, Role},
    event::Want,
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
    /// The network against which it counts.
    network: Option<u64>,
}

impl OwnWant {
    pub(crate) fn new(now: UnixMillis, id: WantId, find: Criteria, network: Option<u64>) -> Self {
        Self {
            id,
            queue: find.queue(),
            since: now,
            role: find.role,
            language: find.language,
            channel: find.channel,
            network,
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
            delay: Duration::ZERO,
            trace: None,
        }
    }
}
