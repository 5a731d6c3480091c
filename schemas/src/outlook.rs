//! What whoever waits may expect. Pairing counts by class, gateways make coarse words of the
//! counts, and a client hears nothing but the words.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    codec::{duration_ms, list},
    criteria::{ChannelVersion, Queue, Role},
    words::words,
};

/// What has happened in this time says how long one waits, and who is on duty.
pub const RECENT: Duration = Duration::from_secs(15 * 60);

/// Of so many waits at least a median is told: of fewer it would be that of a single person.
pub const FEWEST_WAITS: usize = 5;

/// At least so many of the other role are many.
const MANY: u32 = 5;

/// Where the steps of [`Outlook::ahead`] begin.
pub const AHEAD: [u32; 5] = [0, 1, 2, 5, 10];

/// The steps of [`Outlook::about_s`], in seconds. Whoever has to wait longer is told nothing.
const ABOUT_S: [u32; 7] = [30, 60, 120, 300, 600, 1200, 1800];

words! {
    /// How many there are of those whom somebody who waits may meet.
    pub enum Partners {
        /// Nobody: none waits, and none was matched in the last quarter of an hour.
        None = "none",
        /// Fewer than five.
        Few = "few",
        /// Five or more.
        Many = "many",
    }
}

impl Partners {
    /// The word for a count.
    pub const fn of(count: u32) -> Self {
        match count {
            0 => Self::None,
            1..MANY => Self::Few,
            _ => Self::Many,
        }
    }
}

/// What a gateway tells whoever waits, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outlook {
    /// At least so many are before this client: one of [`AHEAD`]. Only where whoever has waited
    /// longest is first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<u32>,
    /// How many there are whom it may meet: they wait, or are on duty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partners: Option<Partners>,
    /// Most of those who were matched lately had waited less, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about_s: Option<u32>,
}

/// Those who wait for the same: strangers with the same topic (or none), the same role (or none)
/// and the same version of the channel. Languages make no classes: after
/// [`LANGUAGE_PATIENCE`](crate::limits::LANGUAGE_PATIENCE) they keep nobody apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Class {
    /// Where they are queued.
    pub queue: Queue,
    /// Their role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The version of the end-to-end channel that their clients speak.
    #[serde(default, skip_serializing_if = "ChannelVersion::is_first")]
    pub channel: ChannelVersion,
}

/// How it stands in one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassState {
    /// Which one.
    pub class: Class,
    /// How many wait.
    pub waiting: u32,
    /// How many wait of the other role. Without roles they are those of this class.
    pub partners: u32,
    /// How many others of the other role were matched in the time of [`RECENT`]. `None` if it is
    /// not known: pairing has not led for so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_duty: Option<u32>,
    /// The median of the last waits, if there were [`FEWEST_WAITS`].
    #[serde(rename = "wait_ms", default, with = "optional_ms", skip_serializing_if = "Option::is_none")]
    pub wait: Option<Duration>,
    /// How long those have waited at whose places the steps of [`AHEAD`] end, the first of all
    /// first, as far as there are so many. Empty where matching is not by age.
    #[serde(default, deserialize_with = "list::deserialize", skip_serializing_if = "Vec::is_empty")]
    pub oldest: Vec<Age>,
}

/// How long somebody has waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Age(#[serde(with = "duration_ms")] pub Duration);

/// What pairing publishes for a gateway, each second: classes in which it has somebody who waits,
/// at most [`CLASS_BATCH`](crate::limits::CLASS_BATCH), and those for which it has asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueStates {
    /// The classes.
    #[serde(deserialize_with = "list::deserialize")]
    pub classes: Vec<ClassState>,
}

impl ClassState {
    /// What somebody of this class is told who has waited for so long.
    pub fn outlook(&self, age: Duration) -> Outlook {
        // Among those without a role whoever is told is one of those who wait.
        let myself = u32::from(self.class.role.is_none());
        Outlook {
            ahead: self.ahead(age),
            partners: self.present(self.partners.saturating_sub(myself)),
            about_s: self.wait.and_then(about),
        }
    }

    /// How many there are of the other role.
    pub fn counterparts(&self) -> Option<Partners> {
        self.present(self.partners)
    }

    /// How many of the other role wait now. Like [`ClassState::counterparts`], but without those who were
    /// matched lately.
    pub fn waiting_counterparts(&self) -> Option<Partners> {
        (self.partners > 0 || self.on_duty.is_some()).then(|| Partners::of(self.partners))
    }

