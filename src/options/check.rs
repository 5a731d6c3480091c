//! From text to what the services take, with every fault named.

use std::{
    collections::BTreeSet,
    fmt,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use bus::NatsOptions;
use gateway::config::{Config, Matching, OfferedTopic, RateConfig, TlsFiles};
use ipnet::IpNet;
use schemas::{BootId, NodeId};
use session::Topology;

use super::{GatewayOptions, NodeOptions};
use crate::{duration, roles::Role, telemetry::LogFormat};

/// What the roles of one process are told.
#[derive(Debug)]
pub struct Roles {
    /// The gateway's part, which holds what is common to all.
    pub gateway: Config,
    /// The bus; `None` is the one in this process.
    pub nats: Option<NatsOptions>,
    /// How logs are written.
    pub log_format: LogFormat,
}

/// Everything that is wrong with the options.
#[derive(Debug, PartialEq, Eq)]
pub struct Faults(Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.0 {
            writeln!(f, "cipher-chat: {fault}")?;
        }
        write!(f, "cipher-chat: see --help")
    }
}

/// Checks all options.
///
/// # Errors
/// With every fault that they have.
pub fn check(role: Role, options: &GatewayOptions) -> Result<Roles, Faults> {
    let mut checker = Checker(Vec::new());
    let node = checker.node_id(role, options.node.node_id.as_deref());
    let mut config = Config::new(node, BootId(rand::random()));
    checker.listeners(&mut config, options);
    checker.lists(&mut config, options);
    checker.numbers(&mut config, options);
    checker.times(&mut config, options);
    let nats = checker.nats(role, &options.node);
    let log_format = options.node.log_format.as_deref().map_or(Ok(LogFormat::Text), LogFormat::parse);
    let log_format = checker.keep("--log-format", log_format).unwrap_or(LogFormat::Text);
    if role == Role::Serve && nats.is_none() {
        config.topology = Topology::Standalone;
    }
    // What does not hang together is only told of options that are well-formed each.
    if checker.0.is_empty() {
        checker.0.extend(config.check().iter().map(ToString::to_string));
    }
    let faults: BTreeSet<_> = checker.0.into_iter().collect();
    if faults.is_empty() {
        Ok(Roles { gateway: config, nats, log_format })
    } else {
        Err(Faults(faults.into_iter().collect()))
    }
}

/// Collects faults.
struct Checker(Vec<String>);

impl Checker {
    fn keep<T>(&mut self, option: &str, result: Result<T, impl fmt::Display>) -> Option<T> {
        result.map_err(|fault| self.0.push(format!("{option}: {fault}"))).ok()
    }

    fn set<T>(
        &mut self,
        option: &str,
        text: Option<&String>,
        parse: impl FnOnce(&str) -> Result<T, String>,
        to: &mut T,
    ) {
        if let Some(value) = text.and_then(|text| self.keep(option, parse(text))) {
            *to = value;
        }
    }

    fn node_id(&mut self, role: Role, text: Option<&str>) -> NodeId {
        let name = text.and_then(|text| {
            let form = "a node's name has 1 to 64 of A-Z a-z 0-9 _ -, and is not a role's";
            self.keep("--node-id", text.parse::<NodeId>().map_err(|_| format!("{text:?}: {form}")))
        });
        // Well-formed by construction: a role's word, a hyphen, 16 hexadecimal digits.
        #[expect(clippy::expect_used, reason = "see above")]
        name.unwrap_or_else(|| {
            format!("{}-{:016x}", role.word(), rand::random::<u64>()).parse().expect("a node id")
        })
    }

