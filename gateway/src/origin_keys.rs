//! The keys by which gateways make origins of addresses: soft state of the gateways alone.
//!
//! The first gateway makes one, and tells the others. Each hour there is a new one; an old one is
//! kept for another hour and then wiped. After all gateways have started again there is a new key,
//! and all origins are new. If two are made at once, that with the lower id is used, and both live
//! out their time.
//!
//! Pure: time and randomness come in as arguments.

use std::{net::IpAddr, time::Duration};

use aws_lc_rs::hmac;
use schemas::{
    Origin, UnixMillis,
    origin_keys::{OriginKey, OriginKeyId},
};
use zeroize::Zeroizing;

/// How long a key makes origins.
pub const IN_USE: Duration = Duration::from_secs(60 * 60);

/// How long a key is kept: what was remembered of its origins then means nothing any more.
pub const KEPT: Duration = Duration::from_secs(2 * 60 * 60);

/// A gateway that is not the first of all makes a key so much later: the first may be about to.
const DEFERENCE: Duration = Duration::from_secs(10);

/// No more keys are kept: two an hour are many. Who announces more gains nothing.
const MOST_KEYS: usize = 8;

/// Where a client comes from, as its connection remembers it: its IPv4 address, or the /48 of its
/// IPv6 address. Whoever has one address of a /48 has them all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ClientNetwork(u64);

impl ClientNetwork {
    /// Of an address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self(u64::from(v4.to_bits())),
            // Beside all of IPv4.
            IpAddr::V6(v6) => Self((1 << 63) | (v6.to_bits() >> 80) as u64),
        }
    }

    /// The /32 of an IPv6 network; an IPv4 address is one by itself.
    fn region(self) -> Self {
        if self.0 >> 63 == 0 { self } else { Self(self.0 >> 16 << 16 | (1 << 62)) }
    }

    /// As a number, to count by.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl std::fmt::Debug for ClientNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientNetwork(…)")
    }
}

/// All keys that a gateway has. See the module.
#[derive(Default)]
pub struct OriginKeys {
    keys: Vec<Key>,
    /// Since when there has been no key in use.
    missing_since: Option<UnixMillis>,
}

struct Key {
    id: OriginKeyId,
    secret: Zeroizing<[u8; 32]>,
    made: UnixMillis,
}

impl Key {
    fn is_in_use(&self, now: UnixMillis) -> bool {
        now.since(self.made) < IN_USE
    }

    fn origin(&self, network: ClientNetwork) -> Origin {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_slice());
        let tag = hmac::sign(&key, &network.0.to_be_bytes());
        let mut origin = [0; 12];
        origin[..4].copy_from_slice(&self.id.0);
        origin[4..].copy_from_slice(&tag.as_ref()[..8]);
        Origin::from_bytes(origin)
    }
}

/// Whether a gateway is the first of all that are running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// It is: it makes new keys, and tells them.
    First,
    /// It is not.
    Other,
}

impl OriginKeys {
    /// The origin of a network now; `None` while there is no key.
    pub fn origin(&self, now: UnixMillis, network: ClientNetwork) -> Option<Origin> {
        self.primary(now).map(|key| key.origin(network))
    }

    /// The origin now of the region of a network: its address in IPv4, its /32 in IPv6.
    pub fn region(&self, now: UnixMillis, network: ClientNetwork) -> Option<Origin> {
        self.origin(now, network.region())
    }

    /// The origins that a network has, or had in the hour before.
    pub fn origins(&self, now: UnixMillis, network: ClientNetwork) -> Vec<Origin> {
        let kept = self.keys.iter().filter(|key| now.since(key.made) < KEPT);
        kept.map(|key| key.origin(network)).collect()
    }

    /// Of the keys in use that with the lowest id; while there is none, the newest.
    fn primary(&self, now: UnixMillis) -> Option<&Key> {
        let in_use = self.keys.iter().filter(|key| key.is_in_use(now));
        in_use.min_by_key(|key| key.id).or_else(|| self.keys.iter().max_by_key(|key| key.made))
    }

