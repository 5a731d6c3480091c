//! Admission by work: a new session costs whoever opens it some computation, if the operator says
//! so. It makes thousands of sessions dear, and one cheap.
//!
//! The puzzle is that of ALTCHA, version 2: find the counter from which PBKDF2 derives a key with a
//! given beginning. The server has drawn the counter, so that nobody is unlucky for long, and
//! checking takes one hash. Instead of ALTCHA's HMAC, which would need a secret that all gateways
//! share, a gateway signs the hash of the key with its own signing key: any gateway can judge the
//! solution, and none has to remember the puzzle.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use aws_lc_rs::pbkdf2;
use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode};
use schemas::{SessionId, codec::sha256};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::origin;
use crate::{
    node::Node,
    problem::{Problem, ProblemBody},
    rates::ClientPeer,
    token::{Issued, TokenError},
};

/// How long a puzzle may be solved and its proof used.
const PUZZLE_LIFE: Duration = Duration::from_secs(300);

/// Hashes for each counter that is tried: most of the work is then done by the platform's own code,
/// in browsers as elsewhere, and a server that makes a puzzle hashes as often once.
const COST: u32 = 1000;

/// Of the derived key, in bytes; half of it is shown.
const KEY_BYTES: usize = 32;
const SHOWN_BYTES: usize = KEY_BYTES / 2;

/// A puzzle for whoever wants a session.
#[derive(Serialize, ToSchema)]
pub(super) struct Challenge {
    /// The puzzle, as solvers of ALTCHA (version 2) take it.
    challenge: Puzzle,
    /// The solution is below this; each number below it is as likely as any other.
    #[schema(example = 600)]
    counters: u32,
    /// When the puzzle ends, in seconds since the Unix epoch.
    expires_at: u64,
    /// In how many seconds: what a client goes by.
    #[schema(example = 300)]
    expires_in: u64,
}

/// A puzzle of ALTCHA.
#[derive(Serialize, ToSchema)]
struct Puzzle {
    /// What to do.
    parameters: Parameters,
    /// Opaque; sent back with the solution.
    signature: String,
}

/// Find the first `counter` from 0 for which PBKDF2-HMAC-SHA-256 with the password `nonce` ‖
/// `counter` (four bytes, big-endian), the `salt` and `cost` iterations derives a key of
/// `keyLength` bytes that begins with `keyPrefix`. All texts are hexadecimal.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    /// Always this one.
    #[schema(example = "PBKDF2/SHA-256")]
    algorithm: &'static str,
    /// Iterations for each counter.
    #[schema(example = 1000)]
    cost: u32,
    /// Of the derived key, in bytes.
    #[schema(example = 32)]
    key_length: usize,
    /// How the derived key of the solution begins.
    key_prefix: String,
    /// The first part of the password.
    nonce: String,
    /// The salt.
    salt: String,
}

/// The proof that a puzzle was solved.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Proof {
    /// That of the puzzle.
    signature: String,
    /// Its solution.
    solution: Solution,
}

/// The solution of a puzzle.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Solution {
    /// The counter that was found.
    #[serde(rename = "counter")]
    _counter: u32,
    /// The key that is derived from it, in 64 hexadecimal digits.
    derived_key: String,
}

/// Gives a puzzle whose solution admits one session.
///
/// No token is needed. The puzzle can be solved by any solver of ALTCHA, version 2.
#[utoipa::path(get, path = "/v1/challenge", tag = "sessions", security(()),
    responses(
        (status = 200, description = "A puzzle", body = Challenge),
        (status = 204, description = "No work is asked for here"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json",
            description = "A page of another site, whose origin is not allowed"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json",
            description = "Too many puzzles for this address"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json",
            description = "The node is not ready or about to stop, or the operator takes no new sessions"),
    ))]
