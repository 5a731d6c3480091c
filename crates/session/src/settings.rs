//! What a gateway is told about itself.

use std::time::Duration;

use schemas::{BootId, NodeId, lifetimes};

/// What a gateway is told about itself.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its id on the bus.
    pub node: NodeId,
    /// The random number of this start.
    pub boot: BootId,
    /// How long a side may stay away.
    pub grace: Duration,
    /// How long a token is valid.
    pub token_life: Duration,
    /// `drain` spreads the return of the clients over this time.
    pub drain_spread: Duration,
    /// How many may wait at once from one network of clients; 0 is no bound.
    pub waiting_per_network: u32,
    /// What other gateways there are.
    pub topology: Topology,
}

/// What other gateways there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    /// There may be others on the same bus: clients of this one can go there when it is shut down.
    Cluster,
    /// This is the only one, as in `serve`: its rooms end with it.
    Standalone,
}

impl Settings {
    /// How long an end is remembered.
    pub(crate) fn end_memory(&self) -> Duration {
        lifetimes::end_memory(self.token_life)
    }

    /// How long a revocation is remembered.
    pub(crate) fn revocation_memory(&self) -> Duration {
        lifetimes::revocation_memory(self.token_life)
    }
}
