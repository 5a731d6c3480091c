//! How nodes reach each other: in one process ([`Local`]), or over core NATS ([`Bus::nats`]).
//!
//! Both make the same promises. A message may be lost, and each subscriber is then told that some
//! may have been ([`Heard::Gap`]). Nothing here waits without a time limit or a bound. A fact that
//! must survive a lost message is repeated by its owner.
//!
//! Code outside this crate never sees a subject as text.

mod clock;
mod counters;
mod generations;
mod heard;
mod identity;
mod key_checks;
mod listen;
mod local;
mod nats;
mod route;
mod status;
mod trust;

use std::{fmt, sync::Arc};

use bytes::Bytes;
use parking_lot::Mutex;
use schemas::{
    NodeId, Service, UnixMillis,
    message::{Answer, Message},
    subject::Interest,
};
use tokio::sync::watch;

use heard::ReplyAddress;
use key_checks::KeyChecks;
use nats::Introduction;

pub use clock::Clock;
pub use counters::Counters;
pub use heard::{Heard, ReplyTo};
pub use identity::Doubt;
pub use listen::{Answers, Subscription};
pub use local::Local;
pub use nats::{
    ConnectError, FLUSH_TIMEOUT, NEEDED_PAYLOAD, NatsOptions, NodeState, Observed, Pem, QUEUED_BYTES,
    QUEUED_FRAMES_BYTES, WatchError, Watcher,
};
pub use route::FrameRoute;
pub use status::{BusFault, PublishError, Queued, Status, SubscribeError};

/// One node's access to the bus. Cheap to clone; all clones are the same member of the bus.
#[derive(Clone)]
pub struct Bus {
    node: NodeId,
    role: Option<Service>,
    backend: Backend,
    key_checks: Arc<Mutex<KeyChecks>>,
}

#[derive(Clone)]
enum Backend {
    Local(Arc<local::Member>),
    Nats(Arc<nats::Connection>),
}

/// The right to queue one message of frames for the server; released when dropped. See
/// [`Bus::reserve_frames`].
pub struct FramesPermit(Option<nats::Permit>);

impl Local {
    /// Joins `node` to this bus.
    pub fn join(&self, node: NodeId) -> Bus {
        Bus::over(Backend::Local(Arc::new(self.member())), node)
    }
}

impl Bus {
    /// Joins the NATS servers. The connection is made in the background, and made again whenever it
    /// is lost. Until it is up the status is [`Status::Down`]; subscriptions made before then
    /// deliver a [`Heard::Gap`] when it is.
    ///
    /// # Errors
    /// If the options cannot work: no server, a malformed URL, certificates that cannot be read or
    /// do not belong together.
    pub async fn nats(options: NatsOptions, node: NodeId) -> Result<Self, ConnectError> {
        let connection = nats::Connection::open(options, &node).await?;
        Ok(Self::over(Backend::Nats(Arc::new(connection)), node))
    }

    fn over(backend: Backend, node: NodeId) -> Self {
        Self { node, role: None, backend, key_checks: Arc::default() }
    }

    /// The same access, for one role of the node. With debug assertions, as in tests, it panics
    /// when that role publishes what is another's (see [`Message::publishers`]), or subscribes to
    /// what is not in its list ([`Interest::of`]).
    pub fn with_role(self, role: Service) -> Self {
        Self { role: Some(role), ..self }
    }

    /// The node that this access belongs to.
    pub fn node(&self) -> &NodeId {
        &self.node
    }

    /// Makes this node visible to an operator (`nats micro ls`, `cipher-chat top`). Does nothing on
    /// a local bus.
    pub async fn introduce(&self, service: Service, version: &str, started: UnixMillis, state: NodeState) {
        match &self.backend {
            Backend::Local(_) => {}
            Backend::Nats(connection) => {
                let (node, version) = (self.node.clone(), version.to_owned());
                let replies = connection.replies();
                let introduction = Introduction { node, service, version, started, state, replies };
                connection.introduce(introduction).await;
            }
        }
    }

    /// Subscribes. While the bus is up this returns once the server knows of the subscription;
    /// while it is down, at once. A node also receives what it publishes itself. The interests of
    /// one subscription must not overlap, or a message may be delivered twice.
    ///
    /// # Errors
    /// If the bus has been drained, or takes no command for [`FLUSH_TIMEOUT`].
    pub async fn subscribe(&self, interests: &[Interest]) -> Result<Subscription, SubscribeError> {
        debug_assert!(
            self.role.is_none_or(|role| {
                let own = Interest::of(role, &self.node);
                let of_all = [Interest::of_all(), Interest::of_orders()].concat();
                let known = |i: &Interest| own.contains(i) || of_all.contains(i);
                interests.iter().all(known)
            }),
            "{:?} subscribes to what is not in its list: {interests:?}",
            self.role
        );
        match &self.backend {
            Backend::Local(member) => member.subscribe(interests).map(Subscription::local),
            Backend::Nats(connection) => connection.subscribe(interests).await.map(Subscription::nats),
        }
    }

    /// Publishes a message. Never waits.
    ///
    /// # Errors
    /// If the message is dropped; see [`PublishError`].
    pub fn publish(&self, message: &Message) -> Result<(), PublishError> {
        self.check(message);
        match &self.backend {
            Backend::Local(member) => member.publish(message),
            Backend::Nats(connection) => connection.publish(message),
        }
    }

