//! How long to wait before trying again: a share of a window that doubles. The windows are those of
//! [`schemas::reconnect`].

use std::time::Duration;

use schemas::reconnect::{FIRST_REFUSED_WINDOW, FIRST_WINDOW, LONGEST_WINDOW};

/// Where the windows of connections begin after a close code that asks for a back-off.
const REFUSED_ATTEMPT: u32 = (FIRST_REFUSED_WINDOW.as_millis() / FIRST_WINDOW.as_millis()).ilog2();

/// Attempts since the last success.
#[derive(Clone, Debug)]
pub(super) struct BackOff {
    base: Duration,
    attempt: u32,
}

impl BackOff {
    pub(super) fn of_connections() -> Self {
        Self { base: FIRST_WINDOW, attempt: 0 }
    }

    pub(super) fn of_requests() -> Self {
        Self { base: FIRST_REFUSED_WINDOW, attempt: 0 }
    }

    /// After a success the next window is the first again.
    pub(super) fn reset(&mut self) {
        self.attempt = 0;
    }

    /// The next pause may not be among the shortest.
    pub(super) fn skip_the_shortest(&mut self) {
        self.attempt = self.attempt.max(REFUSED_ATTEMPT);
    }

    /// The next pause: a share of the window, which doubles.
    pub(super) fn next(&mut self, random: u64) -> Duration {
        let window = self.base.saturating_mul(1 << self.attempt.min(16)).min(LONGEST_WINDOW);
        self.attempt = self.attempt.saturating_add(1);
        share(window, random)
    }
}

/// `random` spread evenly over `[0, window)`; exact for windows of up to an hour.
pub(super) fn share(window: Duration, random: u64) -> Duration {
    let nanos = (window.as_nanos() * u128::from(random)) >> 64;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_double_up_to_the_cap_and_start_again_after_a_success() {
        let mut pauses = BackOff::of_connections();
        let longest: Vec<_> = (0..9).map(|_| pauses.next(u64::MAX).as_millis() + 1).collect();
        assert_eq!(longest, [250, 500, 1000, 2000, 4000, 8000, 10000, 10000, 10000]);
        assert_eq!(pauses.next(0), Duration::ZERO, "the whole window is used");
        pauses.reset();
        assert!(pauses.next(u64::MAX) < Duration::from_millis(250));
        pauses.reset();
        pauses.skip_the_shortest();
        assert_eq!(pauses.next(u64::MAX / 2).as_millis(), 499);
    }

    #[test]
    fn no_number_of_attempts_overflows() {
        let mut pauses = BackOff { base: FIRST_REFUSED_WINDOW, attempt: u32::MAX };
        assert!(pauses.next(u64::MAX) <= LONGEST_WINDOW);
    }
}