    /// Learns keys of another gateway. Their ages are by its clock, which is not ours.
    pub fn learn(&mut self, now: UnixMillis, keys: &[OriginKey]) {
        for key in keys {
            let is_known = self.keys.iter().any(|known| known.id == key.id);
            if !is_known && key.age < KEPT && self.keys.len() < MOST_KEYS {
                let secret = Zeroizing::new(key.secret);
                self.keys.push(Key { id: key.id, secret, made: now - key.age });
            }
        }
    }

    /// Time has passed: wipes old keys, and makes a new one if it is time. Returns whether there is
    /// a new key to tell.
    pub fn tick(
        &mut self,
        now: UnixMillis,
        rank: Rank,
        draw: impl FnOnce() -> (OriginKeyId, [u8; 32]),
    ) -> bool {
        self.keys.retain(|key| now.since(key.made) < KEPT);
        if !self.is_without(now) {
            self.missing_since = None;
            return false;
        }
        let since = *self.missing_since.get_or_insert(now);
        if rank == Rank::Other && now.since(since) < DEFERENCE {
            return false;
        }
        let (id, secret) = draw();
        self.keys.push(Key { id, secret: Zeroizing::new(secret), made: now });
        self.missing_since = None;
        true
    }

    /// Whether it has no key that makes origins now.
    pub fn is_without(&self, now: UnixMillis) -> bool {
        !self.keys.iter().any(|key| key.is_in_use(now))
    }

    /// The names of all keys that it has.
    pub fn names(&self) -> Vec<OriginKeyId> {
        self.keys.iter().map(|key| key.id).collect()
    }

    /// Whether it would learn something from whoever has the keys of these names.
    pub fn lacks_any(&self, names: &[OriginKeyId]) -> bool {
        let is_known = |name: &OriginKeyId| self.keys.iter().any(|key| key.id == *name);
        self.keys.len() < MOST_KEYS && !names.iter().all(is_known)
    }

    /// Whether it makes origins with a key that is not among these names.
    pub fn uses_more_than(&self, now: UnixMillis, names: &[OriginKeyId]) -> bool {
        self.keys.iter().any(|key| key.is_in_use(now) && !names.contains(&key.id))
    }

    /// What other gateways are to know.
    pub fn told(&self, now: UnixMillis) -> Vec<OriginKey> {
        let told = |key: &Key| OriginKey { id: key.id, age: now.since(key.made), secret: *key.secret };
        self.keys.iter().map(told).collect()
    }
}

