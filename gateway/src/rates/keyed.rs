//! A rate per minute for each of many keys.

use std::{
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    num::NonZeroU32,
    time::Duration,
};

use dashmap::DashMap;
use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{
        InMemoryState, NotKeyed, StateStore,
        keyed::{DashMapStateStore, ShrinkableKeyedStateStore},
    },
};

/// How much more than one unit of time's worth may come at once after silence: a page that
/// reconnects and resumes is no attack.
pub const BURST: u32 = 4;

/// How many keys one rate remembers, about 10 MB. Beyond it newcomers share [`SHARED`] buckets: who
/// makes that many sessions throttles other newcomers for as long, but nobody who is known, and
/// gains nothing.
pub(super) const KEYS: usize = 128 * 1024;

/// Which of the buckets is a newcomer's, a hash decides that nobody can foresee.
const SHARED: usize = 64;

/// What keyed rates count by.
pub(super) const WINDOW: Duration = Duration::from_secs(60);

/// `rate` per [`WINDOW`] with its burst; `None` if it is turned off.
fn quota(rate: u32) -> Option<Quota> {
    let rate = NonZeroU32::new(rate)?;
    Some(Quota::per_minute(rate).allow_burst(rate.saturating_mul(NonZeroU32::new(BURST)?)))
}

/// A rate was exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{policy}: more than {quota} in {} s", window.as_secs())]
pub struct Exceeded {
    /// The rate's name.
    pub policy: &'static str,
    /// How many are sustained in a window.
    pub quota: u32,
    /// The window.
    pub window: Duration,
    /// When to try again.
    pub retry_after: Duration,
}

pub(super) struct Keyed<K, C>
where
    K: Hash + Eq + Clone,
    C: Clock,
{
    policy: &'static str,
    quota: u32,
    limiter: Option<Limiter<K, C>>,
}

type Limiter<K, C> = RateLimiter<K, Bounded<K>, C, NoOpMiddleware<<C as Clock>::Instant>>;

impl<K, C> Keyed<K, C>
where
    K: Hash + Eq + Clone,
    C: Clock + Clone,
{
    pub(super) fn new(policy: &'static str, rate: u32, clock: &C) -> Self {
        Self::bounded(policy, rate, clock, KEYS)
    }

    pub(super) fn bounded(policy: &'static str, rate: u32, clock: &C, most: usize) -> Self {
        let limiter = quota(rate).map(|quota| RateLimiter::new(quota, Bounded::new(most), clock.clone()));
        Self { policy, quota: rate, limiter }
    }

    pub(super) fn check(&self, key: &K) -> Result<(), Exceeded> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        limiter.check_key(key).map_err(|until| Exceeded {
            policy: self.policy,
            quota: self.quota,
            window: WINDOW,
            retry_after: until.wait_time_from(limiter.clock().now()),
        })
    }

    pub(super) fn sweep(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.limiter.as_ref().map_or(0, RateLimiter::len)
    }
}

impl<K: Hash + Eq + Clone, C: Clock> fmt::Debug for Keyed<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyed").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// The state of at most `most` keys, and some for all others together.
struct Bounded<K: Hash + Eq + Clone> {
    most: usize,
    known: DashMapStateStore<K>,
    others: Vec<InMemoryState>,
    spread: RandomState,
}

impl<K: Hash + Eq + Clone> Bounded<K> {
    fn new(most: usize) -> Self {
        let others = (0..SHARED).map(|_| InMemoryState::default()).collect();
        Self { most, known: DashMap::default(), others, spread: RandomState::new() }
    }
}

impl<K: Hash + Eq + Clone> StateStore for Bounded<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        // Two newcomers at once may pass the bound by one: it is a bound on memory, not an exact
        // count.
        if self.known.contains_key(key) || self.known.len() < self.most {
            self.known.measure_and_replace(key, f)
        } else {
            let place = usize::try_from(self.spread.hash_one(key) % SHARED as u64).unwrap_or_default();
            self.others[place].measure_and_replace(&NotKeyed::NonKey, f)
        }
    }
}

impl<K: Hash + Eq + Clone> ShrinkableKeyedStateStore<K> for Bounded<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        self.known.retain_recent(drop_below);
    }

    fn shrink_to_fit(&self) {
        // Only after a flood: a map at its usual size is not rebuilt again and again.
        if self.known.capacity() > 1024 && self.known.len() * 4 < self.known.capacity() {
            self.known.shrink_to_fit();
        }
    }

    fn len(&self) -> usize {
        self.known.len()
    }

    fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}
