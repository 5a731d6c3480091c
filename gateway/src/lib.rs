//! The edge: sessions over REST, WebSocket connections, tokens, rate limits, and the relay path.

pub mod ws;
