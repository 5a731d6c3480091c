//! Admission by work: solves the puzzle that a server may set before it opens a session.
//!
//! The puzzle is one of ALTCHA, version 2; docs/protocol.md describes it.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use aws_lc_rs::pbkdf2;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use tokio::{task::JoinSet, time::sleep};

/// How often it is told how far the work has come.
const PROGRESS: Duration = Duration::from_millis(100);

/// The most hashes that a server is given: some ten seconds of a phone, of which no honest server
/// asks for more.
const MOST_HASHES: u64 = 16_000_000;

/// `GET /v1/challenge`.
#[derive(Deserialize)]
pub(crate) struct Challenge {
    challenge: Signed,
    counters: u32,
}

#[derive(Deserialize)]
struct Signed {
    parameters: Parameters,
    signature: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    algorithm: String,
    cost: NonZeroU32,
    key_length: usize,
    #[serde(deserialize_with = "hex")]
    key_prefix: Vec<u8>,
    #[serde(deserialize_with = "hex")]
    nonce: Vec<u8>,
    #[serde(deserialize_with = "hex")]
    salt: Vec<u8>,
}

/// What shows that the work was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Proof {
    signature: String,
    solution: Solution,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Solution {
    counter: u32,
    derived_key: String,
}

/// Why a puzzle was not solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsolved {
    /// It is of a kind that this library does not know, or asks for more work than any server
    /// should.
    Unknown,
    /// It has no solution where the server says that there is one.
    NoSolution,
}

impl Challenge {
    /// Solves it on a thread of its own, and tells meanwhile how much of it has been tried, from 0
    /// to 1: on average the solution is found at one half. Dropped, the future gives up.
    pub(crate) async fn solve(self, mut progress: impl FnMut(f32)) -> Result<Proof, Unsolved> {
        let Parameters { algorithm, cost, key_length, .. } = &self.challenge.parameters;
        let hashes = u64::from(self.counters) * u64::from(cost.get());
        if algorithm != "PBKDF2/SHA-256" || *key_length != KEY_BYTES || hashes > MOST_HASHES {
            return Err(Unsolved::Unknown);
        }
        let counters = self.counters;
        let work = Arc::new(Work { tried: AtomicU32::new(0), given_up: AtomicBool::new(false) });
        let _giving_up = GiveUp(work.clone());
        let mut task = JoinSet::new();
        let shared = work.clone();
        task.spawn_blocking(move || self.search(&shared));
        loop {
            tokio::select! {
                found = task.join_next() => {
                    progress(1.0);
                    return found.and_then(Result::ok).flatten().ok_or(Unsolved::NoSolution);
                }
                () = sleep(PROGRESS) => progress(work.tried.load(Relaxed) as f32 / counters as f32),
            }
        }
    }

    fn search(self, work: &Work) -> Option<Proof> {
        let Parameters { cost, key_prefix, nonce, salt, .. } = self.challenge.parameters;
        for counter in 0..self.counters {
            if work.given_up.load(Relaxed) {
                return None;
            }
            let password = [&nonce[..], &counter.to_be_bytes()].concat();
            let mut key = [0; KEY_BYTES];
            pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, cost, &salt, &password, &mut key);
            if key.starts_with(&key_prefix) {
                let derived_key = key.iter().map(|byte| format!("{byte:02x}")).collect();
                let solution = Solution { counter, derived_key };
                return Some(Proof { signature: self.challenge.signature, solution });
            }
            work.tried.store(counter, Relaxed);
        }
        None
    }
}

/// Of the key that is derived.
const KEY_BYTES: usize = 32;

/// What the two sides of the work tell each other.
struct Work {
    tried: AtomicU32,
    given_up: AtomicBool,
}

/// Ends the work when nobody waits for it any more.
struct GiveUp(Arc<Work>);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.given_up.store(true, Relaxed);
    }
}

fn hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_hex = text.len() % 2 == 0 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let bytes = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16));
    if is_hex {
        bytes.collect::<Result<_, _>>().map_err(D::Error::custom)
    } else {
        Err(D::Error::custom("no hex"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A puzzle whose solution is 3, as Python's hashlib makes it.
    fn puzzle() -> Value {
        json!({
            "challenge": {
                "parameters": {
                    "algorithm": "PBKDF2/SHA-256", "cost": 10, "keyLength": 32,
                    "keyPrefix": "1e6019a56385cee71d54fd541a115fa1",
                    "nonce": "000102030405060708090a0b0c0d0e0f", "salt": "101112131415161718191a1b1c1d1e1f",
                },
                "signature": "signed",
            },
            "counters": 6, "expires_at": 1, "expires_in": 300,
        })
    }

    async fn solve(puzzle: Value) -> Result<Proof, Unsolved> {
        serde_json::from_value::<Challenge>(puzzle).unwrap().solve(|_| ()).await
    }

    #[tokio::test]
    async fn a_puzzle_is_solved_as_any_solver_of_altcha_does() {
        let proof = serde_json::to_value(solve(puzzle()).await.unwrap()).unwrap();
        let solution = json!({"counter": 3, "derivedKey": "1e6019a56385cee71d54fd541a115fa1d02b87e9c6dc1c9061026ff0094f1ab6"});
        assert_eq!(proof, json!({"signature": "signed", "solution": solution}));
    }

    #[tokio::test]
    async fn what_is_no_puzzle_for_a_person_is_not_worked_on() {
        for (member, value) in
            [("algorithm", json!("SCRYPT")), ("keyLength", json!(16)), ("cost", json!(4_000_000))]
        {
            let mut puzzle = puzzle();
            puzzle["challenge"]["parameters"][member] = value;
            assert_eq!(solve(puzzle).await, Err(Unsolved::Unknown), "{member}");
        }
        let mut unsolvable = puzzle();
        unsolvable["counters"] = json!(3);
        assert_eq!(solve(unsolvable).await, Err(Unsolved::NoSolution));
        let mut odd = puzzle();
        odd["challenge"]["parameters"]["salt"] = json!("abc");
        assert!(serde_json::from_value::<Challenge>(odd).is_err());
    }

    #[tokio::test]
    async fn who_gives_up_does_not_work_on() {
        let mut long = puzzle();
        (long["counters"], long["challenge"]["parameters"]["keyPrefix"]) =
            (json!(1_000_000), json!("00".repeat(16)));
        let challenge: Challenge = serde_json::from_value(long).unwrap();
        let work = Arc::new(Work { tried: AtomicU32::new(0), given_up: AtomicBool::new(false) });
        drop(GiveUp(work.clone()));
        assert_eq!(challenge.search(&work), None);
        assert_eq!(work.tried.load(Relaxed), 0);
    }
}
