//! A node that lies, on real NATS servers: what it may do, and what it may not.

use bus::{Bus, NatsOptions, PublishError, Status};
use schemas::{
    BootId, Service, SessionId, Stamp, UnixMillis,
    event::{Lease, SessionEvent, SessionLease},
    message::Message,
    session::SessionState,
};

use crate::support::{
    certificates::Certificates,
    cluster::Cluster,
    eventually,
    http::get,
    nats::NatsServer,
    person::{Person, couple, talk},
    process::{Launch, Process},
    secure::{Pki, SecureCluster},
    token::Forger,
};

/// Far in the future, and not beyond what a receiver believes of it.
const ALWAYS: UnixMillis = UnixMillis(u64::MAX / 4);

/// Joins as a node.
async fn join(options: NatsOptions, name: &str) -> Bus {
    let bus = Bus::nats(options, name.parse().unwrap()).await.unwrap();
    bus.status().wait_for(|status| *status == Status::Up).await.unwrap();
    bus
}

/// Publishes a message as soon as there is room for it.
pub(super) async fn publish(bus: &Bus, message: &Message) {
    while let Err(refused) = bus.publish(message) {
        assert_eq!(refused, PublishError::Full);
        bus.writable().await;
    }
}

/// Five thousand keys of its own, each announced well.
async fn flood(rogue: &Bus) {
    for _ in 0..5000 {
        let key = Forger::new().announcement(rogue.node().as_str(), ALWAYS, rogue);
        publish(rogue, &key).await;
    }
    rogue.flush().await.unwrap();
}

/// A cluster whose nodes have certificates, and somebody else who has one.
pub(super) struct Secured {
    certificates: Certificates,
    nats: NatsServer,
}

impl Secured {
    pub(super) fn start(names: &[&str]) -> Self {
        let certificates = Certificates::for_names(&[names, &["127.0.0.1"]].concat());
        let nats = NatsServer::with_config(&format!(
            "tls {{ cert_file: {:?}, key_file: {:?}, ca_file: {:?}, verify: true }}",
            certificates.file("ours-127.0.0.1.pem"),
            certificates.file("ours-127.0.0.1.key"),
            certificates.file("ours.pem"),
        ));
        Self { certificates, nats }
    }

    pub(super) fn launch(&self, role: &'static str, name: &str) -> Launch {
        Launch::new(role)
            .set("nats", &self.nats.url())
            .set("nats-ca", &self.certificates.text("ours.pem"))
            .set("nats-cert", &self.certificates.text(&format!("ours-{name}.pem")))
            .set("nats-key", &self.certificates.text(&format!("ours-{name}.key")))
    }

    pub(super) async fn join(&self, name: &str) -> Bus {
        let options = NatsOptions {
            urls: vec![self.nats.url()],
            ca: Some(self.certificates.file("ours.pem")),
            cert: Some(self.certificates.file(&format!("ours-{name}.pem"))),
            key: Some(self.certificates.file(&format!("ours-{name}.key"))),
        };
        join(options, name).await
    }
}

async fn status(person: &Person, at: &Process) -> u16 {
    person.call(at, "GET", "/v1/sessions/me").await.status
}

/// The status with a token that somebody else has signed.
async fn with_token(at: &Process, token: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    crate::support::http::call(at.address(), "GET", "/v1/sessions/me", &[("authorization", &bearer)], "")
        .await
        .status
}

#[tokio::test]
async fn nobody_makes_keys_in_the_name_of_another_gateway() {
    let cluster = Secured::start(&["gateway-1", "gateway-2", "pairing-1", "janitor-1", "rogue"]);
    let _pairing = cluster.launch("pairing", "pairing-1").start();
    let janitor = cluster.launch("janitor", "janitor-1").start();
    let one = cluster.launch("gateway", "gateway-1").ready().await;
    let two = cluster.launch("gateway", "gateway-2").ready().await;
    let (mut anna, mut ben) = couple(&one, &two).await;
    talk(&mut anna, &mut ben).await;
    assert_eq!(status(&anna, &two).await, 200, "what a gateway vouches for is believed");
    assert_eq!(one.metric("bus_doubted_keys_total").await, 0.0);

    let rogue = cluster.join("rogue").await;
    let forger = Forger::new();
    publish(&rogue, &forger.announcement("gateway-1", ALWAYS, &rogue)).await;
    rogue.flush().await.unwrap();
    for node in [&one, &two, &janitor] {
        let doubted = async || node.metric("bus_doubted_keys_total").await >= 1.0;
        eventually("it is doubted", doubted).await;
    }
    let forged = forger.forge(&anna.token);
    for gateway in [&one, &two] {
        assert_eq!(with_token(gateway, &forged).await, 401);
    }
    talk(&mut anna, &mut ben).await;
}

