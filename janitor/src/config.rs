//! What a janitor is configured with, and why it may have to stop.

use std::time::Duration;

use schemas::BootId;

use crate::{leases::Capacity, metrics::Metrics};

/// The configuration of a janitor. All nodes of a cluster must agree on the durations.
#[derive(Clone, Debug)]
pub struct Config {
    /// The boot id of this process.
    pub boot: BootId,
    /// The program's version, for heartbeats.
    pub version: String,
    /// Life of a token and of a ticket.
    pub token_life: Duration,
    /// How long a gateway signs with one key.
    pub key_rotation: Duration,
    /// How long a side may stay away before its room ends.
    pub grace: Duration,
    /// How much is remembered.
    pub capacity: Capacity,
    /// Where to count.
    pub metrics: Metrics,
}

/// Why a janitor stopped by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The bus took no subscription.
    #[error(transparent)]
    Subscribe(#[from] bus::SubscribeError),
    /// The bus was drained before the janitor was told to stop.
    #[error("the bus has been drained")]
    Drained,
}
