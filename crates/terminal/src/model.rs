//! The full-screen chat as a pure state machine: what happened goes in, what to do comes out. It
//! has no terminal, no network and no clock of its own. [`view`](super::view) draws its
//! [`ScreenState`](super::state::ScreenState).
//!
//! The files, each of which uses only those before it: `interface` (inputs and effects), `texts`,
//! `machine` (the model and what it remembers), `keyboard` and `events`, `handle` (where each input
//! enters).

mod events;
mod handle;
mod interface;
mod keyboard;
mod machine;
#[cfg(test)]
pub(super) mod tests;
mod texts;

pub(super) use self::{
    interface::{Effect, HandoverResult, Input, Moment},
    machine::Model,
};
