//! Whose request this is: the client's address, as far as it can be believed, and what is kept of
//! it.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU64,
    sync::LazyLock,
};

use aws_lc_rs::hmac;
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

/// The header in which proxies say for whom they speak.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// How many entries of `X-Forwarded-For` are looked at. No chain of an operator's own proxies is
/// longer.
const HOPS: usize = 16;

/// A kind of network that one client may have whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// An IPv4 address.
    V4,
    /// An IPv6 /64: whoever has one address of it has them all.
    V6Subnet,
    /// An IPv6 /56: what a household is often given.
    V6Customer,
    /// An IPv6 /48: what a site is given.
    V6Site,
}

impl Network {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::V4, Self::V6Subnet, Self::V6Customer, Self::V6Site];
}

/// What is kept of a network: a keyed hash. The key is random at start and dies with the process,
/// so that the hashes name nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressKey(NonZeroU64);

impl AddressKey {
    /// One of `count` places: evenly, and nobody can choose theirs.
    pub(crate) fn spread(self, count: usize) -> usize {
        // Not the bits by which a map finds its place.
        usize::try_from((self.0.get() >> 16) % count as u64).unwrap_or_default()
    }
}

/// What is kept of an address: its networks, each as a keyed hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// Of IPv4.
    V4(AddressKey),
    /// Of IPv6: its /64, /56 and /48.
    V6([AddressKey; 3]),
}

impl Address {
    /// Its networks, the narrowest first.
    pub fn networks(&self) -> impl Iterator<Item = (Network, AddressKey)> + '_ {
        let (first, keys) = match self {
            Self::V4(key) => (Network::V4, std::slice::from_ref(key)),
            Self::V6(keys) => (Network::V6Subnet, &keys[..]),
        };
        Network::ALL.into_iter().skip(first as usize).zip(keys.iter().copied())
    }

    /// The narrowest network, which is taken for one client.
    pub fn client(&self) -> AddressKey {
        match self {
            Self::V4(key) | Self::V6([key, ..]) => *key,
        }
    }
}

/// Hashes addresses. One for the whole gateway.
pub struct Hasher(hmac::Key);

impl Hasher {
    /// With a key made at random.
    pub fn random() -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &rand::random::<[u8; 32]>()))
    }

    /// What is kept of an address.
    pub fn hash(&self, address: IpAddr) -> Address {
        match address.to_canonical() {
            IpAddr::V4(v4) => Address::V4(self.key(32, u128::from(v4.to_bits()))),
            IpAddr::V6(v6) => Address::V6([64, 56, 48].map(|bits| {
                let rest = u128::MAX >> bits;
                self.key(bits, v6.to_bits() & !rest)
            })),
        }
    }

    fn key(&self, prefix_bits: u8, network: u128) -> AddressKey {
        let mut named = [0; 17];
        named[0] = prefix_bits;
        named[1..].copy_from_slice(&network.to_be_bytes());
        let tag = hmac::sign(&self.0, &named);
        let mut key = [0; 8];
        key.copy_from_slice(&tag.as_ref()[..8]);
        // Zero is as good as any other, but for the room that it would take.
        AddressKey(NonZeroU64::new(u64::from_be_bytes(key)).unwrap_or(NonZeroU64::MIN))
    }
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hasher")
    }
}

/// Whether the peer is a proxy whose word counts.
pub fn is_trusted(peer: IpAddr, trusted: &[IpNet]) -> bool {
    let peer = peer.to_canonical();
    trusted.iter().any(|net| net.contains(&peer))
}

/// The client's address: the peer's own, unless the peer is a trusted proxy; then the right-most
/// entry of `X-Forwarded-For` that is not a trusted proxy itself. Further left a client may write
/// what it likes. An entry that is no address ends the search: the client is then taken to be the
/// last proxy before it, so that garbage shares a limit and gains nothing.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut client = peer.to_canonical();
    let lines: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
    let entries = lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    for entry in entries.take(HOPS) {
        if !is_trusted(client, trusted) {
            break;
        }
        let Some(before) = parse_entry(entry) else { break };
        client = before;
    }
    client
}

/// Headers in which proxies say that they forward.
const FORWARDED: [&str; 3] = ["x-forwarded-for", "forwarded", "x-real-ip"];

