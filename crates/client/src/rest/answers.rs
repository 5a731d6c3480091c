//! What the calls answer.

use passes::PassKeys;
use schemas::{SessionId, session::SessionState};
use serde::Deserialize;

/// What `GET /v1/sessions/me` tells.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Me {
    /// The session.
    pub session: SessionId,
    /// What it is doing.
    pub state: SessionState,
    /// Whether it has a WebSocket connection.
    pub connected: bool,
    /// In how many seconds the token of this call ends.
    pub expires_in: u64,
}

/// What `GET /v1/status` tells.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Status {
    /// At least so many people wait.
    pub waiting: u32,
    /// At least so many people chat.
    pub chatting: u32,
    /// The topics to choose from; `None` where any may be named.
    pub topics: Option<Vec<String>>,
    /// The ways to meet.
    pub matching: Vec<MatchingKind>,
    /// The public keys that sign passes, as this server says: base64url.
    #[serde(default)]
    pub pass_keys: Vec<String>,
}

impl Status {
    /// The public keys that sign passes, as this server says. Whoever does not trust the server has
    /// them from somewhere else.
    pub fn pass_keys(&self) -> Option<PassKeys> {
        let keys: Option<Vec<_>> = self.pass_keys.iter().map(|key| PassKeys::parse(key)).collect();
        PassKeys::new(keys?.iter().flat_map(PassKeys::all).copied())
    }
}

/// A way to meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatchingKind {
    /// Somebody who waits, by topic or by chance.
    Random,
    /// Whoever brings the same invite code.
    Invite,
    /// One that this client does not know.
    #[serde(other)]
    Unknown,
}
