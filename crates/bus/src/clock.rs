//! The only code that reads the system's clocks.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use schemas::UnixMillis;

/// Wall time, read once when the process starts, and monotonic from then on. A step of the system's
/// clock ends nothing and revives nothing.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: UnixMillis,
    anchor: Instant,
}

impl Clock {
    /// Reads the wall clock.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
    pub fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { wall: UnixMillis(0) + since_epoch, anchor: Instant::now() }
    }

    /// The time now.
    pub fn now(&self) -> UnixMillis {
        self.wall + self.anchor.elapsed()
    }
}
