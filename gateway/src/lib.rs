//! The edge: sessions over REST, WebSocket connections, tokens, rate limits, and the relay path.

pub mod address;
pub mod config;
mod dispatch;
pub mod keyring;
pub mod metrics;
pub mod node;
pub mod rates;
mod routes;
pub mod session;
pub mod token;
pub mod ws;
