//! The state of a session, as clients and nodes are told it.

use serde::{Deserialize, Serialize};

/// What a session is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionState {
    /// Neither waiting nor in a room.
    #[default]
    Idle,
    /// Waiting for a match.
    Waiting,
    /// In a room.
    Paired,
}
