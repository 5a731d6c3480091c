//! Over real sockets: clients that speak HTTP badly, slowly, or not at all.

use axum::{Extension, routing::get};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// Says hello to everybody who is admitted, with what is left of a guard.
struct Running {
    address: SocketAddr,
    tasks: TaskTracker,
    stop: CancellationToken,
}

const LONG: Duration = Duration::from_secs(10);

impl Running {
    fn start(request_wait: Duration) -> Self {
        Self::start_with(None, request_wait, |_| Ok("guard"))
    }

    fn start_with(
        tls: Option<Acceptor>,
        request_wait: Duration,
        admit: impl Fn(IpAddr) -> Result<&'static str, NotAdmitted> + Send + Sync + 'static,
    ) -> Self {
        let listener = bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let hello = async |Extension(peer): Extension<Peer<&'static str>>| {
            format!("hello {} {}\n", peer.address(), peer.take_guard().unwrap_or("nothing"))
        };
        let router = Router::new().route("/", get(hello));
        let config = ListenerConfig { tls, request_wait, admit: Arc::new(admit) };
        tasks.spawn(serve(listener, router, config, tasks.clone(), stop.clone()));
        Self { address, tasks, stop }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends this on a connection of its own and reads until the other end closes it.
    async fn send(&self, text: &str) -> String {
        let mut socket = self.connect().await;
        socket.write_all(text.as_bytes()).await.unwrap();
        read_all(&mut socket).await
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

#[tokio::test]
async fn a_connection_has_one_guard_for_all_its_requests() {
    let server = Running::start(LONG);
    let mut socket = server.connect().await;
    for guard in ["guard", "nothing"] {
        socket.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        read_until(&mut socket, &format!("hello 127.0.0.1 {guard}\n")).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn who_is_not_admitted_is_dropped_without_an_answer() {
    let server = Running::start_with(None, LONG, |_| Err(NotAdmitted));
    assert_eq!(server.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await, "");
    server.stop().await;
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
    let acceptor = Acceptor::new(config);
    let server = Running::start_with(Some(acceptor), Duration::from_millis(50), |_| Ok("guard"));
    for beginning in [&b""[..], &[0x16, 3, 1, 0, 200, 1]] {
        let mut socket = server.connect().await;
        socket.write_all(beginning).await.unwrap();
        assert_eq!(read_all(&mut socket).await, "");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_http_is_refused_and_closed() {
    let server = Running::start(LONG);
    let many = "X: y\r\n".repeat(HEADERS + 1);
    let long = "x".repeat(2 * HEAD_BYTES);
    for (sent, status) in [
        ("NONSENSE\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(), "400"),
        (format!("GET / HTTP/1.1\r\n{many}\r\n"), "431"),
        (format!("GET / HTTP/1.1\r\nX: {long}\r\n\r\n"), "431"),
    ] {
        let answer = server.send(&sent).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    assert_eq!(
        server.send("\x16\x03\x01\x02\0\x01\0").await.get(..12).unwrap_or("HTTP/1.1 400"),
        "HTTP/1.1 400"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_request_that_does_not_come_is_not_waited_for_for_ever() {
    let server = Running::start(Duration::from_millis(50));
    for slow in ["", "GET / HTTP/1.1\r\nHost:"] {
        let answer = server.send(slow).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn shutdown_ends_connections_that_idle() {
    let server = Running::start(LONG);
    let mut idle = server.connect().await;
    idle.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    read_until(&mut idle, "hello").await;
    server.stop().await;
    read_all(&mut idle).await;
}
