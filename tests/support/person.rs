//! A person who uses cipher-chat: a session, a socket, and what was received over it.

mod couple;

use std::net::SocketAddr;

use schemas::criteria::ChannelVersion;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    client_async,
    tungstenite::{
        self, Bytes, Message,
        client::IntoClientRequest,
        http::{HeaderName, HeaderValue, Request, Response},
    },
};

pub(crate) use self::couple::{couple, get_through, meet, pair, talk};
use super::{
    http::{self, Answer},
    in_time,
    process::Process,
    socket::{Socket, TestSocket},
};

/// What a person may receive next.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Heard {
    /// A control message.
    Control(Value),
    /// A frame of the peer.
    Frame(Bytes),
    /// The end of the connection, with the code of the close frame if there was one.
    Closed(Option<u16>),
}

/// A session, and its socket if it has one.
pub(crate) struct Person {
    pub(crate) session: String,
    pub(crate) token: String,
    /// The ticket of the room they are or were in.
    pub(crate) room: String,
    pub(crate) side: String,
    pub(crate) ticket: String,
    socket: Option<TestSocket>,
}

impl Person {
    /// Opens a session.
    pub(crate) async fn new(at: &Process) -> Self {
        Self::with(http::call(at.address(), "POST", "/v1/sessions", &[], "").await)
    }

    /// The session of an answer to `POST /v1/sessions`.
    pub(crate) fn with(answer: Answer) -> Self {
        assert_eq!(answer.status, 201, "{answer:?}");
        let opened = answer.json();
        let none = String::new;
        Self {
            session: text(&opened, "session"),
            token: text(&opened, "token"),
            room: none(),
            side: none(),
            ticket: none(),
            socket: None,
        }
    }

    /// Opens a session and connects.
    pub(crate) async fn arrive(at: &Process) -> Self {
        let mut person = Self::new(at).await;
        person.connect(at).await;
        person
    }

    /// Connects and receives `ready`. A socket that was open before is dropped.
    pub(crate) async fn connect(&mut self, at: &Process) -> Value {
        self.socket = Some(TestSocket::of(self.open(at).await));
        let ready = self.hear("ready").await;
        assert_eq!(text(&ready, "session"), self.session);
        ready
    }

    /// The same from an address that a proxy names.
    pub(crate) async fn connect_from(&mut self, at: &Process, address: &str) {
        self.socket = Some(TestSocket::of(self.open_with(at, &[("x-forwarded-for", address)]).await));
        self.hear("ready").await;
    }