/// Whether this seems to be a proxy that the operator has not named. From the internet anybody may
/// send such headers; on the same machine and in a private network it is the operator's own.
pub fn is_unnamed_proxy(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> bool {
    let peer = peer.to_canonical();
    FORWARDED.iter().any(|name| headers.contains_key(*name)) && is_private(peer) && !is_trusted(peer, trusted)
}

/// Whether an address is of this machine or of a network that the internet does not reach.
fn is_private(address: IpAddr) -> bool {
    PRIVATE.iter().any(|net| net.contains(&address))
}

/// Whether all of a network is private: what is sent there in the clear stays with the operator.
pub fn is_private_network(network: &IpNet) -> bool {
    PRIVATE.iter().any(|net| net.contains(network))
}

/// Loopback, private, shared and link-local networks (RFC 6890, RFC 4193).
static PRIVATE: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    let all = [
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    ];
    all.iter().filter_map(|net| net.parse().ok()).collect()
});

/// An address as proxies write it: bare, in brackets, with a port or without.
fn parse_entry(entry: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(entry).ok()?.trim();
    let address = if let Some(rest) = text.strip_prefix('[') {
        let (inside, port) = rest.split_once(']')?;
        let is_port =
            port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
        is_port.then(|| inside.parse::<Ipv6Addr>().ok().map(IpAddr::V6))?
    } else {
        text.parse().ok().or_else(|| text.parse().ok().map(|v4: std::net::SocketAddrV4| IpAddr::V4(*v4.ip())))
    };
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PROXY: &str = "10.0.0.1";

    fn trusted() -> Vec<IpNet> {
        vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]
    }

    fn client(peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, http::HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        client_address(peer.parse().unwrap(), &headers, &trusted()).to_string()
    }

    #[test]
    fn a_stranger_speaks_for_itself_alone() {
        assert_eq!(client("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(client("203.0.113.9", &[]), "203.0.113.9");
    }

    #[test]
    fn a_proxy_speaks_for_the_last_address_that_is_not_a_proxy() {
        assert_eq!(client(PROXY, &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client(PROXY, &["6.6.6.6, 198.51.100.1"]), "198.51.100.1", "what is left of it is forged");
        assert_eq!(client(PROXY, &["6.6.6.6, 198.51.100.1, 10.9.9.9"]), "198.51.100.1");
        assert_eq!(client(PROXY, &["6.6.6.6", "198.51.100.1", "10.9.9.9"]), "198.51.100.1", "several lines");
        assert_eq!(client(PROXY, &["6.6.6.6,10.1.1.1,198.51.100.1 ,10.9.9.9"]), "198.51.100.1");
        assert_eq!(client("fd00::1", &["2001:db8::7"]), "2001:db8::7");
        assert_eq!(client("::ffff:10.0.0.1", &["198.51.100.1"]), "198.51.100.1", "a mapped proxy is a proxy");
    }

    #[test]
    fn addresses_come_with_ports_and_brackets_or_without() {
        for (entry, address) in [
            ("198.51.100.1:4711", "198.51.100.1"),
            ("[2001:db8::7]:4711", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("::ffff:198.51.100.1", "198.51.100.1"),
            ("\t198.51.100.1 ", "198.51.100.1"),
        ] {
            assert_eq!(client(PROXY, &[entry]), address, "{entry}");
        }
    }

    #[test]
    fn garbage_is_counted_against_the_proxy_that_passed_it() {
        for garbage in [
            "",
            "unknown",
            "_hidden",
            "1.2.3",
            "1.2.3.4:99999",
            "[::1",
            "[::1]x",
            "[1.2.3.4]",
            "\"1.2.3.4\"",
            "\u{7f}é",
        ] {
            let mut headers = HeaderMap::new();
            let Ok(value) = http::HeaderValue::from_bytes(garbage.as_bytes()) else { continue };
            headers.append(FORWARDED_FOR, value);
            let found = client_address(PROXY.parse().unwrap(), &headers, &trusted());
            assert_eq!(found.to_string(), PROXY, "{garbage:?}");
        }
        assert_eq!(client(PROXY, &["198.51.100.1, garbage, 10.9.9.9"]), "10.9.9.9");
        assert_eq!(client(PROXY, &["10.1.1.1, 10.2.2.2"]), "10.1.1.1", "proxies all the way");
    }

    #[test]
    fn a_proxy_that_is_not_named_is_noticed_and_a_stranger_is_not_taken_for_one() {
        let mut forwarded = HeaderMap::new();
        forwarded.insert(FORWARDED_FOR, http::HeaderValue::from_static("198.51.100.1"));
        let unnamed =
            |peer: &str, headers: &HeaderMap| is_unnamed_proxy(peer.parse().unwrap(), headers, &trusted());
        for own in ["127.0.0.1", "172.17.0.1", "192.168.1.1", "::1", "::ffff:172.17.0.1", "fe80::1"] {
            assert!(unnamed(own, &forwarded), "{own}");
            assert!(!unnamed(own, &HeaderMap::new()), "{own} forwards nothing");
        }
        for other in [PROXY, "fd00::1", "203.0.113.9", "2001:db8::1", "172.32.0.1"] {
            assert!(!unnamed(other, &forwarded), "{other} is named, or anybody");
        }
        assert_eq!(PRIVATE.len(), 9);
    }

    #[test]
    fn a_private_network_is_private_as_a_whole() {
        for (network, private) in [
            ("10.0.0.0/8", true),
            ("172.17.0.0/16", true),
            ("127.0.0.1/32", true),
            ("fd00::/8", true),
            ("0.0.0.0/0", false),
            ("172.0.0.0/8", false),
            ("203.0.113.9/32", false),
            ("::/0", false),
        ] {
            assert_eq!(is_private_network(&network.parse().unwrap()), private, "{network}");
        }
    }

    #[test]
    fn a_long_chain_is_not_followed_for_ever() {
        let chain = vec!["10.1.1.1"; 10_000].join(",");
        assert_eq!(client(PROXY, &[&format!("198.51.100.1,{chain}")]), "10.1.1.1");
    }

    #[test]
    fn a_network_of_ipv6_is_one_client_and_a_mapped_address_is_its_ipv4() {
        let hasher = Hasher::random();
        let hash = |text: &str| hasher.hash(text.parse().unwrap());
        assert_eq!(hash("2001:db8:1:2::1"), hash("2001:db8:1:2:ffff::9"));
        assert_ne!(hash("2001:db8:1:2::1").client(), hash("2001:db8:1:3::1").client());
        assert_eq!(hash("::ffff:192.0.2.1"), hash("192.0.2.1"));
        assert_ne!(hash("192.0.2.1"), hash("192.0.2.2"));
        assert_ne!(Hasher::random().hash(IpAddr::from([1, 1, 1, 1])), hash("1.1.1.1"), "another process");
    }

    #[test]
    fn neighbours_share_the_networks_that_they_are_both_in() {
        let hasher = Hasher::random();
        let hash = |text: &str| hasher.hash(text.parse().unwrap());
        let shared = |one: &str, other: &str| {
            let (one, other) = (hash(one), hash(other));
            let pairs = one.networks().zip(other.networks());
            pairs.filter(|(one, other)| one == other).map(|((network, _), _)| network).collect::<Vec<_>>()
        };
        let home = "2001:db8:1:200::1";
        assert_eq!(shared(home, "2001:db8:1:2ff::1"), [Network::V6Customer, Network::V6Site]);
        assert_eq!(shared(home, "2001:db8:1:300::1"), [Network::V6Site]);
        assert_eq!(shared(home, "2001:db8:2:200::1"), []);
        assert_eq!(hash(home).networks().count(), 3);
        assert_eq!(hash("192.0.2.1").networks().count(), 1);
    }

    proptest! {
        /// Whatever a client writes, the nearest untrusted hop decides.
        #[test]
        fn no_forged_prefix_changes_who_the_client_is(forged in "[ -~]{0,80}") {
            prop_assert_eq!(client(PROXY, &[&format!("{forged},198.51.100.1")]), "198.51.100.1");
            prop_assert_eq!(client(PROXY, &[&forged, "198.51.100.1, 10.0.0.7"]), "198.51.100.1");
        }
    }
}
