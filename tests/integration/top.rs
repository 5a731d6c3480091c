//! `cipher-chat top`, as whoever watches a real cluster runs it.

use std::process::{Command, Output};

use serde_json::Value;

use crate::support::{
    cluster::Cluster,
    eventually,
    person::{couple, talk},
    secure::{Pki, SecureCluster},
};

/// What it prints with these words, without blocking the test's other tasks.
async fn top(words: Vec<String>) -> Output {
    let running = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cipher-chat"));
        command.arg("top").args(words).output().unwrap()
    });
    running.await.unwrap()
}

fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text)
        .unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}

fn node<'a>(report: &'a Value, name: &str) -> &'a Value {
    let found = report["nodes"].as_array().unwrap().iter().find(|node| node["node"] == name);
    found.unwrap_or_else(|| panic!("{name} in {report}"))
}

/// With the user's certificate and permissions, and nothing but the bus.
#[tokio::test]
async fn whoever_watches_sees_every_node_of_a_secure_cluster() {
    let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1", "gateway-2"])).await;
    let names = ["gateway-1", "gateway-2", "pairing-1", "janitor-1"];
    let mut nodes =
        cluster.ready(names.map(|name| cluster.launch(name.split('-').next().unwrap(), name))).await;
    let (mut ann, mut bob) = couple(&nodes[0], &nodes[1]).await;
    talk(&mut ann, &mut bob).await;
    let context = cluster.pki.text("ops/nats/context/ops.json");
    let look = async |more: &[&str]| {
        let words = ["--once", "--context", &context, "--nats", &cluster.urls()];
        top(words.iter().chain(more).map(|word| (*word).to_owned()).collect()).await
    };

    let output = look(&["--json"]).await;
    let report = json(&output);
    assert!(output.status.success());
    assert_eq!(
        (&report["standing"], &report["people"]["chatting"]),
        (&"whole".into(), &2.into()),
        "{report}"
    );
    for name in names {
        let node = node(&report, name);
        assert_eq!(node["role"], name.split('-').next().unwrap());
        assert_eq!(
            (&node["state"], &node["version"]),
            (&"ready".into(), &env!("CARGO_PKG_VERSION").into()),
            "{node}"
        );
        assert!(node["certificate"].as_f64().unwrap() > 86400.0, "{node}");
        assert!(node["processor"].is_number() && node["memory"].as_f64().unwrap() > 1e6, "{node}");
    }
    let names_of = |report: &Value| -> Vec<String> {
        let alarms = report["alarms"].as_array().unwrap().iter();
        alarms.map(|alarm| alarm["name"].as_str().unwrap().to_owned()).collect()
    };
    assert!(
        !names_of(&report).iter().any(|name| ["NodeDown", "NobodyMatches"].contains(&name.as_str())),
        "{report}"
    );
    let shown = String::from_utf8(look(&["--sort", "state"]).await.stdout).unwrap();
    assert!(names.iter().all(|name| shown.contains(name)) && shown.contains("STATE▾"), "{shown}");

    // Nothing of what is seen names anybody.
    let everything = format!("{report}{shown}");
    for secret in [&ann.session, &ann.room, &ann.token, &bob.session, &bob.token] {
        assert!(secret.len() > 8 && !everything.contains(secret.as_str()), "{secret}");
    }

    nodes[2].kill();
    eventually("nobody matches", async || {
        names_of(&json(&look(&["--json"]).await)).contains(&"NobodyMatches".to_owned())
    })
    .await;
    cluster.has_no_violation();
}

/// It ends with a word of what is wrong, and with 1.
#[tokio::test]
async fn who_is_not_let_in_or_hears_nobody_is_told_so() {
    let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1"])).await;
    let context = cluster.pki.text("ops/nats/context/ops.json");
    let words = ["--once", "--context", &context, "--nats", &cluster.urls()].map(str::to_owned);
    let output = top(words.to_vec()).await;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), told.contains("no node is heard")), (Some(1), true), "{told}");
    let plain = ["--once", "--nats", "nats://192.0.2.1:4222"].map(str::to_owned);
    let output = top(plain.to_vec()).await;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), told.contains("needs TLS")), (Some(2), true), "{told}");
    let in_a_script =
        top(vec!["--nats".into(), cluster.urls(), "--nats-ca".into(), cluster.pki.text("ops/bus-ca.pem")])
            .await;
    assert_eq!(in_a_script.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&in_a_script.stderr).contains("use --once, or --json"));
}

/// Without certificates, on this machine.
#[tokio::test]
async fn a_cluster_without_certificates_is_watched_as_well() {
    let cluster = Cluster::start().await;
    let words = ["--once", "--json", "--nats", &cluster.nats.url()].map(str::to_owned);
    let report = json(&top(words.to_vec()).await);
    for name in ["gateway-3", "gateway-4", "pairing-1", "janitor-2"] {
        assert_eq!(node(&report, name)["state"], "ready", "{report}");
    }
}
