//! The links between the parts of a cluster: which certificate opens which door, and what whoever is
//! inside may say and hear on the bus.

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
            "ops/bus",
            "sys/bus",
        ],
        Door::Route => &["nats-1/route", "nats-2/route", "nats-3/route"],
        Door::Edge => &["nginx/edge"],
        Door::GatewayOps | Door::PairingOps => {
            &["prometheus/operations", "collector/operations", "console/operations"]
        }
    };
    keys.iter().copied().collect()
}

#[tokio::test]
async fn each_certificate_opens_its_own_door_and_no_other() {
    let house = House::start().await;
    let (pki, foreign) = (&house.cluster.pki, Pki::with_gateways(&["gateway-1", "gateway-2"]));
    let leaves = pki.leaves();
    assert_eq!(leaves.len(), 29, "{leaves:?}");
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

/// What somebody with one node's certificate tries.
struct Intruder {
    leaf: &'static str,
    /// On what it may publish.
    may_say: &'static [&'static str],
    /// On what it may not, although somebody may.
    may_not_say: &'static [&'static str],
    may_hear: &'static [&'static str],
    may_not_hear: &'static [&'static str],
}

const GATEWAY: Intruder = Intruder {
    leaf: "gateway-1/bus",
    may_say: &[
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.frame.gateway-2",
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.peer.gateway-2",
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.event.gateway",
        "cc.v1.presence.gateway-2",
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.at-gateway-1.gateway-2",
        "cc.v1.joined.gateway-1.AAAAAAAAAAAAAAAAAAAAAA",
        "cc.v1.present.gateway-1.gateway-2",
        "cc.v1.attached.gateway-1.AAAAAAAAAAAAAAAAAAAAAA",
        "cc.v1.want.gateway-1",
        "cc.v1.lease.gateway-1",
        "cc.v1.node.gateway.gateway-1",
        "cc.v1.orders.ask",
        "_INBOX_gateway-2.abc",
        "_INBOX_janitor-1.abc",
        // Pairing asks which orders are in force.
        "_INBOX_pairing-1.abc",
        "_INBOX_ops.abc",
    ],
    may_not_say: &[
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.at-gateway-2.gateway-2",
        "cc.v1.joined.gateway-2.AAAAAAAAAAAAAAAAAAAAAA",
        "cc.v1.present.gateway-2.gateway-1",
        "cc.v1.attached.gateway-2.AAAAAAAAAAAAAAAAAAAAAA",
        "cc.v1.want.gateway-2",
        "cc.v1.lease.gateway-2",
        "cc.v1.sync.gateway-2",
        "cc.v1.node.gateway.gateway-2",
        "cc.v1.node.pairing.gateway-1",
        "cc.v1.node.janitor.janitor-1",
        "cc.v1.match.gateway-2",
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.event.janitor",
        "cc.v1.session.AAAAAAAAAAAAAAAAAAAAAA.event.janitor",
        "cc.v1.key.AAAA.janitor",
        "cc.v1.order.pause",
        "_INBOX_sys.abc",
        "$SRV.PING",
        "$SYS.REQ.SERVER.PING",
        "cc.v2.anything",
        "anything",
    ],
    may_hear: &[
        "cc.v1.room.*.*.gateway-1",
        "cc.v1.room.*.event.*",
        "cc.v1.match.gateway-1",
        "cc.v1.joined.*.*",
        "cc.v1.present.*.gateway-1",
        "cc.v1.attached.*.*",
        "_INBOX_gateway-1.>",
    ],
    may_not_hear: &[
        ">",
        "cc.>",
        "cc.v1.room.>",
        "cc.v1.room.*.frame.*",
        "cc.v1.room.*.*.gateway-2",
        "cc.v1.room.*.peer.*",
        "cc.v1.want.*",
        "cc.v1.lease.*",
        "cc.v1.presence.gateway-2",
        "cc.v1.present.*.gateway-2",
        "cc.v1.match.*",
        "_INBOX_gateway-2.>",
        "_INBOX_*.>",
        "$SYS.>",
    ],
};

const PAIRING: Intruder = Intruder {
    leaf: "pairing-1/bus",
    may_say: &[
        "cc.v1.match.gateway-2",
        "cc.v1.node.pairing.pairing-1",
        "_INBOX_ops.abc",
        "_INBOX_pairing-1.a",
    ],
    may_not_say: &[
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.frame.gateway-1",
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.event.gateway",
        "cc.v1.want.pairing-1",
        "cc.v1.key.AAAA.gateway",
        "cc.v1.key.AAAA.pairing",
        "cc.v1.sync.pairing-1",
        "cc.v1.node.pairing.pairing-2",
        "cc.v1.node.gateway.pairing-1",
        "cc.v1.order.pause",
        "_INBOX_gateway-1.abc",
    ],
    may_hear: &["cc.v1.want.*", "cc.v1.node.gateway.*", "$SRV.PING"],
    may_not_hear: &[
        "cc.v1.room.*.frame.*",
        "cc.v1.room.*.event.*",
        "cc.v1.key.>",
        "cc.v1.session.>",
        "cc.v1.lease.*",
        "cc.v1.match.*",
        "_INBOX_gateway-1.>",
    ],
};

