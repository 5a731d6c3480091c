//! The end-to-end channel: what two clients send each other inside the binary messages that the
//! server relays.
//!
//! A [`Channel`] is one side of one chat as a pure state machine: no I/O, no clock, no randomness
//! of its own. Give it what happens (a frame came, the peer is away, the user wrote something, a
//! time has come), then take the frames and events that it has for you, and call
//! [`Channel::handle_timeout`] at [`Channel::next_timeout`]. `docs/protocol.md` specifies every
//! byte and timer.
//!
//! Delivery is between the two channels. Texts are numbered, acknowledged and sent again, so each
//! arrives once and in order, even if frames are lost, doubled, delayed or reordered on the way.
//!
//! The files form layers, each of which uses only those before it: values (`time`, `limits`,
//! `meeting`, `event`, `said`), bytes (`message`, `packet`, `body`, `crypto`, `kem`, `epochs`), parts
//! (`handshake`, `inbound`, `outbound`, `helping`, `timers`, …), `state` (the channel and what it remembers), `secured` (packets),
//! `inputs` (where everything enters).

mod body;
mod crypto;
mod epochs;
mod event;
mod handshake;
mod handshake_timeout;
mod helping;
mod inbound;
mod inputs;
mod kem;
pub mod limits;
mod meeting;
mod message;
mod outbound;
mod packet;
mod replay;
mod rtt;
mod safety;
mod said;
mod secured;
mod state;
#[cfg(test)]
mod tests;
mod time;
mod timers;
mod typing;

pub use event::{ChannelEnd, Dropped, Event, SendError, Typing};
pub use helping::{Part, Proof, Shown, Verdict};
#[doc(hidden)]
pub use kem::Secrets;
pub use meeting::{Meeting, Psk, Side};
pub use safety::{Emoji, SafetyCode};
pub use said::{Handover, MessageNumber, Said, Target, Whose};
pub use state::Channel;
pub use time::Time;
