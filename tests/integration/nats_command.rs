//! The real command-line tool of NATS, as an operator uses it.

use std::process::{Command, Output};

use serde_json::Value;

use crate::support::{
    cluster::Cluster,
    eventually,
    secure::{Pki, SecureCluster},
};

/// The `nats` command with these words.
fn nats(more: impl FnOnce(&mut Command) -> &mut Command, words: &[&str]) -> Output {
    let mut command = Command::new("go");
    command.args(["tool", "nats"]).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools"));
    more(&mut command);
    command.args(words).output().expect("Go is installed; without it tests/run leaves this test out")
}

/// What it says if all is well.
fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[tokio::test]
async fn operators_see_every_node_with_the_tools_of_nats() {
    let cluster = Cluster::start().await;
    let url = cluster.nats.url();
    let nats = |words: &[&str]| said(&nats(|command| command.args(["--server", &url]), words));
    let listed = nats(&["micro", "ls"]);
    for node in ["gateway-3", "gateway-4", "pairing-1", "janitor-2"] {
        assert!(listed.contains(node), "{node} in\n{listed}");
    }
    for (role, node) in [("gateway", "gateway-3"), ("pairing", "pairing-1"), ("janitor", "janitor-2")] {
        let name = format!("cipher-chat-{role}");
        let info: Value = serde_json::from_str(&nats(&["micro", "info", "--json", &name, node])).unwrap();
        let info = &info["info"];
        assert_eq!(info["description"], format!("cipher-chat {role} {node}"));
        assert_eq!((&info["metadata"]["node"], &info["metadata"]["role"]), (&node.into(), &role.into()));
        let ready = format!("$SRV.READY.{name}.{node}");
        let said = nats(&["request", "--raw", &ready, ""]);
        assert!(said.starts_with("ready") || said.starts_with("degraded"), "{said}");
        let stats = nats(&["micro", "stats", &name]);
        assert!(stats.contains(node), "{stats}");
    }
}

/// A cluster with certificates, and the contexts that `cipher-chat pki` has made for its people.
#[tokio::test]
async fn the_contexts_show_what_each_may_see_and_nothing_else() {
    let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1"])).await;
    let names = ["gateway-1", "pairing-1", "janitor-1"];
    let _nodes = cluster.ready(names.map(|name| cluster.launch(name.split('-').next().unwrap(), name))).await;
    let url = cluster.urls();
    let as_member = |member: &str, words: &[&str]| {
        let home = cluster.pki.file(member);
        let chosen = ["--context", member, "--server", &url];
        nats(|command| command.env("XDG_CONFIG_HOME", home).args(chosen), words)
    };
    let ops = |words: &[&str]| as_member("ops", words);

    eventually("every node is listed", async || {
        let listed = said(&ops(&["micro", "ls"]));
        names.iter().all(|name| listed.contains(name))
    })
    .await;
    assert!(said(&ops(&["micro", "stats", "cipher-chat-gateway"])).contains("gateway-1"));
    assert!(said(&ops(&["micro", "ping", "cipher-chat-pairing"])).contains("pairing-1"));
    let ready = "$SRV.READY.cipher-chat-gateway.gateway-1";
    let check = ["server", "check", "request", "--subject", ready, "--match-payload", "^(ready|degraded)"];
    assert!(said(&ops(&check)).starts_with("OK "));
    let nobody =
        check.map(|word| if word == ready { "$SRV.READY.cipher-chat-gateway.gateway-9" } else { word });
    assert!(!ops(&nobody).status.success(), "a node that is not there is not healthy");

    let decode = format!("{} decode", env!("CARGO_BIN_EXE_cipher-chat"));
    let heartbeats = said(&ops(&["sub", "--raw", "--count", "3", "--translate", &decode, "cc.v1.node.>"]));
    for line in heartbeats.lines().filter(|line| !line.is_empty()) {
        let heartbeat: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{heartbeats}"));
        assert_eq!(heartbeat["version"], env!("CARGO_PKG_VERSION"), "{heartbeat}");
    }
    assert!(heartbeats.contains("version"), "{heartbeats}");
    for subject in ["cc.v1.room.*.frame.*", "cc.v1.want.*", "cc.v1.lease.*", "cc.v1.match.*", "$SYS.>"] {
        let refused = ops(&["sub", "--count", "1", subject]);
        let why = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && why.contains("Permissions Violation"), "{subject}: {why}");
    }

    let sys = |words: &[&str]| as_member("sys", words);
    let servers = said(&sys(&["server", "list"]));
    assert!(["nats-1", "nats-2", "nats-3"].iter().all(|name| servers.contains(name)), "{servers}");
    let connections = said(&sys(&["server", "report", "connections"]));
    assert!(names.iter().all(|name| connections.contains(name)), "{connections}");
    assert!(!sys(&["sub", "--count", "1", "cc.v1.node.>"]).status.success());
}
