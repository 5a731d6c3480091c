//! A rate for client addresses, by every network that somebody may have whole: an IPv4 address; of
//! IPv6 a /64 (one household's network), a /56 (what a household is often given) and a /48 (what a
//! site is given, and a tunnel broker gives away). The wider the network the wider the limit, for
//! many live in one.
//!
//! Memory is bounded for each kind of network by itself: a flood from one kind leaves the others
//! alone, and no IPv6 prefix locks an IPv4 visitor out.

use std::{fmt, num::NonZeroU32, time::Duration};

use dashmap::DashMap;
use governor::clock::{Clock, Reference};
use parking_lot::Mutex;

use super::{
    keyed::{BURST, Exceeded, WINDOW},
    queue::{Answer, Bucket, Nanos, Pace},
};
use crate::address::{Address, AddressKey, Network};

/// How many buckets those share who come when all are taken, of each kind. Which one is theirs, a
/// hash with a secret key decides: who fills one does not choose whom that hits.
const SHARED: usize = 64;

/// When the queue is full: come back in about this time. Spread, so that those who are sent away
/// together do not come back together.
const MUCH_LATER: Duration = Duration::from_secs(600);

/// How many networks of a kind are remembered: in all 88,000 for a rate, about 5 MB.
const fn remembered(network: Network) -> usize {
    match network {
        Network::V4 | Network::V6Subnet => 32 * 1024,
        Network::V6Customer => 16 * 1024,
        Network::V6Site => 8 * 1024,
    }
}

/// How much wider than that of one address the limit of a network is.
pub(crate) const fn width(network: Network) -> u32 {
    match network {
        Network::V4 | Network::V6Subnet => 1,
        Network::V6Customer => 4,
        Network::V6Site => 16,
    }
}

/// A rate per minute for each client address.
pub(super) struct ByAddress<C: Clock> {
    policy: &'static str,
    quota: NonZeroU32,
    clock: C,
    start: C::Instant,
    kinds: [Kind; 4],
}

/// All networks of one kind.
struct Kind {
    pace: Pace,
    most: usize,
    known: DashMap<AddressKey, Bucket>,
    shared: Vec<Mutex<Bucket>>,
}

impl<C: Clock + Clone> ByAddress<C> {
    /// `None` for a rate that is turned off.
    pub(super) fn new(policy: &'static str, rate: u32, clock: &C) -> Option<Self> {
        Self::bounded(policy, rate, clock, remembered)
    }

    pub(super) fn bounded(
        policy: &'static str,
        rate: u32,
        clock: &C,
        most: impl Fn(Network) -> usize,
    ) -> Option<Self> {
        let quota = NonZeroU32::new(rate)?;
        let kinds = Network::ALL.map(|network| Kind::new(quota, width(network), most(network)));
        Some(Self { policy, quota, start: clock.now(), clock: clock.clone(), kinds })
    }

    /// One more asks.
    ///
    /// # Errors
    /// If one of its networks has asked too often; with the time at which there is room for this
    /// one.
    pub(super) fn check(&self, address: &Address) -> Result<(), Exceeded> {
        let now = self.now();
        // The narrowest first: who is refused there has taken nothing from the neighbours.
        for (place, (network, key)) in address.networks().enumerate() {
            let kind = &self.kinds[network as usize];
            let answer = kind.with(key, |bucket| bucket.ask(now, kind.pace));
            let retry_after = match answer {
                Answer::In => continue,
                Answer::Later(wait) => wait,
                Answer::Full => MUCH_LATER.mul_f64(rand::random_range(0.8..1.2)),
            };
            for (network, key) in address.networks().take(place) {
                let kind = &self.kinds[network as usize];
                kind.with(key, |bucket| bucket.give_back(kind.pace));
            }
            let quota = self.quota.get() * width(network);
            return Err(Exceeded { policy: self.policy, quota, window: WINDOW, retry_after });
        }
        Ok(())
    }

    /// How much of what it may is used up by the fullest network of an address, from 0 to 1.
    pub(super) fn fill(&self, address: &Address) -> f64 {
        let now = self.now();
        let fill = |(network, key): (Network, AddressKey)| {
            let kind = &self.kinds[network as usize];
            kind.known.get(&key).map_or(0.0, |bucket| bucket.fill(now, kind.pace))
        };
        address.networks().map(fill).fold(0.0, f64::max)
    }

    pub(super) fn sweep(&self) {
        let now = self.now();
        for kind in &self.kinds {
            kind.known.retain(|_, bucket| !bucket.is_empty(now));
            // Only after a flood: a map at its usual size is not rebuilt again and again.
            if kind.known.capacity() > 1024 && kind.known.len() * 4 < kind.known.capacity() {
                kind.known.shrink_to_fit();
            }
        }
    }

    fn now(&self) -> Nanos {
        self.clock.now().duration_since(self.start).as_u64()
    }

    #[cfg(test)]
    pub(super) fn fill_of_client(&self, address: &Address) -> f64 {
        let (network, key) = address.networks().next().unwrap();
        let kind = &self.kinds[network as usize];
        kind.known.get(&key).map_or(0.0, |bucket| bucket.fill(self.now(), kind.pace))
    }

    /// What its maps take, in bytes: of eight places seven are used before a map doubles, and each
    /// place has a byte more.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let places = self.kinds.iter().map(|kind| kind.known.capacity() * 8 / 7).sum::<usize>();
        places * (size_of::<(AddressKey, Bucket)>() + 1)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.kinds.iter().map(|kind| kind.known.len()).sum()
    }
}

impl Kind {
    fn new(quota: NonZeroU32, width: u32, most: usize) -> Self {
        let wide = |count: NonZeroU32, by: u32| count.saturating_mul(NonZeroU32::new(by).unwrap_or(count));
        let quota = wide(quota, width);
        Self {
            pace: Pace::new(quota, WINDOW, wide(quota, BURST)),
            most,
            known: DashMap::new(),
            shared: (0..SHARED).map(|_| Mutex::default()).collect(),
        }
    }

    fn with<T>(&self, key: AddressKey, act: impl FnOnce(&mut Bucket) -> T) -> T {
        if let Some(mut bucket) = self.known.get_mut(&key) {
            return act(&mut bucket);
        }
        // Two newcomers at once may pass the bound by one: it is a bound on memory, not an exact
        // count.
        if self.known.len() < self.most {
            return act(&mut self.known.entry(key).or_default());
        }
        act(&mut self.shared[key.spread(SHARED)].lock())
    }
}

impl<C: Clock> fmt::Debug for ByAddress<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByAddress").field("policy", &self.policy).finish_non_exhaustive()
    }
}
