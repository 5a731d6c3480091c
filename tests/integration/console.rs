//! The console, as whoever looks at it asks for it. How it looks is tested in a browser.

use std::{
    fs,
    net::SocketAddr,
    process::{Command, Output},
};

use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::support::{
    eventually,
    http::{self, Answer, get},
    in_time,
    person::{couple, talk},
    process::{Launch, Process},
    secure::{Pki, SecureCluster},
    unique,
};

async fn overview(process: &Process) -> Value {
    let answer = get(process.ops(), "/overview").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn names(report: &Value) -> Vec<&str> {
    report["nodes"].as_array().unwrap().iter().map(|node| node["node"].as_str().unwrap()).collect()
}

/// With the certificate of who watches, it shows all nodes and nobody who chats.
#[tokio::test]
async fn the_console_shows_a_secure_cluster_and_names_nobody() {
    let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1", "gateway-2"])).await;
    let all = ["gateway-1", "gateway-2", "pairing-1", "janitor-1"];
    let mut nodes =
        cluster.ready(all.map(|name| cluster.launch(name.split('-').next().unwrap(), name))).await;
    let [console] = cluster.ready([cluster.launch("console", "ops")]).await;
    let (mut ann, mut bob) = couple(&nodes[0], &nodes[1]).await;
    talk(&mut ann, &mut bob).await;
    eventually("all nodes and the chat are seen", async || {
        let report = overview(&console).await;
        report["standing"] == "whole"
            && all.iter().all(|name| names(&report).contains(name))
            && report["people"]["chatting"] == 2
    })
    .await;
    let page = get(console.ops(), "/").await;
    assert!(page.text().contains("cipher-chat console"));
    let everything = format!("{}{}", overview(&console).await, get(console.ops(), "/metrics").await.text());
    for secret in [&ann.session, &ann.room, &ann.token, &bob.session, &bob.token] {
        assert!(secret.len() > 8 && !everything.contains(secret.as_str()), "{secret}");
        assert!(!console.log().contains(secret.as_str()), "{secret}");
    }
    nodes[2].kill();
    eventually("a silent node is an alarm", async || {
        let report = overview(&console).await;
        let alarms = report["alarms"].as_array().unwrap();
        alarms.iter().any(|alarm| alarm["name"] == "NodeDown" && alarm["node"] == "pairing-1")
    })
    .await;
    cluster.has_no_violation();
    console.terminate();
}

/// Whoever says goodbye is gone at once and no alarm; whoever crashes is silent.
#[tokio::test]
async fn a_node_that_stops_in_order_leaves_and_one_that_crashes_is_silent() {
    let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1", "gateway-2"])).await;
    let all = ["gateway-1", "gateway-2", "pairing-1", "pairing-2", "janitor-1"];
    let mut nodes =
        cluster.ready(all.map(|name| cluster.launch(name.split('-').next().unwrap(), name))).await;
    let [console] = cluster.ready([cluster.launch("console", "ops")]).await;
    eventually("all nodes are seen", async || {
        let report = overview(&console).await;
        report["standing"] == "whole" && names(&report).len() == all.len()
    })
    .await;
    nodes[2].kill();
    for stopped in [1, 3, 4] {
        nodes[stopped].terminate();
    }
    eventually("who has stopped is gone, who has crashed is silent", async || {
        let report = overview(&console).await;
        let shown = report["nodes"].as_array().unwrap().iter();
        let silent: Vec<_> = shown.filter(|node| node["state"] == "silent").collect();
        // At no time is one silent that has said goodbye.
        assert!(silent.iter().all(|node| node["node"] == "pairing-1"), "{report}");
        let alarms = report["alarms"].as_array().unwrap().iter();
        let mut down = alarms.filter(|alarm| alarm["name"] == "NodeDown");
        assert!(down.all(|alarm| alarm["node"] == "pairing-1"), "{report}");
        silent.len() == 1 && names(&report) == ["gateway-1", "pairing-1"]
    })
    .await;
    console.terminate();
}

/// The console has a certificate of its own for the bus, with which it is answered as `ops` is; and
/// nobody but the operator opens its page from another machine.
#[tokio::test]
async fn the_console_of_its_own_certificate_opens_to_the_operator_alone() {
    let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1"])).await;
    let [_gateway] = cluster.ready([cluster.launch("gateway", "gateway-1")]).await;
    let pki = &cluster.pki;
    let console = cluster.launch_watched("console", "console").set("node-id", "ops").start();
    let address = SocketAddr::from(([127, 0, 0, 1], console.ops().port()));
    let ask = async |leaf: &str| -> std::io::Result<Answer> {
        let tls = pki.client("operations", Some(leaf));
        let asked = async {
            let stream = TcpStream::connect(address).await?;
            let stream = tls.connect(ServerName::try_from("localhost").unwrap(), stream).await?;
            http::over(stream, &http::request("GET", "/overview", &[], "")).await
        };
        in_time("an answer, or none", asked).await
    };
    let leaves = pki.leaves().into_iter().filter(|leaf| leaf.ends_with("/operations"));
    let mut others = leaves.filter(|leaf| leaf != "ops/operations").peekable();
    assert!(others.peek().is_some());
    eventually("the operator sees the gateway whole", async || {
        let Ok(answer) = ask("ops/operations").await else { return false };
        let report = answer.json();
        report["standing"] == "whole" && names(&report) == ["gateway-1"]
    })
    .await;
    for other in others {
        assert!(ask(&other).await.is_err(), "{other}");
    }
    cluster.has_no_violation();
    console.terminate();
}

/// `serve` shows itself, from the first look on.
#[tokio::test]
async fn serve_shows_itself_on_its_ops_listener_and_not_to_clients() {
    let serve = Launch::new("serve").ready().await;
    eventually("it is seen whole", async || {
        let report = overview(&serve).await;
        let nodes = report["nodes"].as_array().unwrap();
        let is_there = |role: &str| nodes.iter().any(|node| node["role"] == role);
        report["standing"] == "whole" && ["gateway", "pairing", "janitor"].into_iter().all(is_there)
    })
    .await;
    assert_eq!(get(serve.address(), "/overview").await.status, 404);
    assert!(!get(serve.address(), "/").await.text().contains("cipher-chat console"));
}

/// From other machines it is looked at over TLS, here with a token in place of a certificate.
#[tokio::test]
async fn where_others_reach_it_the_overview_needs_the_token_and_the_files_do_not() {
    const TOKEN: &str = "kYl3xv2Q9pXw8nBz5rTc7uHd4mJf6aGe";
    let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1"])).await;
    let token = std::env::temp_dir().join(unique("token"));
    fs::write(&token, TOKEN).unwrap();
    let console = cluster
        .launch("console", "ops")
        .set("ops-listen", "0.0.0.0:0")
        .set("ops-tls-cert", &cluster.pki.text("gateway-1/operations.pem"))
        .set("ops-tls-key", &cluster.pki.text("gateway-1/operations.key"))
        .set("ops-token-file", token.to_str().unwrap())
        .start();
    let ask = async |path: &str, headers: &[(&str, &str)]| -> Answer {
        let tls = cluster.pki.client("operations", None);
        let address = SocketAddr::from(([127, 0, 0, 1], console.ops().port()));
        let asked = async {
            let stream = TcpStream::connect(address).await?;
            let stream = tls.connect(ServerName::try_from("localhost").unwrap(), stream).await?;
            http::over(stream, &http::request("GET", path, headers, "")).await
        };
        in_time("an answer", asked).await.unwrap()
    };
    assert_eq!(ask("/", &[]).await.status, 200);
    assert_eq!(ask("/console/console.js", &[]).await.status, 200);
    assert_eq!(ask("/overview", &[]).await.status, 401);
    assert_eq!(ask("/overview", &[("authorization", "Bearer x")]).await.status, 401);
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(ask("/overview", &[("authorization", &bearer)]).await.status, 200);
    fs::remove_file(token).unwrap();
}

/// What the page and `cipher-chat order --ops` send it.
#[tokio::test]
async fn the_console_passes_signed_orders_on_and_says_what_each_node_did() {
    let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1"])).await;
    let all = ["gateway-1", "pairing-1", "janitor-1"];
    let judging = all.map(|name| {
        let key = cluster.pki.text(&format!("{name}/orders.pub"));
        cluster.launch(name.split('-').next().unwrap(), name).set("order-key", &key)
    });
    let nodes = cluster.ready(judging).await;
    let [console] = cluster.ready([cluster.launch("console", "ops")]).await;
    eventually("all nodes are heard", async || {
        let report = overview(&console).await;
        all.iter().all(|name| names(&report).contains(name))
    })
    .await;
    let give = async |key: String| -> Output {
        let ops = format!("http://{}", console.ops());
        let running = tokio::task::spawn_blocking(move || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_cipher-chat"));
            command.args(["order", "notice", "Away at 22:00.", "--key", &key, "--ops", &ops]).output()
        });
        running.await.unwrap().unwrap()
    };
    let told = give(cluster.pki.text("ops/orders.key")).await;
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.status.success(), "{text}{}", String::from_utf8_lossy(&told.stderr));
    assert!(all.iter().all(|name| text.contains(name)) && !text.contains("not answered"), "{text}");
    eventually("the order is shown", async || {
        let order = overview(&console).await["orders"][0].clone();
        (&order["kind"], &order["nodes"], &order["of"]) == (&"notice".into(), &3.into(), &3.into())
    })
    .await;
    let status = get(nodes[0].address(), "/v1/status").await.json();
    assert!(status.to_string().contains("Away at 22:00."), "{status}");

    // Nobody else orders anything.
    let other = Pki::with_gateways(&["gateway-1"]);
    let told = give(other.text("ops/orders.key")).await;
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    assert_eq!((told.status.code(), text.matches("has not signed").count()), (Some(1), 3), "{text}");
    for (content, status) in [("application/cbor", 400), ("text/plain", 415)] {
        let headers = [("content-type", content)];
        let answer = http::call(console.ops(), "POST", "/orders", &headers, "nonsense").await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    cluster.has_no_violation();
    console.terminate();
}
