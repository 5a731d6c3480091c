//! What the janitor knows and decides: a pure fold over the events that it receives. Time is an
//! argument, and effects are values.
//!
//! **Silence is never final.** From silence and from clocks the janitor concludes only one thing:
//! `Expired`, which means "I have forgotten this". A gateway that holds the room, the session or
//! the key ignores it. `Ended`, which is final, and tombstones come only from events: somebody
//! left, reported, or deleted a session. So a janitor whose clock is hours wrong does no harm to
//! anything that is still in use. It measures silence in durations on its own monotonic clock.
//! Where it must compare a wall time that others wrote (`ends` of a session, `not_after` of a key),
//! the result is only advice.
//!
//! It decides nothing for two periods after its start or after a gap. By then everything in use has
//! been renewed. A long pause between two inputs (the process was stopped) is a gap like any other.
//!
//! Several janitors may run. All apply every event and answer questions. Only the leader, the
//! running one with the lowest id, publishes, so that effects are not doubled. Nothing depends on
//! that: every effect may come twice, or from a janitor that knows less.

mod apply;
mod bounded;
mod expire;
mod policy;
mod records;
mod state;
mod sync;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tests;

use schemas::{UnixMillis, event::SyncAnswer, limits, message::Message};

pub use policy::{
    Capacity, EXPIRIES_PER_TICK, FRESH, HELD_TWICE_PER_TICK, LEASES_PER_GATEWAY, LeasePolicy,
    NEW_ROOMS_PER_GATEWAY, QUIET, SILENCE,
};
pub use state::{Counts, Effect, Leases};
pub use sync::SyncCursor;

/// An input of the janitor.
#[derive(Clone, Debug)]
pub enum Input {
    /// A message was received from the bus.
    Received(Message),
    /// Another node has answered [`Effect::AskSync`].
    Learned(SyncAnswer),
    /// Messages may have been missed, or the bus is down.
    Gap,
    /// Time has passed. Given about once in [`limits::HEARTBEAT`] while the bus is up.
    Tick,
}

impl Leases {
    /// Handles one input. Its effects are queued for [`Leases::next_effect`].
    pub fn handle(&mut self, now: UnixMillis, input: Input) {
        if now.since(self.last_input) >= limits::NODE_SILENCE {
            self.gap(now);
        }
        self.last_input = now;
        match input {
            Input::Received(message) => self.apply(now, message),
            Input::Learned(answer) => self.learn(now, answer),
            Input::Gap => self.gap(now),
            Input::Tick => self.tick(now),
        }
    }
}
