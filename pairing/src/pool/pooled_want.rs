//! One want, and with which others it may be matched.

use std::time::Duration;

use schemas::{
    NodeId, Origin, SessionId, Stamp, Tag, UnixMillis,
    event::Want,
    limits::{LANGUAGE_PATIENCE, SESSION_LIFE, WANT_SILENCE},
};

use super::{
    FairBy,
    index_key::{LanguageBucket, LanguageFilter, LanguageKey, Offered, Place, RoleQueue},
};

/// The longest that a want is offered later than others.
pub(super) const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// How often a want that is offered later looks whether somebody has waited long enough.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// One want. With its entries in the indexes and the slack of B-trees it takes about 650 bytes,
/// without what keeps it apart.
#[derive(Debug)]
pub(super) struct PooledWant {
    pub(super) session: SessionId,
    pub(super) stamp: Stamp,
    pub(super) node: NodeId,
    pub(super) role_queue: RoleQueue,
    pub(super) place: Place,
    languages: LanguageFilter,
    /// Since when it has been waiting, by this node's clock.
    pub(super) since: UnixMillis,
    /// When its gateway last repeated it.
    pub(super) heard: UnixMillis,
    pub(super) due: UnixMillis,
    /// It is offered only to those who have waited for so long.
    pub(super) delay: Duration,
    /// Boxed: most have met nobody yet.
    apart: Option<Box<Apart>>,
    origin: Option<Origin>,
    /// For the other side of its match.
    pub(super) pass: bool,
}

/// What keeps a want from others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Apart {
    /// Rooms: whoever remembers one of them, too.
    pub(super) rooms: Vec<SharedRoom>,
    /// Origins of people that it has reported.
    pub(super) origins: Vec<AvoidedOrigin>,
}

/// A room that a session remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SharedRoom {
    pub(super) room: Tag,
    pub(super) why: Why,
}

/// Why a session remembers a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// It has met somebody there: chance is not to bring the two together again so soon.
    Met,
    /// One of the two has reported the other.
    Reported,
}

/// An origin from which somebody was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AvoidedOrigin {
    pub(super) origin: Origin,
    /// Who was reported.
    pub(super) session: Tag,
    pub(super) extent: Extent,
}

/// Who of an origin is avoided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Everybody.
    Origin,
    /// The one who was reported: the origin is that of a crowd.
    Session,
}

impl PooledWant {
    pub(super) fn new(now: UnixMillis, node: &NodeId, want: &Want, apart: Apart, fair_by: FairBy) -> Self {
        let place = Place::of(want, fair_by);
        let languages = want.language.clone().and_then(LanguageKey::of);
        Self {
            session: want.session,
            stamp: want.stamp,
            node: node.clone(),
            role_queue: RoleQueue::new(want.queue, want.role, want.channel),
            place,
            languages: languages.map_or(LanguageFilter::Any, LanguageFilter::Only),
            // No want is older than a session may be, so a forged age gains nothing beyond that.
            since: now - want.age.min(SESSION_LIFE),
            heard: now,
            due: now,
            delay: Self::delay_of(want, place),
            apart: (apart != Apart::default()).then(|| Box::new(apart)),
            origin: want.origin,
            pass: want.pass,
        }
    }

    /// How much later than others a want is offered: not at all where origins do not matter.
    pub(super) fn delay_of(want: &Want, place: Place) -> Duration {
        if place == Place::SHARED { Duration::ZERO } else { want.delay.min(LONGEST_DELAY) }
    }

    fn offered(&self) -> Offered {
        if self.delay.is_zero() { Offered::AtOnce } else { Offered::Later }
    }

    /// The buckets in which it is.
    pub(super) fn indexed_under(&self) -> impl Iterator<Item = LanguageBucket> + use<> {
        self.languages.indexed_under(self.offered())
    }

    /// The buckets in which it looks for others.
    pub(super) fn searched(&self) -> impl Iterator<Item = LanguageBucket> + use<> {
        self.languages.searched(self.offered())
    }

