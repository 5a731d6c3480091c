//! The operator's orders in a real cluster with mutual TLS and the permissions that are deployed:
//! chats go on whatever is ordered, and nobody but the operator orders anything.

mod alone;

use std::{fs, process::Output, time::Duration};

use aws_lc_rs::signature::Ed25519KeyPair;
use bus::{Bus, NatsOptions, Status};
use schemas::{
    UnixMillis,
    message::Message,
    order::{Order, SignedOrder},
};
use serde_json::{Value, json};

use crate::support::{
    cluster::Cluster,
    eventually, http,
    person::{Heard, Person, couple, talk},
    process::{Launch, Process},
    secure::{Pki, SecureCluster},
    unique,
};

fn told(output: &Output) -> String {
    let (out, error) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(error))
}

#[track_caller]
fn succeeds(output: &Output) -> String {
    assert!(output.status.success(), "{}", told(output));
    told(output)
}

#[track_caller]
fn fails(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", told(output));
    told(output)
}

/// Two gateways, pairing and a janitor, each with the public half of the operator's key.
struct Ordered {
    cluster: SecureCluster,
    gateways: [Process; 2],
    pairing: Process,
    janitor: Process,
}

impl Ordered {
    async fn start() -> Self {
        let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1", "gateway-2"])).await;
        let launch = |role, name: &str| Self::launch_in(&cluster, role, name);
        let [one, two, pairing, janitor] = cluster
            .ready([
                launch("gateway", "gateway-1"),
                launch("gateway", "gateway-2"),
                launch("pairing", "pairing-1"),
                launch("janitor", "janitor-1"),
            ])
            .await;
        Self { cluster, gateways: [one, two], pairing, janitor }
    }

    fn launch_in(cluster: &SecureCluster, role: &'static str, name: &str) -> Launch {
        cluster.launch(role, name).set("order-key", &cluster.pki.text(&format!("{name}/orders.pub")))
    }

    /// Gives an order as the operator does.
    fn give(&self, words: &[&str]) -> Output {
        self.cluster.order(words, &self.cluster.pki.text("ops/orders.key"))
    }

    /// All four have it.
    #[track_caller]
    fn all_take(&self, words: &[&str]) {
        let told = succeeds(&self.give(words));
        for node in ["gateway-1", "gateway-2", "pairing-1", "janitor-1"] {
            let has_it =
                |line: &str| line.starts_with(node) && (line.ends_with("taken") || line.ends_with("known"));
            assert!(told.lines().any(has_it), "{node}: {told}");
        }
    }

    async fn status(&self, gateway: usize) -> Value {
        http::get(self.gateways[gateway].address(), "/v1/status").await.json()
    }
}

async fn is_in_force(node: &Process, kind: &str) -> bool {
    let told = http::get(node.ops(), "/orders").await.json();
    told["in_force"].as_array().unwrap().iter().any(|order| order["kind"] == kind)
}

/// The next control message about the service.
async fn service(person: &mut Person) -> Value {
    person.hear("service").await
}

#[tokio::test]
async fn in_a_pause_chats_go_on_who_waits_keeps_the_place_and_invites_meet() {
    let ordered = Ordered::start().await;
    let [one, two] = &ordered.gateways;
    let (mut a, mut b) = couple(one, two).await;
    let mut early = Person::arrive(one).await;
    let topic = unique("topic");
    early.find(json!({"topic": topic})).await;
    ordered.all_take(&["pause"]);
    for person in [&mut a, &mut b, &mut early] {
        assert_eq!(service(person).await, json!({"type": "service", "strangers": "paused"}));
    }
    talk(&mut a, &mut b).await;
    // Who comes now is told, waits, and is not matched; people with an invite are.
    let mut late = Person::arrive(two).await;
    assert_eq!(service(&mut late).await["strangers"], "paused");
    late.find(json!({"topic": topic})).await;
    let (mut host, mut guest) = (Person::arrive(one).await, Person::arrive(two).await);
    service(&mut host).await;
    service(&mut guest).await;
    host.find(json!({"invite": "AAAAAAAAAAAAAAAAAAAAAA", "role": "offer"})).await;
    guest.find(json!({"invite": "AAAAAAAAAAAAAAAAAAAAAA", "role": "seek"})).await;
    host.hear("paired").await;
    guest.hear("paired").await;
    early.has_heard_nothing().await;
    late.has_heard_nothing().await;
    assert_eq!(ordered.status(0).await["paused"], true);

    ordered.all_take(&["resume"]);
    assert_eq!(service(&mut early).await, json!({"type": "service", "strangers": "meet"}));
    early.hear("paired").await;
    assert_eq!(service(&mut late).await["strangers"], "meet");
    late.hear("paired").await;
    assert_eq!(early.room, late.room);
    assert_eq!(service(&mut a).await["strangers"], "meet");
    assert_eq!(service(&mut b).await["strangers"], "meet");
    talk(&mut a, &mut b).await;
    ordered.cluster.has_no_violation();
}

