//! A story that is written down: all that happens in it from outside, whatever a seed means by then.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    bus::{Errand, Fate},
    deed::Deed,
    profile::Profile,
};

/// A story. Only how long people and messages take follows from its seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Script {
    pub(super) seed: u64,
    pub(super) profile: Profile,
    pub(super) deeds: Vec<TimedDeed>,
    pub(super) mischances: Vec<Mischance>,
}

/// What happens, and when, in milliseconds since the beginning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct TimedDeed {
    pub(super) at: u64,
    #[serde(flatten)]
    pub(super) deed: Deed,
}

/// A message that does not arrive once and soon.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Mischance {
    #[serde(flatten)]
    pub(super) errand: Errand,
    /// How many like it there were before on the same link.
    pub(super) nth: u64,
    #[serde(flatten)]
    pub(super) fate: Fate,
}

impl Script {
    pub(super) fn fates(&self) -> BTreeMap<(Errand, u64), Fate> {
        self.mischances.iter().map(|it| ((it.errand, it.nth), it.fate)).collect()
    }
}
