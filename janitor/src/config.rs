//! What a janitor is configured with, and why it may have to stop.

use orders::Standing;
use schemas::{BootId, lifetimes::Lifetimes};

use crate::{leases::Capacity, metrics::Metrics};

/// The configuration of a janitor.
#[derive(Clone, Debug)]
pub struct Config {
    /// The boot id of this process.
    pub boot: BootId,
    /// The program's version, for heartbeats.
    pub version: String,
    /// How long keys, tokens and absences last: the same as on all other nodes.
    pub lifetimes: Lifetimes,
    /// How much is remembered.
    pub capacity: Capacity,
    /// Where to count.
    pub metrics: Metrics,
    /// The operator's orders.
    pub orders: Standing,
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
