//! Why two people did not meet.

use std::time::Duration;

use client::RestError;

use super::hint;

/// How long two people may take to connect and to meet, each.
pub(crate) const MEETING_PATIENCE: Duration = Duration::from_secs(30);

/// Why two people did not meet.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MeetError {
    /// There was no session to be had.
    #[error("{}", hint::of_rest(.0))]
    Session(RestError),
    /// The server ended it.
    #[error("{0}")]
    Over(String),
    /// It took too long.
    #[error("{what} took more than {} s{}", MEETING_PATIENCE.as_secs(), hint::of_silence(*.lost))]
    TimedOut {
        /// What took so long.
        what: &'static str,
        /// How often a connection was refused or lost meanwhile.
        lost: u64,
    },
}

impl From<RestError> for MeetError {
    /// Its own words have all that there is to say: it is no source of them.
    fn from(error: RestError) -> Self {
        Self::Session(error)
    }
}
