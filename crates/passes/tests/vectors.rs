//! The bytes of passes, proofs, credentials and lists, for whoever writes them in another language.
//! Signatures of Ed25519 are the same each time, so that all of it can be compared.

use aws_lc_rs::signature::Ed25519KeyPair;
use passes::{Credential, Pass, PassId, PassKeys, Revocations, Secret, SessionProof};
use schemas::{Side, UnixMillis, criteria::Role};
use serde_json::json;

const NOW: UnixMillis = UnixMillis(1_800_000_000_500);
const HOST: &str = "chat.example:8443";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_vectors_are_what_this_crate_makes() {
    let seed = [1; 32];
    let operator = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let keys = PassKeys::of(&operator);
    let bytes = std::array::from_fn(|n| u8::try_from(n).unwrap());
    let secret = Secret::from_bytes(bytes);
    let pass = Pass {
        key: secret.public(),
        role: Role::Offer,
        topics: Some(vec!["grief".parse().unwrap(), "Schulden".parse().unwrap()]),
        expires: NOW.as_secs() + 3600,
        id: PassId([9; 16]),
    };
    let text = pass.sign(NOW, &operator).unwrap();
    let random = [3; 16];
    let proof = SessionProof::new(&secret, &text, HOST, NOW, random);
    let transcript = [5; 32];
    let credential = |side| hex(&Credential::new(&secret, &text, &transcript, side).bytes());
    let mut list = Revocations::default();
    list.add(pass.id, Some(pass.expires), NOW);
    let vectors = json!({
        "about": "Passes of helpers. Written by crates/passes/tests/vectors.rs; bytes are in hexadecimal.",
        "operator": {"seed": hex(&seed), "public": hex(keys.all().next().unwrap())},
        "secret": {"bytes": hex(&bytes), "text": *secret.text(), "public": hex(&pass.key)},
        "pass": {
            "role": "offer",
            "topics": ["grief", "schulden"],
            "expires": pass.expires,
            "id": pass.id.to_string(),
            "text": text,
        },
        "proof": {
            "host": HOST, "time": NOW.0, "random": hex(&random), "text": proof.text(),
        },
        "credential": {
            "transcript": hex(&transcript), "a": credential(Side::A), "b": credential(Side::B),
        },
        "revoked": list.sign(NOW, &operator).unwrap(),
    });
    derived::file("schemas/vectors/passes.json", &format!("{vectors:#}\n"));
}