    fn listeners(&mut self, config: &mut Config, options: &GatewayOptions) {
        self.set("--listen", options.listen.as_ref(), address, &mut config.listen);
        config.ops_listen = SocketAddr::from(([127, 0, 0, 1], 9090));
        self.set("--ops-listen", options.node.ops_listen.as_ref(), address, &mut config.ops_listen);
        let node = &options.node;
        let path = |text: &String| PathBuf::from(text);
        config.tls = match (&node.tls_cert, &node.tls_key) {
            (Some(cert), Some(key)) => Some(TlsFiles {
                cert: path(cert),
                key: path(key),
                client_ca: node.tls_client_ca.as_ref().map(path),
                client_name: node.tls_client_name.clone(),
            }),
            (None, None) if node.tls_client_ca.is_none() && node.tls_client_name.is_none() => None,
            _ => {
                self.0
                    .push("--tls-cert and --tls-key belong together, and to every other --tls option".into());
                None
            }
        };
        let readable = config.tls.iter().flat_map(|tls| {
            let ca = tls.client_ca.as_ref().map(|ca| ("--tls-client-ca", ca));
            [("--tls-cert", &tls.cert), ("--tls-key", &tls.key)].into_iter().chain(ca)
        });
        for (option, file) in readable.collect::<Vec<_>>() {
            self.readable(option, file);
        }
    }

    fn readable(&mut self, option: &str, file: &PathBuf) {
        let opened = std::fs::File::open(file).map_err(|fault| format!("{}: {fault}", file.display()));
        self.keep(option, opened);
    }

    fn lists(&mut self, config: &mut Config, options: &GatewayOptions) {
        for text in options.trusted_proxy.iter().flat_map(|list| items(list)) {
            // A bare address is a network of one.
            let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            let wrong = format!("{text:?} is not a network: write one such as 10.0.0.0/8 or fd00::/8");
            config.trusted_proxies.extend(self.keep("--trusted-proxy", network.map_err(|_| wrong)));
        }
        config.allowed_origins =
            options.allowed_origin.iter().flat_map(|list| items(list)).map(str::to_owned).collect();
        if let Some(list) = &options.topics {
            let topic = |text: &str| text.parse().map(|topic| OfferedTopic { shown: text.to_owned(), topic });
            let offered = items(list).filter_map(|text| self.keep("--topics", topic(text)));
            config.topics = Some(offered.collect());
        }
        if let Some(list) = &options.matching {
            config.matching = Matching { random: false, invite: false };
            for way in items(list) {
                match way {
                    "random" => config.matching.random = true,
                    "invite" => config.matching.invite = true,
                    _ => self.0.push(format!(
                        "--matching: {way:?} is not a way to meet: choose random, invite or both"
                    )),
                }
            }
        }
    }

    fn numbers(&mut self, config: &mut Config, options: &GatewayOptions) {
        let RateConfig { session, connect, find, frame, byte } = &mut config.rates;
        self.set("--session-rate", options.session_rate.as_ref(), number, session);
        self.set("--connect-rate", options.connect_rate.as_ref(), number, connect);
        self.set("--find-rate", options.find_rate.as_ref(), number, find);
        self.set("--frame-rate", options.frame_rate.as_ref(), number, frame);
        self.set("--byte-rate", options.byte_rate.as_ref(), number, byte);
        let bound = &mut config.connections_per_address;
        self.set("--connections-per-address", options.connections_per_address.as_ref(), number, bound);
    }

    fn times(&mut self, config: &mut Config, options: &GatewayOptions) {
        let node = &options.node;
        let times: [(&str, &Option<String>, &mut Duration); 8] = [
            ("--key-rotation", &node.key_rotation, &mut config.key_rotation),
            ("--token-life", &node.token_life, &mut config.token_life),
            ("--grace", &node.grace, &mut config.grace),
            ("--heartbeat", &options.heartbeat, &mut config.heartbeat),
            ("--pong-wait", &options.pong_wait, &mut config.pong_wait),
            ("--upgrade-wait", &options.upgrade_wait, &mut config.upgrade_wait),
            ("--drain-spread", &options.drain_spread, &mut config.drain_spread),
            ("--drain-wait", &options.drain_wait, &mut config.drain_wait),
        ];
        for (option, text, to) in times {
            self.set(option, text.as_ref(), duration::parse, to);
        }
    }

