//! A cluster as it is deployed: three NATS servers with the configuration that really runs, TLS on
//! every link, and for each node and person the files that `cipher-chat pki` makes.

mod pki;

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Arc,
    thread,
};

use parking_lot::Mutex;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::{net::TcpStream, time::Instant};

pub(crate) use self::pki::{Identity, Pki};
use super::{
    eventually, http, in_time,
    nats::{free_port, program},
    process::{self, Launch, Process},
    unique,
};

/// The file that is deployed.
const NATS_CONF: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/nats/nats.conf");

/// A server that is not as fast as its ports are taken by others is started again, this many times.
const ATTEMPTS: usize = 5;

/// The cluster.
pub(crate) struct SecureCluster {
    pub(crate) pki: Pki,
    pub(crate) servers: Vec<SecureNats>,
}

impl SecureCluster {
    /// Starts the three NATS servers, and waits until each has routes to the others.
    pub(crate) async fn start(pki: Pki) -> Self {
        Self::start_with(pki, |configuration| configuration).await
    }

    /// The same with a change of the configuration.
    pub(crate) async fn start_with(pki: Pki, change: impl Fn(String) -> String) -> Self {
        let configuration = change(fs::read_to_string(NATS_CONF).unwrap());
        for _ in 0..ATTEMPTS {
            let names = ["nats-1", "nats-2", "nats-3"];
            let ports: Vec<_> = names.iter().map(|_| [free_port(), free_port(), free_port()]).collect();
            let routes: Vec<_> =
                ports.iter().map(|[_, route, _]| format!("tls://127.0.0.1:{route}")).collect();
            let routes = format!("[{}]", routes.join(", "));
            let servers: Vec<_> = names
                .into_iter()
                .zip(ports)
                .map(|(name, ports)| SecureNats::start(&pki, name, ports, &routes, &configuration))
                .collect();
            if servers.iter().all(SecureNats::is_ready) {
                let cluster = Self { pki, servers };
                cluster.is_connected().await;
                return cluster;
            }
        }
        panic!("the NATS servers do not start");
    }

    async fn is_connected(&self) {
        for server in &self.servers {
            eventually("a NATS server has routes to the others", async || {
                let routes = server.monitoring("/routez").await;
                let names = routes["routes"].as_array().into_iter().flatten();
                let mut names: Vec<_> = names.filter_map(|route| route["remote_name"].as_str()).collect();
                names.sort_unstable();
                names.dedup();
                names.len() == self.servers.len() - 1
            })
            .await;
        }
    }

    /// The addresses for nodes.
    pub(crate) fn urls(&self) -> String {
        self.servers.iter().map(|server| format!("tls://{}", server.clients())).collect::<Vec<_>>().join(",")
    }

    /// A node of this cluster, which can be configured before it is started. Its clients come
    /// without TLS.
    pub(crate) fn launch(&self, role: &'static str, name: &str) -> Launch {
        Launch::new(role)
            .set("nats", &self.urls())
            .set("node-id", name)
            .set("nats-ca", &self.pki.text(&format!("{name}/bus-ca.pem")))
            .set("nats-cert", &self.pki.text(&format!("{name}/bus.pem")))
            .set("nats-key", &self.pki.text(&format!("{name}/bus.key")))
    }

    /// The same with an ops listener that others can reach.
    pub(crate) fn launch_watched(&self, role: &'static str, name: &str) -> Launch {
        let own = |file: &str| self.pki.text(&format!("{name}/{file}"));
        self.launch(role, name)
            .set("ops-listen", "0.0.0.0:0")
            .set("ops-tls-cert", &own("operations.pem"))
            .set("ops-tls-key", &own("operations.key"))
            .set("ops-tls-client-ca", &own("operations-ca.pem"))
            .set("ops-tls-client-names", &own("operations-names.txt"))
    }

    /// The same behind a proxy.
    pub(crate) fn launch_with_doors(&self, role: &'static str, name: &str) -> Launch {
        let own = |file: &str| self.pki.text(&format!("{name}/{file}"));
        let launch = self.launch_watched(role, name);
        if role != "gateway" {
            return launch;
        }
        launch
            .set("tls-cert", &own("edge.pem"))
            .set("tls-key", &own("edge.key"))
            .set("tls-client-ca", &own("edge-ca.pem"))
            .set("tls-client-names", &own("edge-names.txt"))
    }

    /// What a node that is watched answers to a watcher.
    pub(crate) async fn watch(&self, node: &Process, path: &str) -> http::Answer {
        let tls = self.pki.client("operations", Some("prometheus/operations"));
        let address = SocketAddr::from(([127, 0, 0, 1], node.ops().port()));
        let asked = async {
            let stream = TcpStream::connect(address).await?;
            let stream = tls.connect(ServerName::try_from("localhost").unwrap(), stream).await?;
            http::over(stream, &http::request("GET", path, &[], "")).await
        };
        in_time(&format!("an answer to a watcher, {path}"), asked).await.unwrap()
    }

    /// Runs `cipher-chat order` as the operator does, who signs with this key.
    pub(crate) fn order(&self, words: &[&str], key: &str) -> Output {
        let [ca, cert, private] =
            ["bus-ca.pem", "bus.pem", "bus.key"].map(|file| self.pki.text(&format!("ops/{file}")));
        let urls = self.urls();
        let nats =
            ["--key", key, "--nats", &urls, "--nats-ca", &ca, "--nats-cert", &cert, "--nats-key", &private];
        process::order(&[words, &nats].concat())
    }

