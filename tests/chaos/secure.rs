//! The whole life of chats over NATS servers with TLS and least privilege, and what operators do to
//! these servers meanwhile.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use parking_lot::Mutex;
use serde_json::json;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::support::{
    eventually, http,
    nats_client::NatsClient,
    person::{Person, couple, get_through, pair, talk},
    process::Process,
    secure::{Pki, SecureCluster},
};

/// What a janitor concludes needs three silent renewals of ten seconds, the grace, and the life of
/// a token, on a busy machine.
const LONG: Duration = Duration::from_secs(240);

/// How many sessions are deleted before a node starts: a node that is asked answers with one
/// message per thousand.
const DELETED: usize = 2_100;

/// The interval at which it is looked for what nobody announces.
const LOOK: Duration = Duration::from_millis(100);

/// With short lives, so that all that is ever said is said in a test.
fn short_lives(launch: crate::support::process::Launch) -> crate::support::process::Launch {
    launch.set("grace", "2s").set("token-life", "10s").set("key-rotation", "10s")
}

#[tokio::test]
async fn a_whole_life_of_chats_needs_no_more_than_the_permissions() {
    let cluster =
        SecureCluster::start(Pki::with_gateways(&["gateway-1", "gateway-2", "gateway-3", "gateway-4"])).await;
    let as_operator = cluster.pki.client("bus", Some("ops/bus"));
    let mut ops = NatsClient::connect(cluster.servers[1].clients(), &as_operator).await.unwrap();
    assert!(ops.subscribe(&["cc.v1.room.*.event.>", "cc.v1.key.>", "cc.v1.node.>"]).await.is_empty());
    let listener = Listener::of(ops);
    let [one, two, three, _p1, _p2, j1, _j2] = cluster
        .ready([
            short_lives(cluster.launch("gateway", "gateway-1")),
            short_lives(cluster.launch("gateway", "gateway-2")),
            short_lives(cluster.launch("gateway", "gateway-3")),
            cluster.launch("pairing", "pairing-1"),
            cluster.launch("pairing", "pairing-2"),
            short_lives(cluster.launch("janitor", "janitor-1")),
            short_lives(cluster.launch("janitor", "janitor-2")),
        ])
        .await;
    cluster.has_no_violation();
    // A room of which a janitor alone will know, when its gateway is gone.
    let mut doomed = three;
    let (alone, with) = couple(&doomed, &doomed).await;
    eventually("a janitor knows of it", async || {
        http::get(j1.ops(), "/metrics").await.text().contains(r#"janitor_held{kind="rooms"} 1"#)
    })
    .await;
    chats(&one, &two).await;
    ends(&one, &two).await;
    doomed.kill();
    drop((alone, with));
    cluster.has_no_violation();
    listener.has_heard_everything().await;
    cluster.has_no_violation();
    let mut ops = NatsClient::connect(cluster.servers[2].clients(), &as_operator).await.unwrap();
    asks_of_operators(&mut ops).await;
    cluster.has_no_violation();
}

/// A match, a chat, a resume elsewhere, the question where somebody is.
async fn chats(one: &Process, two: &Process) {
    let (mut a, mut b) = couple(one, two).await;
    talk(&mut a, &mut b).await;
    assert_eq!(a.whereabouts(two).await, ("paired".into(), true));
    a.lose();
    b.peer_is("away").await;
    a.come_back(two).await;
    b.peer_is("online").await;
    talk(&mut a, &mut b).await;
    a.ask(json!({"type": "leave"})).await;
    a.ended("left").await;
    b.ended("left").await;
    pair(&mut a, &mut Person::arrive(one).await).await;
}

/// An expiry, a report, and a revocation.
async fn ends(one: &Process, two: &Process) {
    let (mut a, mut b) = couple(one, two).await;
    a.lose();
    b.peer_is("away").await;
    b.ended("expired").await;
    let (mut a, mut b) = couple(one, two).await;
    a.ask(json!({"type": "report", "category": "spam"})).await;
    a.hear("ended").await;
    b.hear("ended").await;
    let (a, mut b) = couple(one, two).await;
    assert_eq!(a.call(two, "DELETE", "/v1/sessions/me").await.status, 204);
    b.ended("left").await;
}

/// Listens all the time, and answers the servers' pings meanwhile.
struct Listener {
    heard: Arc<Mutex<BTreeSet<String>>>,
    _listening: JoinSet<()>,
}

impl Listener {
    fn of(mut client: NatsClient) -> Self {
        let heard = Arc::<Mutex<BTreeSet<String>>>::default();
        let kept = heard.clone();
        let mut listening = JoinSet::new();
        listening.spawn(async move {
            loop {
                client.settle().await.unwrap();
                kept.lock().extend(client.heard.drain(..));
                sleep(LOOK).await;
            }
        });
        Self { heard, _listening: listening }
    }

    /// Waits until there was each kind of event that an operator may hear, of each speaker.
    async fn has_heard_everything(&self) {
        let ended = |subject: &str, speaker: &str| {
            self.heard.lock().iter().any(|it| it.starts_with(subject) && it.contains(speaker))
        };
        let expected = [
            ("cc.v1.room.", ".event.gateway"),
            ("cc.v1.room.", ".event.janitor"),
            ("cc.v1.key.", ".gateway"),
            ("cc.v1.key.", ".janitor"),
            ("cc.v1.node.gateway.", "gateway-1"),
            ("cc.v1.node.pairing.", "pairing-2"),
            ("cc.v1.node.janitor.", "janitor-1"),
        ];
        let deadline = Instant::now() + LONG;
        loop {
            let missing: Vec<_> =
                expected.iter().filter(|(subject, speaker)| !ended(subject, speaker)).collect();
            if missing.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "never heard: {missing:?}");
            sleep(LOOK).await;
        }
    }
}