    /// Nobody is said not to be there unless that is known.
    fn present(&self, waiting: u32) -> Option<Partners> {
        let all = waiting.saturating_add(self.on_duty.unwrap_or_default());
        (all > 0 || self.on_duty.is_some()).then(|| Partners::of(all))
    }

    fn ahead(&self, age: Duration) -> Option<u32> {
        if self.oldest.is_empty() {
            return None;
        }
        let before = self.oldest.iter().take_while(|Age(oldest)| *oldest > age).count();
        Some(AHEAD[before.min(AHEAD.len() - 1)])
    }
}

/// The places, counted from 0, whose ages say in which step of [`AHEAD`] somebody is: whoever has
/// waited for less than the one at such a place has passed the step that ends there.
pub fn places() -> impl Iterator<Item = usize> {
    AHEAD[1..].iter().map(|next| *next as usize - 1)
}

fn about(wait: Duration) -> Option<u32> {
    ABOUT_S.into_iter().find(|step| wait < Duration::from_secs(u64::from(*step)))
}

/// (De)serialises a [`Duration`] that may be absent as whole milliseconds.
mod optional_ms {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        time: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => serializer.serialize_u64(crate::time::millis(*time)),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        u64::deserialize(deserializer).map(|ms| Some(Duration::from_millis(ms)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(role: Option<Role>) -> ClassState {
        let class = Class { queue: Queue::Anyone, role, channel: ChannelVersion::CURRENT };
        ClassState { class, waiting: 1, partners: 0, on_duty: Some(0), wait: None, oldest: Vec::new() }
    }

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn how_many_are_ahead_is_told_in_steps() {
        // Twelve wait, each a second longer than the next.
        let all: Vec<_> = (0..12).map(|place| secs(12 - place)).collect();
        let oldest: Vec<_> = places().map(|place| Age(all[place])).collect();
        assert_eq!(oldest, [12, 11, 8, 3].map(|age| Age(secs(age))));
        let state = ClassState { oldest, ..state(Some(Role::Seek)) };
        let told = all.iter().map(|age| state.outlook(*age).ahead.unwrap());
        assert!(told.eq([0, 1, 2, 2, 2, 5, 5, 5, 5, 5, 10, 10]));
        let few = ClassState { oldest: vec![Age(secs(9)), Age(secs(8))], ..state };
        assert_eq!([9, 8, 7, 1].map(|age| few.outlook(secs(age)).ahead), [0, 1, 2, 2].map(Some));
    }

    #[test]
    fn where_matching_is_not_by_age_nobody_is_ahead() {
        assert_eq!(state(None).outlook(secs(1)).ahead, None);
    }

    #[test]
    fn partners_are_those_who_wait_and_those_on_duty() {
        let told = |role, partners, on_duty| {
            ClassState { partners, on_duty, ..state(role) }.outlook(secs(1)).partners
        };
        let seek = Some(Role::Seek);
        assert_eq!(told(seek, 0, Some(0)), Some(Partners::None));
        assert_eq!(told(seek, 1, Some(0)), Some(Partners::Few));
        assert_eq!(told(seek, 0, Some(4)), Some(Partners::Few));
        assert_eq!(told(seek, 1, Some(4)), Some(Partners::Many));
        assert_eq!(told(None, 1, Some(0)), Some(Partners::None), "oneself is no partner");
        assert_eq!(told(None, 2, Some(0)), Some(Partners::Few));
        assert_eq!(told(seek, 0, None), None, "it is not known that nobody is there");
        assert_eq!(told(seek, 1, None), Some(Partners::Few));
        assert_eq!(told(seek, u32::MAX, Some(u32::MAX)), Some(Partners::Many));
    }

    #[test]
    fn a_wait_is_rounded_up_and_a_long_one_is_not_told() {
        let told = |ms| {
            let wait = Some(Duration::from_millis(ms));
            ClassState { wait, ..state(None) }.outlook(secs(1)).about_s
        };
        assert_eq!(
            [0, 29_999, 30_000, 299_000, 300_000, 1_799_999].map(told),
            [30, 30, 60, 300, 600, 1800].map(Some)
        );
        assert_eq!((told(1_800_000), state(None).outlook(secs(1)).about_s), (None, None));
    }
}
