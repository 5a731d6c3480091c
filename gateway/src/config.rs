//! Everything a gateway is told before it starts: plain data, and the check that finds every fault
//! in it at once.

use std::time::Duration;

use ipnet::IpNet;
use orders::Standing;
use schemas::{
    BootId, NodeId, Service,
    criteria::Topic,
    lifetimes::{LifetimeError, Lifetimes},
};
use session::Topology;

use crate::{
    about::About,
    address::is_private_network,
    desk::Desk,
    helpers::{Helpers, PassRules},
    web_origin::is_origin,
};

/// Default of [`Config::matching`].
pub const MATCHING: Matching = Matching { random: true, invite: true };
/// Default of [`Config::helpers`].
pub const HELPERS: Helpers = Helpers::Anyone;
/// Default of [`Config::rates`].
pub const RATES: RateConfig =
    RateConfig { session: 30, opaque_session: 60, connect: 60, find: 30, frame: 50, byte: 262_144 };
/// Default of [`Config::connections_per_address`].
pub const CONNECTIONS_PER_ADDRESS: u32 = 1000;
/// Default of [`Config::hsts`].
pub const HSTS: Hsts = Hsts::Host;
/// Where no work is asked for, half of what a new session costs whoever comes from where many were
/// reported: a phone takes a second for it.
pub const NOTICED_ADMISSION: u32 = 300_000;
/// Default of [`Config::waiting_per_address`].
pub const WAITING_PER_ADDRESS: u32 = 200;
/// Default of [`Config::heartbeat`].
pub const HEARTBEAT: Duration = Duration::from_secs(25);
/// Default of [`Config::pong_wait`].
pub const PONG_WAIT: Duration = Duration::from_secs(10);
/// Default of [`Config::upgrade_wait`].
pub const UPGRADE_WAIT: Duration = Duration::from_secs(10);
/// Default of [`Config::drain_spread`].
pub const DRAIN_SPREAD: Duration = Duration::from_secs(5);
/// Default of [`Config::drain_wait`].
pub const DRAIN_WAIT: Duration = Duration::from_secs(8);

/// The origin that browsers send for a page that has none.
pub const OPAQUE: &str = "null";

/// What a gateway is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// This node's name on the bus.
    pub node: NodeId,
    /// This run of it.
    pub boot: BootId,
    /// How long keys, tokens and absences last: the same as on all other nodes.
    pub lifetimes: Lifetimes,
    /// Who is believed when it says whose a request or a connection is.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether those say it by the PROXY protocol, too.
    pub proxy_protocol: ProxyProtocol,
    /// Origins other than the own host that may open sessions and sockets, and for which CORS
    /// answers. `null` is that of pages from files, and of any site's sandboxed frames.
    pub allowed_origins: Vec<String>,
    /// Origins whose pages may show `/embed` in a frame; nobody else may frame anything.
    pub frame_ancestors: Vec<String>,
    /// The topics that the operator offers, as written; `None` offers any.
    pub topics: Option<Vec<OfferedTopic>>,
    /// The ways to meet that the operator offers.
    pub matching: Matching,
    /// Who may offer help to strangers.
    pub helpers: Helpers,
    /// How the passes of helpers are judged; without it none is let in.
    pub passes: Option<PassRules>,
    /// What the operator tells whoever comes.
    pub about: About,
    /// What the operator sets for the helper's screen.
    pub desk: Desk,
    /// Sustained rates.
    pub rates: RateConfig,
    /// Live sockets in all.
    pub connections: Option<u32>,
    /// Live sockets per client address; 0 is no bound.
    pub connections_per_address: u32,
    /// Who may connect at all.
    pub peers: Peers,
    /// What browsers are told about TLS.
    pub hsts: Hsts,
    /// How many hashes a new session costs whoever opens it, on average; `None` asks for no work.
    pub admission: Option<u32>,
    /// Clients of one address (or /48 of IPv6) that wait for strangers at once; 0 is no bound.
    pub waiting_per_address: u32,
    /// Between two pings of a connection, before jitter.
    pub heartbeat: Duration,
    /// How long after a ping any frame must arrive.
    pub pong_wait: Duration,
    /// How long a connection may take for its TLS handshake, and again for its request.
    pub upgrade_wait: Duration,
    /// Where clients reach this gateway and no other.
    pub public_url: Option<String>,
    /// Over how long a draining gateway spreads the return of its clients.
    pub drain_spread: Duration,
    /// When a draining gateway closes what remains.
    pub drain_wait: Duration,
    /// Whether there is another gateway to go to.
    pub topology: Topology,
    /// The roles without which this gateway is not ready. Without others it is degraded: chats go
    /// on.
    pub ready_needs: Vec<Service>,
    /// The operator's orders. They go before what stands above.
    pub orders: Standing,
}

