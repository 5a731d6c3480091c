//! A gateway without its listener, and clients that can write what no client should.

use std::{
    io,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bus::{Bus, Clock, FrameRoute, Local};
use bytes::Bytes;
use records::Acceptor;
use rustls::{ClientConfig, RootCertStore, ServerConfig, pki_types::PrivatePkcs8KeyDer};
use schemas::{BootId, CloseCode, RoomId, SessionId, Side, Stamp, token::RoomHistory};
use serving::Stream;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_rustls::TlsConnector;
use tokio_util::task::TaskTracker;
use websocket::{FrameEnd, Opcode, client::ServerFrame};

use super::super::{
    attach,
    connection::{Connection, Remote, Target},
    outbox::RoomKey,
};
use crate::{config::Config, metrics::Metrics, node::Node, origin_keys::ClientNetwork};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Mask of all frames; the codec's own tests try others.
const KEY: [u8; 4] = [0xa5, 0x01, 0x7f, 0x00];

/// Gives up on what should have happened long ago.
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("it should have happened by now")
}

/// Waits until a condition holds.
pub(super) async fn until(mut condition: impl FnMut() -> bool) {
    soon(async {
        while !condition() {
            sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

pub(super) struct Gateway {
    pub(super) node: Arc<Node>,
    pub(super) tasks: TaskTracker,
}

impl Gateway {
    /// Without rates, unless `change` says otherwise.
    pub(super) fn new(change: impl FnOnce(&mut Config)) -> Self {
        Self::on(&Local::new(), "n1", change)
    }

    pub(super) fn on(local: &Local, name: &str, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(name.parse().unwrap(), BootId(1));
        (config.rates.frame, config.rates.byte, config.rates.find) = (0, 0, 0);
        change(&mut config);
        let bus: Bus = local.join(config.node.clone());
        let node = Arc::new(Node::new(config, bus, Clock::start(), Metrics::default()));
        node.tokens().first_key_announced();
        node.set_synced();
        Self { node, tasks: TaskTracker::new() }
    }

    /// Connects a client that has read `ready`.
    pub(super) async fn connect(&self, way: Way) -> (Client, Arc<Connection>) {
        let (mut client, connection) = self.connect_early(way, b"").await;
        assert!(client.text().await.starts_with("{\"type\":\"ready\""));
        (client, connection)
    }

    /// The same for a client that has said something with its upgrade request.
    pub(super) async fn connect_early(&self, way: Way, early: &[u8]) -> (Client, Arc<Connection>) {
        let (stream, early, io) = way.open(early).await;
        let token = self.node.tokens().issue_session(session::SessionGrant {
            session: SessionId::from_random(rand::random()),
            start: self.node.clock().now().as_secs(),
            stamp: Stamp::NONE,
            pass: None,
            history: RoomHistory::default(),
        });
        let claims = self.node.tokens().verify_session(&token.token).unwrap();
        let rates = self.node.rates();
        let guard = rates.connection(Some(&rates.address([127, 0, 0, 1].into()))).unwrap();
        let (connection, pump) = attach(
            self.node.clone(),
            stream,
            &early,
            &claims,
            ClientNetwork::of([127, 0, 0, 1].into()),
            guard,
        );
        self.tasks.spawn(pump);
        (Client { io, came: Vec::new() }, connection)
    }

    /// Two clients whose frames go to each other, as two sides of a room on this gateway.
    pub(super) async fn pair(&self, one: Way, other: Way) -> [(Client, Arc<Connection>); 2] {
        let (one, other) = (self.connect(one).await, self.connect(other).await);
        let room = RoomKey::of(&RoomId::from_bytes(rand::random()));
        one.1.set_target(Target::Local { peer: Arc::downgrade(&other.1), room });
        other.1.set_target(Target::Local { peer: Arc::downgrade(&one.1), room });
        [one, other]
    }

    /// Sends the frames of a connection to another gateway, and accepts those that come from there.
    pub(super) fn route(&self, connection: &Arc<Connection>, room: RoomId, side: Side, to: &Gateway) {
        let stamp = Stamp(7);
        self.node.routes().open(room, side, connection, stamp);
        let route = FrameRoute { room, to: to.node.config().node.clone() };
        connection.set_target(Target::Remote(Remote { route, side, stamp }));
    }

    /// Waits until every connection is over, and checks that nothing of them is left. The test has
    /// let go of them before.
    pub(super) async fn expect_nothing_left(self) {
        self.tasks.close();
        soon(self.tasks.wait()).await;
        assert!(self.node.is_empty());
        assert_eq!(self.node.routes().len(), 0, "routes");
        assert_eq!(self.node.load().connections, 0);
        let metrics = self.node.metrics();
        assert_eq!(metrics.connections_opened.get(), metrics.connections_closed.get());
        let keep_alive = self.node.keep_alive();
        keep_alive.pass(self.node.config().heartbeat + self.node.config().pong_wait + 2 * keep_alive.tick());
        assert_eq!(keep_alive.watched(), 0, "in the wheel");
    }
}

/// How a client is connected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Way {
    Plain,
    Tls,
    /// Plain, through sockets that hold next to nothing.
    Narrow,
    /// The same with TLS.
    NarrowTls,
}

impl Way {
    /// The server's end, what the HTTP server has read of it beyond the request, and the client's
    /// end.
    async fn open(self, early: &[u8]) -> (Stream, Bytes, Box<dyn Io>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        server.set_nodelay(true).unwrap();
        client.set_nodelay(true).unwrap();
        if matches!(self, Self::Narrow | Self::NarrowTls) {
            SockRef::from(&server).set_send_buffer_size(1).unwrap();
            SockRef::from(&client).set_recv_buffer_size(32 * 1024).unwrap();
        }
        if matches!(self, Self::Plain | Self::Narrow) {
            return (Stream::Plain(server), Bytes::copy_from_slice(early), Box::new(client));
        }
        let (acceptor, connector) = tls();
        let request = b"GET";
        let client = async {
            let mut client = connector.connect("localhost".try_into().unwrap(), client).await.unwrap();
            // In one record: what lies behind the request is opened with it, and stays inside the
            // TLS layer.
            client.write_all(&[request, early].concat()).await.unwrap();
            client.flush().await.unwrap();
            client
        };
        let server = async {
            let mut server = acceptor.accept(server).await.unwrap();
            server.read_exact(&mut [0; 3]).await.unwrap();
            server
        };
        let (client, server) = soon(async { tokio::join!(client, server) }).await;
        (Stream::Tls(Box::new(server)), Bytes::new(), Box::new(client))
    }
}

fn tls() -> (Acceptor, TlsConnector) {
    static BOTH: OnceLock<(Acceptor, TlsConnector)> = OnceLock::new();
    let both = BOTH.get_or_init(|| {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
        let mut roots = RootCertStore::empty();
        roots.add(own.cert.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let server = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key.into())
            .unwrap();
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        (Acceptor::new(server), Arc::new(client).into())
    });
    both.clone()
}

pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

pub(super) struct Client {
    io: Box<dyn Io>,
    came: Vec<u8>,
}

impl Client {
    pub(super) async fn raw(&mut self, bytes: &[u8]) {
        soon(self.io.write_all(bytes)).await.unwrap();
        soon(self.io.flush()).await.unwrap();
    }

    pub(super) async fn say(&mut self, opcode: Opcode, payload: &[u8]) {
        self.raw(&frame(opcode, payload)).await;
    }

    /// The next frame; `None` at the end of the stream, however it came.
    pub(super) async fn next(&mut self) -> Option<ServerFrame> {
        loop {
            let mut bytes = self.came.as_slice();
            if let Some(frame) = websocket::client::take_frame(&mut bytes) {
                assert!(!frame.masked);
                self.came.drain(..self.came.len() - bytes.len());
                return Some(frame);
            }
            let read: io::Result<usize> = soon(self.io.read_buf(&mut self.came)).await;
            if read.unwrap_or(0) == 0 {
                assert!(self.came.is_empty(), "the end comes after a whole frame");
                return None;
            }
        }
    }

    /// The payload of the next frame, which must be of this kind. Pings are answered, and passed
    /// over.
    pub(super) async fn expect(&mut self, opcode: Opcode) -> Vec<u8> {
        loop {
            let frame = self.next().await.unwrap_or_else(|| panic!("the end instead of {opcode:?}"));
            if frame.first == 0x80 | opcode as u8 {
                return frame.payload;
            }
            assert_eq!(
                frame.first,
                0x80 | Opcode::Ping as u8,
                "{:?}",
                String::from_utf8_lossy(&frame.payload)
            );
            self.say(Opcode::Pong, &frame.payload).await;
        }
    }

    pub(super) async fn text(&mut self) -> String {
        String::from_utf8(self.expect(Opcode::Text).await).unwrap()
    }

    pub(super) async fn expect_close(&mut self, code: CloseCode) {
        let payload = self.expect(Opcode::Close).await;
        assert_eq!(payload[..2], code.code().to_be_bytes(), "{:?}", String::from_utf8_lossy(&payload[2..]));
    }

    /// The payload of the peer's next frame; what the server says meanwhile is passed over.
    pub(super) async fn frame_of_peer(&mut self) -> Vec<u8> {
        loop {
            let frame = self.next().await.expect("the end instead of the peer's frame");
            match frame.first & 0x0f {
                2 => return frame.payload,
                1 => {}
                9 => self.say(Opcode::Pong, &frame.payload).await,
                _ => panic!("{:?}", String::from_utf8_lossy(&frame.payload)),
            }
        }
    }

    /// How many pings have come that nobody has read.
    pub(super) async fn pings_so_far(&mut self) -> usize {
        // All that the server has written before is known by its answer.
        self.say(Opcode::Ping, b"").await;
        let mut pings = 0;
        loop {
            match self.next().await.expect("the end instead of a pong").first & 0x0f {
                9 => pings += 1,
                10 => return pings,
                _ => panic!("neither a ping nor a pong"),
            }
        }
    }

    pub(super) async fn expect_end(&mut self) {
        assert_eq!(self.next().await, None);
    }

    /// Says goodbye and waits for the end.
    pub(super) async fn leave(mut self) {
        self.say(Opcode::Close, &1000_u16.to_be_bytes()).await;
        while self.next().await.is_some() {}
    }
}

pub(super) fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    frames(opcode, [payload])
}

pub(super) fn frames<T: AsRef<[u8]>>(opcode: Opcode, payloads: impl IntoIterator<Item = T>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for payload in payloads {
        websocket::client::put_frame(&mut bytes, opcode, FrameEnd::Final, KEY, payload.as_ref());
    }
    bytes
}

/// One fragment of a message.
pub(super) fn fragment(opcode: Opcode, end: FrameEnd, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    websocket::client::put_frame(&mut bytes, opcode, end, KEY, payload);
    bytes
}
