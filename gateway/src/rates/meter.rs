//! The frames and bytes of one connection.

use std::{
    cell::Cell,
    fmt,
    hash::{Hash, Hasher},
    num::{NonZeroU32, NonZeroU64},
    sync::Arc,
    time::Duration,
};

use governor::{
    RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::StateStore,
};

use super::keyed::{Per, quota};

/// What a connection has read beyond its rates, and owes in time. 32 bytes: the limits are shared by all connections.
pub struct Meter<C: Clock = MonotonicClock> {
    limits: Arc<MeterLimits<C>>,
    /// The two buckets, in governor's form.
    frames: u64,
    bytes: u64,
    owed_frames: u32,
    owed_bytes: u32,
}

/// The two rates.
pub(super) struct MeterLimits<C: Clock> {
    frames: Option<Limit<C>>,
    bytes: Option<Limit<C>>,
}

struct Limit<C: Clock> {
    limiter: RateLimiter<Slot, Slots, C, NoOpMiddleware<C::Instant>>,
    /// A debt is paid in portions of a second's worth: a portion of a whole burst would be a wait of four seconds.
    portion: NonZeroU32,
}

impl<C: Clock + Clone> MeterLimits<C> {
    pub(super) fn new(frame_rate: u32, byte_rate: u32, clock: &C) -> Self {
        let limit = |rate| {
            let portion = NonZeroU32::new(rate)?;
            let limiter = RateLimiter::new(quota(rate, Per::Second)?, Slots, clock.clone());
            Some(Limit { limiter, portion })
        };
        Self { frames: limit(frame_rate), bytes: limit(byte_rate) }
    }
}

impl<C: Clock> Meter<C> {
    pub(super) fn new(limits: Arc<MeterLimits<C>>) -> Self {
        Self { limits, frames: 0, bytes: 0, owed_frames: 0, owed_bytes: 0 }
    }

    /// A read brought so many frames in so many bytes.
    pub fn owe(&mut self, frames: usize, bytes: usize) {
        let add =
            |owed: &mut u32, n: usize| *owed = owed.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
        if self.limits.frames.is_some() {
            add(&mut self.owed_frames, frames);
        }
        if self.limits.bytes.is_some() {
            add(&mut self.owed_bytes, bytes);
        }
    }

    /// Pays what is owed, as far as the rates allow.
    ///
    /// # Errors
    /// If something is owed still: how long to read nothing before paying again. At most about a second.
    pub fn pay(&mut self) -> Result<(), Duration> {
        let frames = pay(self.limits.frames.as_ref(), &mut self.frames, &mut self.owed_frames);
        let bytes = pay(self.limits.bytes.as_ref(), &mut self.bytes, &mut self.owed_bytes);
        match (frames, bytes) {
            (Ok(()), Ok(())) => Ok(()),
            (one, two) => Err(one.err().unwrap_or_default().max(two.err().unwrap_or_default())),
        }
    }
}

fn pay<C: Clock>(limit: Option<&Limit<C>>, bucket: &mut u64, owed: &mut u32) -> Result<(), Duration> {
    let Some(Limit { limiter, portion }) = limit else { return Ok(()) };
    while let Some(debt) = NonZeroU32::new(*owed) {
        let part = debt.min(*portion);
        let slot = Slot(Cell::new(*bucket));
        match limiter.check_key_n(&slot, part) {
            // The outer error is a portion beyond the burst; it never is.
            Ok(Ok(())) | Err(_) => *owed -= part.get(),
            Ok(Err(until)) => return Err(until.wait_time_from(limiter.clock().now())),
        }
        *bucket = slot.0.get();
    }
    Ok(())
}

impl<C: Clock> fmt::Debug for Meter<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owed_frames, owed_bytes, .. } = self;
        f.debug_struct("Meter").field("owed", &(owed_frames, owed_bytes)).finish_non_exhaustive()
    }
}

/// governor keeps its state in a store, by key. Here the key *is* the state, which lies in the connection, and the store is empty.
struct Slots;

#[derive(Clone, PartialEq, Eq)]
struct Slot(Cell<u64>);

impl Hash for Slot {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.get());
    }
}

impl StateStore for Slots {
    type Key = Slot;

    fn measure_and_replace<T, F, E>(&self, slot: &Slot, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (outcome, bucket) = f(NonZeroU64::new(slot.0.get()).map(|bucket| bucket.get().into()))?;
        slot.0.set(bucket.into());
        Ok(outcome)
    }
}
