//! Everything a gateway is told before it starts: plain data, and the check that finds every fault
//! in it at once.

use std::{net::SocketAddr, time::Duration};

use ipnet::IpNet;
use rustls::pki_types::DnsName;
use schemas::{BootId, NodeId, criteria::Topic, limits};
pub use serving::tls::TlsFiles;
use session::Topology;

/// What a gateway is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// This node's name on the bus.
    pub node: NodeId,
    /// This run of it.
    pub boot: BootId,
    /// Where clients connect (`--listen`).
    pub listen: SocketAddr,
    /// Where health and metrics are served (`--ops-listen`).
    pub ops_listen: SocketAddr,
    /// TLS on both listeners; without it they stay on loopback.
    pub tls: Option<TlsFiles>,
    /// Whose `X-Forwarded-For` is believed (`--trusted-proxy`).
    pub trusted_proxies: Vec<IpNet>,
    /// Origins other than the own host that may open sessions and sockets, and for which CORS
    /// answers (`--allowed-origin`).
    pub allowed_origins: Vec<String>,
    /// The topics that the operator offers, as written (`--topic`); `None` offers any.
    pub topics: Option<Vec<OfferedTopic>>,
    /// The ways to meet that the operator offers (`--matching`).
    pub matching: Matching,
    /// How often a new signing key is made (`--key-rotation`).
    pub key_rotation: Duration,
    /// How long a token lives (`--token-life`).
    pub token_life: Duration,
    /// How long a side may stay away before its room ends (`--grace`).
    pub grace: Duration,
    /// Sustained rates.
    pub rates: RateConfig,
    /// Live sockets per client address (`--connections-per-address`); 0 is no bound.
    pub connections_per_address: u32,
    /// Between two pings of a connection, before jitter.
    pub heartbeat: Duration,
    /// How long after a ping any frame must arrive.
    pub pong_wait: Duration,
    /// How long a connection may take for its TLS handshake, and again for its request.
    pub upgrade_wait: Duration,
    /// Over how long a draining gateway spreads the return of its clients.
    pub drain_spread: Duration,
    /// When a draining gateway closes what remains.
    pub drain_wait: Duration,
    /// Whether there is another gateway to go to.
    pub topology: Topology,
}

/// A topic with the spelling that is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct OfferedTopic {
    /// As the operator wrote it.
    pub shown: String,
    /// As it is compared.
    pub topic: Topic,
}

/// Ways to meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matching {
    /// Somebody who waits, by topic or by chance.
    pub random: bool,
    /// Whoever brings the same invite code.
    pub invite: bool,
}

/// Sustained rates, each with a burst of four times as much; 0 turns one off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateConfig {
    /// New sessions per address and minute.
    pub session: u32,
    /// Upgrades without a valid token per address and minute.
    pub connect: u32,
    /// `find` and its like per session and minute.
    pub find: u32,
    /// WebSocket frames per connection and second.
    pub frame: u32,
    /// Bytes per connection and second.
    pub byte: u32,
}

impl Default for RateConfig {
    fn default() -> Self {
        Self { session: 30, connect: 60, find: 30, frame: 50, byte: 262_144 }
    }
}