    /// The same over a stream that is open already.
    pub(crate) async fn connect_over(&mut self, stream: TcpStream) {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str()), ("sec-websocket-protocol", "cipher-chat.v1")];
        let nobody = ([127, 0, 0, 1], 1).into();
        let opened = client_async(upgrade_request(nobody, &headers), stream);
        let (socket, _) = in_time("an answer to an upgrade", opened).await.expect("an open socket");
        self.socket = Some(TestSocket::of(socket));
        self.hear("ready").await;
    }

    /// Another socket of the same session.
    pub(crate) async fn open(&self, at: &Process) -> Socket {
        self.open_with(at, &[]).await
    }

    async fn open_with(&self, at: &Process, more: &[(&str, &str)]) -> Socket {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str()), ("sec-websocket-protocol", "cipher-chat.v1")];
        let headers = [headers.as_slice(), more].concat();
        let (socket, answer) = upgrade(at.address(), &headers).await.expect("an open socket");
        assert_eq!(answer.headers()["sec-websocket-protocol"], "cipher-chat.v1");
        assert!(!answer.headers().contains_key("sec-websocket-extensions"), "compression is not offered");
        socket
    }

    /// Breaks the connection off, without a close frame.
    pub(crate) fn lose(&mut self) {
        self.socket = None;
    }

    /// Gives the socket away. It stays open, and nobody reads it.
    pub(crate) fn release(&mut self) -> Socket {
        self.socket.take().expect("a socket").release()
    }

    /// Takes a socket over.
    pub(crate) fn take(&mut self, socket: Socket) {
        self.socket = Some(TestSocket::of(socket));
    }

    fn socket_mut(&mut self) -> &mut TestSocket {
        self.socket.as_mut().expect("a socket")
    }

    /// Sends a control message. One that asks for somebody names the version of the channel that
    /// today's clients speak, unless it names another.
    pub(crate) async fn ask(&mut self, mut message: Value) {
        let wants_somebody = message["type"] == "find" || message["type"] == "next";
        if wants_somebody && message.get("channel").is_none() {
            message["channel"] = ChannelVersion::CURRENT.get().into();
        }
        self.send(Message::text(message.to_string())).await;
    }

    /// Sends a frame.
    pub(crate) async fn frame(&mut self, frame: impl Into<Bytes>) {
        self.send(Message::Binary(frame.into())).await;
    }

    /// Sends any message.
    pub(crate) async fn send(&mut self, message: Message) {
        in_time("the socket takes a message", self.socket_mut().send(message)).await.unwrap();
    }

    /// Sends `find` and receives `waiting`.
    #[track_caller]
    pub(crate) fn find(&mut self, mut criteria: Value) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            criteria["type"] = "find".into();
            self.ask(criteria).await;
            assert_eq!(self.next().await, Heard::Control(json!({"type": "waiting"})), "at {caller}");
        }
    }

    /// Sends `resume` with the ticket; the answer is not received yet.
    pub(crate) async fn resume(&mut self) {
        let ticket = self.ticket.clone();
        self.ask(json!({"type": "resume", "ticket": ticket})).await;
    }

    /// Connects and resumes the room.
    pub(crate) async fn come_back(&mut self, at: &Process) {
        self.connect(at).await;
        self.resume().await;
        self.hear("resumed").await;
    }

    /// The next item, except for renewed tokens, which are kept, and for what may be expected
    /// while waiting ([`Self::expects`]).
    pub(crate) async fn next(&mut self) -> Heard {
        let session = self.session.clone();
        in_time(&format!("something for {session}"), self.next_heard()).await
    }

    async fn next_heard(&mut self) -> Heard {
        loop {
            let message = match self.socket_mut().next().await {
                Some(Message::Text(text)) => serde_json::from_str(&text).unwrap(),
                Some(Message::Binary(frame)) => return Heard::Frame(frame),
                Some(Message::Close(frame)) => {
                    return Heard::Closed(frame.map(|frame| frame.code.into()));
                }
                Some(_) => continue,
                None => return Heard::Closed(None),
            };
            self.keep(&message);
            if message["type"] != "token" && !is_outlook(&message) {
                return Heard::Control(message);
            }
        }
    }

    /// Waits until this is what may be expected. Everything else is skipped.
    pub(crate) async fn expects(&mut self, outlook: Value) {
        let mut expected = outlook;
        expected["type"] = "waiting".into();
        let told = async {
            loop {
                let message = self.socket_mut().next().await.expect("an open socket");
                let Message::Text(text) = message else { continue };
                let message: Value = serde_json::from_str(&text).unwrap();
                self.keep(&message);
                if message == expected {
                    return;
                }
            }
        };
        in_time(&format!("{expected}"), told).await;
    }

    /// Waits for a renewed token.
    pub(crate) async fn renewed(&mut self) -> Value {
        let renewed = async {
            loop {
                let message = self.socket_mut().next().await.expect("an open socket");
                let Message::Text(text) = message else { continue };
                let message: Value = serde_json::from_str(&text).unwrap();
                if is_outlook(&message) {
                    continue;
                }
                assert_eq!(message["type"], "token", "{message}");
                return message;
            }
        };
        let message = in_time("a renewed token", renewed).await;
        self.keep(&message);
        message
    }

    /// Keeps what is needed later.
    fn keep(&mut self, message: &Value) {
        let fields = [
            ("token", &mut self.token),
            ("ticket", &mut self.ticket),
            ("room", &mut self.room),
            ("side", &mut self.side),
        ];
        for (name, field) in fields {
            if let Some(value) = message[name].as_str() {
                value.clone_into(field);
            }
        }
    }

    /// The next item must be this control message.
    #[track_caller]
    pub(crate) fn hear(&mut self, kind: &str) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        async move {
            match self.next().await {
                Heard::Control(message) if message["type"] == kind => message,
                other => panic!("at {caller}: {kind:?} was to come, and {other:?} came"),
            }
        }
    }

    /// Waits for a control message. `peer` messages before it are skipped.
    #[track_caller]
    pub(crate) fn hear_at_last(&mut self, kind: &str) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        async move {
            loop {
                match self.next().await {
                    Heard::Control(message) if message["type"] == kind => return message,
                    Heard::Control(message) if message["type"] == "peer" => {}
                    other => panic!("at {caller}: {kind:?} was to come, and {other:?} came"),
                }
            }
        }
    }

    /// The next item must be the message that the peer is `online` or `away`.
    #[track_caller]
    pub(crate) fn peer_is(&mut self, state: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let expected = Heard::Control(json!({"type": "peer", "state": state}));
            let next = self.next().await;
            assert_eq!(next, expected, "at {caller}");
        }
    }

    /// The next item must be the end of the chat with this reason.
    #[track_caller]
    pub(crate) fn ended(&mut self, reason: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let expected = Heard::Control(json!({"type": "ended", "reason": reason}));
            let next = self.next().await;
            assert_eq!(next, expected, "at {caller}");
        }
    }

    /// The code of the next error.
    pub(crate) async fn error(&mut self) -> String {
        let error = self.hear("error").await;
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{error}");
        text(&error, "code")
    }

    /// The next item must be a frame.
    #[track_caller]
    pub(crate) fn hear_frame(&mut self) -> impl Future<Output = Bytes> {
        let caller = std::panic::Location::caller();
        async move {
            match self.next().await {
                Heard::Frame(frame) => frame,
                other => panic!("at {caller}: a frame was to come, and {other:?} came"),
            }
        }
    }

    /// Nothing was sent to this person: the next item is the answer to a ping.
    pub(crate) async fn has_heard_nothing(&mut self) {
        self.ask(json!({"type": "ping"})).await;
        self.hear("pong").await;
    }

    /// Reads until the socket is closed; the code of the close frame.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        loop {
            if let Heard::Closed(code) = self.next().await {
                return code;
            }
        }
    }

    /// A REST call with this person's token.
    pub(crate) async fn call(&self, at: &Process, method: &str, path: &str) -> Answer {
        http::with_token(at.address(), method, path, &self.token).await
    }

    /// What `GET /v1/sessions/me` returns: the state, and whether a socket is open.
    pub(crate) async fn whereabouts(&self, at: &Process) -> (String, bool) {
        let me = self.call(at, "GET", "/v1/sessions/me").await;
        assert_eq!(me.status, 200, "{me:?}");
        let me = me.json();
        (text(&me, "state"), me["connected"].as_bool().unwrap())
    }
}

/// Opens a WebSocket with these headers.
pub(crate) async fn upgrade(
    to: SocketAddr,
    headers: &[(&str, &str)],
) -> tungstenite::Result<(Socket, Response<Option<Vec<u8>>>)> {
    let opened = async {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        client_async(upgrade_request(to, headers), stream).await
    };
    in_time("an answer to an upgrade", opened).await
}

fn upgrade_request(to: SocketAddr, headers: &[(&str, &str)]) -> Request<()> {
    let mut request = format!("ws://{to}/v1/ws").into_client_request().unwrap();
    for (name, value) in headers {
        let (name, value) = (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        request.headers_mut().insert(name, value);
    }
    request
}

/// A field of a message.
pub(crate) fn text(message: &Value, field: &str) -> String {
    message[field].as_str().unwrap_or_else(|| panic!("{field} in {message}")).to_owned()
}

/// Whether this tells somebody who waits what may be expected.
fn is_outlook(message: &Value) -> bool {
    message["type"] == "waiting" && message.as_object().is_some_and(|members| members.len() > 1)
}
