//! The model's own book: what waits, and what the pool has decided about it.

use schemas::{
    NodeId, UnixMillis, WantId,
    criteria::Role,
    event::Want,
    limits::{LANGUAGE_PATIENCE, WANT_FORGET},
};

/// A want as its gateway holds it, by the model's own book.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) want: Want,
    pub(crate) node: u8,
    pub(crate) since: UnixMillis,
}

impl Held {
    pub(crate) fn say(&self, now: UnixMillis) -> Want {
        Want { age: now.since(self.since), ..self.want.clone() }
    }

    pub(crate) fn is_patient(&self, now: UnixMillis) -> bool {
        now.since(self.since) >= LANGUAGE_PATIENCE
    }

    pub(crate) fn may_meet(&self, other: &Self, now: UnixMillis) -> bool {
        let (one, two) = (&self.want, &other.want);
        one.session != two.session
            && one.queue == two.queue
            && one.role == two.role.map(Role::counterpart)
            && one.tags.iter().all(|tag| !two.tags.contains(tag))
            && (one.language.is_none()
                || two.language.is_none()
                || one.language == two.language
                || self.is_patient(now)
                || other.is_patient(now))
    }

    /// Whether nobody could tell the two apart but by their place.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let (one, two) = (&self.want, &other.want);
        (one.queue, one.role, &one.language) == (two.queue, two.role, &two.language)
            && one.tags.is_empty()
            && two.tags.is_empty()
    }

    pub(crate) fn place(&self) -> (UnixMillis, WantId) {
        (self.since, self.want.id)
    }
}

/// What the pool has decided about a want.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Match {
    pub(crate) with: WantId,
    pub(crate) at: UnixMillis,
    /// The gateways of the two.
    pub(crate) nodes: [NodeId; 2],
    /// One of them has died since.
    pub(crate) void: bool,
}

impl Match {
    /// Whether the want counts afresh once it is said again.
    pub(crate) fn is_over(&self, now: UnixMillis) -> bool {
        self.void || now.since(self.at) >= WANT_FORGET
    }
}
