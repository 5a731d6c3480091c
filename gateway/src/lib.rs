//! The edge: sessions over REST, WebSocket connections, tokens, rate limits, and the relay path.

pub mod address;
pub mod config;
pub mod keyring;
pub mod rates;
pub mod session;
pub mod token;
pub mod ws;