/// The certificate of a member and its key, as whoever has stolen them has them: still there when
/// the files of the member are others.
fn stolen(cluster: &SecureCluster, member: &str) -> NatsOptions {
    let copied = |file: &str| {
        let copy = cluster.pki.file(&format!("stolen-{file}"));
        std::fs::copy(cluster.pki.file(&format!("{member}/{file}")), &copy).unwrap();
        Some(copy)
    };
    let ca = Some(cluster.pki.file(&format!("{member}/bus-ca.pem")));
    let urls = cluster.urls().split(',').map(str::to_owned).collect();
    NatsOptions { urls, ca, cert: copied("bus.pem"), key: copied("bus.key") }
}

/// The thief has no way to the bus any more, but what it has signed may still come there.
#[tokio::test]
async fn a_revoked_certificate_vouches_for_no_key_and_its_successor_for_those_that_were_its_own() {
    let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1", "gateway-2", "gateway-3"])).await;
    let [one, two, _pairing] = cluster
        .ready([
            cluster.launch("gateway", "gateway-1"),
            cluster.launch("gateway", "gateway-2"),
            cluster.launch("pairing", "pairing-1"),
        ])
        .await;
    let (mut anna, mut ben) = couple(&one, &two).await;
    let end = || UnixMillis(bus::Clock::start().now().0 + 60_000);

    let thief = join(stolen(&cluster, "gateway-2"), "gateway-2").await;
    let known = Forger::new();
    publish(&thief, &known.announcement("gateway-2", end(), &thief)).await;
    let forged = known.forge(&anna.token);
    eventually("before the revocation it is believed", async || with_token(&one, &forged).await == 200).await;

    cluster.pki.run(&[("--revoke", "gateway-2")]);
    for server in &cluster.servers {
        server.reload().await;
    }
    eventually("the gateway connects again", async || two.metric("bus_connects_total").await >= 2.0).await;
    two.is_ready().await;
    let helper = join(
        NatsOptions {
            urls: cluster.urls().split(',').map(str::to_owned).collect(),
            ca: Some(cluster.pki.file("gateway-3/bus-ca.pem")),
            cert: Some(cluster.pki.file("gateway-3/bus.pem")),
            key: Some(cluster.pki.file("gateway-3/bus.key")),
        },
        "gateway-3",
    )
    .await;
    for gateway in [&one, &two] {
        // From the moment on at which it has heard of the successor.
        let refused = async || {
            let fresh = Forger::new();
            let Message::Key { key, speaker, event, .. } = fresh.announcement("gateway-2", end(), &thief)
            else {
                panic!("a key")
            };
            publish(&helper, &Message::Key { key, speaker, from: helper.node().clone(), event }).await;
            helper.flush().await.unwrap();
            gateway.metric("bus_doubted_keys_total").await >= 1.0
        };
        eventually("a key of the revoked certificate is doubted", refused).await;
    }
    // What the gateway itself has signed before is believed: it vouches for its key again.
    assert_eq!(status(&ben, &one).await, 200);
    assert_eq!(status(&anna, &two).await, 200);
    talk(&mut anna, &mut ben).await;
}

#[tokio::test]
async fn five_thousand_keys_of_one_node_keep_no_gateway_out() {
    let cluster = Secured::start(&["gateway-1", "gateway-2", "rogue"]);
    let one = cluster.launch("gateway", "gateway-1").ready().await;
    let rogue = cluster.join("rogue").await;
    flood(&rogue).await;
    // What one node may say of its own keys is little; the next gateway finds room.
    let two = cluster.launch("gateway", "gateway-2").ready().await;
    let person = Person::new(&two).await;
    let believed = async || status(&person, &one).await == 200;
    eventually("the newcomer's key is known", believed).await;
    one.has_logged("announcements of signing keys were refused").await;
}

#[tokio::test]
async fn a_flood_of_keys_and_leases_on_a_plain_bus_harms_no_chat() {
    let mut cluster = Cluster::start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    let options = NatsOptions { urls: vec![cluster.nats.url()], ..NatsOptions::default() };
    let rogue = join(options, "rogue").await;
    flood(&rogue).await;
    for batch in 0..200 {
        let lease = |n: u32| SessionLease {
            session: SessionId::from_random(u128::from(batch * 1000 + n).to_be_bytes()),
            stamp: Stamp(1),
            state: SessionState::Paired,
            connected: true,
            room: None,
            ends: ALWAYS,
        };
        let sessions = (0..1000).map(lease).collect();
        let lease = Lease { boot: BootId(7), sessions };
        publish(&rogue, &Message::Lease { from: rogue.node().clone(), lease }).await;
    }
    rogue.flush().await.unwrap();
    let janitor = &cluster.janitors[0];
    let refused = async || janitor.metric("janitor_overflowed_total").await >= 100_000.0;
    eventually("it takes in no more than one gateway can have", refused).await;
    talk(&mut one, &mut other).await;
    let late = cluster.start_node("gateway").await;
    let person = Person::new(&late).await;
    assert_eq!(status(&person, &cluster.gateways[0]).await, 200);
}

