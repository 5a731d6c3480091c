//! Why two people did not meet.

use std::time::Duration;

use client::RestError;

use super::hint;

/// How long two people may take to connect, and then to meet.
pub(crate) const MEETING_TIMEOUT: Duration = Duration::from_secs(30);

/// Why two people did not meet.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MeetError {
    /// The server opened no session.
    #[error("{}", hint::of_rest(.0))]
    Session(RestError),
    /// The server ended it.
    #[error("{0}")]
    Over(String),
    /// It took too long.
    #[error("{what} took more than {} s{}", MEETING_TIMEOUT.as_secs(), hint::of_silence(*.lost))]
    TimedOut {
        /// What took so long.
        what: &'static str,
        /// How often a connection was refused or lost meanwhile.
        lost: u64,
    },
}

impl From<RestError> for MeetError {
    /// Not a `#[source]`: the message contains the text of the error already.
    fn from(error: RestError) -> Self {
        Self::Session(error)
    }
}
