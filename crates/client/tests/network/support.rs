//! A server that does what a test tells it to do.

use std::net::SocketAddr;

use client::{Server, ServerUrl, Session, Trust, connection::Event};
use futures_util::{SinkExt, StreamExt};
use schemas::{
    RoomId, SessionId, Side,
    control::{Admission, ClientMessage, Limits, ServerMessage},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{Request, Response},
        http::HeaderValue,
        protocol::CloseFrame,
    },
};

/// A listener that answers nothing by itself.
pub(crate) struct Script {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

impl Script {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    /// A client's view of this server.
    pub(crate) fn server(&self) -> Server {
        server([self])
    }

    /// Lets a client open its session.
    pub(crate) async fn session(&self, server: &Server) -> Session {
        let answer = answer("201 Created", &opened("t0"));
        let (session, _) = tokio::join!(Session::open(server), self.call(&answer));
        session.unwrap()
    }

    /// Takes one connection, answers with `answer`, and tells the head of the request.
    pub(crate) async fn call(&self, answer: impl AsRef<str>) -> String {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        let head = read_head(&mut stream).await;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        stream.read_exact(&mut body).await.unwrap();
        stream.write_all(answer.as_ref().as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        head
    }

    /// Takes one connection and upgrades it.
    pub(crate) async fn upgrade(&self) -> Peer {
        let (stream, _) = self.listener.accept().await.unwrap();
        Peer::upgrade(stream).await
    }

    /// Takes one connection, upgrades it, checks the token and greets.
    pub(crate) async fn greet(&self, expected: &str, fresh: &str) -> Peer {
        let mut peer = self.upgrade().await;
        assert_eq!(peer.token, expected);
        peer.tell(ready(fresh)).await;
        peer
    }
}

/// Lets a client open its session at either of two servers.
pub(crate) async fn session_at_either(scripts: [&Script; 2]) -> Session {
    let (server, answer) = (server(scripts), answer("201 Created", &opened("t0")));
    let either = async {
        tokio::select! {
            _ = scripts[0].call(&answer) => {}
            _ = scripts[1].call(&answer) => {}
        }
    };
    tokio::join!(Session::open(&server), either).0.unwrap()
}

/// Takes one connection at either of two servers, and greets. Tells at which.
pub(crate) async fn greet_at_either(scripts: [&Script; 2], expected: &str, fresh: &str) -> (Peer, usize) {
    tokio::select! {
        peer = scripts[0].greet(expected, fresh) => (peer, 0),
        peer = scripts[1].greet(expected, fresh) => (peer, 1),
    }
}

/// One service at several scripted servers.
pub(crate) fn server<'a>(scripts: impl IntoIterator<Item = &'a Script>) -> Server {
    let url = |script: &Script| -> ServerUrl { format!("http://{}", script.address).parse().unwrap() };
    Server::new(scripts.into_iter().map(url), &Trust::System).unwrap()
}

/// What TCP and TLS have in common.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// The server's end of a WebSocket.
pub(crate) struct Peer {
    pub(crate) token: String,
    stream: WebSocketStream<Box<dyn Stream>>,
}

impl Peer {
    #[expect(clippy::result_large_err, reason = "the callback's type is tungstenite's")]
    pub(crate) async fn upgrade(stream: impl Stream + 'static) -> Self {
        let stream: Box<dyn Stream> = Box::new(stream);
        let mut token = String::new();
        let check = |request: &Request, mut response: Response| {
            let header =
                |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            assert_eq!(request.uri().path(), "/v1/ws");
            assert_eq!(request.uri().query(), None, "no token in a URL");
            assert_eq!(header("sec-websocket-protocol"), "cipher-chat.v1");
            token = header("authorization").strip_prefix("Bearer ").unwrap().to_owned();
            response
                .headers_mut()
                .insert("sec-websocket-protocol", HeaderValue::from_static("cipher-chat.v1"));
            Ok(response)
        };
        let stream = accept_hdr_async(stream, check).await.unwrap();
        Self { token, stream }
    }

    pub(crate) async fn tell(&mut self, message: ServerMessage) {
        self.stream.send(Message::text(message.json())).await.unwrap();
    }

    pub(crate) async fn text(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn send(&mut self, bytes: impl Into<bytes::Bytes>) {
        self.stream.send(Message::Binary(bytes.into())).await.unwrap();
    }

    /// The next thing that the client sends; `None` when it is gone without a close frame.
    pub(crate) async fn heard(&mut self) -> Option<Message> {
        self.stream.next().await?.ok()
    }

    pub(crate) async fn control(&mut self) -> ClientMessage {
        match self.heard().await {
            Some(Message::Text(text)) => ClientMessage::parse(&text).unwrap(),
            other => panic!("not a control message: {other:?}"),
        }
    }

    /// Ends it with a close code, as a server should: it waits for the answer.
    pub(crate) async fn close(mut self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        self.stream.send(Message::Close(Some(frame))).await.unwrap();
        let answer = self.heard().await;
        assert!(matches!(answer, Some(Message::Close(_))), "the client answers: {answer:?}");
    }
}

/// Lets events pass up to `Closed`, and that must be the last.
pub(crate) async fn last_events(connection: &mut client::Connection) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(event) = connection.next_event().await {
        events.push(event);
    }
    events
}

pub(crate) fn ready(token: &str) -> ServerMessage {
    ServerMessage::Ready {
        session: SessionId::from_random([7; 16]),
        token: token.into(),
        expires_at: 1,
        expires_in: 600,
        limits: Limits {
            frame_bytes: 65536,
            control_bytes: 4096,
            frame_rate: 0,
            byte_rate: 0,
            topic_chars: 64,
            grace_ms: 60_000,
        },
        heartbeat_ms: 25_000,
    }
}

pub(crate) fn place(side: Side, ticket: &str) -> Admission {
    Admission { room: RoomId::from_bytes([9; 16]), side, ticket: ticket.into(), expect: None }
}

/// The body that answers `POST /v1/sessions`.
pub(crate) fn opened(token: &str) -> String {
    let session = SessionId::from_random([7; 16]).text();
    format!(r#"{{"session":"{session}","token":"{token}","expires_at":1,"expires_in":600,"ws":"/v1/ws"}}"#)
}

pub(crate) fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// The head of an HTTP request, lower-cased.
pub(crate) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap().to_lowercase()
}
