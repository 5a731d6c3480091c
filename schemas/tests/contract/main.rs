//! What is written down about the protocol is what the code does.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod asyncapi;
mod bus;
mod cddl;
mod decoding;
mod document;
mod documents;
mod samples;
mod text;