/// A subject names the role that speaks. Where permissions hold a node to its own role, it can say
/// of a session only what that role may.
#[tokio::test]
async fn a_role_is_believed_of_its_own_events_only() {
    let cluster = Cluster::start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    let options = NatsOptions { urls: vec![cluster.nats.url()], ..NatsOptions::default() };
    let rogue = join(options, "rogue").await;
    let session: SessionId = one.session.parse().unwrap();
    let attached = SessionEvent::Attached { stamp: Stamp(u64::MAX), node: rogue.node().clone() };
    for (speaker, event) in [
        (Service::Pairing, attached.clone()),
        (Service::Janitor, attached),
        (Service::Pairing, SessionEvent::Revoked { remaining: std::time::Duration::from_secs(60) }),
        (Service::Janitor, SessionEvent::StartedOver { stamp: Stamp(u64::MAX) }),
        (Service::Gateway, SessionEvent::Expired),
    ] {
        publish(&rogue, &Message::Session { session, speaker, event }).await;
    }
    rogue.flush().await.unwrap();
    for gateway in &cluster.gateways {
        let dropped = async || gateway.metric("bus_wrong_speaker_total").await >= 5.0;
        eventually("they are dropped", dropped).await;
        assert_eq!(status(&one, gateway).await, 200);
    }
    talk(&mut one, &mut other).await;
}

/// What names a higher stamp than the highest counts for ever: the greatest of all would lock a
/// session out until its end.
#[tokio::test]
async fn nobody_locks_a_session_out_with_the_greatest_stamp() {
    let cluster = Cluster::start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    let options = NatsOptions { urls: vec![cluster.nats.url()], ..NatsOptions::default() };
    let rogue = join(options, "rogue").await;
    let (session, node) = (one.session.parse().unwrap(), rogue.node().clone());
    for stamp in [Stamp(u64::MAX), Stamp(u64::MAX - 1)] {
        for event in
            [SessionEvent::Attached { stamp, node: node.clone() }, SessionEvent::StartedOver { stamp }]
        {
            publish(&rogue, &Message::Session { session, speaker: Service::Gateway, event }).await;
        }
    }
    let ends = UnixMillis(bus::Clock::start().now().0 + 60_000);
    let (stamp, state) = (Stamp(u64::MAX), SessionState::Paired);
    let lease = SessionLease { session, stamp, state, connected: true, room: None, ends };
    let lease = Lease { boot: BootId(7), sessions: vec![lease] };
    publish(&rogue, &Message::Lease { from: node, lease }).await;
    rogue.flush().await.unwrap();
    for gateway in &cluster.gateways {
        let dropped = async || gateway.metric("bus_stamps_ahead_total").await >= 4.0;
        eventually("they are dropped", dropped).await;
    }
    let janitor = &cluster.janitors[0];
    let dropped = async || janitor.metric("bus_stamps_ahead_total").await >= 5.0;
    eventually("so is the lease", dropped).await;
    talk(&mut one, &mut other).await;
    // It connects again, and nothing that was heard is in its way.
    one.lose();
    other.peer_is("away").await;
    one.come_back(&cluster.gateways[1]).await;
    other.peer_is("online").await;
    talk(&mut one, &mut other).await;
}

#[test]
fn beyond_loopback_a_bus_without_tls_is_a_fault_at_the_start() {
    for url in ["nats://192.0.2.1:4222", "nats://nats.example:4222", "nats://127.0.0.1,nats://[2001:db8::1]"]
    {
        for role in ["serve", "gateway", "pairing", "janitor"] {
            let output = Launch::new(role).set("nats", url).command().output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{role} {url}: {said}");
            assert!(said.contains("--nats") && said.contains("needs TLS"), "{said}");
        }
    }
}

#[tokio::test]
async fn health_of_a_secured_cluster_is_as_of_any_other() {
    let cluster = Secured::start(&["gateway-1", "pairing-1", "janitor-1"]);
    let _pairing = cluster.launch("pairing", "pairing-1").start();
    let _janitor = cluster.launch("janitor", "janitor-1").start();
    let gateway = cluster.launch("gateway", "gateway-1").ready().await;
    let whole = async || get(gateway.ops(), "/readyz").await.text() == "ready\n";
    eventually("all roles are heard", whole).await;
}
