//! How long to wait before trying again: growing, capped, and spread over the whole window ("full
//! jitter", Brooker, AWS Architecture Blog 2015), so that the clients of a gateway that died do not
//! come back all at once.

use std::time::Duration;

/// First window between two connections: with full jitter half of all clients are back within 125
/// ms, and none after 250 ms.
const RECONNECT_BASE: Duration = Duration::from_millis(250);

/// First window before a refused request is said again: the bus is down, or the limit of 30 a
/// minute is reached.
const RETRY_BASE: Duration = Duration::from_secs(1);

/// Longest window, of both.
pub(super) const WINDOW_MAX: Duration = Duration::from_secs(15);

/// Where the windows begin after a close code that asks for a pause: 1 s.
const PAUSE_ATTEMPT: u32 = 2;

/// Attempts since the last success.
#[derive(Clone, Debug)]
pub(super) struct BackOff {
    base: Duration,
    attempt: u32,
}

impl BackOff {
    pub(super) fn of_connections() -> Self {
        Self { base: RECONNECT_BASE, attempt: 0 }
    }

    pub(super) fn of_requests() -> Self {
        Self { base: RETRY_BASE, attempt: 0 }
    }

    /// After a success the next window is the first again.
    pub(super) fn reset(&mut self) {
        self.attempt = 0;
    }

    /// The next pause may not be among the shortest.
    pub(super) fn skip_the_shortest(&mut self) {
        self.attempt = self.attempt.max(PAUSE_ATTEMPT);
    }

    /// The next pause: a share of the window, which doubles.
    pub(super) fn next(&mut self, random: u64) -> Duration {
        let window = self.base.saturating_mul(1 << self.attempt.min(16)).min(WINDOW_MAX);
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
    fn windows_double_up_to_the_cap_and_start_anew_after_a_success() {
        let mut pauses = BackOff::of_connections();
        let longest: Vec<_> = (0..9).map(|_| pauses.next(u64::MAX).as_millis() + 1).collect();
        assert_eq!(longest, [250, 500, 1000, 2000, 4000, 8000, 15000, 15000, 15000]);
        assert_eq!(pauses.next(0), Duration::ZERO, "the whole window is used");
        pauses.reset();
        assert!(pauses.next(u64::MAX) < Duration::from_millis(250));
        pauses.reset();
        pauses.skip_the_shortest();
        assert_eq!(pauses.next(u64::MAX / 2).as_millis(), 499);
    }

    #[test]
    fn no_number_of_attempts_overflows() {
        let mut pauses = BackOff { base: RETRY_BASE, attempt: u32::MAX };
        assert!(pauses.next(u64::MAX) <= WINDOW_MAX);
    }
}
