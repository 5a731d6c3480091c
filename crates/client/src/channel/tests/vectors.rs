//! The test vectors in `schemas/vectors/`: made here from fixed keys, and the files must say the
//! same.
//!
//! `UPDATE_VECTORS=1 cargo test -p client vectors` rewrites them.

mod handshake;
mod invites;
mod packets;

use std::cell::Cell;
use std::path::Path;

use serde_json::{Value, json};

use super::reference::{self, Drawn};
use super::*;

const PRIVATE_A: [u8; 32] = [0x0a; 32];

thread_local! {
    /// Seeds the delay of acknowledgements, which no vector may depend on.
    pub(super) static JITTER: Cell<u64> = const { Cell::new(0) };
}

fn drawn() -> Drawn {
    Drawn {
        private_a: PRIVATE_A,
        private_b: [0x0b; 32],
        seed: std::array::from_fn(|i| i as u8),
        message: [0x0d; 32],
        nonce: [0x0e; 32],
    }
}

fn met_by(psk: Option<[u8; 32]>) -> Meeting {
    psk.map_or(Meeting::Random, |psk| Meeting::Invite(Psk::new(psk)))
}

pub(super) fn fixed_pair(psk: Option<[u8; 32]>) -> (Channel, Channel) {
    let meeting = met_by(psk);
    let drawn = drawn();
    let kem = reference::kem(&drawn.seed, &drawn.message);
    let a = Secrets::fixed_a(drawn.private_a, &kem.expanded, drawn.nonce).unwrap();
    let b = Secrets::fixed_b(drawn.private_b, kem.ciphertext, kem.secret);
    let make = |side, secrets| {
        Channel::with_secrets(side, meeting.clone(), room(), secrets, JITTER.get(), Time::ZERO)
    };
    (make(Side::A, a), make(Side::B, b))
}

fn room() -> [u8; 16] {
    std::array::from_fn(|i| i as u8)
}

/// Compares with the file, or writes it.
pub(super) fn check(file: &str, vectors: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/vectors").join(file);
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(vectors).unwrap() + "\n";
        std::fs::write(&path, text).unwrap();
    }
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert!(written == *vectors, "{file} differs; UPDATE_VECTORS=1 rewrites it");
}