    fn nats(&mut self, role: Role, node: &NodeOptions) -> Option<NatsOptions> {
        let urls: Vec<_> = node.nats.iter().flat_map(|list| items(list)).map(str::to_owned).collect();
        let files =
            [("--nats-ca", &node.nats_ca), ("--nats-cert", &node.nats_cert), ("--nats-key", &node.nats_key)];
        if urls.is_empty() {
            if role != Role::Serve || node.nats.is_some() {
                self.0.push("--nats: name at least one server, such as nats://127.0.0.1:4222".into());
            }
            for (option, _) in files.into_iter().filter(|(_, file)| file.is_some()) {
                self.0.push(format!("{option} needs --nats"));
            }
            return None;
        }
        if node.nats_cert.is_some() != node.nats_key.is_some() {
            self.0.push("--nats-cert and --nats-key belong together".into());
        }
        for (option, file) in files {
            if let Some(file) = file {
                self.readable(option, &PathBuf::from(file));
            }
        }
        let path = |file: &Option<String>| file.as_ref().map(PathBuf::from);
        Some(NatsOptions {
            urls,
            ca: path(&node.nats_ca),
            cert: path(&node.nats_cert),
            key: path(&node.nats_key),
        })
    }
}

/// The items of a comma-separated list.
fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let local = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    SocketAddr::from_str(local.as_deref().unwrap_or(text))
        .map_err(|_| format!("{text:?} is not an address: write IP:PORT, such as 127.0.0.1:8080 or [::]:443"))
}

fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("{text:?} is not a whole number from 0 to {}", u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_help() {
        let roles = check(Role::Serve, &GatewayOptions::default()).unwrap();
        let config = roles.gateway;
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.ops_listen.to_string(), "127.0.0.1:9090");
        let rates = [
            config.rates.session,
            config.rates.connect,
            config.rates.find,
            config.rates.frame,
            config.rates.byte,
        ];
        assert_eq!(rates, [30, 60, 30, 50, 262_144]);
        let times =
            [config.key_rotation, config.token_life, config.grace, config.heartbeat, config.pong_wait];
        assert_eq!(times.map(|time| time.as_secs()), [3600, 600, 60, 25, 10]);
        assert_eq!(
            [config.upgrade_wait, config.drain_spread, config.drain_wait].map(|time| time.as_secs()),
            [10, 5, 8]
        );
        assert_eq!(config.connections_per_address, 1000);
        assert!(config.matching.random && config.matching.invite && config.topics.is_none());
        assert!(roles.nats.is_none());
    }

    #[test]
    fn all_wrong_options_are_reported_together() {
        let text = |text: &str| Some(text.to_owned());
        let options = GatewayOptions {
            listen: text("8080"),
            trusted_proxy: vec!["10.0.0.0/8,nonsense".into()],
            topics: text("music,"),
            matching: text("random,chance"),
            session_rate: text("-1"),
            heartbeat: text("soon"),
            node: NodeOptions {
                node_id: text("a.b"),
                tls_cert: text("/nowhere"),
                nats_ca: text("/nowhere"),
                log_format: text("xml"),
                ..NodeOptions::default()
            },
            ..GatewayOptions::default()
        };
        let Faults(faults) = check(Role::Gateway, &options).unwrap_err();
        for option in [
            "--listen",
            "--trusted-proxy",
            "--matching",
            "--session-rate",
            "--heartbeat",
            "--node-id",
            "--tls-cert",
            "--nats:",
            "--nats-ca",
            "--log-format",
        ] {
            assert!(faults.iter().any(|fault| fault.starts_with(option)), "{option} in {faults:?}");
        }
    }

    #[test]
    fn plain_http_stays_on_loopback() {
        let open = GatewayOptions { listen: Some("0.0.0.0:8080".into()), ..GatewayOptions::default() };
        let Faults(faults) = check(Role::Serve, &open).unwrap_err();
        assert!(faults[0].contains("--tls-cert"), "{faults:?}");
        let local = GatewayOptions { listen: Some("localhost:1".into()), ..GatewayOptions::default() };
        assert!(check(Role::Serve, &local).is_ok());
    }
}