/// Who may connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peers {
    /// Anybody.
    Anybody,
    /// Only [`Config::trusted_proxies`]: the listener is plain, and others could reach it.
    Proxies,
}

/// Whether proxies begin each connection with a header of the PROXY protocol, and have to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// It is not spoken.
    Off,
    /// [`Config::trusted_proxies`] speak it.
    Spoken,
}

/// What browsers are told for two years, over TLS: to come over TLS only (RFC 6797).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hsts {
    /// Nothing.
    Off,
    /// To this host.
    Host,
    /// And to all hosts whose names end with this one's: what else is there must speak TLS, too.
    Subdomains,
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
    /// New sessions per minute of pages whose origin is `null`, from all addresses together; a tenth of
    /// it from each.
    pub opaque_session: u32,
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
        RATES
    }
}

/// A fault in a [`Config`]. It describes values; the program adds the names of their options.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Keys, tokens or absences that do not fit together.
    #[error(transparent)]
    Lifetime(#[from] LifetimeError),
    /// Not an origin as browsers send it.
    #[error(
        "{0:?} is not an origin: write scheme://host or scheme://host:port in lower case, and nothing after it, \
         or null for pages from files"
    )]
    Origin(String),
    /// Not an origin whose pages could be named in a policy.
    #[error(
        "{0:?} is not an origin: write scheme://host or scheme://host:port in lower case, and nothing after it"
    )]
    FrameAncestor(String),
    /// Nobody could meet.
    #[error("no way to meet is offered: choose random, invite or both")]
    NoMatching,
    /// Nobody could offer help.
    #[error("nobody could offer help: name the key that signs passes")]
    NoPassKey,
    /// Nobody could name a topic.
    #[error("the list of topics is empty")]
    NoTopics,
    /// Only proxies may connect, and none is named.
    #[error("nobody could connect: name the networks of the proxies that may")]
    NoProxy,
    /// Proxies are to speak the PROXY protocol, and none is named.
    #[error("nobody would be believed: name the networks of the proxies that speak it")]
    NobodyNames,
    /// Proxies that speak in the clear are in a network that others can listen to.
    #[error("{0} is not a private network: what goes there in the clear, others can read")]
    PublicProxy(IpNet),
    /// A time of no length.
    #[error("it must be more than zero")]
    Zero(Wait),
    /// Clients would be closed before they were told to come back.
    #[error("the spread of a drain ({spread:?}) must be shorter than the wait for its end ({wait:?})")]
    Drain {
        /// [`Config::drain_spread`].
        spread: Duration,
        /// [`Config::drain_wait`].
        wait: Duration,
    },
}

/// A time that must not be zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// [`Config::heartbeat`].
    Heartbeat,
    /// [`Config::pong_wait`].
    Pong,
    /// [`Config::upgrade_wait`].
    Upgrade,
}

impl Config {
    /// Whether the operator offers this topic.
    pub(crate) fn offers(&self, topic: &Topic) -> bool {
        self.topics.as_ref().is_none_or(|offered| offered.iter().any(|offer| offer.topic == *topic))
    }