#[tokio::test]
async fn a_closed_cluster_takes_nobody_new_says_why_and_a_notice_reaches_everybody() {
    let ordered = Ordered::start().await;
    let [one, two] = &ordered.gateways;
    let (mut a, mut b) = couple(one, two).await;
    ordered.all_take(&["close", "back at 8"]);
    for person in [&mut a, &mut b] {
        assert_eq!(service(person).await["closed"], "back at 8");
    }
    for gateway in &ordered.gateways {
        let refused = http::call(gateway.address(), "POST", "/v1/sessions", &[], "").await;
        assert_eq!((refused.status, refused.json()["code"].clone()), (503, json!("closed")));
    }
    assert_eq!(ordered.status(1).await["closed"], "back at 8");
    // Sessions that there are come back, and find somebody.
    a.lose();
    b.peer_is("away").await;
    a.connect(two).await;
    assert_eq!(service(&mut a).await["closed"], "back at 8");
    a.resume().await;
    a.hear("resumed").await;
    b.peer_is("online").await;
    talk(&mut a, &mut b).await;

    ordered.all_take(&["resume"]);
    service(&mut a).await;
    service(&mut b).await;
    ordered.all_take(&["notice", "away at 22:00"]);
    assert_eq!(service(&mut a).await["notice"], "away at 22:00");
    assert_eq!(ordered.status(0).await["notice"], "away at 22:00");
    ordered.all_take(&["notice", ""]);
    assert_eq!(service(&mut a).await, json!({"type": "service", "strangers": "meet"}));

    ordered.all_take(&["admission", "5000"]);
    let refused = http::call(one.address(), "POST", "/v1/sessions", &[], "").await;
    assert_eq!(refused.status, 428);
    ordered.all_take(&["admission", "off"]);
    Person::new(one).await;
}

