//! What a gateway is told about itself.

use std::time::Duration;

use schemas::{BootId, NodeId, limits};

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
    /// How long an end or a revocation is remembered: no token or ticket from before it is valid
    /// for longer.
    pub(crate) fn memory_life(&self) -> Duration {
        self.token_life + limits::LEEWAY
    }
}
