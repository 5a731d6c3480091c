//! WebSocket connections.

pub mod codec;
