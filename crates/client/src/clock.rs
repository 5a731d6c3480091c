//! The time of day, for what is signed with one.

use std::time::{SystemTime, UNIX_EPOCH};

use schemas::UnixMillis;

/// What this device's clock shows, in milliseconds since the Unix epoch. It may be wrong.
#[expect(clippy::disallowed_methods, reason = "passes and their proofs name the time of day")]
pub(crate) fn unix_now() -> UnixMillis {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}
