//! The operator's orders for one node that has no NATS server, and what is said where they cannot
//! be given.

use std::{fs, path::PathBuf, process::Output};

use serde_json::json;

use super::{fails, is_in_force, service, succeeds, told};
use crate::support::{
    nats::{NatsServer, free_port},
    person::{Person, couple, talk},
    process::{Launch, Process, order},
    secure::Pki,
    unique,
};

/// A node of its own, and the operator's key for it.
struct Alone {
    pki: Pki,
    node: Process,
    file: PathBuf,
}

impl Alone {
    async fn start() -> Self {
        let pki = Pki::with_gateways(&["gateway-1"]);
        let node = Launch::new("serve").set("order-key", &pki.text("gateway-1/orders.pub")).ready().await;
        Self { pki, node, file: std::env::temp_dir().join(unique("orders")) }
    }

    fn give(&self, words: &[&str]) -> Output {
        let (key, ops) = (self.pki.text("ops/orders.key"), format!("http://{}", self.node.ops()));
        order(&[words, &["--key", &key, "--ops", &ops, "--out", self.file.to_str().unwrap()]].concat())
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}

#[tokio::test]
async fn one_node_takes_orders_on_its_ops_listener() {
    let alone = Alone::start().await;
    let (mut a, mut b) = couple(&alone.node, &alone.node).await;
    let taken = succeeds(&alone.give(&["pause"]));
    assert!(taken.contains("taken"), "{taken}");
    service(&mut a).await;
    service(&mut b).await;
    talk(&mut a, &mut b).await;
    let (mut c, mut d) = (Person::arrive(&alone.node).await, Person::arrive(&alone.node).await);
    for person in [&mut c, &mut d] {
        service(person).await;
        person.find(json!({})).await;
    }
    c.has_heard_nothing().await;
    succeeds(&alone.give(&["resume"]));
    for person in [&mut c, &mut d] {
        service(person).await;
        person.hear("paired").await;
    }
    // The file has both, and a node that starts with it has resumed.
    let kept = fs::read_to_string(&alone.file).unwrap();
    assert_eq!(kept.lines().filter(|line| line.starts_with('#')).count(), 2, "{kept}");
    let again = Launch::new("serve")
        .set("order-key", &alone.pki.text("gateway-1/orders.pub"))
        .set("orders", alone.file.to_str().unwrap())
        .ready()
        .await;
    assert!(is_in_force(&again, "resume").await && !is_in_force(&again, "pause").await);
    let other = Pki::with_gateways(&["gateway-1"]);
    let ops = format!("http://{}", alone.node.ops());
    let forged = fails(&order(&["pause", "--key", &other.text("ops/orders.key"), "--ops", &ops]));
    assert!(forged.contains("has not signed"), "{forged}");
}

#[tokio::test]
async fn a_node_does_not_start_with_orders_that_are_not_the_operators() {
    let (ours, other) = (Pki::with_gateways(&["gateway-1"]), Pki::with_gateways(&["gateway-1"]));
    let file = std::env::temp_dir().join(unique("orders"));
    let out = file.to_str().unwrap();
    succeeds(&order(&["pause", "--key", &other.text("ops/orders.key"), "--out", out]));
    let launch = Launch::new("serve").set("orders", out);
    let without = launch.command().output().unwrap();
    assert_eq!(without.status.code(), Some(2));
    assert!(told(&without).contains("--order-key"), "{}", told(&without));
    let wrong = launch.set("order-key", &ours.text("gateway-1/orders.pub")).command().output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(told(&wrong).contains("line 2 is not signed"), "{}", told(&wrong));
    fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn nobody_hears_an_order_where_nobody_is() {
    let pki = Pki::with_gateways(&["gateway-1"]);
    let key = pki.text("ops/orders.key");
    let nowhere = format!("nats://127.0.0.1:{}", free_port());
    let unreachable = fails(&order(&["pause", "--key", &key, "--nats", &nowhere]));
    assert!(unreachable.contains("no NATS server can be reached"), "{unreachable}");
    let nats = NatsServer::start();
    let empty = fails(&order(&["pause", "--key", &key, "--nats", &nats.url()]));
    assert!(empty.contains("no node is heard"), "{empty}");
    let nothing = order(&["pause", "--key", &key]);
    assert_eq!(nothing.status.code(), Some(2), "{}", told(&nothing));
    let wrong = fails(&order(&["pause", "--key", &pki.text("ops/bus.pem"), "--nats", &nats.url()]));
    assert!(wrong.contains("private key"), "{wrong}");
}
