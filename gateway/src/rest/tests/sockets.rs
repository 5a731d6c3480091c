//! Over real sockets: what a client sees of HTTP and of the upgrade.

use std::net::SocketAddr;

use serving::{
    listener::{self, ListenerConfig},
    socket::{Address, Family, Listening},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;

use super::*;

struct Running {
    address: SocketAddr,
    node: Arc<Node>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Running {
    /// On loopback, each connection counted.
    fn start(change: impl FnOnce(&mut Config)) -> Self {
        let state = Gateway::new(change).state;
        let (node, tasks, stop) = (state.node.clone(), state.tasks.clone(), CancellationToken::new());
        let anywhere = Address::Tcp(([127, 0, 0, 1], 0).into());
        let listener = Listening::open(&anywhere, Family::Both).unwrap();
        let Ok(Address::Tcp(address)) = listener.address() else { panic!("not TCP") };
        let counted = node.clone();
        let admit = move |address| {
            let rates = counted.rates();
            rates.connection(Some(&rates.address(address)))
        };
        let told = node.clone();
        let refused =
            Arc::new(move |refusal: serving::refusal::Refusal| told.refusals().refused(refusal.word()));
        let request_wait = node.config().upgrade_wait;
        let config =
            ListenerConfig { tls: None, request_wait, admit: Arc::new(admit), proxies: None, refused };
        tasks.spawn(listener::serve(listener, router(state), config, tasks.clone(), stop.clone()));
        Self { address, node, tasks, stop }
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

    async fn token(&self) -> String {
        let create =
            "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let answer = self.send(create).await;
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

fn upgrade_request(offer: &str) -> String {
    format!(
        "GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n"
    )
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
        socket.write_all(upgrade_request(&offer).as_bytes()).await.unwrap();
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
    let mut bytes = upgrade_request(&offer).into_bytes();
    // {"type":"ping"}, masked with zeros.
    bytes.extend_from_slice(b"\x81\x8f\0\0\0\0{\"type\":\"ping\"}");
    let mut socket = gateway.connect().await;
    socket.write_all(&bytes).await.unwrap();
    read_until(&mut socket, r#"{"type":"pong"}"#).await;
    gateway.node.close_all();
    gateway.stop().await;
}

#[tokio::test]
async fn a_websocket_counts_as_the_connection_that_it_was() {
    let gateway = Running::start(|c| c.connections_per_address = 1);
    let token = gateway.token().await;
    let offer = format!("Sec-WebSocket-Protocol: cipher-chat.v1, bearer.{token}\r\n");
    let mut socket = loop {
        // The connection before counts until its task has ended.
        let mut socket = gateway.connect().await;
        socket.write_all(upgrade_request(&offer).as_bytes()).await.unwrap();
        let mut first = [0; 12];
        if socket.read_exact(&mut first).await.is_ok() {
            assert_eq!(&first, b"HTTP/1.1 101");
            break socket;
        }
    };
    read_until(&mut socket, "ready").await;
    assert_eq!(
        gateway.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await,
        "",
        "dropped without an answer"
    );
    gateway.node.close_all();
    gateway.stop().await;
}

#[tokio::test]
async fn a_refused_upgrade_is_an_answer_and_never_an_upgrade() {
    let gateway = Running::start(|_| ());
    let offer =
        "Sec-WebSocket-Protocol: cipher-chat.v1\r\nAuthorization: Bearer forged\r\nConnection: close\r\n";
    let mut socket = gateway.connect().await;
    socket.write_all(upgrade_request(offer).as_bytes()).await.unwrap();
    let answer = read_until(&mut socket, r#""code":"bad-token""#).await;
    assert!(answer.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{answer}");
    drop(socket);
    gateway.stop().await;
}
