//! `cargo fuzz run records`, in `crates/records/`. Whatever a client sends behind its handshake: no
//! panic, bounded memory, and what rustls's own connection makes of it.

#![no_main]

#[path = "../comparison/mod.rs"]
mod comparison;

libfuzzer_sys::fuzz_target!(|input: &[u8]| comparison::run(input));