/// Each gateway answers the operator.
async fn asks_of_operators(ops: &mut NatsClient) {
    assert!(ops.subscribe(&["_INBOX_ops.>"]).await.is_empty());
    for question in ["$SRV.PING", "$SRV.INFO", "$SRV.STATS"] {
        let inbox = format!("_INBOX_ops.{}", &question[5..]);
        assert!(ops.ask(question, &inbox).await.is_empty());
        eventually("gateways answer", async || {
            ops.settle().await.unwrap();
            ops.heard.iter().filter(|subject| **subject == inbox).count() >= 2
        })
        .await;
    }
}

/// The trap of permissions for a number of answers: the answers that do not fit vanish, and nobody
/// is told.
#[tokio::test]
async fn a_node_that_starts_in_a_large_cluster_learns_everything() {
    let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1", "gateway-2", "gateway-3"])).await;
    let [one, two, _j1, _j2] = cluster
        .ready([
            cluster.launch("gateway", "gateway-1"),
            cluster.launch("gateway", "gateway-2"),
            cluster.launch("janitor", "janitor-1"),
            cluster.launch("janitor", "janitor-2"),
        ])
        .await;
    let mut deleted = Vec::with_capacity(DELETED);
    for n in 0..DELETED {
        let at = if n % 2 == 0 { &one } else { &two };
        let person = Person::new(at).await;
        assert_eq!(person.call(at, "DELETE", "/v1/sessions/me").await.status, 204);
        deleted.push(person);
    }
    let late = cluster.launch("gateway", "gateway-3").ready().await;
    for person in deleted.iter().step_by(50).chain(deleted.last()) {
        let answer = person.call(&late, "GET", "/v1/sessions/me").await;
        assert_eq!(answer.status, 401, "{}", answer.text());
    }
    cluster.has_no_violation();
}

#[tokio::test]
async fn a_reload_of_the_nats_servers_costs_no_chat() {
    let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1", "gateway-2"])).await;
    let [one, two, _pairing, _janitor] = cluster
        .ready([
            cluster.launch("gateway", "gateway-1"),
            cluster.launch("gateway", "gateway-2"),
            cluster.launch("pairing", "pairing-1"),
            cluster.launch("janitor", "janitor-1"),
        ])
        .await;
    let (mut a, mut b) = couple(&one, &two).await;
    // A third gateway: everybody may answer it from now on.
    let all = ["gateway-1", "gateway-2", "gateway-3"].map(|name| format!("{name}=127.0.0.1+localhost"));
    cluster.pki.run(&[("--gateways", &all.join(","))]);
    for server in &cluster.servers {
        server.reload().await;
        talk(&mut a, &mut b).await;
    }
    for gateway in [&one, &two] {
        assert_eq!(gateway.metric("bus_connects_total").await, 1.0, "nobody was sent away");
    }
    // Questions after a reload are answered: a key that was announced before it is known.
    let three = cluster.launch("gateway", "gateway-3").ready().await;
    assert_eq!(a.whereabouts(&three).await, ("paired".into(), true));
    let (mut c, mut d) = couple(&three, &one).await;
    talk(&mut c, &mut d).await;
    talk(&mut a, &mut b).await;
    cluster.has_no_violation();
}

#[tokio::test]
async fn a_revocation_of_a_gateway_that_runs_costs_no_chat() {
    let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1", "gateway-2"])).await;
    let [one, two, _pairing] = cluster
        .ready([
            cluster.launch("gateway", "gateway-1"),
            cluster.launch("gateway", "gateway-2"),
            cluster.launch("pairing", "pairing-1"),
        ])
        .await;
    let (mut a, mut b) = couple(&one, &two).await;
    cluster.pki.run(&[("--revoke", "gateway-2")]);
    for server in &cluster.servers {
        server.reload().await;
    }
    // It is cut off, reads its new certificate, and comes back.
    eventually("the gateway connects again", async || two.metric("bus_connects_total").await >= 2.0).await;
    two.is_ready().await;
    get_through(&mut a, &mut b).await;
    get_through(&mut b, &mut a).await;
    assert_eq!(one.metric("bus_connects_total").await, 1.0);
}

#[tokio::test]
async fn a_nats_server_that_is_taken_away_in_order_costs_no_chat() {
    let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1", "gateway-2"])).await;
    let [one, two, pairing] = cluster
        .ready([
            cluster.launch("gateway", "gateway-1"),
            cluster.launch("gateway", "gateway-2"),
            cluster.launch("pairing", "pairing-1"),
        ])
        .await;
    let (mut a, mut b) = couple(&one, &two).await;
    // One that somebody is connected to.
    let mut taken = None;
    for server in &cluster.servers {
        if server.connections().await > 0 {
            taken = Some(server);
        }
    }
    let taken = taken.expect("nodes are connected");
    taken.lame_duck();
    eventually("it has begun to send its nodes away", async || {
        taken.log().contains("Entering lame duck mode")
    })
    .await;
    let ended =
        async || taken.log().contains("Server Exiting") || taken.log().contains("Closing existing clients");
    let deadline = Instant::now() + LONG;
    while !ended().await || http::is_listening(taken.monitor()).await {
        get_through(&mut a, &mut b).await;
        get_through(&mut b, &mut a).await;
        assert!(Instant::now() < deadline, "the server does not end");
    }
    for node in [&one, &two, &pairing] {
        node.is_ready().await;
    }
    get_through(&mut a, &mut b).await;
    get_through(&mut b, &mut a).await;
    let (mut c, mut d) = couple(&one, &two).await;
    talk(&mut c, &mut d).await;
    cluster.has_no_violation();
}
