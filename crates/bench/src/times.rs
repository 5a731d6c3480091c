//! A histogram of times.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest time that is distinguished from longer ones, in microseconds.
const MICROS_MAX: u64 = 60_000_000;

/// The precision of times, in significant digits.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Digits {
    /// For the many histograms over time: 20 KiB each.
    Two = 2,
    /// For the whole run: 140 KiB.
    Three = 3,
}

/// Times from a microsecond to a minute; longer ones count as a minute.
#[derive(Clone, Debug)]
pub(crate) struct Times(Histogram<u64>);

impl Times {
    /// An empty histogram.
    #[expect(clippy::expect_used, reason = "the bounds and digits are constants that the histogram takes")]
    pub(crate) fn new(digits: Digits) -> Self {
        Self(Histogram::new_with_bounds(1, MICROS_MAX, digits as u8).expect("bounds"))
    }

    /// Adds a time.
    pub(crate) fn record(&mut self, time: Duration) {
        self.0.saturating_record(u64::try_from(time.as_micros()).unwrap_or(MICROS_MAX));
    }

    /// Adds all times of another histogram.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (micros, count) in other.recorded() {
            self.0.saturating_record_n(micros, count);
        }
    }

    /// How many times there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The time that this share of all does not exceed, in milliseconds; `None` if there are none.
    pub(crate) fn quantile_ms(&self, share: f64) -> Option<f64> {
        (!self.0.is_empty()).then(|| ms(self.0.value_at_quantile(share)))
    }

    /// The longest time, in milliseconds.
    pub(crate) fn max_ms(&self) -> Option<f64> {
        (!self.0.is_empty()).then(|| ms(self.0.max()))
    }

    /// The points of the curve of percentiles: shares, with their times in milliseconds.
    pub(crate) fn curve(&self) -> Vec<(f64, f64)> {
        let steps = self.0.iter_quantiles(2);
        steps.map(|step| (step.quantile_iterated_to(), ms(step.value_iterated_to()))).collect()
    }

    fn recorded(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value()))
    }
}

fn ms(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

impl Serialize for Times {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.recorded())
    }
}

impl<'de> Deserialize<'de> for Times {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut times = Self::new(Digits::Three);
        for (micros, count) in Vec::<(u64, u64)>::deserialize(deserializer)? {
            times.0.saturating_record_n(micros, count);
        }
        Ok(times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(millis: impl IntoIterator<Item = u64>) -> Times {
        let mut times = Times::new(Digits::Three);
        millis.into_iter().for_each(|millis| times.record(Duration::from_millis(millis)));
        times
    }

    fn near(one: Option<f64>, other: f64) -> bool {
        one.is_some_and(|one| (one - other).abs() <= other / 1000.0 + 0.001)
    }

    #[test]
    fn quantiles_are_exact_to_a_thousandth() {
        let times = times(1..=1000);
        for (share, expected) in [(0.5, 500.0), (0.9, 900.0), (0.99, 990.0), (1.0, 1000.0)] {
            assert!(near(times.quantile_ms(share), expected), "{share}: {:?}", times.quantile_ms(share));
        }
        assert!(near(times.max_ms(), 1000.0));
        assert_eq!(Times::new(Digits::Two).quantile_ms(0.5), None, "an empty histogram has no median");
    }

    #[test]
    fn merged_times_are_as_if_recorded_together() {
        let mut merged = times((1..=1000).filter(|n| n % 3 == 0));
        merged.merge(&times((1..=1000).filter(|n| n % 3 != 0)));
        let together = times(1..=1000);
        assert_eq!(merged.count(), 1000);
        for share in [0.001, 0.1, 0.5, 0.77, 0.999, 1.0] {
            assert_eq!(merged.quantile_ms(share), together.quantile_ms(share), "{share}");
        }
    }

    #[test]
    fn times_survive_json() {
        let sent = times([1, 1, 2, 59_999, 5]);
        let text = serde_json::to_string(&sent).unwrap();
        let read: Times = serde_json::from_str(&text).unwrap();
        assert_eq!(read.0, sent.0);
        assert_eq!(serde_json::to_string(&Times::new(Digits::Two)).unwrap(), "[]");
        assert!(serde_json::from_str::<Times>("[[1]]").is_err());
    }

    #[test]
    fn what_takes_longer_than_a_minute_counts_as_a_minute() {
        assert!(near(times([3_600_000]).max_ms(), 60_000.0));
        assert_eq!(times([0]).count(), 1);
    }

    #[test]
    fn the_curve_rises_to_the_longest_time() {
        let curve = times(1..=5000).curve();
        assert!(curve.windows(2).all(|two| two[0].0 <= two[1].0 && two[0].1 <= two[1].1));
        assert!(near(curve.last().map(|point| point.1), 5000.0));
    }
}
