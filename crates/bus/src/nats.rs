//! The bus over core NATS, and the only user of async-nats.
//!
//! While async-nats reconnects it keeps what it was given, and sends it late. So nothing is given
//! to it while the connection is known to be down. What was queued when the connection was lost (at
//! most [`QUEUED_BYTES`]) is still sent on the next connection.

mod budget;
mod credentials;
mod micro;
mod options;
mod outgoing;
mod overwriting;
mod shared;
mod subscription;
mod traces;
mod watcher;

use std::sync::{Arc, atomic::Ordering::Relaxed};

use async_nats::{Client, Event, message::OutboundMessage};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use parking_lot::Mutex;
use schemas::{
    NodeId, limits,
    message::{Answer, Message},
    subject::{self, Interest, Replies, Subject},
};
use tokio::{
    sync::watch,
    task::{JoinSet, unconstrained},
    time::timeout,
};

use self::{outgoing::Outgoing, shared::Shared};
use crate::{
    counters::Counters,
    identity::Identity,
    route::FrameRoute,
    status::{BusFault, PublishError, Queued, Status, SubscribeError},
};

pub(crate) use self::{
    budget::Permit,
    credentials::Credentials,
    micro::Introduction,
    subscription::{Answers, Subscription},
};
pub use self::{
    budget::{QUEUED_BYTES, QUEUED_FRAMES_BYTES},
    micro::NodeState,
    options::{ConnectError, FLUSH_TIMEOUT, NatsOptions, Pem},
    watcher::{Observed, WatchError, Watcher},
};

/// The largest message that a node publishes, in bytes: what the servers' `max_payload` must allow.
pub const NEEDED_PAYLOAD: usize = if limits::EVENT_BYTES > limits::BUS_FRAMES_BYTES {
    limits::EVENT_BYTES
} else {
    limits::BUS_FRAMES_BYTES
};

/// async-nats reads the system's authorities at each connect, although it does not need them, and
/// does not connect if one of them cannot be read.
fn warn_of_the_system() {
    if !rustls_native_certs::load_native_certs().errors.is_empty() {
        tracing::warn!(
            event = "bus.system-certificates",
            "a file among the system's authorities cannot be read: NATS cannot be reached until it can, or, \
             with --nats-ca, SSL_CERT_FILE=/dev/null leaves them out"
        );
    }
}

/// The node's one connection.
pub(crate) struct Connection {
    client: Client,
    shared: Arc<Shared>,
    outgoing: Arc<Outgoing>,
    credentials: Option<Arc<Credentials>>,
    identity: Option<Identity>,
    /// The tasks that hand messages to async-nats and overwrite what it keeps of them, until this is
    /// dropped.
    _tasks: JoinSet<()>,
    /// Answers `$SRV.>` for this node, until this is dropped.
    micro: Mutex<Vec<micro::MicroService>>,
}

impl Connection {
    pub(crate) async fn open(options: NatsOptions, node: &NodeId) -> Result<Self, ConnectError> {
        let servers = options.servers()?;
        let credentials = Credentials::open(&options, node)?;
        let identity = credentials.as_ref().and_then(Identity::of);
        let shared = Arc::new(Shared::new());
        let observer = shared.clone();
        let client = options.client(node, &subject::inbox_prefix(node), credentials.as_ref())?;
        let renewing = credentials.clone();
        let client = client.event_callback(move |event| {
            observer.observe(&event);
            // It may have been cut off because its certificate was revoked: the next attempt is to
            // show the one that is there now. What is unfit is not taken, and what is in use stays
            // so.
            if matches!(event, Event::Disconnected | Event::ClientError(_))
                && let Some(credentials) = &renewing
            {
                let _ = credentials.renew();
            }
            std::future::ready(())
        });
        if credentials.is_some() {
            warn_of_the_system();
        }
        let client = client.connect(servers).await.map_err(ConnectError::Client)?;
        let outgoing = Arc::<Outgoing>::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(outgoing.clone().run(client.clone(), shared.clone()));
        tasks.spawn(overwriting::run(client.clone(), shared.clone(), outgoing.clone()));
        Ok(Self { client, shared, outgoing, credentials, identity, _tasks: tasks, micro: Mutex::default() })
    }

    pub(crate) async fn introduce(&self, introduction: Introduction) {
        let (shared, outgoing) = (self.shared.clone(), self.outgoing.clone());
        if let Some(service) = micro::start(&self.client, introduction, shared, outgoing).await {
            self.micro.lock().push(service);
        }
    }

    /// To whom this node answers the NATS micro protocol.
    pub(crate) fn replies(&self) -> Replies {
        if self.identity.is_some() { Replies::OfNodes } else { Replies::OfAnybody }
    }

    /// Reads the certificate files again.
    pub(crate) fn renew(&self) -> Result<(), ConnectError> {
        self.credentials.as_ref().map_or(Ok(()), |credentials| credentials.renew())
    }

    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    pub(crate) async fn subscribe(&self, interests: &[Interest]) -> Result<Subscription, SubscribeError> {
        let listener = self.shared.listen()?;
        let subscribing = async {
            let mut sources = Vec::with_capacity(interests.len());
            for interest in interests {
                let source = self.client.subscribe(interest.text()).await;
                sources.push(source.map_err(|_| SubscribeError::Drained)?);
            }
            Ok(sources)
        };
        let sources = timeout(FLUSH_TIMEOUT, subscribing).await.map_err(|_| SubscribeError::Busy)??;
        // While the connection is down, or when it is lost now, async-nats subscribes again by
        // itself and the subscriber is told of a gap.
        if self.shared.is_up() {
            let _ = self.flush().await;
        }
        Ok(Subscription::new(sources, listener, &self.shared))
    }

