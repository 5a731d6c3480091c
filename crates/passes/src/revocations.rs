//! The passes that the operator has taken back: a list that the key of the passes signs, with its
//! time. The newest list counts as a whole.

use std::{collections::BTreeMap, time::Duration};

use aws_lc_rs::signature::Ed25519KeyPair;
use schemas::{
    UnixMillis,
    limits::{LEEWAY, PASS_LIST_BYTES},
};
use serde::{Deserialize, Serialize};

use crate::{
    jws::{self, Fault},
    keys::PassKeys,
    pass::{LONGEST_LIFE, PassId},
};

/// `typ` and `aud` of a list.
const KIND: &str = "cipher-chat-revoked-passes";

/// Most passes of one list. Those that are over leave it.
pub const REVOKED: usize = 1000;

/// Longest list in bytes: [`REVOKED`] take about 50 KiB. An order holds it.
pub const LIST_BYTES: usize = PASS_LIST_BYTES;

/// A list of revoked passes. By default it is empty, and older than any other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revocations {
    made: u64,
    ends: BTreeMap<PassId, u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    aud: String,
    iat: u64,
    /// When each pass ends, and can leave the list.
    revoked: BTreeMap<PassId, u64>,
}

/// Why a list is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// Not a list, or one with something that is not known.
    #[error("it is no list of revoked passes")]
    Unreadable,
    /// None of the operator's keys has signed it.
    #[error("the list of revoked passes is not signed with a key of passes")]
    Forged,
    /// Its time is in the future.
    #[error("the time of the list of revoked passes is ahead")]
    Ahead,
    /// It would be longer than a list may be.
    #[error("a list holds at most {REVOKED} revoked passes")]
    Many,
}

impl Revocations {
    /// Adds a pass. Its end is what it says, or else the latest that one of today can have.
    pub fn add(&mut self, id: PassId, ends: Option<u64>, now: UnixMillis) {
        self.ends.insert(id, ends.unwrap_or_else(|| (now + LONGEST_LIFE).as_secs()));
    }

    /// Signs the list, as it is now, without the passes that are over.
    ///
    /// # Errors
    /// If there are too many.
    pub fn sign(&self, now: UnixMillis, key: &Ed25519KeyPair) -> Result<String, ListError> {
        let lasting = self.ends.iter().filter(|(_, end)| UnixMillis::from_secs(**end) + LEEWAY > now);
        let revoked: BTreeMap<_, _> = lasting.map(|(id, end)| (*id, *end)).collect();
        if revoked.len() > REVOKED {
            return Err(ListError::Many);
        }
        // Two lists in one second would have no order.
        let iat = now.as_secs().max(self.made.saturating_add(1));
        let claims = Claims { aud: KIND.into(), iat, revoked };
        jws::sign(KIND, &claims, key).filter(|list| list.len() <= LIST_BYTES).ok_or(ListError::Many)
    }

    /// Checks a list.
    ///
    /// # Errors
    /// With the first fault.
    pub fn verify(list: &str, keys: &PassKeys, now: UnixMillis) -> Result<Self, ListError> {
        if list.len() > LIST_BYTES {
            return Err(ListError::Unreadable);
        }
        let claims: Claims = jws::verify(KIND, list, keys).map_err(|fault| match fault {
            Fault::Unreadable => ListError::Unreadable,
            Fault::Forged => ListError::Forged,
        })?;
        if claims.aud != KIND || claims.revoked.len() > REVOKED {
            return Err(ListError::Unreadable);
        }
        if UnixMillis::from_secs(claims.iat) > now + LEEWAY {
            return Err(ListError::Ahead);
        }
        Ok(Self { made: claims.iat, ends: claims.revoked })
    }

    /// Whether this pass is taken back.
    pub fn contains(&self, id: &PassId) -> bool {
        self.ends.contains_key(id)
    }

    /// The passes that are taken back.
    pub fn ids(&self) -> impl Iterator<Item = &PassId> {
        self.ends.keys()
    }

    /// When it was made, in seconds since the Unix epoch.
    pub const fn made(&self) -> u64 {
        self.made
    }

    /// How old it is.
    pub fn age(&self, now: UnixMillis) -> Duration {
        now.since(UnixMillis::from_secs(self.made))
    }
}

#[cfg(test)]
mod tests;
