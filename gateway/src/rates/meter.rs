//! The frames and bytes of one connection: two leaky buckets (GCRA: ITU-T I.371, annex A).
//!
//! Of each bucket a single time is kept: when it is empty again. What is taken moves it on by what
//! that costs at the sustained rate; further ahead than the burst it must not be.

use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

use governor::clock::{Clock, MonotonicClock, Reference};

use super::keyed::BURST;

/// The longest wait that is asked for at once. A larger debt is waited for in parts, so that
/// whoever waits can look around.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

const NANOS_PER_SEC: u64 = 1_000_000_000;
/// What may come at once after silence: a burst, in time.
const BURST_NANOS: u64 = BURST as u64 * NANOS_PER_SEC;

/// What a connection has read, against its rates. 24 bytes: the limits are shared by all
/// connections.
pub struct Meter<C: Clock = MonotonicClock> {
    limits: Arc<MeterLimits<C>>,
    frames: EmptyAt,
    bytes: EmptyAt,
}

/// When a bucket is empty again, in nanoseconds since the limits were made.
type EmptyAt = u64;

/// The two rates, per second.
pub(super) struct MeterLimits<C: Clock> {
    frames: Option<NonZeroU32>,
    bytes: Option<NonZeroU32>,
    clock: C,
    start: C::Instant,
}

impl<C: Clock + Clone> MeterLimits<C> {
    /// 0 turns a rate off.
    pub(super) fn new(frame_rate: u32, byte_rate: u32, clock: &C) -> Self {
        let (frames, bytes) = (NonZeroU32::new(frame_rate), NonZeroU32::new(byte_rate));
        Self { frames, bytes, start: clock.now(), clock: clock.clone() }
    }
}

impl<C: Clock> MeterLimits<C> {
    fn now(&self) -> u64 {
        self.clock.now().duration_since(self.start).as_u64()
    }

    fn is_off(&self) -> bool {
        self.frames.is_none() && self.bytes.is_none()
    }
}

impl<C: Clock> Meter<C> {
    pub(super) fn new(limits: Arc<MeterLimits<C>>) -> Self {
        Self { limits, frames: 0, bytes: 0 }
    }

    /// A read has brought so many frames in so many bytes.
    pub fn take(&mut self, frames: usize, bytes: usize) {
        if self.limits.is_off() {
            return;
        }
        let now = self.limits.now();
        fill(&mut self.frames, now, frames, self.limits.frames);
        fill(&mut self.bytes, now, bytes, self.limits.bytes);
    }

    /// Whether what was taken is within the rates.
    ///
    /// # Errors
    /// If it is not: how long to read nothing before asking again, at most a second.
    pub fn check(&self) -> Result<(), Duration> {
        if self.limits.is_off() {
            return Ok(());
        }
        let most = self.limits.now().saturating_add(BURST_NANOS);
        match self.frames.max(self.bytes).saturating_sub(most) {
            0 => Ok(()),
            over => Err(Duration::from_nanos(over).min(LONGEST_WAIT)),
        }
    }
}

fn fill(bucket: &mut EmptyAt, now: u64, count: usize, rate: Option<NonZeroU32>) {
    let Some(rate) = rate else { return };
    let cost = (count as u64).saturating_mul(NANOS_PER_SEC) / u64::from(rate.get());
    *bucket = now.max(*bucket).saturating_add(cost);
}

impl<C: Clock> fmt::Debug for Meter<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter").finish_non_exhaustive()
    }
}
