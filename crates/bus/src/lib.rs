//! How nodes hear each other: in one process ([`Local`]), or over core NATS ([`Bus::nats`]). Both keep the same promises, which are
//! few: a message may be lost, and whoever listens is told when some may have been ([`Heard::Gap`]); nothing here ever waits without
//! bound. What must survive a lost message is repeated by its owner.
//!
//! Domain code never sees a subject string.

mod clock;
mod counters;
mod listen;
mod local;
mod nats;

use std::{fmt, sync::Arc};

use bytes::Bytes;
use schemas::{
    NodeId, RoomId, Service,
    message::{Answer, Message},
    subject::Interest,
};
use tokio::sync::watch;

pub use clock::Clock;
pub use counters::Counters;
pub use listen::{Answers, Heard, ReplyTo, Subscription};
pub use local::Local;
pub use nats::{ConnectError, FLUSH_TIMEOUT, NatsOptions, QUEUED_BYTES, QUEUED_FRAMES_BYTES};

/// One node's place on the bus. Cheap to clone; all clones are the same place.
#[derive(Clone)]
pub struct Bus {
    node: NodeId,
    link: Link,
}

#[derive(Clone)]
enum Link {
    Local(Arc<local::Member>),
    Nats(Arc<nats::Connection>),
}

/// Whether the bus can be spoken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Connected. A local bus always is, until it is drained.
    Up,
    /// Not connected: what is published is dropped.
    Down,
}

/// Why a message was not published. It is gone, and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The bus is down, or drained.
    #[error("the bus is down")]
    Down,
    /// [`QUEUED_BYTES`] wait for the server, or [`QUEUED_FRAMES_BYTES`] of frames; see [`Bus::writable`] and [`Bus::place_for_frames`].
    #[error("too much waits for the bus already")]
    Full,
    /// Larger than a message may be.
    #[error("larger than a message may be")]
    TooLarge,
}

/// A place among what waits for the server, for one message of frames; given back when dropped. See [`Bus::place_for_frames`].
pub struct Place(Option<nats::Place>);

/// Why there is no subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// The bus has been drained.
    #[error("the bus has been drained")]
    Drained,
    /// The bus was too busy to take it in time.
    #[error("the bus is too busy to subscribe")]
    Busy,
}

/// The way of frames into one room: small, for there is one for each connection whose other side is on another gateway. The subject is
/// written anew for each message, which is a hundredth of what sending it costs. Cheap to clone.
#[derive(Clone)]
pub struct FrameRoute {
    /// The room.
    pub room: RoomId,
    /// The gateway that holds the other side.
    pub to: NodeId,
}

impl Bus {
    /// Joins the NATS servers. The connection is made, and made again for ever, in the background: until it stands the status is
    /// [`Status::Down`], and subscriptions made before hear a [`Heard::Gap`] when it does.
    ///
    /// # Errors
    /// If the options cannot work: no server, a malformed URL, certificates that cannot be read or do not fit together.
    pub async fn nats(options: NatsOptions, node: NodeId) -> Result<Self, ConnectError> {
        let connection = nats::Connection::open(options, &node).await?;
        Ok(Self { node, link: Link::Nats(Arc::new(connection)) })
    }

    /// Whose place this is.
    pub fn node(&self) -> &NodeId {
        &self.node
    }

    /// Answers for this node when an operator looks at the cluster (`nats micro ls`). A local bus has no operator.
    pub async fn introduce(&self, service: Service, version: &str) {
        match &self.link {
            Link::Local(_) => {}
            Link::Nats(connection) => connection.introduce(&self.node, service, version).await,
        }
    }

    /// Listens. While the bus is up this returns once the server knows; while it is down, at once. A node hears what it says itself.
    /// The interests of one subscription must not overlap, or a message may be heard twice.
    ///
    /// # Errors
    /// If the bus has been drained, or takes no command for [`FLUSH_TIMEOUT`].
    pub async fn subscribe(&self, interests: &[Interest]) -> Result<Subscription, SubscribeError> {
        match &self.link {
            Link::Local(member) => member.subscribe(interests).map(Subscription::local),
            Link::Nats(connection) => connection.subscribe(interests).await.map(Subscription::nats),
        }
    }

    /// Says something. Never waits.
    ///
    /// # Errors
    /// If the message is dropped; see [`PublishError`].
    pub fn publish(&self, message: &Message) -> Result<(), PublishError> {
        match &self.link {
            Link::Local(member) => member.publish(message),
            Link::Nats(connection) => connection.publish(message),
        }
    }

