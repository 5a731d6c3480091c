//! Certificates that are renewed while a node runs, and what systemd is told of it.

use std::{fs, net::SocketAddr, os::unix::net::UnixDatagram};

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::support::{
    certificates::Certificates,
    eventually, http, in_time,
    process::{Launch, Process},
    secure::{Pki, SecureCluster},
    unique,
};

const SERVER: &str = "chat.example";

/// What a node has read, as files of their own that can be replaced.
struct Live {
    certificates: Certificates,
}

impl Live {
    fn new() -> Self {
        let live = Self { certificates: Certificates::for_names(&[SERVER]) };
        live.show("ours");
        live
    }

    /// Puts the certificate of this authority in place.
    fn show(&self, authority: &str) {
        for kind in ["pem", "key"] {
            let from = self.certificates.file(&format!("{authority}-{SERVER}.{kind}"));
            fs::copy(from, self.certificates.file(&format!("live.{kind}"))).unwrap();
        }
    }

    fn launch(&self) -> Launch {
        let launch = Launch::new("serve").set("tls-cert", &self.certificates.text("live.pem"));
        launch.set("tls-key", &self.certificates.text("live.key"))
    }

    /// A connection of a client that trusts our authority alone.
    async fn connect(&self, to: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
        let connected = async {
            let stream = TcpStream::connect(to).await?;
            self.certificates.client(None).connect(ServerName::try_from(SERVER).unwrap(), stream).await
        };
        in_time("a handshake", connected).await
    }
}

async fn answers(stream: &mut TlsStream<TcpStream>) -> bool {
    let request = http::request("GET", "/", &[("connection", "keep-alive")], "");
    in_time("an answer", http::over(stream, &request)).await.is_ok_and(|answer| answer.status == 200)
}

async fn reload(serve: &Process, taken: f64, refused: f64) {
    serve.signal("HUP");
    eventually("the files have been read", async || {
        serve.metric("certificates_renewed_total").await == taken
            && serve.metric("certificates_refused_total").await == refused
    })
    .await;
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_from_then_on_and_a_bad_one_is_not() {
    let live = Live::new();
    let serve = live.launch().ready().await;
    let mut open = live.connect(serve.address()).await.unwrap();
    assert!(answers(&mut open).await);

    live.show("theirs");
    reload(&serve, 1.0, 0.0).await;
    assert!(live.connect(serve.address()).await.is_err(), "it shows the other certificate");
    assert!(answers(&mut open).await, "no connection is cut");

    fs::write(live.certificates.file("live.pem"), "no certificate").unwrap();
    reload(&serve, 1.0, 1.0).await;
    serve.has_logged("the old ones stay in use").await;
    assert!(answers(&mut open).await);
    // Nobody who trusts us is served by the other's, and everybody is served.
    let refused = live.connect(serve.address()).await.unwrap_err();
    assert!(refused.to_string().contains("UnknownIssuer"), "the one before is shown: {refused}");

    live.show("ours");
    reload(&serve, 2.0, 1.0).await;
    let mut new = live.connect(serve.address()).await.unwrap();
    assert!(answers(&mut new).await && answers(&mut open).await);
    serve.signal("HUP");
    serve.has_logged("SIGHUP: certificate files are as they were").await;
}

/// The names that a node of the cluster has shown its NATS server, and which server that is.
async fn shown_to_nats(cluster: &SecureCluster) -> Option<(usize, String)> {
    for (index, server) in cluster.servers.iter().enumerate() {
        if let Some(user) = server.users().await.pop() {
            return Some((index, user));
        }
    }
    None
}

#[tokio::test]
async fn a_broken_bus_certificate_is_not_taken_and_a_good_one_is_shown_at_the_next_connect() {
    let mut cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1"])).await;
    let node = cluster.launch("pairing", "pairing-1").ready().await;
    let (server, first) = shown_to_nats(&cluster).await.unwrap();
    assert!(first.contains("CN=pairing-1") && first.contains("OU=1"), "{first}");

    // The old ones are shown and believed as long as a new file is no certificate.
    for broken in ["pairing-1/bus.pem", "pairing-1/bus-ca.pem"] {
        fs::write(cluster.pki.file(broken), "no certificate").unwrap();
    }
    reload(&node, 0.0, 1.0).await;
    node.has_logged("the old ones stay in use").await;
    cluster.servers[server].restart();
    eventually("the node is connected again", async || node.metric("bus_connects_total").await == 2.0).await;
    assert_eq!(shown_to_nats(&cluster).await.map(|(_, user)| user), Some(first));
    node.is_ready().await;

    // The next generation. Servers no longer know the one before, and end its connection.
    cluster.pki.run(&[("--revoke", "pairing-1")]);
    reload(&node, 1.0, 1.0).await;
    for server in &cluster.servers {
        server.reload().await;
    }
    eventually("the node shows its new certificate", async || {
        shown_to_nats(&cluster).await.is_some_and(|(_, user)| user.contains("OU=2"))
    })
    .await;
    node.is_ready().await;
}

#[tokio::test]
async fn systemd_is_told_when_clients_can_come_of_a_reload_of_life_and_of_the_end() {
    let live = Live::new();
    let path = std::env::temp_dir().join(unique("notify"));
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_nonblocking(true).unwrap();
    let heard = async |what: &str| {
        let mut told = String::new();
        eventually(&format!("systemd hears {what:?}"), async || {
            let mut message = [0; 512];
            while let Ok(length) = socket.recv(&mut message) {
                told = String::from_utf8_lossy(&message[..length]).into_owned();
                if told.contains(what) {
                    return true;
                }
            }
            false
        })
        .await;
        told
    };
    let launch = live.launch().variable("NOTIFY_SOCKET", path.to_str().unwrap());
    let mut serve = launch.variable("WATCHDOG_USEC", "300000").start();
    heard("READY=1").await;
    for _ in 0..3 {
        heard("WATCHDOG=1").await;
    }
    serve.signal("HUP");
    assert!(heard("RELOADING=1").await.contains("MONOTONIC_USEC="));
    heard("READY=1").await;
    serve.terminate();
    heard("STOPPING=1").await;
    assert!(serve.ended().await.success());
    fs::remove_file(&path).unwrap();
}
