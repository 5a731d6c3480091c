//! Decides about all sessions and rooms of one gateway: no I/O, no clock, no randomness of its own.
//!
//! Inputs are methods of [`Sessions`]. What they decide is queued as [`Effect`]s, which are to be
//! carried out in order. Chat frames never come here: an [`Effect::Route`] tells the relay path
//! where the frames of a connection go until the next one.
//!
//! # Layers
//!
//! Each file uses those above it in this list, and none below; a test holds it to that.
//!
//! 1. Values: `settings`, `command` (what clients ask for), `effect` (what is decided), `expiring`
//!    and `timers` (collections), `want`, `silence` (what it costs), `memory` (of a session,
//!    beyond its connection).
//! 2. Machines, which know nothing of effects: `seat` (one side of a room), `room` and
//!    `room/inputs` (two seats and a fold over events, which return what has happened), `session`,
//!    `wants` (which are current), `stamps`, `endings` (what is over), `neighbours` (the other
//!    gateways), `graces` (a clock that stands still at times), `renewal` (the round in which
//!    everything is renewed), and `rooms` (all of them, by id and by whose they are).
//! 3. `sessions`: [`Sessions`], which owns the machines, and the steps that the rest is made of:
//!    each queues one effect, or looks something up.
//! 4. What inputs have in common: `attachments` (others are to know of a new one), `waiting` (for a
//!    match), `leases` (and presence), `chats` (what happens in rooms, turned into effects),
//!    `leaving` (a want, a room, a connection), `reports` (of the other side of a chat).
//! 5. Inputs: `connections`, `traffic`, `commands`, `matches`, `events`, `upkeep`, and `queries`,
//!    which change nothing.

mod asking;
mod attachments;
mod chats;
mod claims;
mod command;
mod commands;
mod connections;
mod effect;
mod endings;
mod events;
mod expiring;
mod graces;
mod leases;
mod leaving;
mod matches;
mod memory;
mod neighbours;
mod outlooks;
mod queries;
mod renewal;
mod reports;

mod room;
mod rooms;
mod seat;
mod session;
mod sessions;
mod settings;
mod silence;
mod stamps;
mod timers;
mod traffic;
mod upkeep;
mod waiting;
mod want;
mod wants;

#[cfg(test)]
mod tests;

pub use self::{
    asking::{AfterAsking, Asking, Others, SYNC_PATIENCE},
    command::{ClientCommand, ClientOrigin},
    effect::{ConnId, Effect, Route, SessionGrant, TicketGrant, ToClient, Unsigned},
    sessions::Sessions,
    settings::{Settings, Topology},
    silence::{HANDSHAKE_FRAMES, Traffic},
    timers::TICK,
};