#[tokio::test]
async fn where_only_invites_meet_who_waits_for_a_stranger_is_told_so() {
    let ordered = Ordered::start().await;
    let mut person = Person::arrive(&ordered.gateways[0]).await;
    person.find(json!({"topic": unique("topic")})).await;
    ordered.all_take(&["invites-only"]);
    // Which of the two comes first is not said.
    let mut heard = Vec::new();
    for _ in 0..2 {
        match person.next().await {
            Heard::Control(message) => {
                heard.push((message["type"].clone(), message["code"].clone()));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(heard.contains(&(json!("service"), Value::Null)), "{heard:?}");
    assert!(heard.contains(&(json!("error"), json!("matching-not-offered"))), "{heard:?}");
    person.ask(json!({"type": "find"})).await;
    assert_eq!(person.error().await, "matching-not-offered");
    assert_eq!(ordered.status(0).await["matching"], json!(["invite"]));
}

#[tokio::test]
async fn a_drained_node_goes_in_order_and_starts_again_as_ever() {
    let mut ordered = Ordered::start().await;
    let (mut a, mut b) = couple(&ordered.gateways[0], &ordered.gateways[1]).await;
    let told = succeeds(&ordered.give(&["drain", "gateway-1"]));
    assert!(told.contains("gateway-1  taken"), "{told}");
    a.hear("drain").await;
    b.hear_at_last("peer").await;
    a.come_back(&ordered.gateways[1]).await;
    assert_eq!(ordered.gateways[0].ended().await.code(), Some(0));
    // The next run is not meant.
    let again = Ordered::launch_in(&ordered.cluster, "gateway", "gateway-1").ready().await;
    let mut c = Person::arrive(&again).await;
    c.has_heard_nothing().await;
    let wrong = fails(&ordered.give(&["drain", "gateway-9"]));
    assert!(wrong.contains("gateway-9"), "{wrong}");
}

#[tokio::test]
async fn what_is_wrong_with_an_order_is_said_by_each_node_and_changes_nothing() {
    let ordered = Ordered::start().await;
    let other = Pki::with_gateways(&["gateway-1"]);
    let told = fails(&ordered.cluster.order(&["pause"], &other.text("ops/orders.key")));
    for node in ["gateway-1", "gateway-2", "pairing-1", "janitor-1"] {
        assert!(told.lines().any(|line| line.starts_with(node) && line.contains("forged")), "{told}");
    }
    assert!(!is_in_force(&ordered.pairing, "pause").await);

    let key = ::orders::files::private_key(&ordered.cluster.pki.file("ops/orders.key")).unwrap();
    let now = bus::Clock::start().now();
    let operator = join(&ordered.cluster, "ops").await;
    let (hour, second) = (Duration::from_secs(3600), Duration::from_secs(1));
    for (number, life, outcome) in [
        (now + hour, hour, "ahead"),
        (UnixMillis(now.0 - 7_200_000), hour, "expired"),
        (UnixMillis(now.0 - 5000), hour, "taken"),
        (UnixMillis(now.0 - 6000), hour, "out-of-order"),
        (UnixMillis(now.0 - 5000), hour, "known"),
    ] {
        let signed = SignedOrder::sign(Order::InvitesOnly, number, life, &key).unwrap();
        let mut answers = operator.ask(Message::Order(Box::new(signed))).unwrap();
        for _ in 0..4 {
            let answer = tokio::time::timeout(second * 10, answers.next()).await.unwrap();
            let Some(schemas::message::Answer::Receipt(receipt)) = answer else { panic!("{answer:?}") };
            assert_eq!(receipt.outcome.word(), outcome, "{}", receipt.node.as_str());
        }
    }
    for (cause, line) in [
        ("forged", "cipher_chat_orders_refused_total{cause=\"forged\"}"),
        ("ahead", "cipher_chat_orders_refused_total{cause=\"ahead\"} 1"),
        ("expired", "cipher_chat_orders_refused_total{cause=\"expired\"} 1"),
        ("taken", "cipher_chat_orders_taken_total{kind=\"invites-only\"} 1"),
    ] {
        let metrics = http::get(ordered.janitor.ops(), "/metrics").await.text();
        assert!(metrics.contains(line), "{cause}: {metrics}");
    }
    operator.drain().await;
    ordered.cluster.has_no_violation();
}

async fn join(cluster: &SecureCluster, name: &str) -> Bus {
    let own = |file: &str| Some(cluster.pki.file(&format!("{name}/{file}")));
    let urls = cluster.servers.iter().map(|server| format!("tls://{}", server.clients())).collect();
    let options = NatsOptions { urls, ca: own("bus-ca.pem"), cert: own("bus.pem"), key: own("bus.key") };
    let bus = Bus::nats(options, name.parse().unwrap()).await.unwrap();
    bus.status().wait_for(|status| *status == Status::Up).await.unwrap();
    bus
}

#[tokio::test]
async fn the_servers_refuse_an_order_of_anybody_but_the_operator() {
    let ordered = Ordered::start().await;
    let key = Ed25519KeyPair::generate().unwrap();
    let now = bus::Clock::start().now();
    let signed = SignedOrder::sign(Order::Pause, now, Duration::from_secs(60), &key).unwrap();
    for rogue in ["pairing-2", "janitor-2"] {
        let bus = join(&ordered.cluster, rogue).await;
        bus.publish(&Message::Order(Box::new(signed.clone()))).unwrap();
        let subject = "\"cc.v1.order.pause\"";
        eventually("the server refuses the order", async || {
            let violations = ordered.cluster.violations();
            violations
                .iter()
                .any(|line| line.contains("Publish") && line.contains(subject) && line.contains(rogue))
        })
        .await;
        bus.drain().await;
    }
}

#[tokio::test]
async fn a_node_that_starts_learns_what_is_in_force_and_a_file_outlasts_all_nodes() {
    let ordered = Ordered::start().await;
    let kept = std::env::temp_dir().join(unique("orders"));
    let file = kept.to_str().unwrap();
    ordered.all_take(&["pause", "--out", file]);
    ordered.all_take(&["notice", "hello", "--out", file]);
    // One restarts, and asks the others.
    let Ordered { cluster, gateways: [one, two], mut pairing, janitor } = ordered;
    pairing.terminate();
    pairing.ended().await;
    let pairing = Ordered::launch_in(&cluster, "pairing", "pairing-1").ready().await;
    for kind in ["pause", "notice"] {
        eventually("the new node knows it", async || is_in_force(&pairing, kind).await).await;
    }
    // All restart: nobody is left to ask, and the file tells.
    for mut node in [one, two, pairing, janitor] {
        node.terminate();
        node.ended().await;
    }
    let launch = Ordered::launch_in(&cluster, "gateway", "gateway-1");
    let [bare, told] = cluster
        .ready([Ordered::launch_in(&cluster, "janitor", "janitor-1"), launch.set("orders", file)])
        .await;
    let status = http::get(told.address(), "/v1/status").await.json();
    assert_eq!((&status["paused"], &status["notice"]), (&json!(true), &json!("hello")));
    eventually("the one with the file tells the other", async || is_in_force(&bare, "pause").await).await;
    fs::remove_file(&kept).unwrap();
}

/// What one gateway has counted any other tells, once it has listened.
#[tokio::test]
async fn counts_of_all_gateways_are_published() {
    let mut cluster = Cluster::start().await;
    let (one, two) = (&cluster.gateways[0], &cluster.gateways[1]);
    for n in 0..6 {
        let (mut a, mut b) = couple(one, two).await;
        let category = if n == 0 { "minor" } else { "spam" };
        a.ask(json!({"type": "report", "category": category})).await;
        a.ended("reported").await;
        b.ended("left").await;
    }
    let late = cluster.start_node("gateway").await;
    let asked = async || http::get(late.address(), "/v1/transparency").await;
    eventually("it has listened", async || asked().await.status == 200).await;
    let counts = asked().await.json();
    assert_eq!(counts["sessions"], "12");
    assert_eq!(counts["chats"], "<10");
    assert_eq!(counts["reports"], json!({"abuse": "<10", "spam": "<10", "minor": "<10", "other": "<10"}));
    assert!(counts["since"].as_u64() <= counts["complete_since"].as_u64());
}