    /// Starts nodes at the same time, and waits until they are ready.
    pub(crate) async fn ready<const N: usize>(&self, nodes: [Launch; N]) -> [Process; N] {
        let nodes = nodes.map(|node| node.start());
        for node in &nodes {
            node.is_ready().await;
        }
        nodes
    }

    /// What the servers have logged of acts that are not permitted, and of certificates that they
    /// refused.
    pub(crate) fn violations(&self) -> Vec<String> {
        let is_violation = |line: &&str| {
            let line = line.to_lowercase();
            ["violation", "authentication error", "handshake error", "unauthorized"]
                .iter()
                .any(|word| line.contains(word))
        };
        let logs = self.servers.iter().map(SecureNats::log).collect::<Vec<_>>();
        logs.iter().flat_map(|log| log.lines()).filter(is_violation).map(str::to_owned).collect()
    }

    /// Fails if anything was refused.
    #[track_caller]
    pub(crate) fn has_no_violation(&self) {
        let violations = self.violations();
        assert!(violations.is_empty(), "{}", violations.join("\n"));
    }
}

/// One NATS server of the cluster.
pub(crate) struct SecureNats {
    dir: PathBuf,
    name: String,
    routes: String,
    ports: [u16; 3],
    process: Child,
    log: Arc<Mutex<String>>,
}

impl SecureNats {
    fn start(pki: &Pki, name: &str, ports: [u16; 3], routes: &str, configuration: &str) -> Self {
        let dir = env::temp_dir().join(unique(name));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("nats.conf"), configuration).unwrap();
        symlink(pki.file(name), dir.join("node")).unwrap();
        let log = Arc::<Mutex<String>>::default();
        let process = Self::spawn(&dir, name, ports, routes, log.clone());
        Self { dir, name: name.to_owned(), routes: routes.to_owned(), ports, process, log }
    }

    fn spawn(dir: &Path, name: &str, ports: [u16; 3], routes: &str, written: Arc<Mutex<String>>) -> Child {
        let [clients, route, monitor] = ports.map(|port| format!("127.0.0.1:{port}"));
        let mut process = Command::new(program())
            .args(["-c", "nats.conf"])
            .current_dir(dir)
            .env("NATS_NAME", name)
            .env("NATS_LISTEN", clients)
            .env("NATS_ROUTE_LISTEN", &route)
            .env("NATS_ROUTE_NAME", route)
            .env("NATS_ROUTES", routes)
            .env("NATS_MONITOR", monitor)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nats-server is installed: $NATS_SERVER, the path, or tests/.cache");
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        // Reads until the server ends; otherwise the server would block on a full pipe.
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                written.lock().push_str(&(line + "\n"));
            }
        });
        process
    }

    /// Kills it, and starts it again where it was.
    pub(crate) fn restart(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.log.lock().clear();
        self.process = Self::spawn(&self.dir, &self.name, self.ports, &self.routes, self.log.clone());
        assert!(self.is_ready(), "{} does not start again", self.name);
    }

    /// Waits until it serves, or has ended.
    fn is_ready(&self) -> bool {
        let deadline = Instant::now() + super::PATIENCE;
        loop {
            let log = self.log();
            if log.contains("Listening for route connections") && log.contains("Server is ready") {
                return true;
            }
            if log.contains("[FTL]") || Instant::now() > deadline {
                eprintln!("{log}");
                return false;
            }
            thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    /// Where nodes connect.
    pub(crate) fn clients(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.ports[0]).into()
    }

    /// Where the other servers connect.
    pub(crate) fn routes(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.ports[1]).into()
    }

    /// Where its monitoring is.
    pub(crate) fn monitor(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.ports[2]).into()
    }

    /// All that it has logged.
    pub(crate) fn log(&self) -> String {
        self.log.lock().clone()
    }

    /// How often it has logged this.
    pub(crate) fn logged(&self, text: &str) -> usize {
        self.log.lock().matches(text).count()
    }

    /// Reads its configuration again, and waits until it is in force.
    pub(crate) async fn reload(&self) {
        let before = self.logged("Reloaded server configuration");
        self.signal("HUP");
        eventually("the configuration is reloaded", async || {
            self.logged("Reloaded server configuration") > before
        })
        .await;
    }

    /// Makes it send its nodes away, and then end.
    pub(crate) fn lame_duck(&self) {
        self.signal("USR2");
    }

    /// How many nodes are connected to it.
    pub(crate) async fn connections(&self) -> u64 {
        self.monitoring("/varz").await["connections"].as_u64().unwrap()
    }

    /// The distinguished names of the nodes that are connected to it.
    pub(crate) async fn users(&self) -> Vec<String> {
        let all = self.monitoring("/connz?auth=true").await;
        let users = all["connections"].as_array().into_iter().flatten();
        users.filter_map(|user| user["authorized_user"].as_str()).map(str::to_owned).collect()
    }

    /// What its monitoring says. It would send pieces in answer to HTTP/1.1.
    async fn monitoring(&self, path: &str) -> Value {
        let asked = async {
            let stream = TcpStream::connect(self.monitor()).await?;
            http::over(stream, &format!("GET {path} HTTP/1.0\r\n\r\n")).await
        };
        in_time("an answer of NATS", asked).await.unwrap().json()
    }

    fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.process.id());
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
    }
}

impl Drop for SecureNats {
    fn drop(&mut self) {
        // An error means that it has already ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.dir);
        if thread::panicking() {
            eprintln!("--- nats ---\n{}", self.log());
        }
    }
}
