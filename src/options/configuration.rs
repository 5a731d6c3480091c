//! The configuration of each role: a type of its own, which contains only what the role uses.

use bus::{ConnectError, NatsOptions, Pem};
use gateway::config::{Config, ConfigError, Peers, ProxyProtocol, RateConfig, Wait};
use pairing::FairBy;
use schemas::{
    BootId, NodeId,
    lifetimes::{LifetimeError, Lifetimes},
    subject::OPERATOR,
};
use serving::ops_token::OpsToken;
use session::Topology;

use super::{
    desk,
    faults::with_causes,
    helpers,
    listeners::{self, Listener},
    ordered::{self, OperatorOrders},
    reader::Reader,
    role::Role,
    shown,
    spec::Row,
    table::*,
    value::{OtlpEndpoint, Switch},
};
use crate::{
    sockets,
    telemetry::{
        LogFormat, syslog,
        traces::{TraceFault, TraceOptions},
    },
};

/// The configuration of one role.
pub trait Configuration: Sized {
    /// The role.
    const ROLE: Role;

    /// Reads all options of the role.
    fn read(reader: &mut Reader) -> Self;
}

/// The configuration that all roles have in common.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name on the bus.
    pub id: NodeId,
    /// The boot id of this run.
    pub boot: BootId,
    /// The listeners for health checks and metrics.
    pub ops: Vec<Listener>,
    /// What whoever watches from elsewhere has to show.
    pub ops_token: Option<OpsToken>,
    /// The format of the logs.
    pub log_format: LogFormat,
    /// Where logs go besides standard error.
    pub syslog: Option<syslog::Server>,
    /// What the operator orders while it runs.
    pub orders: OperatorOrders,
    /// Where traces go.
    pub traces: Option<TraceOptions>,
}

/// The configuration of `serve`.
#[derive(Clone, Debug)]
pub struct Serve {
    /// Common to all roles.
    pub node: Node,
    /// The NATS servers; without them the bus is inside this process.
    pub nats: Option<NatsOptions>,
    /// The listeners for clients.
    pub clients: Vec<Listener>,
    /// The gateway. The janitor uses its lifetimes, too.
    pub gateway: Config,
    /// Whose turn it is among strangers.
    pub fair_by: FairBy,
}

/// The configuration of `gateway`.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Common to all roles.
    pub node: Node,
    /// The NATS servers.
    pub nats: NatsOptions,
    /// The listeners for clients.
    pub clients: Vec<Listener>,
    /// The gateway.
    pub gateway: Config,
}

/// The configuration of `pairing`.
#[derive(Clone, Debug)]
pub struct Pairing {
    /// Common to all roles.
    pub node: Node,
    /// The NATS servers.
    pub nats: NatsOptions,
    /// Whose turn it is among strangers.
    pub fair_by: FairBy,
}

/// The configuration of `janitor`.
#[derive(Clone, Debug)]
pub struct Janitor {
    /// Common to all roles.
    pub node: Node,
    /// The NATS servers.
    pub nats: NatsOptions,
    /// When things expire that nobody renews.
    pub lifetimes: Lifetimes,
}

/// The configuration of `console`.
#[derive(Clone, Debug)]
pub struct Console {
    /// The name of whoever watches: that in the certificate for NATS.
    pub id: NodeId,
    /// Its listeners.
    pub ops: Vec<Listener>,
    /// What whoever looks from elsewhere has to show.
    pub ops_token: Option<OpsToken>,
    /// The format of the logs.
    pub log_format: LogFormat,
    /// Where logs go besides standard error.
    pub syslog: Option<syslog::Server>,
    /// The NATS servers.
    pub nats: NatsOptions,
}

impl Configuration for Serve {
    const ROLE: Role = Role::Serve;