const JANITOR: Intruder = Intruder {
    leaf: "janitor-1/bus",
    may_say: &[
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.event.janitor",
        "cc.v1.session.AAAAAAAAAAAAAAAAAAAAAA.event.janitor",
        "cc.v1.sync.janitor-1",
        "_INBOX_gateway-1.abc",
    ],
    may_not_say: &[
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.frame.gateway-1",
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.peer.gateway-1",
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.event.gateway",
        "cc.v1.session.AAAAAAAAAAAAAAAAAAAAAA.event.gateway",
        "cc.v1.session.AAAAAAAAAAAAAAAAAAAAAA.ask",
        "cc.v1.key.AAAA.gateway",
        "cc.v1.match.gateway-1",
        "cc.v1.sync.janitor-2",
        "cc.v1.lease.janitor-1",
        "cc.v1.order.pause",
    ],
    may_hear: &["cc.v1.room.*.peer.*", "cc.v1.lease.*", "cc.v1.sync.*"],
    may_not_hear: &[
        "cc.v1.room.*.frame.*",
        "cc.v1.room.*.*.gateway-1",
        "cc.v1.want.*",
        "cc.v1.match.*",
        "cc.v1.presence.*",
    ],
};

const OPERATOR: Intruder = Intruder {
    leaf: "ops/bus",
    may_say: &["$SRV.PING", "$SRV.STATS.cipher-chat-gateway", "cc.v1.order.pause", "cc.v1.orders.ask"],
    may_not_say: &[
        "cc.v1.node.gateway.gateway-1",
        "cc.v1.room.AAAAAAAAAAAAAAAAAAAAAA.event.janitor",
        "cc.v1.key.AAAA.janitor",
        "cc.v1.sync.ops",
        "cc.v1.match.gateway-1",
        "_INBOX_gateway-1.abc",
    ],
    may_hear: &[
        "cc.v1.node.>",
        "cc.v1.room.*.event.>",
        "cc.v1.room.*.peer.*",
        "cc.v1.joined.>",
        "cc.v1.key.>",
        "_INBOX_ops.>",
    ],
    may_not_hear: &[
        "cc.v1.>",
        "cc.v1.room.>",
        "cc.v1.room.*.frame.*",
        "cc.v1.room.*.*.gateway-1",
        "cc.v1.want.*",
        "cc.v1.lease.*",
        "cc.v1.match.>",
        "cc.v1.session.>",
        "$SYS.>",
    ],
};

const SYSTEM: Intruder = Intruder {
    leaf: "sys/bus",
    may_say: &["$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.PING.CONNZ"],
    may_not_say: &[
        "cc.v1.node.gateway.gateway-1",
        "$SRV.PING",
        "$SYS.REQ.SERVER.X.RELOAD",
        "$SYS.REQ.SERVER.X.KICK",
    ],
    may_hear: &["$SYS.SERVER.>", "_INBOX_sys.>"],
    may_not_hear: &["cc.v1.>", ">", "_INBOX_ops.>"],
};

#[tokio::test]
async fn nobody_says_or_hears_on_the_bus_what_is_not_its_own() {
    let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1", "gateway-2"])).await;
    for intruder in [GATEWAY, PAIRING, JANITOR, OPERATOR, SYSTEM] {
        let tls = cluster.pki.client("bus", Some(intruder.leaf));
        let mut client = NatsClient::connect(cluster.servers[0].clients(), &tls).await.unwrap();
        assert_eq!(client.publish(intruder.may_say).await, Vec::<String>::new(), "{}", intruder.leaf);
        assert_eq!(client.subscribe(intruder.may_hear).await, Vec::<String>::new(), "{}", intruder.leaf);
        for (direction, subjects) in
            [("Publish", intruder.may_not_say), ("Subscription", intruder.may_not_hear)]
        {
            let refused = match direction {
                "Publish" => client.publish(subjects).await,
                _ => client.subscribe(subjects).await,
            };
            let expected: Vec<_> = subjects
                .iter()
                .map(|subject| format!("'Permissions Violation for {direction} to \"{subject}\"'"))
                .collect();
            assert_eq!(refused, expected, "{}", intruder.leaf);
        }
        // Who is asked answers into an inbox of the asker, and on nothing else.
        if intruder.leaf == OPERATOR.leaf {
            assert_eq!(client.ask("$SRV.PING", "cc.v1.match.gateway-1").await.len(), 0);
        }
    }
    let asked = cluster.violations();
    assert!(!asked.is_empty(), "the servers log what they refuse");
}

/// Who asks chooses where the answer goes. With permissions for answers that are given by asking,
/// that would be any subject that the asked may not use otherwise.
#[tokio::test]
async fn an_asker_cannot_make_others_publish_for_it() {
    let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1", "gateway-2"])).await;
    let _pairing = cluster.launch("pairing", "pairing-1").ready().await;
    let _gateway = cluster.launch("gateway", "gateway-1").ready().await;
    let address = cluster.servers[0].clients();
    let mut janitor =
        NatsClient::connect(address, &cluster.pki.client("bus", Some("janitor-1/bus"))).await.unwrap();
    assert_eq!(janitor.subscribe(&["cc.v1.lease.*", "cc.v1.sync.*"]).await.len(), 0);
    let mut ops = NatsClient::connect(address, &cluster.pki.client("bus", Some("ops/bus"))).await.unwrap();
    for subject in ["cc.v1.lease.forged", "cc.v1.sync.forged"] {
        assert_eq!(ops.ask("$SRV.PING", subject).await.len(), 0, "the question itself is allowed");
    }
    // Nodes do not answer there, and the servers would refuse it. Questions are handled in their order:
    // after this one is answered, the answers to those before it would have come.
    assert_eq!(ops.subscribe(&["_INBOX_ops.>"]).await.len(), 0);
    assert_eq!(ops.ask("$SRV.PING", "_INBOX_ops.abc").await.len(), 0);
    crate::support::eventually("the last question is answered", async || {
        ops.settle().await.unwrap();
        ops.heard.iter().any(|subject| subject == "_INBOX_ops.abc")
    })
    .await;
    janitor.settle().await.unwrap();
    assert!(!janitor.heard.iter().any(|subject| subject.ends_with(".forged")), "{:?}", janitor.heard);
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
