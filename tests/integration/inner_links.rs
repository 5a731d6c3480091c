//! The links between the parts of a cluster: which certificate opens which door, and how keys are
//! agreed on.

use std::{collections::BTreeSet, fs, io, net::SocketAddr};

use rustls::{
    NamedGroup,
    pki_types::{PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{io::AsyncReadExt, net::TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::support::{
    http, in_time,
    nats_client::NatsClient,
    process::Process,
    secure::{Identity, Pki, SecureCluster},
};

/// A place where a certificate is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Door {
    /// A NATS server, for nodes and people.
    Bus,
    /// A NATS server, for other NATS servers.
    Route,
    /// A gateway, for proxies.
    Edge,
    /// Health and metrics of a gateway.
    GatewayOps,
    /// Health and metrics of a pairing node.
    PairingOps,
}

impl Door {
    const ALL: [Self; 5] = [Self::Bus, Self::Route, Self::Edge, Self::GatewayOps, Self::PairingOps];

    /// Whose certificate the server shows there.
    const fn authority(self) -> &'static str {
        match self {
            Self::Bus => "bus",
            Self::Route => "route",
            Self::Edge => "edge",
            Self::GatewayOps | Self::PairingOps => "operations",
        }
    }
}

struct House {
    cluster: SecureCluster,
    gateway: Process,
    pairing: Process,
}

impl House {
    async fn start() -> Self {
        let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1", "gateway-2"])).await;
        let gateway = cluster.launch_with_doors("gateway", "gateway-1").start();
        let pairing = cluster.launch_with_doors("pairing", "pairing-1").start();
        Self { cluster, gateway, pairing }
    }

    /// Whether the door opens for a client with this TLS.
    async fn opens(&self, door: Door, tls: &TlsConnector) -> bool {
        let ops = |process: &Process| SocketAddr::from(([127, 0, 0, 1], process.ops().port()));
        let answered = match door {
            Door::Bus => NatsClient::connect(self.cluster.servers[0].clients(), tls).await.map(|_| ()),
            Door::Route => is_greeted_as_a_server(self.cluster.servers[0].routes(), tls).await,
            Door::Edge => is_answered(self.gateway.address(), tls, "/").await,
            Door::GatewayOps => is_answered(ops(&self.gateway), tls, "/healthz").await,
            Door::PairingOps => is_answered(ops(&self.pairing), tls, "/healthz").await,
        };
        answered.is_ok()
    }
}

/// A TLS connection.
async fn over_tls(to: SocketAddr, tls: &TlsConnector) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(to).await?;
    tls.connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// A route is open when the other server says who it is. Before TLS it says nothing there.
async fn is_greeted_as_a_server(to: SocketAddr, tls: &TlsConnector) -> io::Result<()> {
    let greeted = async {
        let mut stream = over_tls(to, tls).await?;
        stream.read_u8().await.map(|_| ())
    };
    in_time("an answer to a route", greeted).await
}

async fn is_answered(to: SocketAddr, tls: &TlsConnector, path: &str) -> io::Result<()> {
    let asked = async {
        let stream = over_tls(to, tls).await?;
        http::over(stream, &http::request("GET", path, &[], "")).await
    };
    let answer = in_time("an answer over TLS", asked).await?;
    if answer.status == 200 { Ok(()) } else { Err(io::Error::other(format!("{answer:?}"))) }
}

/// The certificates that open this door.
fn keys_of(door: Door) -> BTreeSet<&'static str> {
    let keys: &[&str] = match door {
        Door::Bus => &[
            "gateway-1/bus",
            "gateway-2/bus",
            "pairing-1/bus",
            "pairing-2/bus",
            "janitor-1/bus",
            "janitor-2/bus",
            "console/bus",
            "ops/bus",
            "sys/bus",
        ],
        Door::Route => &["nats-1/route", "nats-2/route", "nats-3/route"],
        Door::Edge => &["nginx/edge"],
        Door::GatewayOps | Door::PairingOps => &["prometheus/operations", "collector/operations"],
    };
    keys.iter().copied().collect()
}