/// A fault in a [`Config`], with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Tokens would cross a network in the clear.
    #[error(
        "--listen {0} is reachable from other machines: give --tls-cert and --tls-key, or listen on 127.0.0.1"
    )]
    PlainBeyondLoopback(SocketAddr),
    /// Metrics would be open to anybody.
    #[error(
        "--ops-listen {0} is reachable from other machines: give --tls-client-ca, or listen on 127.0.0.1"
    )]
    OpsBeyondLoopback(SocketAddr),
    /// Two listeners on one address.
    #[error("--listen and --ops-listen are both {0}: give them different ports")]
    SameAddress(SocketAddr),
    /// A name that nothing checks.
    #[error("--tls-client-name needs --tls-client-ca: without it no client certificate is asked for")]
    NameWithoutAuthority,
    /// Not a DNS name.
    #[error(
        "--tls-client-name {0:?} is not a DNS name: give a subject alternative name of the client's certificate"
    )]
    ClientName(String),
    /// Not an origin as browsers send it.
    #[error(
        "--allowed-origin {0:?} is not an origin: write scheme://host or scheme://host:port, in lower case, nothing after it"
    )]
    Origin(String),
    /// Nobody could meet.
    #[error("--matching offers no way to meet: name random, invite or both")]
    NoMatching,
    /// Nobody could name a topic.
    #[error("the list of topics is empty: name one, or leave --topic out to offer any")]
    NoTopics,
    /// A token's life out of bounds.
    #[error("--token-life is {0:?}: choose between {MIN_TOKEN_LIFE:?} and {SESSION:?}", SESSION = limits::SESSION_LIFE)]
    TokenLife(Duration),
    /// A side could come back with an expired ticket.
    #[error(
        "--grace is {grace:?}: it must be more than nothing and less than half of --token-life ({token_life:?})"
    )]
    Grace {
        /// As given.
        grace: Duration,
        /// As given.
        token_life: Duration,
    },
    /// More keys would be alive than a key ring expects.
    #[error("--key-rotation is {rotation:?}: it must not be less than --token-life ({token_life:?})")]
    Rotation {
        /// As given.
        rotation: Duration,
        /// As given.
        token_life: Duration,
    },
    /// A wait of no length.
    #[error("{0} must be more than nothing")]
    Zero(&'static str),
    /// Clients would be closed before they were told to come back.
    #[error("the drain spread must be shorter than the drain wait")]
    Drain,
}

/// Below this a client would do little else than renew its token.
pub const MIN_TOKEN_LIFE: Duration = Duration::from_secs(2);

impl Config {
    /// Whether the operator offers this topic.
    pub(crate) fn offers(&self, topic: &Topic) -> bool {
        self.topics.as_ref().is_none_or(|offered| offered.iter().any(|offer| offer.topic == *topic))
    }

    /// The design's defaults, on loopback.
    pub fn new(node: NodeId, boot: BootId) -> Self {
        Self {
            node,
            boot,
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            ops_listen: SocketAddr::from(([127, 0, 0, 1], 8081)),
            tls: None,
            trusted_proxies: Vec::new(),
            allowed_origins: Vec::new(),
            topics: None,
            matching: Matching { random: true, invite: true },
            key_rotation: Duration::from_secs(60 * 60),
            token_life: Duration::from_secs(10 * 60),
            grace: Duration::from_secs(60),
            rates: RateConfig::default(),
            connections_per_address: 1000,
            heartbeat: Duration::from_secs(25),
            pong_wait: Duration::from_secs(10),
            upgrade_wait: Duration::from_secs(10),
            drain_spread: Duration::from_secs(5),
            drain_wait: Duration::from_secs(8),
            topology: Topology::Cluster,
        }
    }

    /// Every fault, not only the first, so that an operator mends a configuration once.
    pub fn check(&self) -> Vec<ConfigError> {
        let mut faults = Vec::new();
        self.check_listeners(&mut faults);
        for origin in &self.allowed_origins {
            if !is_origin(origin) {
                faults.push(ConfigError::Origin(origin.clone()));
            }
        }
        if !self.matching.random && !self.matching.invite {
            faults.push(ConfigError::NoMatching);
        }
        if self.topics.as_ref().is_some_and(Vec::is_empty) {
            faults.push(ConfigError::NoTopics);
        }
        self.check_times(&mut faults);
        faults
    }

    fn check_listeners(&self, faults: &mut Vec<ConfigError>) {
        if !self.listen.ip().is_loopback() && self.tls.is_none() {
            faults.push(ConfigError::PlainBeyondLoopback(self.listen));
        }
        let client_ca = self.tls.as_ref().and_then(|tls| tls.client_ca.as_ref());
        if !self.ops_listen.ip().is_loopback() && client_ca.is_none() {
            faults.push(ConfigError::OpsBeyondLoopback(self.ops_listen));
        }
        // Port 0 asks for any free one, twice if need be.
        if self.listen == self.ops_listen && self.listen.port() != 0 {
            faults.push(ConfigError::SameAddress(self.listen));
        }
        let Some(name) = self.tls.as_ref().and_then(|tls| tls.client_name.as_ref()) else { return };
        if client_ca.is_none() {
            faults.push(ConfigError::NameWithoutAuthority);
        }
        if DnsName::try_from(name.as_str()).is_err() {
            faults.push(ConfigError::ClientName(name.clone()));
        }
    }

