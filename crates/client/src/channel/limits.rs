//! Every constant of the channel, with its reason: the same for all clients.

pub use schemas::channel::*;
