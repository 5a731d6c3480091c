//! The model's own record: which wants are waiting, and what the pool has decided about them.

use pairing::pool::FairBy;
use schemas::{
    NodeId, Tag, UnixMillis, WantId,
    criteria::Role,
    event::Want,
    limits::{LANGUAGE_PATIENCE, WANT_FORGET},
};

/// A want as its gateway holds it, by the model's own record.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) want: Want,
    pub(crate) node: u8,
    pub(crate) since: UnixMillis,
    /// The rooms that keep it from others.
    pub(crate) tags: Vec<Tag>,
    pub(crate) fair_by: FairBy,
}

impl Held {
    /// What its gateway publishes.
    pub(crate) fn published(&self, now: UnixMillis) -> Want {
        Want { age: now.since(self.since), ..self.want.clone() }
    }

    pub(crate) fn meets_any_language(&self, now: UnixMillis) -> bool {
        now.since(self.since) >= LANGUAGE_PATIENCE
    }

    pub(crate) fn may_meet(&self, other: &Self, now: UnixMillis) -> bool {
        let (one, two) = (&self.want, &other.want);
        one.session != two.session
            && one.queue == two.queue
            && one.role == two.role.map(Role::counterpart)
            && (self.is_invited() || self.tags.iter().all(|tag| !other.tags.contains(tag)))
            && self.is_patient_with(other, now)
            && other.is_patient_with(self, now)
            && (one.language.is_none()
                || two.language.is_none()
                || one.language == two.language
                || self.meets_any_language(now)
                || other.meets_any_language(now))
    }

    /// Whether the other one has waited long enough for this one to be offered to it.
    fn is_patient_with(&self, other: &Self, now: UnixMillis) -> bool {
        !self.is_stranger() || now.since(other.since) >= self.want.delay
    }

    /// Whether origins matter.
    fn is_stranger(&self) -> bool {
        self.fair_by == FairBy::Origin && !self.is_invited()
    }

    /// Whether it waits for somebody with the same invite: nobody is reported in these histories,
    /// and an invite brings people together again who have met.
    fn is_invited(&self) -> bool {
        self.want.queue.invite_tag().is_some()
    }

    /// Whether the two differ in nothing but how long they have waited, and take the same turns.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let (one, two) = (&self.want, &other.want);
        (one.queue, one.role, &one.language) == (two.queue, two.role, &two.language)
            && self.tags.is_empty()
            && other.tags.is_empty()
            && (!self.is_stranger() || (one.origin, one.delay) == (two.origin, two.delay))
    }

    pub(crate) fn order(&self) -> (UnixMillis, WantId) {
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
    /// One of them has been lost since.
    pub(crate) void: bool,
}

impl Match {
    /// Whether the want counts as new once it is repeated.
    pub(crate) fn is_over(&self, now: UnixMillis) -> bool {
        self.void || now.since(self.at) >= WANT_FORGET
    }
}
