//! Collects the wants of waiting sessions in a pool and matches them. [`pool`] decides; [`run`]
//! receives events from the bus and publishes matches.
//!
//! A replica holds nothing that the gateways do not repeat within
//! [`schemas::limits::WANT_REPEAT`]. Any number may run; one of them leads.

pub mod leader;
mod metrics;
pub mod pool;
mod replica;
mod searches;

pub use metrics::Metrics;
pub use pool::FairBy;
pub use replica::{Config, LISTEN_FIRST, RunError, run};
