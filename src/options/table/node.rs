//! What every node is told: where its options stand, who reaches it and how, its bus, the operator's
//! orders, and what it says to operators.

use std::{
    borrow::Cow,
    marker::PhantomData,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use schemas::NodeId;
use serving::socket::Address;

use super::GATEWAYS;
use crate::{
    options::{
        role::Role,
        spec::{Group, Optional, Row, Setting, Spec},
        value::{Addresses, CertificateName, OtlpEndpoint, SAMPLE, Sample, Urls},
    },
    telemetry::{LogFormat, syslog},
};

const EVERY: &[Role] = &Role::ALL;
const NODES: &[Role] = &Role::NODES;

/// Where clients connect, and where operators ask, if nothing is said.
const CLIENTS: &[Address] = &[on_loopback(8080)];
const OPERATORS: &[Address] = &[on_loopback(9090)];

const fn on_loopback(port: u16) -> Address {
    Address::Tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
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
