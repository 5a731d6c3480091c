//! What a node says of its own state, over HTTP and over NATS.

use std::process::Command;

use serde_json::Value;

use crate::support::{
    cluster::Cluster,
    eventually,
    http::get,
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

/// The `nats` command with its output in JSON, or as it is.
fn nats(server: &NatsServer, words: &[&str]) -> String {
    let tools = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools");
    let output = Command::new("go")
        .args(["tool", "nats", "--server", &server.url()])
        .args(words)
        .current_dir(tools)
        .output()
        .expect("Go is installed; without it tests/run leaves this test out");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{words:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Uses the real command-line tool of NATS, as an operator does.
#[tokio::test]
async fn operators_see_every_node_with_the_tools_of_nats() {
    let cluster = Cluster::start().await;
    let listed = nats(&cluster.nats, &["micro", "ls"]);
    for node in ["gateway-3", "gateway-4", "pairing-1", "janitor-2"] {
        assert!(listed.contains(node), "{node} in\n{listed}");
    }
    for (role, node) in [("gateway", "gateway-3"), ("pairing", "pairing-1"), ("janitor", "janitor-2")] {
        let name = format!("cipher-chat-{role}");
        let info: Value =
            serde_json::from_str(&nats(&cluster.nats, &["micro", "info", "--json", &name, node])).unwrap();
        let info = &info["info"];
        assert_eq!(info["description"], format!("cipher-chat {role} {node}"));
        assert_eq!((&info["metadata"]["node"], &info["metadata"]["role"]), (&node.into(), &role.into()));
        let ready = format!("$SRV.READY.{name}.{node}");
        let said = nats(&cluster.nats, &["request", "--raw", &ready, ""]);
        assert!(said.starts_with("ready") || said.starts_with("degraded"), "{said}");
        let stats = nats(&cluster.nats, &["micro", "stats", &name]);
        assert!(stats.contains(node), "{stats}");
    }
}
