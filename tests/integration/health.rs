//! What a node says of its own state, over HTTP and over NATS.

use std::process::Command;

use serde_json::Value;
use tokio::net::UdpSocket;

use crate::support::{
    cluster::Cluster,
    eventually,
    http::get,
    in_time,
    nats::NatsServer,
    person::{couple, talk},
    process::{Launch, Process},
};

async fn says(process: &Process, what: &str) {
    let said = async || get(process.ops(), "/readyz").await.text().contains(what);
    eventually(&format!("it says {what:?}"), said).await;
}

#[tokio::test]
async fn without_pairing_or_janitor_a_gateway_is_degraded_and_chats_go_on() {
    let mut cluster = Cluster::start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    cluster.pairings[0].kill();
    let gateway = &cluster.gateways[0];
    says(gateway, "degraded\n- no pairing node is running: nobody is matched\n").await;
    cluster.janitors[0].kill();
    says(gateway, "- no janitor node is running: nothing expires\n").await;
    assert_eq!(gateway.readiness().await, 200, "nobody is sent away");
    assert_eq!(gateway.metric("node_lacks").await, 2.0);
    gateway.has_logged("no node of this role is running").await;
    talk(&mut one, &mut other).await;
    let pairing = cluster.start_node("pairing").await;
    cluster.pairings.push(pairing);
    let back = async || !get(cluster.gateways[0].ops(), "/readyz").await.text().contains("pairing");
    eventually("pairing is back", back).await;
}

#[tokio::test]
async fn probe_tells_on_the_machine_itself_how_a_node_is() {
    let nats = NatsServer::start();
    let gateway = Launch::new("gateway").set("nats", &nats.url()).ready().await;
    let probe = |more: &'static [&'static str]| {
        let ops = gateway.ops().to_string();
        Command::new(env!("CARGO_BIN_EXE_cipher-chat"))
            .args(["probe", "--ops-listen", &ops])
            .args(more)
            .output()
            .unwrap()
    };
    let told = probe(&[]);
    assert!(told.status.success() && told.stdout.starts_with(b"degraded\n"), "{told:?}");
    assert_eq!(probe(&["--alive"]).stdout, b"ok\n");
    let metric = probe(&["--metric", "cipher_chat_gateway_connections_opened_total"]);
    assert_eq!(metric.stdout, b"cipher_chat_gateway_connections_opened_total 0\n");
    drop(nats);
    let unready = async || probe(&[]).status.code() == Some(1);
    eventually("without a bus it is not ready", unready).await;
    assert!(probe(&["--alive"]).status.success(), "but its process runs");
    let told = Command::new(env!("CARGO_BIN_EXE_cipher-chat"))
        .args(["probe", "--ops-listen", "127.0.0.1:1"])
        .output()
        .unwrap();
    assert_eq!(told.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&told.stderr).contains("no node listens on 127.0.0.1:1"), "{told:?}");
}

#[tokio::test]
async fn right_after_the_start_a_lonely_gateway_is_degraded_or_as_the_operator_wants_not_ready() {
    let nats = NatsServer::start();
    let lonely = Launch::new("gateway").set("nats", &nats.url()).ready().await;
    let said = get(lonely.ops(), "/readyz").await.text();
    assert!(said.starts_with("degraded\n") && said.contains("pairing") && said.contains("janitor"), "{said}");
    let strict =
        Launch::new("gateway").set("nats", &nats.url()).set("ready-needs", "pairing,janitor").start();
    says(&strict, "not ready\n- no pairing").await;
    let _pairing = Launch::new("pairing").set("nats", &nats.url()).start();
    says(&strict, "not ready\n- no janitor").await;
    let _janitor = Launch::new("janitor").set("nats", &nats.url()).start();
    strict.is_ready().await;
}

#[tokio::test]
async fn a_server_that_takes_too_little_or_refuses_sync_makes_every_node_not_ready() {
    let small = NatsServer::with_config("max_payload: 65536");
    for role in ["gateway", "pairing", "janitor"] {
        let node = Launch::new(role).set("nats", &small.url()).start();
        says(&node, "raise max_payload").await;
        node.is_not_ready().await;
    }
    let refusing = NatsServer::with_config(
        "accounts: { A: { users: [ { user: u, password: p, permissions: {
            publish: { deny: \"cc.v1.sync.>\" } } } ] } }
        no_auth_user: u",
    );
    for role in ["gateway", "janitor"] {
        let node = Launch::new(role).set("nats", &refusing.url()).start();
        says(&node, "check its permissions").await;
        node.is_not_ready().await;
    }
}

#[tokio::test]
async fn a_syslog_server_receives_what_a_node_logs() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap().to_string();
    let node = Launch::new("serve").set("syslog", &address).set("node-id", "one").ready().await;
    let mut room = [0; 8192];
    let line = loop {
        let length = in_time("a line", server.recv(&mut room)).await.unwrap();
        let line = String::from_utf8(room[..length].to_vec()).unwrap();
        if line.contains("node.started") {
            break line;
        }
    };
    assert!(line.starts_with("<30>1 ") && line.contains(" one cipher-chat "), "{line}");
    let (_, json) = line.split_once(" - - ").unwrap();
    let json: Value = serde_json::from_str(json).unwrap();
    assert_eq!((&json["level"], &json["fields"]["node"]), (&"INFO".into(), &"one".into()));
    assert_eq!(node.metric("node_syslog_dropped_total").await, 0.0);
    assert!(node.log().contains("health and metrics"), "standard error has it, too");
    // A server that is gone stops nothing.
    drop(server);
    node.signal("USR1");
    node.has_logged("SIGUSR1").await;
    assert_eq!(node.readiness().await, 200);
}
