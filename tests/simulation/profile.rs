//! How hostile a story is.

use std::time::Duration;

use rand::{Rng, seq::IndexedRandom};
use serde::{Deserialize, Serialize};

use super::dice::Dice;

/// What may happen in one story, drawn from its seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Profile {
    pub(super) gateways: usize,
    pub(super) replicas: usize,
    pub(super) janitors: usize,
    pub(super) clients: usize,
    pub(super) bus: Weather,
    /// How far the clocks of two nodes may be apart, halved, in milliseconds.
    pub(super) skew: i64,
    /// Mean pause between two actions of people, in milliseconds.
    pub(super) haste: u64,
    /// Mean pause between two faults, in milliseconds; `None` if there are none.
    pub(super) faults: Option<u64>,
    /// How long the story lasts before everything settles, in milliseconds.
    pub(super) length: u64,
    pub(super) grace: Duration,
    /// How many gateways name themselves on the bus: all, or some, as during an update.
    pub(super) named: f64,
    /// Whether people use tokens and tickets that are not their newest.
    pub(super) stale: bool,
}

/// How messages travel between nodes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Weather {
    /// Chance that a message is lost.
    pub(super) lost: f64,
    /// Chance that it arrives twice.
    pub(super) doubled: f64,
    /// Longest delay of an ordinary message, in milliseconds.
    pub(super) delay: u64,
    /// Chance that a message takes up to [`Self::LATE`].
    pub(super) late: f64,
    /// Whether messages from one node to another stay in order.
    pub(super) ordered: bool,
}

impl Weather {
    /// The longest delay of any message, in milliseconds.
    pub(super) const LATE: u64 = 3_000;
    /// Nothing is lost, and delays are short.
    pub(super) const FAIR: Self = Self { lost: 0.0, doubled: 0.0, delay: 3, late: 0.0, ordered: true };
}

impl Profile {
    pub(super) fn draw(rng: &mut Dice) -> Self {
        let chance = |rng: &mut Dice, all: &[f64]| all.choose(rng).copied().unwrap_or_default();
        let bus = if rng.random_bool(0.25) {
            Weather::FAIR
        } else {
            Weather {
                lost: chance(rng, &[0.0, 0.02, 0.1, 0.3]),
                doubled: chance(rng, &[0.0, 0.05, 0.3]),
                delay: *[3, 20, 200].choose(rng).unwrap_or(&3),
                late: chance(rng, &[0.0, 0.02, 0.1]),
                ordered: rng.random(),
            }
        };
        Self {
            gateways: rng.random_range(1..=4),
            replicas: rng.random_range(1..=2),
            janitors: rng.random_range(0..=2),
            clients: rng.random_range(2..=7),
            bus,
            skew: *[0, 0, 50, 5_000, 120_000].choose(rng).unwrap_or(&0),
            haste: *[200, 700, 2_000].choose(rng).unwrap_or(&700),
            faults: *[None, Some(2_000), Some(10_000)].choose(rng).unwrap_or(&None),
            length: rng.random_range(5_000..60_000),
            grace: Duration::from_secs(*[12, 20].choose(rng).unwrap_or(&20)),
            stale: rng.random_bool(0.3),
            named: *[1.0, 1.0, 0.5].choose(rng).unwrap_or(&1.0),
        }
    }
}
