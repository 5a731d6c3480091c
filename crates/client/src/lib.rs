//! The client library of cipher-chat, in three layers:
//!
//! - [`Session`] and [`Connection`]: an anonymous session, and a connection that reconnects when
//!   its socket is lost;
//! - [`channel`] and [`invite`]: the end-to-end encrypted channel, without I/O;
//! - [`Chat`]: both together. Most programs need nothing else.

mod admission;
pub mod channel;
pub mod chat;
mod clock;
pub mod connection;
mod dial;
mod helper;
pub mod invite;
mod machine;
mod opening;
pub mod rest;
mod secret;
pub mod server;
mod socket;
mod wire;

pub use chat::{Chat, ChatCriteria};
pub use connection::{Closed, Connection};
pub use helper::{Helper, HelperError};
pub use opening::Opening;
pub use passes::{Pass, PassKey, PassKeys};
pub use rest::{RestError, Session};
pub use secret::Secret;
pub use server::{Server, ServerUrl, Trust};