    /// Sends one message of frames (see [`schemas::frame`]). Never waits.
    ///
    /// # Errors
    /// If the frames are dropped; see [`PublishError`].
    pub fn publish_frames(&self, route: &FrameRoute, frames: Bytes) -> Result<(), PublishError> {
        match &self.link {
            Link::Local(member) => member.publish_frames(route.room, &route.to, frames),
            Link::Nats(connection) => connection.publish_frames(route, frames, None),
        }
    }

    /// Waits for a place for one message with so many bytes of frames, for whoever was refused as [`PublishError::Full`]. All who wait get
    /// theirs in turn. Resolves at once while the bus is down.
    pub async fn place_for_frames(&self, bytes: usize) -> Place {
        match &self.link {
            Link::Local(_) => Place(None),
            Link::Nats(connection) => Place(connection.place_for_frames(bytes).await),
        }
    }

    /// Sends one message of frames in a place that was waited for, for as many bytes or more.
    ///
    /// # Errors
    /// As [`Bus::publish_frames`]; [`PublishError::Full`] only if the bus was down when the place was asked for, and has come back.
    pub fn publish_frames_in(
        &self,
        place: Place,
        route: &FrameRoute,
        frames: Bytes,
    ) -> Result<(), PublishError> {
        match &self.link {
            Link::Local(member) => member.publish_frames(route.room, &route.to, frames),
            Link::Nats(connection) => connection.publish_frames(route, frames, place.0),
        }
    }

    /// Resolves when a publish (not of frames) that was refused as [`PublishError::Full`] may be tried again, or the bus is down.
    pub async fn writable(&self) {
        match &self.link {
            Link::Local(_) => {}
            Link::Nats(connection) => connection.writable().await,
        }
    }

    /// Publishes a question ([`Message::Ask`] or [`Message::Sync`]; anything else is never answered) and gives the answers as they
    /// come. How long to wait for them is the caller's to say; dropping them ends the asking.
    ///
    /// # Errors
    /// If the question is dropped; see [`PublishError`].
    pub fn ask(&self, question: Message) -> Result<Answers, PublishError> {
        match &self.link {
            Link::Local(member) => member.ask(question).map(Answers::local),
            Link::Nats(connection) => connection.ask(question).map(Answers::nats),
        }
    }

    /// Answers a question that was heard.
    ///
    /// # Errors
    /// If the answer is dropped; see [`PublishError`].
    pub fn answer(&self, to: &ReplyTo, answer: &Answer) -> Result<(), PublishError> {
        match (&self.link, to) {
            (Link::Local(member), ReplyTo(listen::Reply::Local(to))) => member.answer(to, answer),
            (Link::Nats(connection), ReplyTo(listen::Reply::Nats(to))) => connection.answer(to, answer),
            _ => Err(PublishError::Down),
        }
    }

    /// Whether the bus is up, now and from now on.
    pub fn status(&self) -> watch::Receiver<Status> {
        match &self.link {
            Link::Local(member) => member.status(),
            Link::Nats(connection) => connection.status(),
        }
    }

    /// Resolves once everything that was published before has reached the server, which has proved it with an echo.
    ///
    /// # Errors
    /// [`PublishError::Down`] if that cannot be said: the bus is down or was meanwhile, or [`FLUSH_TIMEOUT`] has passed.
    pub async fn flush(&self) -> Result<(), PublishError> {
        match &self.link {
            Link::Local(member) => member.flush(),
            Link::Nats(connection) => connection.flush().await,
        }
    }

    /// Leaves: what was published is flushed, subscriptions end after what they have received already, and the connection is closed.
    /// Takes at most twice [`FLUSH_TIMEOUT`].
    pub async fn drain(&self) {
        match &self.link {
            Link::Local(member) => member.drain(),
            Link::Nats(connection) => connection.drain().await,
        }
    }

    /// What went wrong so far, for metrics.
    pub fn counters(&self) -> Arc<Counters> {
        match &self.link {
            Link::Local(member) => member.counters(),
            Link::Nats(connection) => connection.counters(),
        }
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus").field("node", &self.node).finish_non_exhaustive()
    }
}

/// Names the room by its prefix only, as every id does.
impl fmt::Debug for FrameRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FrameRoute(…)")
    }
}
