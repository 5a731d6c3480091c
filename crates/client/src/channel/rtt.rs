//! How long to wait for an acknowledgement: RFC 6298, with bounds of our own.

use std::time::Duration;

use super::limits::{RESEND_INITIAL, RESEND_MAX, RESEND_MIN};

/// The estimate of the round trip, delay of the acknowledgement included, and the back-off.
#[derive(Debug, Default)]
pub(super) struct RoundTrip {
    /// Smoothed round trip and its variation.
    measured: Option<(Duration, Duration)>,
    /// Time-outs since the last measurement.
    timeouts: u32,
}

impl RoundTrip {
    /// The time-out now: `SRTT + 4 RTTVAR` within bounds, doubled for each time-out since the last
    /// measurement.
    pub(super) fn timeout(&self) -> Duration {
        let base = match self.measured {
            Some((smoothed, variation)) => (smoothed + 4 * variation).clamp(RESEND_MIN, RESEND_MAX),
            None => RESEND_INITIAL,
        };
        // Three doublings take the shortest time-out to the longest.
        (base * (1 << self.timeouts.min(3))).min(RESEND_MAX)
    }

    /// A reliable round trip was measured (section 2.3). Only that ends the back-off (section 5,
    /// after Karn). If any progress ended it, a path slower than the time-out would never be
    /// measured.
    pub(super) fn measure(&mut self, sample: Duration) {
        self.timeouts = 0;
        // More than the longest time-out cannot be distinguished from a broken path. The bound also
        // keeps the sums small.
        let sample = sample.min(RESEND_MAX);
        self.measured = Some(match self.measured {
            None => (sample, sample / 2),
            Some((smoothed, variation)) => {
                ((7 * smoothed + sample) / 8, (3 * variation + smoothed.abs_diff(sample)) / 4)
            }
        });
    }

    pub(super) fn back_off(&mut self) {
        self.timeouts = self.timeouts.saturating_add(1);
    }

    pub(super) fn forget_back_off(&mut self) {
        self.timeouts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_estimate_follows_rfc_6298() {
        let mut round_trip = RoundTrip::default();
        assert_eq!(round_trip.timeout(), 1000 * MS);
        round_trip.measure(400 * MS);
        assert_eq!(round_trip.timeout(), (400 + 4 * 200) * MS);
        round_trip.measure(800 * MS);
        assert_eq!(round_trip.timeout(), (450 + 4 * 250) * MS);
    }

    #[test]
    fn it_doubles_at_each_time_out_up_to_four_seconds() {
        let mut round_trip = RoundTrip::default();
        round_trip.measure(MS);
        let waits: Vec<_> = (0..6)
            .map(|_| {
                let wait = round_trip.timeout();
                round_trip.back_off();
                wait.as_millis()
            })
            .collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 4000, 4000]);
        round_trip.measure(MS);
        assert_eq!(round_trip.timeout(), 500 * MS);
    }

    #[test]
    fn an_absurd_sample_does_not_spoil_it() {
        let mut round_trip = RoundTrip::default();
        round_trip.measure(Duration::MAX);
        assert_eq!(round_trip.timeout(), 4000 * MS);
    }
}
