//! The pass: what the operator signs of a helper. Whoever chats with the helper sees it.

use std::{fmt, time::Duration};

use aws_lc_rs::signature::Ed25519KeyPair;
use schemas::{
    UnixMillis,
    criteria::{Role, Topic, TopicError},
};
use serde::{Deserialize, Serialize};

use crate::{
    jws::{self, Fault, text},
    keys::{PassKey, PassKeys},
};

/// `typ` and `aud` of a pass.
const KIND: &str = "cipher-chat-pass";

/// Longest pass in bytes. It travels in a link, which people copy, and in one message of a chat.
pub const PASS_BYTES: usize = 2 * 1024;

/// Most topics of one pass. Who helps with more gets a pass for all of them.
pub const TOPICS: usize = 16;

/// How long a pass lives at most. A stolen link serves whoever has it until then.
pub const LONGEST_LIFE: Duration = Duration::from_secs(92 * 24 * 60 * 60);

/// The last second that JSON can tell everybody (RFC 8259, section 6).
const LAST_SECOND: u64 = (1 << 53) - 1;

/// The id of a pass, by which it is revoked: 16 random bytes, as 22 characters of base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PassId(pub [u8; 16]);

impl TryFrom<String> for PassId {
    type Error = &'static str;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        text::read(&id).map(Self).ok_or("the id of a pass is 22 characters of base64url")
    }
}

impl From<PassId> for String {
    fn from(id: PassId) -> Self {
        text::of(&id.0)
    }
}

impl fmt::Display for PassId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::of(&self.0))
    }
}

/// What a pass says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The helper's public key.
    pub key: PassKey,
    /// The part that the helper may take.
    pub role: Role,
    /// For which topics; `None` is for all, and for chats without one.
    pub topics: Option<Vec<Topic>>,
    /// When it ends, in seconds since the Unix epoch.
    pub expires: u64,
    /// By which it is revoked.
    pub id: PassId,
}

/// A pass that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Believed(Pass);

/// As a pass stands in JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    aud: String,
    key: String,
    role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    topics: Option<Vec<String>>,
    exp: u64,
    jti: PassId,
}

/// Why a pass is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassError {
    /// Not a pass, or one with something that is not known.
    #[error("it is not a pass")]
    Unreadable,
    /// None of the operator's keys has signed it.
    #[error("the operator has not signed the pass")]
    Forged,
    /// Its time is over.
    #[error("the pass has expired")]
    Expired,
    /// It would last longer than any pass may.
    #[error("the pass lasts longer than a pass may")]
    Long,
}

/// Why a pass cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// It would be refused.
    #[error("a pass lasts more than nothing, and at most {} days", LONGEST_LIFE.as_secs() / 86_400)]
    Life,
    /// None, or too many.
    #[error("a pass names at most {TOPICS} topics, and at least one if it names any")]
    Topics,
    /// Too long for a link.
    #[error("a pass with these topics is longer than {PASS_BYTES} bytes")]
    Large,
}

impl Pass {
    /// Signs it, as the text that helpers show.
    ///
    /// # Errors
    /// If nobody would believe it.
    pub fn sign(&self, now: UnixMillis, key: &Ed25519KeyPair) -> Result<String, SignError> {
        if self.expires <= now.as_secs() || self.expires > last_end(now) {
            return Err(SignError::Life);
        }
        if self.topics.as_ref().is_some_and(|topics| !(1..=TOPICS).contains(&topics.len())) {
            return Err(SignError::Topics);
        }
        let folded = |topics: &Vec<Topic>| topics.iter().map(|topic| topic.folded().to_owned()).collect();
        let claims = Claims {
            aud: KIND.into(),
            key: text::of(&self.key),
            role: self.role,
            topics: self.topics.as_ref().map(folded),
            exp: self.expires,
            jti: self.id,
        };
        let pass = jws::sign(KIND, &claims, key).ok_or(SignError::Large)?;
        if pass.len() > PASS_BYTES { Err(SignError::Large) } else { Ok(pass) }
    }

    /// Checks a pass: who has signed it, what it is, and that it is not over. Whether it is revoked
    /// is another question, and so is whose it is.
    ///
    /// # Errors
    /// With the first fault.
    pub fn verify(text: &str, keys: &PassKeys, now: UnixMillis) -> Result<Believed, PassError> {
        if text.len() > PASS_BYTES {
            return Err(PassError::Unreadable);
        }
        let claims: Claims = jws::verify(KIND, text, keys).map_err(|fault| match fault {
            Fault::Unreadable => PassError::Unreadable,
            Fault::Forged => PassError::Forged,
        })?;
        let pass = claims.read().ok_or(PassError::Unreadable)?;
        match pass.expires {
            end if end <= now.as_secs() => Err(PassError::Expired),
            end if end > last_end(now) => Err(PassError::Long),
            _ => Ok(Believed(pass)),
        }
    }

    /// What a pass says, whoever has signed it and whenever it ends: to show it, not to believe it.
    pub fn read(text: &str) -> Option<Self> {
        if text.len() > PASS_BYTES {
            return None;
        }
        jws::read::<Claims>(KIND, text)?.read()
    }
}

impl Believed {
    /// What it says.
    pub const fn pass(&self) -> &Pass {
        &self.0
    }
}

impl Claims {
    fn read(self) -> Option<Pass> {
        if self.aud != KIND || self.exp > LAST_SECOND {
            return None;
        }
        let topics = self.topics.map(topics).transpose().ok()?;
        if topics.as_ref().is_some_and(|topics| !(1..=TOPICS).contains(&topics.len())) {
            return None;
        }
        let key = text::read(&self.key)?;
        Some(Pass { key, role: self.role, topics, expires: self.exp, id: self.jti })
    }
}

fn topics(topics: Vec<String>) -> Result<Vec<Topic>, TopicError> {
    topics.into_iter().map(|topic| topic.parse()).collect()
}

/// When a pass that is signed now ends at the latest. The operator's clock may be a little ahead.
fn last_end(now: UnixMillis) -> u64 {
    (now + LONGEST_LIFE + schemas::limits::LEEWAY).as_secs()
}

#[cfg(test)]
mod tests;