    /// Publishes one message of frames (see [`schemas::frame`]). Never waits.
    ///
    /// # Errors
    /// If the frames are dropped; see [`PublishError`].
    pub fn publish_frames(&self, route: &FrameRoute, frames: Bytes) -> Result<(), PublishError> {
        match &self.backend {
            Backend::Local(member) => member.publish_frames(route.room, &route.to, frames),
            Backend::Nats(connection) => connection.publish_frames(route, frames, None),
        }
    }

    /// Waits until one message with this many bytes of frames may be queued, after a refusal with
    /// [`PublishError::Full`]. Those who wait are served in the order in which they came. Resolves
    /// at once while the bus is down.
    pub async fn reserve_frames(&self, bytes: usize) -> FramesPermit {
        match &self.backend {
            Backend::Local(_) => FramesPermit(None),
            Backend::Nats(connection) => FramesPermit(connection.reserve_frames(bytes).await),
        }
    }

    /// Publishes one message of frames with a permit that was reserved for as many bytes or more.
    ///
    /// # Errors
    /// As [`Bus::publish_frames`]; [`PublishError::Full`] only if the bus was down when the permit
    /// was reserved, and is up again.
    pub fn publish_frames_with(
        &self,
        permit: FramesPermit,
        route: &FrameRoute,
        frames: Bytes,
    ) -> Result<(), PublishError> {
        match &self.backend {
            Backend::Local(member) => member.publish_frames(route.room, &route.to, frames),
            Backend::Nats(connection) => connection.publish_frames(route, frames, permit.0),
        }
    }

    /// Resolves when a message (not of frames) that was refused with [`PublishError::Full`] may be
    /// published again, or when the bus is down.
    pub async fn writable(&self) {
        match &self.backend {
            Backend::Local(_) => {}
            Backend::Nats(connection) => connection.writable().await,
        }
    }

    /// Publishes a question ([`Message::Ask`], [`Message::Sync`], [`Message::OrdersAsk`]) or an
    /// order ([`Message::Order`], which each node acknowledges); nothing else is ever answered.
    /// Returns the answers as they are received. The caller decides how long to wait for them;
    /// dropping them ends the question.
    ///
    /// # Errors
    /// If the question is dropped; see [`PublishError`].
    pub fn ask(&self, question: Message) -> Result<Answers, PublishError> {
        self.check(&question);
        match &self.backend {
            Backend::Local(member) => member.ask(question).map(Answers::local),
            Backend::Nats(connection) => connection.ask(question).map(Answers::nats),
        }
    }

    /// Answers a question that was received.
    ///
    /// # Errors
    /// If the answer is dropped; see [`PublishError`].
    pub fn answer(&self, to: &ReplyTo, answer: &Answer) -> Result<(), PublishError> {
        debug_assert!(
            self.role.is_none_or(|role| answer.publishers().contains(&role)),
            "{:?} gives an answer that is another role's",
            self.role
        );
        match (&self.backend, &to.0) {
            (Backend::Local(member), ReplyAddress::Queue(queue)) => member.answer(queue, answer),
            (Backend::Nats(connection), ReplyAddress::Inbox(inbox)) => connection.answer(inbox, answer),
            // The question was received on another bus.
            _ => Err(PublishError::Down),
        }
    }

    fn check(&self, message: &Message) {
        debug_assert!(
            self.role.is_none_or(|role| message.may_be_published_by(role)),
            "{:?} publishes what is another role's: {message:?}",
            self.role
        );
    }

    /// Whether the bus is up, now and from now on.
    pub fn status(&self) -> watch::Receiver<Status> {
        match &self.backend {
            Backend::Local(member) => member.status(),
            Backend::Nats(connection) => connection.status(),
        }
    }

    /// Whether the servers refuse this node the subjects on which gateways name themselves: their
    /// permissions are those of the version before.
    pub fn refuses_names(&self) -> bool {
        match &self.backend {
            Backend::Local(_) => false,
            Backend::Nats(connection) => connection.refuses_names(),
        }
    }

    /// Why the bus, if it is up, does not carry what it should.
    pub fn faults(&self) -> Vec<BusFault> {
        match &self.backend {
            Backend::Local(_) => Vec::new(),
            Backend::Nats(connection) => connection.faults(),
        }
    }

    /// Resolves once everything that was published before has reached the server. The server proves
    /// that with an echo.
    ///
    /// # Errors
    /// [`PublishError::Down`] if that is not known: the bus is down or was down meanwhile, or
    /// [`FLUSH_TIMEOUT`] has passed.
    pub async fn flush(&self) -> Result<(), PublishError> {
        match &self.backend {
            Backend::Local(member) => member.flush(),
            Backend::Nats(connection) => connection.flush().await,
        }
    }

    /// Leaves the bus. What was published is flushed, subscriptions end once they have delivered
    /// what they had received, and the connection is closed. Takes at most twice [`FLUSH_TIMEOUT`].
    pub async fn drain(&self) {
        match &self.backend {
            Backend::Local(member) => member.drain(),
            Backend::Nats(connection) => connection.drain().await,
        }
    }

    /// How much waits for the server now: at most [`QUEUED_BYTES`].
    pub fn queued(&self) -> Queued {
        match &self.backend {
            Backend::Local(_) => Queued::default(),
            Backend::Nats(connection) => connection.queued(),
        }
    }

    /// What went wrong so far, for metrics.
    pub fn counters(&self) -> Arc<Counters> {
        match &self.backend {
            Backend::Local(member) => member.counters(),
            Backend::Nats(connection) => connection.counters(),
        }
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus").field("node", &self.node).finish_non_exhaustive()
    }
}