    pub(crate) fn publish(&self, message: &Message) -> Result<(), PublishError> {
        self.shared.up()?;
        let body = message.encode().map_err(|_| self.shared.too_large())?;
        self.send(message.subject().text().into(), None, body.into())
    }

    /// With a permit that was waited for, or without one if there is room.
    pub(crate) fn publish_frames(
        &self,
        route: &FrameRoute,
        frames: Bytes,
        permit: Option<Permit>,
    ) -> Result<(), PublishError> {
        self.shared.up()?;
        if frames.len() > limits::BUS_FRAMES_BYTES {
            return Err(self.shared.too_large());
        }
        let permit = permit.or_else(|| self.shared.budget.try_reserve_frames(frames.len()));
        let payload = permit.ok_or_else(|| self.shared.full())?.attach_to(frames);
        let FrameRoute { room, to } = route.clone();
        let subject = Subject::Frames(room, to).text().into();
        self.shared.frames_passed.tell();
        self.outgoing.push(OutboundMessage { subject, reply: None, payload, headers: None });
        Ok(())
    }

    /// `None` while the connection is down: what is queued then is written only when it is up
    /// again.
    pub(crate) async fn reserve_frames(&self, bytes: usize) -> Option<Permit> {
        self.while_up(self.shared.budget.reserve_frames(bytes)).await?
    }

    pub(crate) async fn writable(&self) {
        self.while_up(self.shared.budget.writable()).await;
    }

    /// Waits for a future as long as the connection is up.
    async fn while_up<T>(&self, waiting: impl Future<Output = T>) -> Option<T> {
        let mut status = self.status();
        tokio::select! {
            it = waiting => Some(it),
            _ = status.wait_for(|status| *status == Status::Down) => None,
        }
    }

    pub(crate) fn ask(&self, question: Message) -> Result<Answers, PublishError> {
        self.shared.up()?;
        let body = question.encode().map_err(|_| self.shared.too_large())?;
        if matches!(question, Message::Sync { .. }) {
            self.shared.sync_refused.store(false, Relaxed);
        }
        let inbox = self.client.new_inbox();
        let source = match unconstrained(self.client.subscribe(inbox.clone())).now_or_never() {
            Some(source) => source.map_err(|_| self.shared.down())?,
            None => return Err(self.shared.full()),
        };
        self.send(question.subject().text().into(), Some(inbox.into()), body.into())?;
        Ok(Answers::new(question, source, self.shared.counters.clone()))
    }

    pub(crate) fn answer(&self, inbox: &str, answer: &Answer) -> Result<(), PublishError> {
        self.shared.up()?;
        let body = answer.encode().map_err(|_| self.shared.too_large())?;
        self.send(inbox.into(), None, body.into())
    }

    pub(crate) fn status(&self) -> watch::Receiver<Status> {
        self.shared.status.subscribe()
    }

    pub(crate) fn queued(&self) -> Queued {
        let (bytes, frame_bytes) = self.shared.budget.queued();
        Queued { bytes, frame_bytes }
    }

    pub(crate) fn refuses_names(&self) -> bool {
        self.shared.names_refused.load(Relaxed)
    }

    pub(crate) fn faults(&self) -> Vec<BusFault> {
        let (allowed, needed) = (self.client.max_payload(), NEEDED_PAYLOAD);
        let payload = (allowed < needed).then_some(BusFault::MaxPayload { allowed, needed });
        let sync = self.shared.sync_refused.load(Relaxed).then_some(BusFault::SyncRefused);
        payload.into_iter().chain(sync).collect()
    }

    pub(crate) async fn flush(&self) -> Result<(), PublishError> {
        self.shared.up()?;
        timeout(FLUSH_TIMEOUT, self.echo()).await.unwrap_or(Err(PublishError::Down))
    }

    pub(crate) async fn drain(&self) {
        self.micro.lock().clear();
        let _ = self.flush().await;
        let closing = async {
            // While the connection is down, async-nats takes the command only once it is up again.
            if self.client.drain().await.is_ok() && self.shared.is_up() {
                self.shared.closed.cancelled().await;
            }
        };
        let _ = timeout(FLUSH_TIMEOUT, closing).await;
        self.shared.close();
    }

    pub(crate) fn counters(&self) -> Arc<Counters> {
        self.shared.counters.clone()
    }

    /// Queues a message. It is sent once the other tasks that can run have run.
    fn send(
        &self,
        subject: async_nats::Subject,
        reply: Option<async_nats::Subject>,
        payload: Bytes,
    ) -> Result<(), PublishError> {
        let headers = traces::of_message(payload.len());
        let bytes = payload.len() + headers.as_ref().map_or(0, |_| traces::HEADER_BYTES);
        let permit = self.shared.budget.try_reserve(bytes).ok_or_else(|| self.shared.full())?;
        let payload = permit.attach_to(payload);
        self.outgoing.push(OutboundMessage { subject, reply, payload, headers });
        Ok(())
    }

    /// Sends a message to this node itself. A server handles the messages of one connection in
    /// order, so the echo proves that everything sent before on the same connection has reached it.
    async fn echo(&self) -> Result<(), PublishError> {
        let connects = || self.client.statistics().connects.load(Relaxed);
        let connection = connects();
        let inbox = self.client.new_inbox();
        let echoed = async {
            let mut source = self.client.subscribe(inbox.clone()).await.ok()?;
            // Without a permit: when the budget is used up, this waits until there is room again.
            let echo =
                OutboundMessage { subject: inbox.into(), reply: None, payload: Bytes::new(), headers: None };
            self.outgoing.push(echo);
            source.next().await
        };
        let heard = self.while_up(echoed).await.flatten();
        if heard.is_some() && connects() == connection { Ok(()) } else { Err(PublishError::Down) }
    }
}
