//! Prometheus and Alertmanager themselves, with the configuration, alarms and dashboards that are
//! deployed, watch a real cluster.

use std::{
    collections::BTreeSet,
    env, fs,
    net::SocketAddr,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::support::{
    eventually, http, in_time,
    nats::free_port,
    operations::{self, file},
    person::{Person, couple, talk},
    process::Process,
    secure::{Pki, SecureCluster},
    unique,
};

/// One of the two programs, in a directory of its own. Ended with the test.
struct Watcher {
    address: SocketAddr,
    dir: PathBuf,
    process: Child,
}

impl Watcher {
    fn start(program: &str, dir: PathBuf, port: u16, words: &[&str]) -> Self {
        let log = fs::File::create(dir.join("log")).unwrap();
        let process = Command::new(program)
            .args(words)
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .current_dir(&dir)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}; tests/setup operations installs it"));
        Self { address: ([127, 0, 0, 1], port).into(), dir, process }
    }

    /// What it answers, or nothing as long as it does not listen.
    async fn ask(&self, path: &str) -> Option<Value> {
        let asked = async {
            let stream = TcpStream::connect(self.address).await?;
            // To HTTP/1.1 it would answer in pieces.
            http::over(stream, &format!("GET {path} HTTP/1.0\r\n\r\n")).await
        };
        in_time("an answer", asked)
            .await
            .ok()
            .filter(|answer| answer.status == 200)
            .map(|answer| answer.json())
    }

    /// The values that answer a query; none while there is no answer.
    async fn query(&self, query: &str) -> Vec<Value> {
        let answer = self.ask(&format!("/api/v1/query?query={}", encoded(query))).await;
        answer.and_then(|answer| answer["data"]["result"].as_array().cloned()).unwrap_or_default()
    }

    /// The alarms that are there or about to come, with the nodes that they name.
    async fn alarms(&self) -> BTreeSet<(String, String)> {
        let answer = self.ask("/api/v1/alerts").await.unwrap_or_default();
        let alarms = answer["data"]["alerts"].as_array().cloned().unwrap_or_default();
        let label =
            |alarm: &Value, label: &str| alarm["labels"][label].as_str().unwrap_or_default().to_owned();
        alarms.iter().map(|alarm| (label(alarm, "alertname"), label(alarm, "node"))).collect()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // An error means that it has already ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("{}", fs::read_to_string(self.dir.join("log")).unwrap_or_default());
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A text as a part of a query (RFC 3986).
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn new_dir(name: &str) -> PathBuf {
    let dir = env::temp_dir().join(unique(name));
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// Copies a file of `operations/` with other addresses and shorter times.
fn deploy(name: &str, to: &Path, changes: &[(&str, String)]) {
    let mut text = fs::read_to_string(file(name)).unwrap();
    for (what, by) in changes {
        assert!(text.contains(what), "{what} in {name}");
        text = text.replace(what, by);
    }
    fs::create_dir_all(to.join(name).parent().unwrap()).unwrap();
    fs::write(to.join(name), text).unwrap();
}

fn start_alertmanager() -> Watcher {
    let (dir, port) = (new_dir("alertmanager"), free_port());
    deploy("alertmanager.yml", &dir, &[("group_wait: 10s", "group_wait: 1s".into())]);
    // Debian has no program of the short name.
    let found = |name: &str| {
        env::split_paths(&env::var_os("PATH").unwrap_or_default()).any(|dir| dir.join(name).exists())
    };
    let program = if found("alertmanager") { "alertmanager" } else { "prometheus-alertmanager" };
    let words = ["--config.file=alertmanager.yml", "--storage.path=data", "--cluster.listen-address="];
    Watcher::start(program, dir, port, &words)
}

fn start_prometheus(cluster: &SecureCluster, nodes: &[(&str, &Process)], alertmanager: &Watcher) -> Watcher {
    let (dir, port) = (new_dir("prometheus"), free_port());
    let changes = [
        ("scrape_interval: 15s", "scrape_interval: 1s".to_owned()),
        ("scrape_timeout: 5s", "scrape_timeout: 1s".to_owned()),
        ("evaluation_interval: 15s", "evaluation_interval: 1s".to_owned()),
        ("alertmanager:9093", alertmanager.address.to_string()),
    ];
    deploy("prometheus.yml", &dir, &changes);
    deploy("alerts.yml", &dir, &[]);
    let targets = fs::read_to_string(file("targets/nodes.yml")).unwrap();
    let of_node = |(name, process): &(&str, &Process)| -> String {
        let line = targets.lines().find(|line| line.contains(&format!("node: {name},"))).unwrap();
        line.replace(&format!("{name}:9090"), &format!("127.0.0.1:{}", process.ops().port())) + "\n"
    };
    fs::create_dir_all(dir.join("targets")).unwrap();
    fs::write(dir.join("targets/nodes.yml"), nodes.iter().map(of_node).collect::<String>()).unwrap();
    symlink(cluster.pki.file("prometheus"), dir.join("node")).unwrap();
    // What it says before it has found Alertmanager is lost, and is said again after a minute
    // otherwise.
    let words = [
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--log.level=warn",
        "--rules.alert.resend-delay=1s",
    ];
    Watcher::start("prometheus", dir, port, &words)
}

/// A comparison that says 1 or 0 instead of leaving out what it is not true of: it has an answer
/// exactly if what it compares has one.
fn answered_always(query: &str) -> String {
    ["==", "!=", ">=", "<=", ">", "<"]
        .iter()
        .fold(query.to_owned(), |query, sign| query.replace(&format!(" {sign} "), &format!(" {sign} bool ")))
}

/// How many series a node exports.
async fn series(cluster: &SecureCluster, node: &Process) -> usize {
    let text = cluster.watch(node, "/metrics").await.text();
    text.lines().filter(|line| !line.starts_with('#')).count()
}

/// A little of all that people do.
async fn live(one: &Process, other: &Process) -> Vec<String> {
    let (mut ann, mut bob) = couple(one, other).await;
    talk(&mut ann, &mut bob).await;
    bob.lose();
    ann.peer_is("away").await;
    bob.come_back(other).await;
    ann.hear_at_last("peer").await;
    let topic = unique("canary");
    let mut cyd = Person::arrive(one).await;
    cyd.find(json!({"topic": topic})).await;
    let refused = http::with_token(one.address(), "GET", "/v1/sessions/me", "forged").await;
    assert_eq!(refused.status, 401);
    let secrets = [&ann, &bob, &cyd].map(|person| [person.session.clone(), person.token.clone()]);
    let mut secrets: Vec<_> = secrets.into_iter().flatten().chain([ann.room.clone(), topic]).collect();
    secrets.extend([ann.ticket.clone(), bob.ticket.clone()]);
    ann.ask(json!({"type": "leave"})).await;
    bob.ended("left").await;
    cyd.ask(json!({"type": "nonsense"})).await;
    assert_eq!(cyd.error().await, "unknown-type");
    secrets
}

#[tokio::test]
async fn prometheus_answers_every_query_and_raises_alarms() {
    let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1", "gateway-2"])).await;
    let names = ["gateway-1", "gateway-2", "pairing-1", "janitor-1"];
    let launch = |name: &'static str| cluster.launch_watched(name.split('-').next().unwrap(), name);
    let mut nodes = names.map(|name| launch(name).start());
    for node in &nodes {
        eventually("a node is ready", async || cluster.watch(node, "/readyz").await.status == 200).await;
    }
    let alertmanager = start_alertmanager();
    let pairs: Vec<_> = names.into_iter().zip(&nodes).collect();
    let prometheus = start_prometheus(&cluster, &pairs, &alertmanager);
    eventually("all nodes are scraped", async || prometheus.query("up == 1").await.len() == names.len())
        .await;

    let before = series(&cluster, &nodes[0]).await;
    let secrets = live(&nodes[0], &nodes[1]).await;
    assert_eq!(series(&cluster, &nodes[0]).await, before, "every series is there from the start");

    // What is asked for by a dashboard, and what an alarm compares, is there.
    let alarms = operations::rules().into_iter().map(|rule| answered_always(&rule.query));
    let shown =
        operations::dashboard_queries().into_iter().map(|query| query.replace("$__rate_interval", "1m"));
    for query in alarms.chain(shown).filter(|query| !operations::asks_stores(query)) {
        eventually(&query, async || !prometheus.query(&query).await.is_empty()).await;
    }
    let waited = "cipher_chat_gateway_match_wait_seconds_count";
    eventually("who was matched has waited", async || {
        let values = prometheus.query(&format!("sum({waited})")).await;
        values.first().is_some_and(|sum| sum["value"][1] == "2")
    })
    .await;

    // A healthy cluster raises none but the one that shows that alarms arrive.
    let watchdog = BTreeSet::from([("Watchdog".to_owned(), String::new())]);
    eventually("nothing is wrong", async || prometheus.alarms().await == watchdog).await;
    eventually("alarms arrive", async || {
        let arrived = alertmanager.ask("/api/v2/alerts").await.unwrap_or_default();
        let first = arrived.as_array().and_then(|alarms| alarms.first().cloned()).unwrap_or_default();
        first["labels"]["alertname"] == "Watchdog" && first["receivers"][0]["name"] == "watchdog"
    })
    .await;

    // What it has kept names nobody.
    let kept = prometheus.ask(&format!("/api/v1/series?match[]={}", encoded("{__name__=~\".+\"}"))).await;
    let kept = kept.unwrap().to_string();
    assert!(kept.contains("cipher_chat_gateway_chatting"), "{kept}");
    for secret in secrets {
        assert!(secret.len() > 8 && !kept.contains(&secret), "{secret}");
    }

    nodes[2].kill();
    let expected = [("NodeDown", "pairing-1"), ("NobodyMatches", "")];
    for (alarm, node) in expected.map(|(alarm, node)| (alarm.to_owned(), node.to_owned())) {
        let raised = async || prometheus.alarms().await.contains(&(alarm.clone(), node.clone()));
        eventually(&format!("{alarm} {node}"), raised).await;
    }
}
