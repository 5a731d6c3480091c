//! Tests of the whole system: the real binary, alone and in clusters on a real NATS server, used as
//! its clients use it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod bench;
mod chaos;
mod integration;
mod support;
mod terminal;
