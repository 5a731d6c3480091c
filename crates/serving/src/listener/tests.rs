//! Over real sockets: clients that speak HTTP badly, slowly, or not at all.

use std::net::SocketAddr;

use axum::{Extension, routing::get};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::{
    head::{HEAD_BYTES, HEADERS},
    socket::{Address, Family, SEND_BUFFER, UNREAD_FOR_GOOD},
};

/// A listener on a free port, and its address.
fn bound() -> (Listening, SocketAddr) {
    let listener = Listening::open(&Address::Tcp(([127, 0, 0, 1], 0).into()), Family::Both).unwrap();
    let Ok(Address::Tcp(address)) = listener.address() else { panic!("not TCP") };
    (listener, address)
}

/// Says hello to everybody who is admitted, with what is left of a guard.
struct Running {
    address: SocketAddr,
    tasks: TaskTracker,
    stop: CancellationToken,
    refusals: Arc<Mutex<Vec<Refusal>>>,
}

const LONG: Duration = Duration::from_secs(10);

impl Running {
    fn start(request_wait: Duration) -> Self {
        Self::start_with(None, request_wait, |_| Ok("guard"))
    }

    fn start_with(
        tls: Option<Acceptor>,
        request_wait: Duration,
        admit: impl Fn(IpAddr) -> Result<&'static str, Refusal> + Send + Sync + 'static,
    ) -> Self {
        let hello = async |Extension(peer): Extension<Peer<&'static str>>| {
            format!("hello {} {}\n", peer.address(), peer.take_guard().unwrap_or("nothing"))
        };
        let read = async |body: String| format!("read {}\n", body.len());
        Self::serving(Router::new().route("/", get(hello).post(read)), tls, request_wait, admit)
    }

    fn serving(
        router: Router,
        tls: Option<Acceptor>,
        request_wait: Duration,
        admit: impl Fn(IpAddr) -> Result<&'static str, Refusal> + Send + Sync + 'static,
    ) -> Self {
        let (listener, address) = bound();
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let refusals = Arc::new(Mutex::new(Vec::new()));
        let told = refusals.clone();
        let refused = Arc::new(move |refusal| told.lock().push(refusal));
        let tls = tls.map(|acceptor| -> Tls { Arc::new(move || acceptor.clone()) });
        let config = ListenerConfig { tls, request_wait, admit: Arc::new(admit), proxies: None, refused };
        tasks.spawn(serve(listener, router, config, tasks.clone(), stop.clone()));
        Self { address, tasks, stop, refusals }
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
    let server = Running::start_with(None, LONG, |_| Err(Refusal::Address));
    assert_eq!(server.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await, "");
    assert_eq!(*server.refusals.lock(), [Refusal::Address]);
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

/// That an answer is a whole problem of this status and code, and nothing else.
#[track_caller]
fn expect_problem(answer: &str, status: u16, code: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    let head = head.to_ascii_lowercase();
    for line in [
        "content-type: application/problem+json",
        "connection: close",
        "x-content-type-options: nosniff",
        "content-security-policy: default-src 'none'; frame-ancestors 'none'",
        "cache-control: no-store",
    ] {
        assert!(head.lines().any(|found| found == line), "{line} in {head}");
    }
    let problem: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((&problem["status"], &problem["code"]), (&status.into(), &code.into()), "{problem}");
}

#[tokio::test]
async fn what_is_not_http_is_told_so_and_closed() {
    let server = Running::start(LONG);
    let many = "X: y\r\n".repeat(HEADERS + 1);
    let long = "x".repeat(2 * HEAD_BYTES);
    let get = |lines: &str| format!("GET / HTTP/1.1\r\n{lines}\r\n");
    let refused = [
        ("NONSENSE\r\n\r\n".to_owned(), 400, "bad-request"),
        ("\x16\x03\x01\x02\0\x01\0\n".to_owned(), 400, "bad-request"),
        (get(""), 400, "bad-request"),
        (get("Host: a\r\nHost: b\r\n"), 400, "bad-request"),
        (get("Host: not a host\r\n"), 400, "bad-request"),
        (get("Host: a\nX: y\r\n"), 400, "bad-request"),
        (get("Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n"), 400, "bad-request"),
        (get("Host: a\r\nTransfer-Encoding: identity, chunked\r\n"), 400, "bad-request"),
        (get(&format!("Host: a\r\n{many}")), 431, "head-too-large"),
        (get(&format!("Host: a\r\nX: {long}\r\n")), 431, "head-too-large"),
    ];
    for (sent, status, code) in &refused {
        expect_problem(&server.send(sent).await, *status, code);
    }
    let told = server.refusals.lock().iter().filter(|cause| **cause == Refusal::Malformed).count();
    assert_eq!((told, server.refusals.lock().len()), (8, refused.len()), "each is counted by its cause");
    server.stop().await;
}

#[tokio::test]
async fn the_answer_to_nonsense_comes_behind_those_to_the_requests_before_it() {
    let server = Running::start(LONG);
    let good = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = server.send(&format!("{good}{good}GET / HTTP/1.1\nHost: a\r\n\r\n{good}")).await;
    let statuses: Vec<_> =
        answer.match_indices("HTTP/1.1 ").map(|(at, _)| &answer[at + 9..at + 12]).collect();
    assert_eq!(statuses, ["200", "200", "400"], "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_body_is_not_taken_for_a_head() {
    let server = Running::start(LONG);
    let body = "no\nhead\n\nat all";
    let post = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    for pieces in [1, 7, 4096] {
        let mut socket = server.connect().await;
        for piece in format!("\r\n{post}{post}{get}").into_bytes().chunks(pieces) {
            socket.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        let answer = read_all(&mut socket).await;
        let statuses: Vec<_> =
            answer.match_indices("HTTP/1.1 ").map(|(at, _)| &answer[at + 9..at + 12]).collect();
        assert_eq!(statuses, ["200", "200", "200"], "in pieces of {pieces}: {answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn behind_a_body_in_chunks_no_other_request_is_looked_for() {
    let server = Running::start(LONG);
    let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = server
        .send(&format!(
            "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n{get}"
        ))
        .await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_request_that_does_not_come_is_not_waited_for_for_ever() {
    let server = Running::start(Duration::from_millis(50));
    assert_eq!(server.send("").await, "", "who has said nothing is told nothing");
    expect_problem(&server.send("GET / HTTP/1.1\r\nHost:").await, 408, "timeout");
    let behind = server.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET").await;
    assert!(behind.starts_with("HTTP/1.1 200 ") && behind.contains("HTTP/1.1 408 "), "{behind}");
    assert_eq!(*server.refusals.lock(), [Refusal::Late, Refusal::Late]);
    server.stop().await;
}

#[tokio::test]
async fn a_connection_serves_so_many_requests_and_then_ends() {
    let server = Running::start(LONG);
    let answer = server.send(&"GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(150)).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 100);
    assert_eq!(answer.to_ascii_lowercase().matches("connection: close").count(), 1);
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

/// A client that asks for much and reads nothing.
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_read_ends_the_connection() {
    let large = || async { vec![b'x'; 8 << 20] };
    let server = Running::serving(Router::new().route("/", get(large)), None, LONG, |_| Ok("guard"));
    let mut socket = server.connect().await;
    socket.write_all("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(50).as_bytes()).await.unwrap();
    while !server.refusals.lock().contains(&Refusal::Unread) {
        sleep(Duration::from_millis(100)).await;
    }
    let mut came = Vec::new();
    let end = socket.read_to_end(&mut came).await;
    assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionReset, "the kernel keeps nothing either");
    assert!(came.len() < 8 << 20, "{} bytes", came.len());
    server.stop().await;
}

#[tokio::test]
async fn the_kernel_keeps_little_for_a_client_that_does_not_read() {
    let (listener, address) = bound();
    let _client = TcpStream::connect(address).await.unwrap();
    let (socket, _) = listener.accept().await.unwrap();
    let bytes = SockRef::from(&socket).send_buffer_size().unwrap();
    assert!(bytes <= 2 * SEND_BUFFER as usize, "{bytes}");
    #[cfg(target_os = "linux")]
    assert_eq!(SockRef::from(&socket).tcp_user_timeout().unwrap(), Some(UNREAD_FOR_GOOD));
}
