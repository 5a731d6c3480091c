//! The server's half of WebSocket framing (RFC 6455) as a sans-IO codec: bytes in, events out,
//! nothing awaited.
//!
//! [`Decoder`] is what a connection keeps between reads: two words while nothing is half done.
//! [`Decoder::read`] takes what one read of the socket brought and unmasks it in place, so that a
//! whole message is lent straight from the read buffer; only a frame or message that the read left
//! unfinished is copied. [`put_binary`] and its siblings append server frames to an output buffer.
//!
//! Strict where the RFC leaves a choice: every fault of framing is a [`Violation`], and nothing is
//! read after one. Extensions are never negotiated, so a reserved bit is a fault.

pub mod client;
mod close;
mod decode;
mod header;
mod mask;
mod unfinished;
mod utf8;
mod violation;
mod write;

pub use decode::{Decoder, Event, Incoming, Limits};
pub use header::{FrameEnd, Opcode};
pub use mask::unmask;
pub use violation::Violation;
pub use write::{
    REASON_MAX, put_binary, put_close, put_close_reply, put_frame, put_ping, put_pong, put_text,
};

/// Longest payload of a control frame, in bytes (RFC 6455, 5.5).
pub const CONTROL_PAYLOAD_MAX: usize = 125;

#[cfg(test)]
mod tests;
