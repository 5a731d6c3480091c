//! The keys of the index of wants. One ordered set of keys serves all queues, and the candidates
//! for a want are neighbours in it.

use std::num::NonZeroU64;

use schemas::{
    UnixMillis, WantId,
    criteria::{Language, Queue, Role},
};

/// One want in one language bucket. The keys of a bucket are neighbours, the longest waiting first.
/// Ties are broken by id, so that every replica sees the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct IndexKey {
    pub(super) role_queue: RoleQueue,
    pub(super) bucket: LanguageBucket,
    pub(super) since: UnixMillis,
    pub(super) id: WantId,
}

impl IndexKey {
    /// Not after any key of this bucket.
    pub(super) fn first_of(role_queue: RoleQueue, bucket: LanguageBucket) -> Self {
        Self { role_queue, bucket, since: UnixMillis(0), id: WantId::from_bytes([0; 16]) }
    }

    pub(super) fn is_in(&self, role_queue: RoleQueue, bucket: LanguageBucket) -> bool {
        self.role_queue == role_queue && self.bucket == bucket
    }
}

/// The wants of a queue that have the same role, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RoleQueue {
    pub(super) queue: Queue,
    role: RoleKey,
}

impl RoleQueue {
    pub(super) fn new(queue: Queue, role: Option<Role>) -> Self {
        let role = match role {
            None => RoleKey::None,
            Some(Role::Seek) => RoleKey::Seek,
            Some(Role::Offer) => RoleKey::Offer,
        };
        Self { queue, role }
    }

    /// Every role queue of a queue.
    pub(super) fn all_of(queue: Queue) -> [Self; 3] {
        [RoleKey::None, RoleKey::Seek, RoleKey::Offer].map(|role| Self { queue, role })
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LanguageBucket(u64);

impl LanguageBucket {
    const ANY: Self = Self(0);
    /// All wants with a filter, of whatever language. No letters make this number.
    pub(super) const SPECIFIC: Self = Self(u64::MAX);

    fn of(language: LanguageKey) -> Self {
        Self(language.0.get())
    }

    /// Buckets that together contain each want of a role queue exactly once.
    pub(super) const ALL: [Self; 2] = [Self::ANY, Self::SPECIFIC];
}

impl LanguageFilter {
    /// The buckets that contain a want with this filter.
    pub(super) fn indexed_under(self) -> impl Iterator<Item = LanguageBucket> {
        let (first, second) = match self {
            Self::Any => (LanguageBucket::ANY, None),
            Self::Only(language) => (LanguageBucket::of(language), Some(LanguageBucket::SPECIFIC)),
        };
        std::iter::once(first).chain(second)
    }

    /// The buckets in which a want with this filter finds those with whom it may be matched.
    pub(super) fn searched(self) -> [LanguageBucket; 2] {
        match self {
            Self::Any => LanguageBucket::ALL,
            Self::Only(language) => [LanguageBucket::ANY, LanguageBucket::of(language)],
        }
    }
}

// A key, once or twice, is most of what a want costs in memory.
const _: () = assert!(size_of::<IndexKey>() <= 56);

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
        }
        assert_eq!(bucket("pt-BR"), bucket("PT"));
    }

    #[test]
    fn two_wants_find_each_other_or_neither_does() {
        let language = |text: &str| LanguageKey::of(text.parse().unwrap()).unwrap();
        let all =
            [LanguageFilter::Any, LanguageFilter::Only(language("ko")), LanguageFilter::Only(language("en"))];
        let finds = |one: LanguageFilter, other: LanguageFilter| {
            other.indexed_under().filter(|bucket| one.searched().contains(bucket)).count()
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
}
