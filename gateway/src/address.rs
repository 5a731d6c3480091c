//! Whose request this is: the client's address, as far as it can be believed, and what is kept of
//! it.

use std::net::{IpAddr, Ipv6Addr};

use aws_lc_rs::hmac;
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

/// The header in which proxies say for whom they speak.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// How many entries of `X-Forwarded-For` are looked at. No chain of an operator's own proxies is
/// longer.
const HOPS: usize = 16;

/// What is kept of an address: a keyed hash. The key is random at start and dies with the process,
/// so that the hashes name nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressKey(u64);

/// Hashes addresses. One for the whole gateway.
pub struct Hasher(hmac::Key);

impl Hasher {
    /// With a key made at random.
    pub fn random() -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &rand::random::<[u8; 32]>()))
    }

    /// The key of an address. All of an IPv6 /64 is one: whoever has one address of it has them
    /// all.
    pub fn key(&self, address: IpAddr) -> AddressKey {
        let bytes = match address.to_canonical() {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).octets(),
        };
        let tag = hmac::sign(&self.0, &bytes);
        let mut key = [0; 8];
        key.copy_from_slice(&tag.as_ref()[..8]);
        AddressKey(u64::from_be_bytes(key))
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
    fn a_long_chain_is_not_followed_for_ever() {
        let chain = vec!["10.1.1.1"; 10_000].join(",");
        assert_eq!(client(PROXY, &[&format!("198.51.100.1,{chain}")]), "10.1.1.1");
    }

    #[test]
    fn a_network_of_ipv6_is_one_client_and_a_mapped_address_is_its_ipv4() {
        let hasher = Hasher::random();
        let key = |text: &str| hasher.key(text.parse().unwrap());
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
        assert_ne!(Hasher::random().key(IpAddr::from([1, 1, 1, 1])), key("1.1.1.1"), "another process");
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
