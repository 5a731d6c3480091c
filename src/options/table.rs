//! The one table of options. Flags, environment variables, checks, `--help` and `docs/options.md`
//! all come from it.
//!
//! To add an option, add a row here and read it in [`configuration`](super::configuration); the
//! tests report what is missing.

use std::{
    borrow::Cow,
    marker::PhantomData,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use gateway::{
    about::{self, ExitUrl, Shown},
    config::{self, Hsts, Matching, OfferedTopic},
};
use ipnet::IpNet;
use pairing::FairBy;
use schemas::{NodeId, Service, lifetimes};
use serving::socket::Address;

use super::{
    faults::Place,
    role::Role,
    spec::{Group, Optional, Row, Setting, Spec},
    value::{
        Addresses, Admission, Bound, CertificateName, Most, Origins, OtlpEndpoint, PublicUrl, Rate, SAMPLE,
        Sample, Switch, Urls,
    },
};
use crate::telemetry::{LogFormat, syslog};

const EVERY: &[Role] = &Role::ALL;
const NODES: &[Role] = &Role::NODES;
const GATEWAYS: &[Role] = &[Role::Serve, Role::Gateway];
/// The roles that match people.
const PAIRING_NODES: &[Role] = &[Role::Serve, Role::Pairing];
/// The roles that rely on how long tokens are valid.
const TOKEN_NODES: &[Role] = &[Role::Serve, Role::Gateway, Role::Janitor];

/// Where clients connect, and where operators ask, if nothing is said.
const CLIENTS: &[Address] = &[on_loopback(8080)];
const OPERATORS: &[Address] = &[on_loopback(9090)];

const fn on_loopback(port: u16) -> Address {
    Address::Tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
}

/// Defines each row as a static of its value's type, and the table of all rows. A row without one
/// of the fields does not compile.
macro_rules! table {
    ($($id:ident: $type:ty {
        name: $name:literal, group: $group:ident, roles: $roles:expr,
        $kind:ident: $value:expr, example: $example:literal, $(required_by: $required:expr,)?
        help: $help:literal,
    })*) => {
        $(row! {
            $kind $id: $type = $value, [$($required)?], Spec {
                name: $name,
                group: Group::$group,
                roles: $roles,
                example: $example,
                help: $help,
            }
        })*

        /// All options, in the order in which they are shown.
        pub static TABLE: &[&dyn Row] = &[$(&$id),*];
    };
}

macro_rules! row {
    (default $id:ident: $type:ty = $value:expr, [], $spec:expr) => {
        pub static $id: Setting<$type> = Setting { spec: $spec, default: $value };
    };
    (without $id:ident: $type:ty = $value:expr, [], $spec:expr) => {
        row! { without $id: $type = $value, [&[]], $spec }
    };
    (without $id:ident: $type:ty = $value:expr, [$required:expr], $spec:expr) => {
        pub static $id: Optional<$type> =
            Optional { spec: $spec, without: $value, required_by: $required, kind: PhantomData };
    };
}

table! {
    CONFIG: PathBuf {
        name: "config", group: Configuration, roles: EVERY,
        without: "no file", example: "/etc/cipher-chat/options.toml",
        help: "File of options (TOML), under their names without the hyphens before them; the \
            environment and the command line win over it. `cipher-chat config` writes one.",
    }
    LISTEN: Addresses {
        name: "listen", group: Listeners, roles: GATEWAYS,
        default: Addresses(Cow::Borrowed(CLIENTS)), example: "0.0.0.0:443",
        help: "Addresses that clients connect to: the page, REST and WebSockets. IP:PORT, where [::] \
            stands for all addresses of IPv6 and IPv4, or unix:/PATH, for a proxy on this machine. Any \
            but a loopback address and a Unix socket needs --tls-cert and --tls-key. A Unix socket \
            is always plain; a client there counts as 127.0.0.1.",
    }
    INSECURE_LISTEN: SocketAddr {
        name: "insecure-listen", group: Listeners, roles: GATEWAYS,
        without: "--listen", example: "172.17.0.2:8080",
        help: "Instead of --listen, an address that clients connect to without TLS although other \
            machines can reach it: for a container behind a proxy of the same host. Only the \
            networks of --trusted-proxy may connect, which must be private ones.",
    }
    OPS_LISTEN: Addresses {
        name: "ops-listen", group: Listeners, roles: EVERY,
        default: Addresses(Cow::Borrowed(OPERATORS)), example: "10.0.0.1:9090",
        help: "Addresses of health checks, metrics and the console: IP:PORT or unix:/PATH. Loopback addresses and \
            Unix sockets are plain. Any other needs TLS, and --ops-tls-client-ca, --tls-client-ca or \
            --ops-token-file.",
    }
    TLS_CERT: PathBuf {
        name: "tls-cert", group: Listeners, roles: EVERY,
        without: "no TLS", example: "server.pem",
        help: "File of the certificate chain (PEM) that this server shows to clients.",
    }
    TLS_KEY: PathBuf {
        name: "tls-key", group: Listeners, roles: EVERY,
        without: "no TLS", example: "server.key",
        help: "File of the certificate's private key (PEM).",
    }
    TLS_CLIENT_CA: PathBuf {
        name: "tls-client-ca", group: Listeners, roles: EVERY,
        without: "no client certificate needed", example: "proxies.pem",
        help: "File of the certificate authorities (PEM) of which every client must show a \
            certificate, such as Nginx's.",
    }
    TLS_CLIENT_NAME: CertificateName {
        name: "tls-client-name", group: Listeners, roles: GATEWAYS,
        without: "any name", example: "proxy.internal",
        help: "DNS name that the certificate of a client of --listen must be valid for.",
    }
    TLS_CLIENT_NAMES: PathBuf {
        name: "tls-client-names", group: Listeners, roles: GATEWAYS,
        without: "any name", example: "edge-names.txt",
        help: "File of such names, one a line, of which the certificate must be valid for one. \
            `cipher-chat pki` writes it.",
    }
    OPS_TLS_CERT: PathBuf {
        name: "ops-tls-cert", group: Listeners, roles: EVERY,
        without: "--tls-cert", example: "operations.pem",
        help: "File of the certificate chain (PEM) of --ops-listen, if it is another than --tls-cert. \
            With it, who connects there is checked by the --ops-tls- options alone.",
    }
    OPS_TLS_KEY: PathBuf {
        name: "ops-tls-key", group: Listeners, roles: EVERY,
        without: "--tls-key", example: "operations.key",
        help: "File of that certificate's private key (PEM).",
    }
    OPS_TLS_CLIENT_CA: PathBuf {
        name: "ops-tls-client-ca", group: Listeners, roles: EVERY,
        without: "--tls-client-ca", example: "operations-ca.pem",
        help: "File of the certificate authorities (PEM) of who may read health and metrics.",
    }
    OPS_TLS_CLIENT_NAMES: PathBuf {
        name: "ops-tls-client-names", group: Listeners, roles: EVERY,
        without: "any name", example: "operations-names.txt",
        help: "File of DNS names, one a line, of which the certificate of who reads health and \
            metrics must be valid for one.",
    }
    OPS_TOKEN_FILE: PathBuf {
        name: "ops-token-file", group: Listeners, roles: EVERY,
        without: "no token needed", example: "ops.token",
        help: "File with a token that whoever reads health and metrics from another machine has to \
            show, as Authorization: Bearer. With --ops-tls-client-ca it is needed besides the \
            certificate, without it instead of one.",
    }
    NATS: Urls {
        name: "nats", group: Bus, roles: EVERY,
        without: "a bus inside this process", example: "nats://127.0.0.1:4222",
        required_by: &[Role::Gateway, Role::Pairing, Role::Janitor, Role::Console],
        help: "NATS servers that connect this node with the others: nats://HOST:PORT or \
            tls://HOST:PORT. Any but a loopback address needs TLS.",
    }
    NATS_CA: PathBuf {
        name: "nats-ca", group: Bus, roles: EVERY,
        without: "TLS only as tls:// asks for it", example: "nats-ca.pem",
        help: "File of the certificate authorities (PEM) of the NATS servers. With it, TLS is \
            required.",
    }
    NATS_CERT: PathBuf {
        name: "nats-cert", group: Bus, roles: EVERY,
        without: "no certificate", example: "node.pem",
        help: "File of this node's certificate for NATS (PEM).",
    }
    NATS_KEY: PathBuf {
        name: "nats-key", group: Bus, roles: EVERY,
        without: "no certificate", example: "node.key",
        help: "File of that certificate's private key (PEM).",
    }
    NODE_ID: NodeId {
        name: "node-id", group: Bus, roles: EVERY,
        without: "the name in --nats-cert, else random", example: "gateway-1",
        help: "Name of this node on the bus, 1 to 64 of A-Z a-z 0-9 _ -. With certificates it \
            is the common name, or a DNS name, of the node's own.",
    }
    ORDER_KEY: PathBuf {
        name: "order-key", group: Orders, roles: NODES,
        without: "no order is taken", example: "orders.pub",
        help: "File of the public half of the key (PEM) with which the operator signs orders. `cipher-chat \
            pki` writes it; `cipher-chat order` gives orders.",
    }
    ORDERS: PathBuf {
        name: "orders", group: Orders, roles: NODES,
        without: "what other nodes know", example: "/etc/cipher-chat/orders",
        help: "File of signed orders that are in force from the start, as `cipher-chat order --out` writes \
            it: what is meant to outlast a restart of all nodes. It needs --order-key.",
    }
    TRUSTED_PROXY: Vec<IpNet> {
        name: "trusted-proxy", group: Service, roles: GATEWAYS,
        without: "none", example: "10.0.0.0/8",
        help: "Networks of proxies whose X-Forwarded-For header is believed.",
    }
    PROXY_PROTOCOL: Switch {
        name: "proxy-protocol", group: Service, roles: GATEWAYS,
        default: Switch::Off, example: "true",
        help: "Whether the proxies of --trusted-proxy begin each connection with a header of the PROXY \
            protocol, version 1 or 2, which names the client: for proxies that pass TLS through. A \
            connection of such a proxy without the header is refused, and so is a header of anybody \
            else. The option alone means true.",
    }
    ALLOWED_ORIGIN: Origins {
        name: "allowed-origin", group: Service, roles: GATEWAYS,
        without: "none", example: "https://chat.example",
        help: "Web origins, besides this server's own, whose pages may use it. null stands for pages that \
            are opened from files (`cipher-chat page --single-file`), and so for sandboxed frames of \
            any site: --null-session-rate bounds them.",
    }
    FRAME_ANCESTORS: Origins {
        name: "frame-ancestors", group: Service, roles: GATEWAYS,
        without: "none: nobody", example: "https://www.example.org",
        help: "Web origins whose pages may show /embed in a frame. Without it there is no /embed, and \
            nothing else may be framed by anybody.",
    }
    ADMISSION: Admission {
        name: "admission", group: Service, roles: GATEWAYS,
        default: Admission(None), example: "300000",
        help: "What a new session costs whoever opens it: off, or the number of hashes of a proof of \
            work, on average. 300000 take a phone about a second. Where many sessions are opened from \
            one network lately it is up to four times as many.",
    }
    HSTS: Hsts {
        name: "hsts", group: Service, roles: GATEWAYS,
        default: config::HSTS, example: "subdomains",
        help: "What browsers that come over TLS are told for two years (Strict-Transport-Security): \
            host: to come to this host over TLS only; subdomains: to all hosts below it, too; off: \
            nothing.",
    }
    TOPICS: Vec<OfferedTopic> {
        name: "topics", group: Service, roles: GATEWAYS,
        without: "any", example: "music,books",
        help: "Topics that people may choose from.",
    }
    MATCHING: Matching {
        name: "matching", group: Service, roles: GATEWAYS,
        default: config::MATCHING, example: "invite",
        help: "Ways in which people may meet: random (by topic or by chance), invite (by a \
            link), or both.",
    }
    OPERATOR_NAME: Shown<{ about::NAME_CHARS }> {
        name: "operator-name", group: Service, roles: GATEWAYS,
        without: "not shown", example: "Anna's Help Line",
        help: "Who runs this server, for the start screen and GET /v1/status: 80 characters at most.",
    }
    OPERATOR_CONTACT: Shown<{ about::CONTACT_CHARS }> {
        name: "operator-contact", group: Service, roles: GATEWAYS,
        without: "not shown", example: "help@example.org",
        help: "How the operator is reached, shown with the name: 200 characters at most.",
    }
    WELCOME: PathBuf {
        name: "welcome", group: Service, roles: GATEWAYS,
        without: "none", example: "/etc/cipher-chat/welcome.txt",
        help: "File of a plain text for the start screen, such as who answers and when: 2000 \
            characters at most, read at start.",
    }
    CONSENT: Shown<{ about::CONSENT_CHARS }> {
        name: "consent", group: Service, roles: GATEWAYS,
        without: "none", example: "I am 16 or older.",
        help: "What a person has to tick on the page before a stranger is looked for: 400 characters \
            at most. The server cannot know who has ticked it.",
    }
    EXIT_URL: ExitUrl {
        name: "exit-url", group: Service, roles: GATEWAYS,
        without: "about:blank", example: "https://www.example.org/weather",
        help: "Where the page goes when a person leaves quickly: an everyday page tells less than an \
            empty one. That site sees the person's address, but not where it came from.",
    }
    READY_NEEDS: Vec<Service> {
        name: "ready-needs", group: Service, roles: GATEWAYS,
        without: "none: /readyz says degraded", example: "pairing,janitor",
        help: "Roles without which /readyz of a gateway says 503: pairing, janitor. Without them \
            chats go on, so by default nobody is sent away.",
    }
    FAIR_BY: FairBy {
        name: "fair-by", group: Service, roles: PAIRING_NODES,
        default: FairBy::Origin, example: "age",
        help: "Whose turn it is among strangers: origin (client addresses have turns in \
            rotation, so that nobody meets everybody) or age (whoever has waited longest is \
            first).",
    }
    KEY_ROTATION: Duration {
        name: "key-rotation", group: Lifetimes, roles: TOKEN_NODES,
        default: lifetimes::KEY_ROTATION, example: "2h",
        help: "How long a gateway signs with one key: --token-life or longer, and the same on \
            all nodes.",
    }
    TOKEN_LIFE: Duration {
        name: "token-life", group: Lifetimes, roles: TOKEN_NODES,
        default: lifetimes::TOKEN_LIFE, example: "20m",
        help: "How long a session's token is valid: 2s to 24h, and the same on all nodes. \
            Clients renew it at half of that.",
    }
    GRACE: Duration {
        name: "grace", group: Lifetimes, roles: TOKEN_NODES,
        default: lifetimes::GRACE, example: "2m",
        help: "How long a side of a room may stay away before the room ends: more than 0, less \
            than half of --token-life, and the same on all nodes.",
    }
    SESSION_RATE: Rate {
        name: "session-rate", group: Limits, roles: GATEWAYS,
        default: Rate(config::RATES.session), example: "100",
        help: "New sessions per client address and minute; of an IPv6 /56 four times as many, of a \
            /48 sixteen times.",
    }
    NULL_SESSION_RATE: Rate {
        name: "null-session-rate", group: Limits, roles: GATEWAYS,
        default: Rate(config::RATES.opaque_session), example: "300",
        help: "New sessions per minute of pages whose origin is null, where --allowed-origin names it: \
            from all client addresses together, and a tenth of it from each. They do not count for \
            --session-rate.",
    }
    CONNECT_RATE: Rate {
        name: "connect-rate", group: Limits, roles: GATEWAYS,
        default: Rate(config::RATES.connect), example: "200",
        help: "WebSocket upgrades without a valid token per client address and minute. At 0 \
            upgrades with a token are not limited either.",
    }
    FIND_RATE: Rate {
        name: "find-rate", group: Limits, roles: GATEWAYS,
        default: Rate(config::RATES.find), example: "100",
        help: "Requests to find somebody, resume, leave and the like per session and minute.",
    }
    FRAME_RATE: Rate {
        name: "frame-rate", group: Limits, roles: GATEWAYS,
        default: Rate(config::RATES.frame), example: "100",
        help: "WebSocket frames per connection and second.",
    }
    BYTE_RATE: Rate {
        name: "byte-rate", group: Limits, roles: GATEWAYS,
        default: Rate(config::RATES.byte), example: "1000000",
        help: "Bytes per connection and second.",
    }
    CONNECTIONS: Most {
        name: "connections", group: Limits, roles: GATEWAYS,
        without: "the limit of open files less 96", example: "100",
        help: "Open connections in all, of whatever kind. 96 open files are kept for health checks, \
            metrics, the bus and the rest of the process.",
    }
    CONNECTIONS_PER_ADDRESS: Bound {
        name: "connections-per-address", group: Limits, roles: GATEWAYS,
        default: Bound(config::CONNECTIONS_PER_ADDRESS), example: "5000",
        help: "Open connections per client address; of an IPv6 /56 four times as many, of a /48 \
            sixteen times.",
    }
    WAITING_PER_ADDRESS: Bound {
        name: "waiting-per-address", group: Limits, roles: GATEWAYS,
        default: Bound(config::WAITING_PER_ADDRESS), example: "50",
        help: "People of one client address, or of one /48 of IPv6, that wait for strangers at \
            once.",
    }
    HEARTBEAT: Duration {
        name: "heartbeat", group: Connections, roles: GATEWAYS,
        default: config::HEARTBEAT, example: "20s",
        help: "Time between two pings of a connection: more than 0.",
    }
    PONG_WAIT: Duration {
        name: "pong-wait", group: Connections, roles: GATEWAYS,
        default: config::PONG_WAIT, example: "5s",
        help: "How long after a ping a connection is closed if nothing was received: more than \
            0.",
    }
    UPGRADE_WAIT: Duration {
        name: "upgrade-wait", group: Connections, roles: GATEWAYS,
        default: config::UPGRADE_WAIT, example: "5s",
        help: "How long a connection may take for its TLS handshake, and again for its request: \
            more than 0.",
    }
    PUBLIC_URL: PublicUrl {
        name: "public-url", group: Connections, roles: GATEWAYS,
        without: "clients are not sent to this gateway by others", example: "https://chat-1.example",
        help: "Address at which clients reach this gateway and no other, as their list of servers has \
            it. Another gateway that stops sends its clients there. Leave it out where a load \
            balancer gives all gateways one address.",
    }
    DRAIN_SPREAD: Duration {
        name: "drain-spread", group: Connections, roles: GATEWAYS,
        default: config::DRAIN_SPREAD, example: "3s",
        help: "Time over which a stopping gateway spreads the return of its clients: less than \
            --drain-wait.",
    }
    DRAIN_WAIT: Duration {
        name: "drain-wait", group: Connections, roles: GATEWAYS,
        default: config::DRAIN_WAIT, example: "20s",
        help: "How long a stopping gateway waits until it closes the connections that remain.",
    }
    LOG_FORMAT: LogFormat {
        name: "log-format", group: Logs, roles: EVERY,
        default: LogFormat::Text, example: "json",
        help: "How logs are written to standard error.",
    }
    SYSLOG: syslog::Server {
        name: "syslog", group: Logs, roles: EVERY,
        without: "standard error only", example: "10.0.0.9:514",
        help: "A syslog server that receives the logs as well: JSON in RFC 5424, over UDP, which is not \
            encrypted. Nothing waits for it; lines that are lost are counted.",
    }
    OTLP_ENDPOINT: OtlpEndpoint {
        name: "otlp-endpoint", group: Logs, roles: NODES,
        without: "no traces", example: "https://collector.example:4317",
        help: "A collector of OpenTelemetry that receives traces, by OTLP over gRPC: http://HOST:PORT or \
            https://HOST:PORT. Nothing waits for it; spans that are lost are counted. The program has to be \
            built with traces, as what is shipped is.",
    }
    OTLP_CA: PathBuf {
        name: "otlp-ca", group: Logs, roles: NODES,
        without: "the system's authorities", example: "collector-ca.pem",
        help: "File of the certificate authorities (PEM) of that collector, for https.",
    }
    TRACE_SAMPLE: Sample {
        name: "trace-sample", group: Logs, roles: NODES,
        default: SAMPLE, example: "1",
        help: "The part of all traces that is kept, from 0 (none) to 1 (all). It is decided where a trace \
            begins; every node that goes on with it keeps its part, too.",
    }
}

/// Where the faults of an option are shown.
pub fn place(row: &dyn Row) -> Place {
    let number = TABLE.iter().position(|other| other.spec().name == row.spec().name);
    Place::Option(number.unwrap_or(TABLE.len()))
}