    /// The defaults.
    pub fn new(node: NodeId, boot: BootId) -> Self {
        Self {
            node,
            boot,
            lifetimes: Lifetimes::default(),
            trusted_proxies: Vec::new(),
            proxy_protocol: ProxyProtocol::Off,
            allowed_origins: Vec::new(),
            frame_ancestors: Vec::new(),
            topics: None,
            matching: MATCHING,
            helpers: HELPERS,
            passes: None,
            about: About::default(),
            desk: Desk::default(),
            rates: RATES,
            connections: None,
            connections_per_address: CONNECTIONS_PER_ADDRESS,
            peers: Peers::Anybody,
            hsts: HSTS,
            admission: None,
            waiting_per_address: WAITING_PER_ADDRESS,
            heartbeat: HEARTBEAT,
            pong_wait: PONG_WAIT,
            upgrade_wait: UPGRADE_WAIT,
            public_url: None,
            drain_spread: DRAIN_SPREAD,
            drain_wait: DRAIN_WAIT,
            topology: Topology::Cluster,
            ready_needs: Vec::new(),
            orders: Standing::default(),
        }
    }

    /// All faults, so that an operator can correct them at once.
    pub fn check(&self) -> Vec<ConfigError> {
        let mut faults: Vec<_> = self.lifetimes.check().into_iter().map(ConfigError::from).collect();
        let no_origins = self.allowed_origins.iter().filter(|origin| *origin != OPAQUE && !is_origin(origin));
        faults.extend(no_origins.cloned().map(ConfigError::Origin));
        let no_ancestors = self.frame_ancestors.iter().filter(|origin| !is_origin(origin));
        faults.extend(no_ancestors.cloned().map(ConfigError::FrameAncestor));
        if !self.matching.random && !self.matching.invite {
            faults.push(ConfigError::NoMatching);
        }
        if self.helpers == Helpers::Pass && self.passes.is_none() {
            faults.push(ConfigError::NoPassKey);
        }
        if self.topics.as_ref().is_some_and(Vec::is_empty) {
            faults.push(ConfigError::NoTopics);
        }
        if self.peers == Peers::Proxies {
            if self.trusted_proxies.is_empty() {
                faults.push(ConfigError::NoProxy);
            }
            let public = self.trusted_proxies.iter().filter(|network| !is_private_network(network));
            faults.extend(public.copied().map(ConfigError::PublicProxy));
        }
        if self.proxy_protocol == ProxyProtocol::Spoken && self.trusted_proxies.is_empty() {
            faults.push(ConfigError::NobodyNames);
        }
        let waits = [
            (Wait::Heartbeat, self.heartbeat),
            (Wait::Pong, self.pong_wait),
            (Wait::Upgrade, self.upgrade_wait),
        ];
        let zero = waits.into_iter().filter(|(_, time)| time.is_zero());
        faults.extend(zero.map(|(wait, _)| ConfigError::Zero(wait)));
        if self.drain_spread >= self.drain_wait {
            faults.push(ConfigError::Drain { spread: self.drain_spread, wait: self.drain_wait });
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> Config {
        Config::new("n1".parse().unwrap(), BootId(1))
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
    fn all_faults_are_reported_at_once() {
        let all = faults(|c| {
            c.lifetimes.grace = Duration::ZERO;
            c.allowed_origins = vec!["*".into(), "https://chat.example".into(), "null".into(), "Null".into()];
            c.frame_ancestors =
                vec!["https://*.example".into(), "null".into(), "https://site.example".into()];
            c.matching = Matching { random: false, invite: false };
            c.helpers = Helpers::Pass;
            c.topics = Some(Vec::new());
            (c.heartbeat, c.pong_wait, c.upgrade_wait) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
            c.drain_spread = c.drain_wait;
        });
        let expected = [
            ConfigError::Lifetime(LifetimeError::Grace {
                grace: Duration::ZERO,
                token_life: Lifetimes::default().token_life,
            }),
            ConfigError::Origin("*".into()),
            ConfigError::Origin("Null".into()),
            ConfigError::FrameAncestor("https://*.example".into()),
            ConfigError::FrameAncestor("null".into()),
            ConfigError::NoMatching,
            ConfigError::NoPassKey,
            ConfigError::NoTopics,
            ConfigError::Zero(Wait::Heartbeat),
            ConfigError::Zero(Wait::Pong),
            ConfigError::Zero(Wait::Upgrade),
            ConfigError::Drain { spread: DRAIN_WAIT, wait: DRAIN_WAIT },
        ];
        assert_eq!(all, expected);
    }
}