    fn read(reader: &mut Reader) -> Self {
        let files = listeners::certificates(reader);
        let (ops, token) = listeners::ops(reader, files.as_ref());
        let (clients, peers) = listeners::clients(reader, files.as_ref(), &ops);
        let nats = nats(reader);
        let topology = if nats.is_some() { Topology::Cluster } else { Topology::Standalone };
        let node = node(reader, (ops, token), nats.as_ref());
        let gateway = gateway(reader, &node, topology, peers);
        Self { node, nats, clients, gateway, fair_by: reader.get(&FAIR_BY) }
    }
}

impl Configuration for Gateway {
    const ROLE: Role = Role::Gateway;

    fn read(reader: &mut Reader) -> Self {
        let files = listeners::certificates(reader);
        let (ops, token) = listeners::ops(reader, files.as_ref());
        let (clients, peers) = listeners::clients(reader, files.as_ref(), &ops);
        let nats = nats(reader).unwrap_or_default();
        let node = node(reader, (ops, token), Some(&nats));
        let gateway = gateway(reader, &node, Topology::Cluster, peers);
        Self { node, nats, clients, gateway }
    }
}

impl Configuration for Pairing {
    const ROLE: Role = Role::Pairing;

    fn read(reader: &mut Reader) -> Self {
        let files = listeners::certificates(reader);
        let (ops, token) = listeners::ops(reader, files.as_ref());
        let nats = nats(reader).unwrap_or_default();
        Self { node: node(reader, (ops, token), Some(&nats)), nats, fair_by: reader.get(&FAIR_BY) }
    }
}

impl Configuration for Janitor {
    const ROLE: Role = Role::Janitor;

    fn read(reader: &mut Reader) -> Self {
        let files = listeners::certificates(reader);
        let (ops, token) = listeners::ops(reader, files.as_ref());
        let nats = nats(reader).unwrap_or_default();
        let lifetimes = lifetimes(reader);
        for fault in lifetimes.check() {
            misfit(reader, &ConfigError::Lifetime(fault));
        }
        Self { node: node(reader, (ops, token), Some(&nats)), nats, lifetimes }
    }
}

impl Configuration for Console {
    const ROLE: Role = Role::Console;

    fn read(reader: &mut Reader) -> Self {
        let files = listeners::certificates(reader);
        let (ops, ops_token) = listeners::ops(reader, files.as_ref());
        let nats = nats(reader).unwrap_or_default();
        // What cannot be read has been reported already.
        let names = nats.names().ok().flatten().unwrap_or_default();
        let given = reader.find(&NODE_ID);
        // A constant of that form.
        #[expect(clippy::expect_used, reason = "see above")]
        let id = given.or(names.first().cloned()).unwrap_or_else(|| OPERATOR.parse().expect("a name"));
        let (log_format, syslog) = (reader.get(&LOG_FORMAT), reader.find(&SYSLOG));
        Self { id, ops, ops_token, log_format, syslog, nats }
    }
}

fn node(
    reader: &mut Reader,
    (ops, ops_token): (Vec<Listener>, Option<OpsToken>),
    nats: Option<&NatsOptions>,
) -> Node {
    let given = reader.find(&NODE_ID);
    // What cannot be read has been reported already.
    let names = nats.filter(|nats| nats.ca.is_some()).and_then(|nats| nats.names().ok().flatten());
    let certified = names.and_then(|names| names.into_iter().next());
    // Well-formed by construction: a role's word, a hyphen, 16 hexadecimal digits.
    #[expect(clippy::expect_used, reason = "see above")]
    let random = format!("{}-{:016x}", reader.role.word(), rand::random::<u64>()).parse().expect("a node id");
    Node {
        id: given.or(certified).unwrap_or(random),
        boot: reader.boot,
        ops,
        ops_token,
        log_format: reader.get(&LOG_FORMAT),
        syslog: reader.find(&SYSLOG),
        orders: ordered::operator_orders(reader),
        traces: traces(reader),
    }
}