pub(super) async fn challenge(
    State(node): State<Arc<Node>>,
    Extension(peer): Extension<ClientPeer>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    origin::check(&headers, &node.config().allowed_origins)?;
    node.is_open()?;
    let network = node.network(peer.address(), &headers);
    let Some(hashes) = node.work_for(network) else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    node.can_create()?;
    let client = node.client(peer.address(), &headers);
    node.rates().challenge(&client)?;
    let hashes = hashes.saturating_mul(factor(node.rates().challenge_load(&client)));
    Ok(Json(make(&node, hashes)).into_response())
}

/// By how much dearer a puzzle is for a network that has asked for many lately; the load is from 0
/// to 1.
fn factor(load: f64) -> u32 {
    match load {
        ..0.5 => 1,
        ..0.75 => 2,
        _ => 4,
    }
}

/// A puzzle that takes this many hashes on average, and twice as many at most.
fn make(node: &Node, hashes: u32) -> Challenge {
    let cost = COST.min(hashes).max(1);
    let counters = (hashes / cost).max(1).saturating_mul(2);
    let (nonce, salt) = (rand::random::<[u8; 16]>(), rand::random::<[u8; 16]>());
    let key = derive(cost, &nonce, &salt, rand::random_range(0..counters));
    let id = SessionId::from_random(rand::random());
    let Issued { token: signature, expires_at, expires_in } =
        node.tokens().issue_puzzle(id, &sha256(&[&key[..]]), PUZZLE_LIFE);
    let parameters = Parameters {
        algorithm: "PBKDF2/SHA-256",
        cost,
        key_length: KEY_BYTES,
        key_prefix: hex(&key[..SHOWN_BYTES]),
        nonce: hex(&nonce),
        salt: hex(&salt),
    };
    Challenge { challenge: Puzzle { parameters, signature }, counters, expires_at, expires_in }
}

fn derive(cost: u32, nonce: &[u8; 16], salt: &[u8; 16], counter: u32) -> [u8; KEY_BYTES] {
    let mut password = [0; 20];
    password[..16].copy_from_slice(nonce);
    password[16..].copy_from_slice(&counter.to_be_bytes());
    let mut key = [0; KEY_BYTES];
    let cost = NonZeroU32::new(cost).unwrap_or(NonZeroU32::MIN);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, cost, salt, &password, &mut key);
    key
}

/// Which puzzle a proof solves.
///
/// # Errors
/// If it solves none of this cluster's.
pub(super) fn check(node: &Node, proof: Option<&Proof>) -> Result<SessionId, Problem> {
    let proof = proof.ok_or(Problem::Admission)?;
    let claims = node.tokens().verify_puzzle(&proof.signature).map_err(|refused| match refused {
        TokenError::Invalid => Problem::BadProof,
        TokenError::Expired => Problem::ProofExpired,
        TokenError::KeysUnknown | TokenError::ClockDoubted => Problem::Unavailable,
    })?;
    let key = unhex(&proof.solution.derived_key).ok_or(Problem::BadProof)?;
    let is_solved = URL_SAFE_NO_PAD.encode(sha256(&[&key[..]])) == claims.key;
    if is_solved { Ok(claims.sub) } else { Err(Problem::BadProof) }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<[u8; KEY_BYTES]> {
    let is_hex = text.len() == 2 * KEY_BYTES && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let mut key = [0; KEY_BYTES];
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2).filter(|_| is_hex)?, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_many_pays_more_and_never_more_than_four_times() {
        for (load, times) in [(0.0, 1), (0.49, 1), (0.5, 2), (0.74, 2), (0.75, 4), (1.0, 4)] {
            assert_eq!(factor(load), times, "{load}");
        }
    }

    #[test]
    fn hexadecimal_is_read_as_it_is_written() {
        let key: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 8).unwrap());
        assert_eq!(unhex(&hex(&key)), Some(key));
        assert_eq!(unhex(&hex(&key).to_uppercase()), Some(key));
        for wrong in ["", "00", &hex(&key)[1..], &"+0".repeat(32), &"é".repeat(32), &"0g".repeat(32)] {
            assert_eq!(unhex(wrong), None, "{wrong}");
        }
    }
}
