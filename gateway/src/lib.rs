//! The edge: sessions over REST, WebSocket connections, tokens, rate limits, and the relay path.

pub mod session;
pub mod config;
pub mod keyring;
pub mod token;
pub mod ws;
