//! Folds the wants of waiting sessions into a pool and matches them: [`pool`] decides, [`run`] listens and speaks.
//!
//! A replica holds nothing that the gateways do not say again within [`schemas::limits::WANT_REPEAT`]. Any number may run; one speaks.

pub mod leader;
mod metrics;
pub mod pool;
mod replica;

pub use metrics::Metrics;
pub use replica::{Config, LISTEN_FIRST, RunError, run};
