//! The channel's clock: given to it, never read by it.

use std::ops::Add;
use std::time::Duration;

/// A moment on the caller's monotonic clock: the time passed since a start that the caller chose.
///
/// A `now` that runs backwards does no harm (differences saturate at zero); it only delays timers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(Duration);

impl Time {
    /// The caller's start.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// The moment `elapsed` after the caller's start.
    #[must_use]
    pub const fn after_start(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// How long after the caller's start this is.
    #[must_use]
    pub const fn since_start(self) -> Duration {
        self.0
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, rest: Duration) -> Self {
        Self(self.0.saturating_add(rest))
    }
}
