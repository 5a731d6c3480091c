//! `cargo +nightly fuzz run channel`: no sequence of inputs makes a channel panic, loop, grow or
//! break a promise.

#![no_main]

#[path = "../operations.rs"]
mod operations;

libfuzzer_sys::fuzz_target!(|data: &[u8]| operations::run(data));