#[tokio::test]
async fn each_certificate_opens_its_own_door_and_no_other() {
    let house = House::start().await;
    let (pki, foreign) = (&house.cluster.pki, Pki::with_gateways(&["gateway-1", "gateway-2"]));
    let leaves = pki.leaves();
    assert_eq!(leaves.len(), 31, "{leaves:?}");
    let mut wrong = Vec::new();
    for door in Door::ALL {
        let keys = keys_of(door);
        for leaf in &leaves {
            let opens = house.opens(door, &pki.client(door.authority(), Some(leaf))).await;
            if opens != keys.contains(leaf.as_str()) {
                wrong.push(format!("{leaf} at {door:?}: opens is {opens}"));
            }
        }
        for leaf in keys {
            // The same names, of authorities of the same names, that are not ours.
            let (cert, key) = (foreign.file(&format!("{leaf}.pem")), foreign.file(&format!("{leaf}.key")));
            let chain = rustls::pki_types::CertificateDer::from_pem_file(cert).unwrap();
            let identity = (vec![chain], PrivateKeyDer::from_pem_file(key).unwrap());
            if house.opens(door, &pki.client_with(door.authority(), Some(identity))).await {
                wrong.push(format!("a foreign {leaf} at {door:?}"));
            }
        }
        if house.opens(door, &pki.client(door.authority(), None)).await {
            wrong.push(format!("no certificate at {door:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The certificate and key of a leaf, kept from before they are replaced.
fn stolen(pki: &Pki, leaf: &str) -> Identity {
    let chain = rustls::pki_types::CertificateDer::from_pem_file(pki.file(&format!("{leaf}.pem"))).unwrap();
    (vec![chain], PrivateKeyDer::from_pem_file(pki.file(&format!("{leaf}.key"))).unwrap())
}

fn copy((chain, key): &Identity) -> Identity {
    (chain.clone(), key.clone_key())
}

#[tokio::test]
async fn a_revoked_certificate_opens_nothing_and_its_successor_does() {
    let house = House::start().await;
    let pki = &house.cluster.pki;
    let cases = [
        ("gateway-2/bus", "gateway-2", Door::Bus),
        ("ops/bus", "ops", Door::Bus),
        ("nginx/edge", "nginx", Door::Edge),
        ("prometheus/operations", "prometheus", Door::GatewayOps),
    ];
    let stolen = cases.map(|(leaf, ..)| stolen(pki, leaf));
    for (_, name, _) in cases {
        pki.run(&[("--revoke", name)]);
    }
    for server in &house.cluster.servers {
        server.reload().await;
    }
    // What a node is told when it starts.
    let cluster = house.cluster;
    drop(house.gateway);
    let gateway = cluster.launch_with_doors("gateway", "gateway-1").start();
    let house = House { cluster, gateway, pairing: house.pairing };
    let pki = &house.cluster.pki;
    for ((leaf, _, door), old) in cases.iter().zip(&stolen) {
        let old = pki.client_with(door.authority(), Some(copy(old)));
        assert!(!house.opens(*door, &old).await, "the old {leaf} at {door:?}");
        let new = pki.client(door.authority(), Some(leaf));
        assert!(house.opens(*door, &new).await, "the new {leaf} at {door:?}");
    }
}

/// In place of a certificate whoever watches may show a token.
#[tokio::test]
async fn a_watcher_without_a_certificate_needs_the_token() {
    let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1"])).await;
    let token = "kYl3xv2Q9pXw8nBz5rTc7uHd4mJf6aGe";
    fs::write(cluster.pki.file("ops.token"), format!("{token}\n")).unwrap();
    let own = |file: &str| cluster.pki.text(&format!("pairing-1/{file}"));
    let launch = cluster
        .launch("pairing", "pairing-1")
        .set("ops-listen", "0.0.0.0:0")
        .set("ops-tls-cert", &own("operations.pem"))
        .set("ops-tls-key", &own("operations.key"));
    let refused = launch.command().output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "neither an authority nor a token");
    let node = launch.set("ops-token-file", &cluster.pki.text("ops.token")).start();
    let tls = cluster.pki.client("operations", None);
    let ask = async |authorization: Option<&str>| {
        let stream = over_tls(([127, 0, 0, 1], node.ops().port()).into(), &tls).await?;
        let headers: Vec<_> = authorization.map(|value| ("authorization", value)).into_iter().collect();
        http::over(stream, &http::request("GET", "/metrics", &headers, "")).await
    };
    for wrong in [None, Some("Bearer "), Some("Bearer kYl3xv2Q9pXw8nBz5rTc7uHd4mJf6aGf"), Some("Basic abc")] {
        let answer = in_time("a refusal", ask(wrong)).await.unwrap();
        assert_eq!(answer.problem(), (401, "no-token".to_owned()), "{wrong:?}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    let answer = in_time("the metrics", ask(Some(&format!("Bearer {token}")))).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("cipher_chat_pairing_waiting "));
    assert!(!node.log().contains(token));
}

/// Inner links are kept from whoever records them today and has a quantum computer later.
#[tokio::test]
async fn keys_of_inner_links_are_agreed_on_in_a_hybrid_way() {
    let house = House::start().await;
    let (pki, server) = (&house.cluster.pki, &house.cluster.servers[0]);
    let client = NatsClient::connect(server.clients(), &pki.client("bus", Some("ops/bus"))).await.unwrap();
    assert_eq!(client.tls().negotiated_key_exchange_group().unwrap().name(), NamedGroup::X25519MLKEM768);
    for (address, authority, leaf) in [
        (server.routes(), "route", "nats-2/route"),
        (house.gateway.address(), "edge", "nginx/edge"),
        (([127, 0, 0, 1], house.gateway.ops().port()).into(), "operations", "prometheus/operations"),
    ] {
        let stream = over_tls(address, &pki.client(authority, Some(leaf))).await.unwrap();
        let group = stream.get_ref().1.negotiated_key_exchange_group();
        assert_eq!(group.unwrap().name(), NamedGroup::X25519MLKEM768, "{leaf}");
    }
}

/// The nodes themselves: their servers offer nothing else.
#[tokio::test]
async fn a_node_connects_to_servers_that_know_only_the_hybrid_group() {
    let hybrid = |configuration: String| {
        let both = r#"["X25519MLKEM768", "X25519"]"#;
        assert!(configuration.contains(both));
        configuration.replace(both, r#"["X25519MLKEM768"]"#)
    };
    let cluster = SecureCluster::start_with(Pki::with_gateways(&["gateway-1"]), hybrid).await;
    let gateway = cluster.launch("gateway", "gateway-1").ready().await;
    assert_eq!(gateway.metric("bus_connects_total").await, 1.0);
    cluster.has_no_violation();
}

#[test]
fn the_deployed_configuration_has_nobody_without_a_name() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/nats/nats.conf")).unwrap();
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.starts_with('#')).collect();
    for forbidden in ["no_auth_user", "jetstream", "trace: true", "debug: true", "allow_responses"] {
        assert!(!lines.iter().any(|line| line.contains(forbidden)), "{forbidden}");
    }
    for needed in
        ["verify_and_map: true", "verify: true", "no_advertise: true", "max_payload: 192KB", "trace: false"]
    {
        assert!(lines.contains(&needed), "{needed}");
    }
    assert_eq!(lines.iter().filter(|line| **line == r#"min_version: "1.3""#).count(), 2);
}
