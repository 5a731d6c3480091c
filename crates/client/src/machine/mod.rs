//! The pure half of a [`Connection`](crate::Connection): when to connect, what to send first, when
//! to give up. It has no clock, no randomness and no sockets of its own;
//! [`connection`](crate::connection) gives it all three.
//!
//! What it promises:
//! - A lost connection is made again after a randomised pause, unless the server said not to come
//!   back.
//! - The first message on a new connection brings back what there was: the room, with its newest
//!   ticket, or the find.
//! - A frame is sent only on a connection that is attached to its room.
//! - A command to leave a room outlasts the loss of a connection, too.
//! - A connection that has gone silent is replaced without being given up before.
//!
//! The files, each of which uses only those before it: `interface` (inputs, effects, events),
//! `goal`, `late_report`, `backoff`, `doubt`, `state` (the machine and what it remembers), `reconnect`, `silence`
//! (of a connection), `commands`, `control`, `handle` (where each input enters).

mod backoff;
mod commands;
mod control;
mod doubt;
mod goal;
mod handle;
mod interface;
mod late_report;
mod reconnect;
mod silence;
mod state;
#[cfg(test)]
mod tests;

pub use self::interface::{Closed, Event};
pub(crate) use self::{
    interface::{Command, Effect, Input, Refusal},
    state::ConnectionMachine,
};