fn traces(reader: &mut Reader) -> Option<TraceOptions> {
    let (endpoint, ca, sample) =
        (reader.find(&OTLP_ENDPOINT), reader.find(&OTLP_CA), reader.get(&TRACE_SAMPLE));
    let is_encrypted = endpoint.as_ref().is_some_and(OtlpEndpoint::is_encrypted);
    if ca.is_some() && !is_encrypted && reader.is_sound(&OTLP_ENDPOINT) {
        reader.wrong(&OTLP_CA, "it needs --otlp-endpoint with https://");
    }
    let options = TraceOptions { endpoint: endpoint?.0, ca, sample: sample.0 };
    match options.check() {
        Ok(()) => {}
        Err(TraceFault::Endpoint(fault)) => reader.wrong(&OTLP_ENDPOINT, &fault),
        Err(TraceFault::Authorities(fault)) => reader.conflict(&[&OTLP_ENDPOINT, &OTLP_CA], &fault),
    }
    Some(options)
}

fn lifetimes(reader: &mut Reader) -> Lifetimes {
    Lifetimes {
        key_rotation: reader.get(&KEY_ROTATION),
        token_life: reader.get(&TOKEN_LIFE),
        grace: reader.get(&GRACE),
    }
}

fn gateway(reader: &mut Reader, node: &Node, topology: Topology, peers: Peers) -> Config {
    let connections = connections(reader);
    let public_url = reader.find(&PUBLIC_URL).map(|url| url.0);
    let passes = helpers::pass_rules(reader, public_url.as_deref());
    let config = Config {
        node: node.id.clone(),
        boot: node.boot,
        lifetimes: lifetimes(reader),
        trusted_proxies: reader.find(&TRUSTED_PROXY).unwrap_or_default(),
        proxy_protocol: match reader.get(&PROXY_PROTOCOL) {
            Switch::On => ProxyProtocol::Spoken,
            Switch::Off => ProxyProtocol::Off,
        },
        allowed_origins: reader.find(&ALLOWED_ORIGIN).unwrap_or_default().0,
        frame_ancestors: reader.find(&FRAME_ANCESTORS).unwrap_or_default().0,
        topics: reader.find(&TOPICS),
        matching: reader.get(&MATCHING),
        helpers: reader.get(&HELPERS),
        passes,
        about: shown::about(reader),
        desk: desk::desk(reader),
        rates: RateConfig {
            session: reader.get(&SESSION_RATE).0,
            opaque_session: reader.get(&NULL_SESSION_RATE).0,
            connect: reader.get(&CONNECT_RATE).0,
            find: reader.get(&FIND_RATE).0,
            frame: reader.get(&FRAME_RATE).0,
            byte: reader.get(&BYTE_RATE).0,
        },
        connections,
        peers,
        hsts: reader.get(&HSTS),
        admission: reader.get(&ADMISSION).0,
        connections_per_address: reader.get(&CONNECTIONS_PER_ADDRESS).0,
        waiting_per_address: reader.get(&WAITING_PER_ADDRESS).0,
        heartbeat: reader.get(&HEARTBEAT),
        pong_wait: reader.get(&PONG_WAIT),
        upgrade_wait: reader.get(&UPGRADE_WAIT),
        public_url,
        drain_spread: reader.get(&DRAIN_SPREAD),
        drain_wait: reader.get(&DRAIN_WAIT),
        topology,
        ready_needs: reader.find(&READY_NEEDS).unwrap_or_default(),
        // Those of the process, which are there when it runs.
        orders: orders::Standing::default(),
    };
    for fault in config.check() {
        misfit(reader, &fault);
    }
    config
}

/// How many connections clients may have, if it was said; no more than there can be.
fn connections(reader: &mut Reader) -> Option<u32> {
    let most = reader.find(&CONNECTIONS)?.0;
    let room = sockets::room_for_clients();
    if most > room {
        let fault =
            format!("this process may have {room} at most: raise its limit of open files (ulimit -n)");
        reader.wrong(&CONNECTIONS, &fault);
    }
    Some(most)
}

