//! Over real sockets: what a client sees that speaks HTTP well, badly, or not at all.

use bus::{Clock, Local};
use schemas::BootId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::{
    config::Config,
    metrics::Metrics,
    node::Node,
    rest::{self, Edge},
};

struct Running {
    address: SocketAddr,
    node: Arc<Node>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Running {
    /// On loopback, each connection counted.
    fn start(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_with(None, change)
    }

    fn start_with(tls: Option<Acceptor>, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new("n1".parse().unwrap(), BootId(1));
        change(&mut config);
        let bus = Local::new().join(config.node.clone());
        let node = Arc::new(Node::new(config, bus, Clock::start(), Metrics::default()));
        node.tokens().first_key_announced();
        node.set_synced();
        let listener = bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let router = rest::router(Edge { node: node.clone(), tasks: tasks.clone() });
        let counted = node.clone();
        let admit = move |address| counted.rates().connection(counted.rates().address(address)).map(Some);
        let patience = node.config().upgrade_wait;
        let manners = Manners { tls, patience, admit: Arc::new(admit) };
        tasks.spawn(serve(listener, router, manners, tasks.clone(), stop.clone()));
        Self { address, node, tasks, stop }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends this on a connection of its own and reads until the other end closes it.
    async fn say(&self, text: &str) -> String {
        let mut socket = self.connect().await;
        socket.write_all(text.as_bytes()).await.unwrap();
        read_all(&mut socket).await
    }

    async fn token(&self) -> String {
        let create =
            "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let answer = self.say(create).await;
        assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
        let (_, rest) = answer.split_once(r#""token":""#).unwrap();
        rest.split_once('"').unwrap().0.into()
    }

    async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

async fn read_all(socket: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset after the answer is an end like another.
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Reads until this has come.
async fn read_until(socket: &mut TcpStream, end: &str) -> String {
    let mut answer = Vec::new();
    while !String::from_utf8_lossy(&answer).contains(end) {
        assert_ne!(socket.read_buf(&mut answer).await.unwrap(), 0, "{}", String::from_utf8_lossy(&answer));
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn upgrade(token: &str) -> String {
    format!(
        "GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{token}\r\n"
    )
}

#[tokio::test]
async fn a_client_that_never_ends_its_handshake_is_dropped() {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key.into())
        .unwrap();
    let gateway = Running::start_with(Some(Acceptor::new(config)), |config| {
        config.upgrade_wait = Duration::from_millis(50);
    });
    for beginning in [&b""[..], &[0x16, 3, 1, 0, 200, 1]] {
        let mut socket = gateway.connect().await;
        socket.write_all(beginning).await.unwrap();
        assert_eq!(read_all(&mut socket).await, "");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_opens_a_session_and_its_websocket() {
    let gateway = Running::start(|_| ());
    let token = gateway.token().await;
    for offer in [
        format!("Sec-WebSocket-Protocol: cipher-chat.v1\r\nAuthorization: Bearer {token}\r\n"),
        format!("Sec-WebSocket-Protocol: cipher-chat.v1, bearer.{token}\r\n"),
    ] {
        let mut socket = gateway.connect().await;
        socket.write_all(upgrade(&offer).as_bytes()).await.unwrap();
        let answer = read_until(&mut socket, r#""type":"ready""#).await;
        let head = answer.split_once("\r\n\r\n").unwrap().0.to_lowercase();
        assert!(head.starts_with("http/1.1 101 switching protocols\r\n"), "{head}");
        for line in [
            "connection: upgrade",
            "upgrade: websocket",
            "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=",
            "sec-websocket-protocol: cipher-chat.v1",
        ] {
            assert!(head.lines().any(|found| found == line), "{line} in {head}");
        }
        assert!(!head.contains("sec-websocket-extensions") && !head.contains("bearer"), "{head}");
    }
    gateway.node.close_all();
    gateway.stop().await;
}

#[tokio::test]
async fn what_a_client_sends_right_behind_its_upgrade_is_not_lost() {
    let gateway = Running::start(|_| ());
    let offer = format!("Sec-WebSocket-Protocol: cipher-chat.v1, bearer.{}\r\n", gateway.token().await);
    let mut bytes = upgrade(&offer).into_bytes();
    // {"type":"ping"}, masked with zeros.
    bytes.extend_from_slice(b"\x81\x8f\0\0\0\0{\"type\":\"ping\"}");
    let mut socket = gateway.connect().await;
    socket.write_all(&bytes).await.unwrap();
    read_until(&mut socket, r#"{"type":"pong"}"#).await;
    gateway.node.close_all();
    gateway.stop().await;
}

#[tokio::test]
async fn a_websocket_takes_the_place_of_its_connection_along() {
    let gateway = Running::start(|c| c.connections_per_address = 1);
    let token = gateway.token().await;
    let offer = format!("Sec-WebSocket-Protocol: cipher-chat.v1, bearer.{token}\r\n");
    let mut socket = loop {
        // The place of the connection before is free as soon as its task has ended.
        let mut socket = gateway.connect().await;
        socket.write_all(upgrade(&offer).as_bytes()).await.unwrap();
        let mut first = [0; 12];
        if socket.read_exact(&mut first).await.is_ok() {
            assert_eq!(&first, b"HTTP/1.1 101");
            break socket;
        }
    };
    read_until(&mut socket, "ready").await;
    assert_eq!(gateway.say("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await, "", "dropped unheard");
    gateway.node.close_all();
    gateway.stop().await;
}

#[tokio::test]
async fn a_refused_upgrade_is_an_answer_and_never_an_upgrade() {
    let gateway = Running::start(|_| ());
    let offer =
        "Sec-WebSocket-Protocol: cipher-chat.v1\r\nAuthorization: Bearer forged\r\nConnection: close\r\n";
    let mut socket = gateway.connect().await;
    socket.write_all(upgrade(offer).as_bytes()).await.unwrap();
    let answer = read_until(&mut socket, r#""code":"bad-token""#).await;
    assert!(answer.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{answer}");
    drop(socket);
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_not_http_is_refused_and_closed() {
    let gateway = Running::start(|_| ());
    let many = "X: y\r\n".repeat(HEADERS + 1);
    let long = "x".repeat(2 * HEAD_BYTES);
    for (sent, status) in [
        ("NONSENSE\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(), "400"),
        (format!("GET / HTTP/1.1\r\n{many}\r\n"), "431"),
        (format!("GET / HTTP/1.1\r\nX: {long}\r\n\r\n"), "431"),
    ] {
        let answer = gateway.say(&sent).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    assert_eq!(
        gateway.say("\x16\x03\x01\x02\0\x01\0").await.get(..12).unwrap_or("HTTP/1.1 400"),
        "HTTP/1.1 400"
    );
    gateway.stop().await;
}

#[tokio::test]
async fn a_request_that_does_not_come_is_not_waited_for_for_ever() {
    let gateway = Running::start(|c| c.upgrade_wait = Duration::from_millis(50));
    for slow in ["", "GET / HTTP/1.1\r\nHost:"] {
        let answer = gateway.say(slow).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn shutdown_ends_connections_that_idle() {
    let gateway = Running::start(|_| ());
    let mut idle = gateway.connect().await;
    idle.write_all(b"GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    read_until(&mut idle, "\"openapi\"").await;
    gateway.stop().await;
    read_all(&mut idle).await;
}