    /// When it will have waited long enough to be matched with any language; `None` if it may be
    /// already.
    fn widens_at(&self) -> Option<UnixMillis> {
        (self.languages != LanguageFilter::Any).then(|| self.since + LANGUAGE_PATIENCE)
    }

    /// Whether it has waited long enough to be matched with any language, and may not be yet.
    pub(super) fn is_due_to_widen(&self, now: UnixMillis) -> bool {
        self.widens_at().is_some_and(|widens_at| widens_at <= now)
    }

    /// Allows it to be matched with any language.
    pub(super) fn widen(&mut self) {
        self.languages = LanguageFilter::Any;
    }

    /// Whether it is to look for others now although nothing has changed.
    pub(super) fn asks_again(&self) -> bool {
        self.offered() == Offered::Later
    }

    pub(super) fn set_deadline(&mut self, now: UnixMillis, heard: UnixMillis) {
        let again = self.asks_again().then(|| now + ASK_AGAIN);
        let all = [self.widens_at(), again, Some(heard + WANT_SILENCE)];
        self.due = all.into_iter().flatten().min().unwrap_or(heard);
    }

    /// Replaces what keeps it from others. Returns whether something does not any more.
    pub(super) fn set_apart(&mut self, apart: Apart) -> bool {
        if self.apart.as_deref().unwrap_or(&Apart::default()) == &apart {
            return false;
        }
        let after = (apart != Apart::default()).then(|| Box::new(apart));
        let before = std::mem::replace(&mut self.apart, after);
        let after = self.apart.as_deref();
        let keeps = |after: &Apart, it: &SharedRoom| after.rooms.iter().any(|kept| kept.room == it.room);
        before.is_some_and(|before| {
            before.rooms.iter().any(|it| !after.is_some_and(|after| keeps(after, it)))
                || before.origins.iter().any(|it| !after.is_some_and(|after| after.origins.contains(it)))
        })
    }

    /// Whether the two may be matched now, whatever their languages and roles.
    pub(super) fn may_meet(&self, now: UnixMillis, other: &Self) -> bool {
        self.session != other.session
            && self.is_patient_with(now, other)
            && other.is_patient_with(now, self)
            && !self.avoids(other)
            && !other.avoids(self)
    }

    /// Whether the other one has waited long enough for this one to be offered to it.
    pub(super) fn is_patient_with(&self, now: UnixMillis, other: &Self) -> bool {
        now.since(other.since) >= self.delay
    }

    fn avoids(&self, other: &Self) -> bool {
        let Some(apart) = &self.apart else { return false };
        let parts = |own: &SharedRoom, their: &SharedRoom| {
            own.room == their.room && (!self.is_invited() || own.why.max(their.why) == Why::Reported)
        };
        let shares =
            |theirs: &Apart| apart.rooms.iter().any(|own| theirs.rooms.iter().any(|their| parts(own, their)));
        let avoided = |it: &AvoidedOrigin| {
            Some(it.origin) == other.origin && (self.avoids_all_of(it) || it.session == other.session.tag())
        };
        other.apart.as_deref().is_some_and(shares) || apart.origins.iter().any(avoided)
    }

    /// Whether it waits for somebody with the same invite: the two want to meet, also again.
    fn is_invited(&self) -> bool {
        self.role_queue.queue.invite_tag().is_some()
    }

    /// Whether it avoids everybody of an origin: not of its own, or nobody near would be left.
    fn avoids_all_of(&self, avoided: &AvoidedOrigin) -> bool {
        avoided.extent == Extent::Origin && self.origin != Some(avoided.origin)
    }

    /// Whether it may not be matched with anybody of the other's origin.
    pub(super) fn avoids_origin_of(&self, other: &Self) -> bool {
        let Some(apart) = &self.apart else { return false };
        apart.origins.iter().any(|it| Some(it.origin) == other.origin && self.avoids_all_of(it))
    }
}

// A million wants fit into 700 MB only while this is true.
const _: () = assert!(size_of::<PooledWant>() <= 152);