/// Adds a fault that a library found in values, under the names of their options.
fn misfit(reader: &mut Reader, fault: &ConfigError) {
    let rows: &[&dyn Row] = match fault {
        ConfigError::Lifetime(LifetimeError::TokenLife(_)) => &[&TOKEN_LIFE],
        ConfigError::Lifetime(LifetimeError::Grace { .. }) => &[&GRACE, &TOKEN_LIFE],
        ConfigError::Lifetime(LifetimeError::Rotation { .. }) => &[&KEY_ROTATION, &TOKEN_LIFE],
        ConfigError::Origin(_) => &[&ALLOWED_ORIGIN],
        ConfigError::FrameAncestor(_) => &[&FRAME_ANCESTORS],
        ConfigError::NoMatching => &[&MATCHING],
        ConfigError::NoTopics => &[&TOPICS],
        ConfigError::NoPassKey => &[&HELPERS, &PASS_KEY],
        ConfigError::Zero(Wait::Heartbeat) => &[&HEARTBEAT],
        ConfigError::Zero(Wait::Pong) => &[&PONG_WAIT],
        ConfigError::Zero(Wait::Upgrade) => &[&UPGRADE_WAIT],
        ConfigError::NobodyNames => &[&TRUSTED_PROXY, &PROXY_PROTOCOL],
        ConfigError::NoProxy => &[&INSECURE_LISTEN, &TRUSTED_PROXY],
        ConfigError::PublicProxy(_) => &[&INSECURE_LISTEN, &TRUSTED_PROXY],
        ConfigError::Drain { .. } => &[&DRAIN_SPREAD, &DRAIN_WAIT],
    };
    reader.conflict(rows, &fault.to_string());
}

/// The NATS servers; `None` if none was given.
fn nats(reader: &mut Reader) -> Option<NatsOptions> {
    let urls = reader.find(&NATS);
    let (ca, cert, key) = (reader.find(&NATS_CA), reader.find(&NATS_CERT), reader.find(&NATS_KEY));
    let files: [&dyn Row; 3] = [&NATS_CA, &NATS_CERT, &NATS_KEY];
    for file in files {
        // Where --nats is required, its absence has been reported already.
        if reader.is_given(file) && !reader.is_given(&NATS) && reader.is_sound(&NATS) {
            reader.wrong(file, "it needs --nats");
        }
    }
    match (reader.is_given(&NATS_CERT), reader.is_given(&NATS_KEY)) {
        (true, false) => reader.wrong(&NATS_KEY, "--nats-cert needs it: give both"),
        (false, true) => reader.wrong(&NATS_CERT, "--nats-key needs it: give both"),
        _ => {}
    }
    let alone = urls.is_none();
    let options = NatsOptions { urls: urls.unwrap_or_default().0, ca, cert, key };
    for fault in options.check() {
        let rows: &[&dyn Row] = match &fault {
            // If it is required, its absence has been reported already.
            ConnectError::NoServer if alone => continue,
            ConnectError::NoServer | ConnectError::Url { .. } | ConnectError::Client(_) => &[&NATS],
            ConnectError::Plain { .. } => &[&NATS, &NATS_CA],
            ConnectError::Name { .. } => &[&NODE_ID, &NATS_CERT],
            ConnectError::File { what: Pem::Authority, .. } => &[&NATS_CA],
            ConnectError::File { what: Pem::Certificate, .. } => &[&NATS_CERT],
            ConnectError::File { what: Pem::Key, .. } => &[&NATS_KEY],
            ConnectError::Pair | ConnectError::Certificate(_) => &[&NATS_CERT, &NATS_KEY],
            ConnectError::Authorities(_) => &[&NATS_CA],
        };
        reader.conflict(rows, &with_causes(&fault));
    }
    (!alone).then_some(options)
}