impl std::fmt::Debug for OriginKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OriginKeys").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn network(text: &str) -> ClientNetwork {
        ClientNetwork::of(text.parse().unwrap())
    }

    fn drawn(n: u8) -> impl FnOnce() -> (OriginKeyId, [u8; 32]) {
        move || (OriginKeyId([n; 4]), [n; 32])
    }

    fn none() -> (OriginKeyId, [u8; 32]) {
        panic!("it makes a key that is not needed")
    }

    fn first(now: UnixMillis, n: u8) -> OriginKeys {
        let mut keys = OriginKeys::default();
        assert!(keys.tick(now, Rank::First, drawn(n)));
        keys
    }

    #[test]
    fn a_network_is_an_ipv4_address_or_a_48_of_ipv6() {
        assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("2001:db8:1::1"), network("2001:db8:1:ffff:ffff::9"));
        assert_ne!(network("2001:db8:1::1"), network("2001:db8:2::1"));
        assert_ne!(network("0.0.0.1"), network("::1:0:0:0:0:1"));
        assert_eq!(network("2001:db8:1::1").region(), network("2001:db8:2::1").region());
        assert_ne!(network("2001:db8:1::1").region(), network("2001:db9:1::1").region());
        assert_eq!(network("192.0.2.1").region(), network("192.0.2.1"));
        assert_eq!(format!("{:?}", network("192.0.2.1")), "ClientNetwork(…)");
    }

    #[test]
    fn all_gateways_make_the_same_origin_and_nobody_without_the_key() {
        let one = first(NOW, 1);
        let mut other = OriginKeys::default();
        assert_eq!(other.origin(NOW, network("192.0.2.1")), None);
        other.learn(NOW, &one.told(NOW));
        let origin = |keys: &OriginKeys, text| keys.origin(NOW, network(text)).unwrap();
        assert_eq!(origin(&one, "192.0.2.1"), origin(&other, "192.0.2.1"));
        assert_ne!(origin(&one, "192.0.2.1"), origin(&one, "192.0.2.2"));
        assert_ne!(origin(&one, "192.0.2.1"), origin(&first(NOW, 2), "192.0.2.1"));
    }

    #[test]
    fn a_key_is_used_for_an_hour_kept_for_another_and_wiped() {
        let mut keys = first(NOW, 1);
        let at = network("192.0.2.1");
        let old = keys.origin(NOW, at);
        assert!(!keys.tick(NOW + IN_USE - Duration::from_millis(1), Rank::First, none));
        let later = NOW + IN_USE;
        assert!(keys.tick(later, Rank::First, drawn(2)));
        let new = keys.origin(later, at);
        assert_ne!(new, old);
        assert_eq!(keys.origins(later, at), [old.unwrap(), new.unwrap()]);
        keys.tick(NOW + KEPT, Rank::First, drawn(3));
        assert!(keys.told(NOW + KEPT).iter().all(|key| key.id != OriginKeyId([1; 4])), "it is wiped");
    }

    #[test]
    fn whoever_is_not_the_first_waits_for_the_first_and_not_for_ever() {
        let mut keys = OriginKeys::default();
        assert!(!keys.tick(NOW, Rank::Other, none));
        assert!(!keys.tick(NOW + DEFERENCE - Duration::from_millis(1), Rank::Other, none));
        assert!(keys.tick(NOW + DEFERENCE, Rank::Other, drawn(1)));
    }

    #[test]
    fn of_two_that_are_made_at_once_the_lower_is_used_until_its_time_is_over() {
        let now = NOW + Duration::from_secs(60);
        let (mut one, mut two) = (first(NOW, 1), first(now, 2));
        one.learn(now, &two.told(now));
        two.learn(now, &first(NOW, 1).told(now));
        let at = network("192.0.2.1");
        assert_eq!(one.origin(now, at), two.origin(now, at));
        assert_eq!(one.origin(now, at), first(NOW, 1).origin(now, at));
        let later = NOW + IN_USE;
        assert!(!one.tick(later, Rank::First, none), "the other one is in use still");
        assert_eq!(one.origin(later, at), first(NOW, 2).origin(NOW, at));
    }

    #[test]
    fn names_tell_who_lacks_which_key() {
        let (mut one, two) = (first(NOW, 1), first(NOW, 2));
        assert!(OriginKeys::default().is_without(NOW) && !one.is_without(NOW));
        assert!(one.lacks_any(&two.names()) && !one.lacks_any(&one.names()) && !one.lacks_any(&[]));
        assert!(one.uses_more_than(NOW, &two.names()) && !one.uses_more_than(NOW, &one.names()));
        one.learn(NOW, &two.told(NOW));
        assert!(!one.lacks_any(&two.names()) && one.uses_more_than(NOW, &two.names()));
        let later = NOW + IN_USE;
        assert!(one.is_without(later) && !one.uses_more_than(later, &[]), "old keys are nobody's loss");
    }

    #[test]
    fn nobody_can_make_a_gateway_keep_many_keys_or_old_ones() {
        let mut keys = first(NOW, 1);
        let many: Vec<_> = (2..100)
            .map(|n| OriginKey { id: OriginKeyId([n; 4]), age: Duration::ZERO, secret: [n; 32] })
            .collect();
        keys.learn(NOW, &[OriginKey { age: KEPT, ..many[0].clone() }]);
        assert_eq!(keys.told(NOW).len(), 1);
        keys.learn(NOW, &many);
        assert_eq!(keys.told(NOW).len(), MOST_KEYS);
        assert!(!keys.lacks_any(&[OriginKeyId([0; 4])]), "it does not ask for what it would not keep");
    }
}