    fn check_times(&self, faults: &mut Vec<ConfigError>) {
        let (grace, token_life, rotation) = (self.grace, self.token_life, self.key_rotation);
        if !(MIN_TOKEN_LIFE..=limits::SESSION_LIFE).contains(&token_life) {
            faults.push(ConfigError::TokenLife(token_life));
        }
        if grace.is_zero() || grace * 2 >= token_life {
            faults.push(ConfigError::Grace { grace, token_life });
        }
        if rotation < token_life {
            faults.push(ConfigError::Rotation { rotation, token_life });
        }
        let waits = [
            ("the heartbeat", self.heartbeat),
            ("the wait for a pong", self.pong_wait),
            ("the wait for an upgrade", self.upgrade_wait),
        ];
        faults
            .extend(waits.iter().filter(|(_, wait)| wait.is_zero()).map(|(name, _)| ConfigError::Zero(name)));
        if self.drain_spread >= self.drain_wait {
            faults.push(ConfigError::Drain);
        }
    }
}

/// Whether this is an origin as browsers serialise it (RFC 6454, section 6.2), other than the
/// opaque `null`.
fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return false };
    let host_only = !authority.contains(['/', '?', '#', '@', '*', ' ']) && !text.contains(char::is_uppercase);
    let default_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    let Ok(authority) = authority.parse::<http::uri::Authority>() else { return false };
    host_only && !authority.host().is_empty() && authority.port_u16() != Some(default_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> Config {
        Config::new("n1".parse().unwrap(), BootId(1))
    }

    fn tls(client_ca: Option<&str>, client_name: Option<&str>) -> Option<TlsFiles> {
        Some(TlsFiles {
            cert: "c".into(),
            key: "k".into(),
            client_ca: client_ca.map(Into::into),
            client_name: client_name.map(Into::into),
        })
    }

    /// The faults of the defaults with one change.
    fn faults(change: impl FnOnce(&mut Config)) -> Vec<ConfigError> {
        let mut config = sound();
        change(&mut config);
        config.check()
    }

    #[test]
    fn the_defaults_are_sound() {
        assert_eq!(sound().check(), []);
    }

    #[test]
    fn nothing_plain_is_offered_to_other_machines() {
        let open: SocketAddr = "0.0.0.0:8080".parse().unwrap();
        assert_eq!(faults(|c| c.listen = open), [ConfigError::PlainBeyondLoopback(open)]);
        assert_eq!(faults(|c| (c.listen, c.tls) = (open, tls(None, None))), []);
        let ops: SocketAddr = "[::]:9090".parse().unwrap();
        assert_eq!(faults(|c| c.ops_listen = ops), [ConfigError::OpsBeyondLoopback(ops)]);
        assert_eq!(
            faults(|c| (c.ops_listen, c.tls) = (ops, tls(None, None))),
            [ConfigError::OpsBeyondLoopback(ops)],
            "encryption alone does not keep anybody out"
        );
        assert_eq!(faults(|c| (c.ops_listen, c.tls) = (ops, tls(Some("ca"), None))), []);
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let all = faults(|c| {
            c.ops_listen = c.listen;
            c.tls = tls(None, Some("not a name"));
            c.allowed_origins = vec!["*".into()];
            c.matching = Matching { random: false, invite: false };
            c.topics = Some(Vec::new());
            c.token_life = Duration::from_secs(25 * 60 * 60);
            c.grace = Duration::ZERO;
            c.heartbeat = Duration::ZERO;
            c.drain_spread = c.drain_wait;
        });
        assert_eq!(all.len(), 11, "{all:?}");
    }

    #[test]
    fn a_grace_ends_within_half_a_token_life() {
        let life = Duration::from_secs(100);
        let with = |grace| faults(|c| (c.token_life, c.grace) = (life, Duration::from_secs(grace)));
        assert_eq!(with(49), []);
        assert_eq!(with(50).len(), 1);
    }

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        for right in ["https://chat.example", "http://localhost:3000", "https://[::1]:8443"] {
            assert!(is_origin(right), "{right}");
        }
        for wrong in [
            "*",
            "null",
            "",
            "chat.example",
            "https://",
            "https://chat.example/",
            "https://Chat.example",
            "https://chat.example:443",
            "http://chat.example:80",
            "https://*.example",
            "https://me@chat.example",
            "ftp://chat.example",
            "https://chat.example?x",
        ] {
            assert!(!is_origin(wrong), "{wrong}");
        }
    }
}
