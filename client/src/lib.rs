//! The client library: connection with resume, and the end-to-end channel.

pub mod channel;
pub mod invite;
