//! The keys of the index of wants. One ordered set of keys serves all queues, and the candidates
//! for a want are neighbours in it.

use std::num::NonZeroU64;

use schemas::{
    UnixMillis, WantId,
    criteria::{ChannelVersion, Language, Queue, Role},
    event::Want,
    outlook::Class,
};

use super::{FairBy, rotation::Position};

/// One want in one language bucket. The keys of an origin are neighbours, those of one bucket the
/// longest waiting first. Ties are broken by id, so that every replica sees the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct IndexKey {
    pub(super) role_queue: RoleQueue,
    pub(super) place: Place,
    pub(super) bucket: LanguageBucket,
    pub(super) since: UnixMillis,
    pub(super) id: WantId,
}

impl IndexKey {
    /// Not after any key of this origin in this bucket.
    pub(super) fn first_of(role_queue: RoleQueue, place: Place, bucket: LanguageBucket) -> Self {
        Self { role_queue, place, bucket, since: UnixMillis(0), id: WantId::from_bytes([0; 16]) }
    }

    /// Not after any key of this role queue.
    pub(super) fn first_in(role_queue: RoleQueue) -> Self {
        Self::first_of(role_queue, Place::SHARED, LanguageBucket::FIRST)
    }

    /// Not before any key of this origin in this bucket.
    pub(super) fn last_of(role_queue: RoleQueue, place: Place, bucket: LanguageBucket) -> Self {
        let (since, id) = (UnixMillis(u64::MAX), WantId::from_bytes([u8::MAX; 16]));
        Self { role_queue, place, bucket, since, id }
    }
}

/// One origin in one language bucket, where it has wants. The keys of a bucket are neighbours, the
/// origin whose turn is next first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OrderKey {
    pub(super) role_queue: RoleQueue,
    pub(super) bucket: LanguageBucket,
    pub(super) position: Position,
    pub(super) place: Place,
}

impl OrderKey {
    /// Not after any key of this bucket.
    pub(super) fn first_of(role_queue: RoleQueue, bucket: LanguageBucket) -> Self {
        Self { role_queue, bucket, position: Position::default(), place: Place::SHARED }
    }

    pub(super) fn is_in(&self, role_queue: RoleQueue, bucket: LanguageBucket) -> bool {
        self.role_queue == role_queue && self.bucket == bucket
    }
}

/// Where a want takes its turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u64);

impl Place {
    /// That of all wants where origins do not matter: the longest waiting is first.
    pub(super) const SHARED: Self = Self(0);

    /// Among strangers each origin has its own, and so has a session whose gateway has no key.
    pub(super) fn of(want: &Want, fair_by: FairBy) -> Self {
        match (want.queue, fair_by) {
            (Queue::Invite(_), _) | (_, FairBy::Age) => Self::SHARED,
            (Queue::Anyone | Queue::Topic(_), FairBy::Origin) => {
                let [.., a, b, c, d, e, f, g, h] = match &want.origin {
                    Some(origin) => *origin.as_bytes(),
                    None => *want.session.as_bytes().first_chunk().unwrap_or(&[0; 12]),
                };
                Self(u64::from_be_bytes([a, b, c, d, e, f, g, h]).max(Self::SHARED.0 + 1))
            }
        }
    }
}

/// The wants of a queue that have the same role, or none, and speak the same version of the
/// channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RoleQueue {
    pub(super) queue: Queue,
    role: RoleKey,
    channel: ChannelVersion,
}

impl RoleQueue {
    pub(super) fn new(queue: Queue, role: Option<Role>, channel: ChannelVersion) -> Self {
        let role = match role {
            None => RoleKey::None,
            Some(Role::Seek) => RoleKey::Seek,
            Some(Role::Offer) => RoleKey::Offer,
        };
        Self { queue, role, channel }
    }

    /// Not after any other.
    pub(super) fn first_of_all() -> Self {
        Self::first_of(Queue::Anyone)
    }

    /// What others call it.
    pub(super) fn class(self) -> Class {
        let role = match self.role {
            RoleKey::None => None,
            RoleKey::Seek => Some(Role::Seek),
            RoleKey::Offer => Some(Role::Offer),
        };
        Class { queue: self.queue, role, channel: self.channel }
    }

    /// Not after any role queue of a queue.
    pub(super) fn first_of(queue: Queue) -> Self {
        Self { queue, role: RoleKey::None, channel: ChannelVersion::FIRST }
    }

    /// The role queue with which this one is matched.
    pub(super) fn counterpart(self) -> Self {
        let role = match self.role {
            RoleKey::None => RoleKey::None,
            RoleKey::Seek => RoleKey::Offer,
            RoleKey::Offer => RoleKey::Seek,
        };
        Self { role, ..self }
    }
}

/// A role, or none: ordered, unlike [`Option<Role>`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum RoleKey {
    None,
    Seek,
    Offer,
}

/// A language in eight bytes: in BCP 47 a primary language has at most eight letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LanguageKey(NonZeroU64);

impl LanguageKey {
    /// The letters as a number; `None` if there are none, which is true of no [`Language`].
    pub(super) fn of(language: Language) -> Option<Self> {
        let letters = String::from(language);
        NonZeroU64::new(letters.bytes().fold(0, |number, letter| number << 8 | u64::from(letter))).map(Self)
    }
}

