//! How nodes hear each other: in one process ([`Local`]), or over core NATS ([`nats`]). Both keep the same promises, which are few:
//! a message may be lost, and whoever listens is told when some may have been ([`Heard::Gap`]); nothing here ever waits without bound.
//!
//! Domain code never sees a subject string.

mod clock;

pub use clock::Clock;
