//! The relay path for benchmarks and instruction counts: private parts that only the feature
//! `bench` opens.

use std::{io, os::unix::net::UnixStream, sync::Arc};

use bus::{Bus, Clock, FrameRoute, SubscribeError};
use schemas::{RoomId, SessionId, Side, Stamp, token::RoomHistory};
use serving::{Stream, socket::as_tcp};
use session::SessionGrant;
use tokio::task::JoinSet;

pub use crate::ws::bench::OpenOutbox;
use crate::{
    config::Config,
    dispatch,
    metrics::Metrics,
    node::Node,
    origin_keys::ClientNetwork,
    routes::Routes,
    token::TokenError,
    ws::{
        attach,
        batch::Batch,
        connection::{Connection, Remote, Target},
        outbox::RoomKey,
    },
};

/// The attachment of everybody here.
const STAMP: Stamp = Stamp(7);

/// A gateway without its listener and its timers: nothing happens in it but what its clients bring
/// about.
pub struct Relay {
    node: Arc<Node>,
    tasks: JoinSet<()>,
}

/// A client's connection, as the gateway holds it.
#[derive(Clone)]
pub struct Connected(Arc<Connection>);

/// Why a client could not be connected.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// There is no socket to be had.
    #[error("no socket")]
    Socket(#[from] io::Error),
    /// The gateway does not know its own token.
    #[error("the token is refused")]
    Token(#[from] TokenError),
    /// More connections from one address than the configuration allows.
    #[error("no room for the connection")]
    TooManyConnections(#[from] crate::rates::TooManyConnections),
}

impl Relay {
    /// A gateway on this bus.
    pub fn new(config: Config, bus: Bus) -> Self {
        let node = Arc::new(Node::new(config, bus, Clock::start(), Metrics::default()));
        node.tokens().first_key_announced();
        node.set_synced();
        Self { node, tasks: JoinSet::new() }
    }

    /// Connects a client, as after its upgrade; the gateway sends `ready` first. Returns the
    /// client's end too, which does not block.
    ///
    /// The two ends are a pair of UNIX sockets: unlike TCP's, what one end has written the other
    /// can read at once, always.
    ///
    /// # Errors
    /// If there is no socket, or the gateway refuses the client.
    pub fn connect(&mut self) -> Result<(Connected, UnixStream), ConnectError> {
        let (client, server) = UnixStream::pair()?;
        client.set_nonblocking(true)?;
        let grant = SessionGrant {
            session: SessionId::from_random(rand::random()),
            start: self.node.clock().now().as_secs(),
            stamp: Stamp::NONE,
            pass: None,
            history: RoomHistory::default(),
        };
        let token = self.node.tokens().issue_session(grant).token;
        let claims = self.node.tokens().verify_session(&token)?;
        let rates = self.node.rates();
        let guard = rates.connection(Some(&rates.address([127, 0, 0, 1].into())));
        let guard = guard.map_err(|_| crate::rates::TooManyConnections)?;
        let (connection, pump) = attach(
            self.node.clone(),
            Stream::Plain(as_tcp(server)?),
            b"",
            &claims,
            ClientNetwork::of([127, 0, 0, 1].into()),
            guard,
        );
        self.tasks.spawn(pump);
        Ok((Connected(connection), client))
    }

    /// Receives from the bus from now on.
    ///
    /// # Errors
    /// If the bus is going away.
    pub async fn listen(&mut self) -> Result<(), SubscribeError> {
        let subscriptions = dispatch::listen(&self.node).await?;
        self.tasks.spawn(dispatch::run(self.node.clone(), subscriptions));
        Ok(())
    }

    /// Sends the frames of a side, which is here, to the gateway that holds the other, and takes
    /// those that come from there.
    pub fn route(&self, connected: &Connected, room: RoomId, side: Side, to: &Self) {
        self.node.routes().open(room, side, &connected.0, STAMP);
        let route = FrameRoute { room, to: to.node.config().node.clone() };
        connected.0.set_target(Target::Remote(Remote { route, side, stamp: STAMP }));
    }

    /// Passes the frames of one read on to the other side of the speaker's room.
    pub fn pass_on<'a>(&self, speaker: &Connected, frames: impl IntoIterator<Item = &'a [u8]>) {
        let mut batch = Batch::behind(None);
        frames.into_iter().for_each(|frame| batch.put(&*self.node, &speaker.0, frame));
        batch.finish(&*self.node);
    }
}

impl Connected {
    /// Puts two clients of one gateway into a room.
    pub fn pair(one: &Self, other: &Self, room: RoomId) {
        for (from, to) in [(one, other), (other, one)] {
            let peer = Arc::downgrade(&to.0);
            from.0.set_target(Target::Local { peer, room: RoomKey::of(&room) });
        }
    }
}

/// Routes by room.
pub struct RouteTable(Routes);

impl RouteTable {
    /// A route for each room, to these connections in turn.
    pub fn new(rooms: &[RoomId], connections: &[Connected]) -> Self {
        let routes = Routes::default();
        for (room, connection) in rooms.iter().zip(connections.iter().cycle()) {
            routes.open(*room, Side::A, &connection.0, STAMP);
        }
        Self(routes)
    }

    /// Whether frames for this room have somewhere to go: what the dispatcher asks for each message
    /// of the bus.
    pub fn find(&self, room: RoomId) -> bool {
        self.0.find(room, Side::A, STAMP).is_some()
    }
}