/// With which languages a want may be matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LanguageFilter {
    /// With all: it named no language, or has waited long enough.
    Any,
    /// With this one, and with wants that may be matched with any.
    Only(LanguageKey),
}

/// The wants of a role queue that can be matched with the same languages.
///
/// A want without a language filter is in [`LanguageBucket::ANY`]. Each other want is in two
/// buckets: that of its language, which wants of the same language search, and
/// [`LanguageBucket::SPECIFIC`], which wants without a filter search. So every want searches two
/// buckets, however many languages there are.
///
/// Wants that are offered later than others are in buckets of their own, which no other want
/// searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LanguageBucket(u64);

impl LanguageBucket {
    const ANY: Self = Self(0);
    /// The lowest.
    pub(super) const FIRST: Self = Self::ANY;
    /// The highest.
    pub(super) const LAST: Self = Self(u64::MAX);
    /// All wants with a filter, of whatever language. No letters make this number.
    const SPECIFIC: Self = Self(Self::LATE - 1);
    /// Added to a bucket for wants that are offered later. Letters are ASCII: none has this bit.
    const LATE: u64 = 1 << 63;

    fn of(language: LanguageKey) -> Self {
        Self(language.0.get())
    }

    /// Buckets that together contain each want of a role queue exactly once.
    pub(super) const ALL: [Self; 2] = [Self::ANY, Self::SPECIFIC];

    /// The same for wants that are offered later.
    fn late(self) -> Self {
        Self(self.0 | Self::LATE)
    }

    /// Whether each of its wants is in another bucket as well.
    pub(super) fn is_second(self) -> bool {
        self == Self::SPECIFIC || self == Self::SPECIFIC.late()
    }

    /// The one after it, if there is one.
    pub(super) fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

/// When a want is offered to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offered {
    /// At once.
    AtOnce,
    /// Only to those who have waited for a while.
    Later,
}

impl LanguageFilter {
    /// The buckets that contain a want with this filter.
    pub(super) fn indexed_under(self, offered: Offered) -> impl Iterator<Item = LanguageBucket> {
        let (first, second) = match self {
            Self::Any => (LanguageBucket::ANY, None),
            Self::Only(language) => (LanguageBucket::of(language), Some(LanguageBucket::SPECIFIC)),
        };
        let buckets = std::iter::once(first).chain(second);
        buckets.map(move |bucket| if offered == Offered::AtOnce { bucket } else { bucket.late() })
    }

    /// The buckets in which a want with this filter finds those with whom it may be matched. One
    /// that is offered later itself looks for others of its kind, too.
    pub(super) fn searched(self, offered: Offered) -> impl Iterator<Item = LanguageBucket> {
        let buckets = match self {
            Self::Any => LanguageBucket::ALL,
            Self::Only(language) => [LanguageBucket::ANY, LanguageBucket::of(language)],
        };
        let late = (offered == Offered::Later).then(|| buckets.map(LanguageBucket::late));
        buckets.into_iter().chain(late.into_iter().flatten())
    }
}

// A key, once or twice, is most of what a want costs in memory.
const _: () = assert!(size_of::<IndexKey>() <= 64 && size_of::<OrderKey>() <= 48);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_a_bucket_of_its_own() {
        let bucket = |text: &str| LanguageBucket::of(LanguageKey::of(text.parse().unwrap()).unwrap());
        let lines = ["ko", "ok", "kok", "zz", "zzzzzzzz", "aaaaaaaa", "zh"].map(bucket);
        for (n, one) in lines.iter().enumerate() {
            assert!(*one != LanguageBucket::ANY && *one != LanguageBucket::SPECIFIC);
            assert!(lines[..n].iter().all(|other| other != one));
            assert!(one.late() != *one && !lines.contains(&one.late()));
        }
        assert_eq!(bucket("pt-BR"), bucket("PT"));
    }

    #[test]
    fn two_wants_find_each_other_or_neither_does() {
        let language = |text: &str| LanguageKey::of(text.parse().unwrap()).unwrap();
        let all =
            [LanguageFilter::Any, LanguageFilter::Only(language("ko")), LanguageFilter::Only(language("en"))];
        let finds = |one: LanguageFilter, other: LanguageFilter| {
            let searched: Vec<_> = one.searched(Offered::AtOnce).collect();
            other.indexed_under(Offered::AtOnce).filter(|bucket| searched.contains(bucket)).count()
        };
        for one in all {
            for other in all {
                assert_eq!(finds(one, other), finds(other, one), "{one:?} {other:?}");
            }
        }
        assert_eq!(finds(all[1], all[2]), 0);
        assert_eq!(finds(all[1], all[1]), 1);
        assert_eq!(finds(all[0], all[1]), 1);
    }

    #[test]
    fn who_is_offered_later_looks_for_all_and_is_found_by_its_kind_alone() {
        let all = LanguageFilter::Any;
        let finds = |one: Offered, other: Offered| {
            let searched: Vec<_> = all.searched(one).collect();
            all.indexed_under(other).filter(|bucket| searched.contains(bucket)).count()
        };
        assert_eq!(finds(Offered::Later, Offered::AtOnce), 1);
        assert_eq!(finds(Offered::Later, Offered::Later), 1);
        assert_eq!(finds(Offered::AtOnce, Offered::Later), 0);
    }
}
