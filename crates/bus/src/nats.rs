//! The bus over core NATS, and the only user of async-nats.
//!
//! async-nats keeps what it was given while it reconnects, and sends it late. So nothing is given to it while the connection is known
//! to be down; what was queued when the connection broke (at most [`QUEUED_BYTES`]) still goes out after it is made again.

mod budget;
mod micro;
mod options;
mod outgoing;
mod subscription;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, atomic::Ordering::Relaxed},
    time::Duration,
};

use async_nats::{Client, Event, ServerError, message::OutboundMessage};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use schemas::{
    NodeId, Service, limits,
    message::{Answer, Message},
    subject::{Interest, Subject},
};
use tokio::{
    sync::watch,
    task::{JoinSet, unconstrained},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use self::{budget::Budget, outgoing::Outgoing, subscription::Listener};
use crate::{Counters, FrameRoute, PublishError, Status, SubscribeError, counters::count};

pub(crate) use self::{
    budget::Place,
    subscription::{Answers, ReplyTo, Subscription},
};
pub use self::{
    budget::{QUEUED_BYTES, QUEUED_FRAMES_BYTES},
    options::{ConnectError, NatsOptions},
};

/// How long the server may take to echo. Longer than a healthy cluster ever needs, shorter than anybody waits for a start or an end;
/// by then two pings have been missed, or nearly.
pub const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// The node's one connection.
pub(crate) struct Connection {
    client: Client,
    shared: Arc<Shared>,
    outgoing: Arc<Outgoing>,
    /// Hands over what goes out, until this is dropped.
    _sender: JoinSet<()>,
    /// What answers `$SRV.>` for this node, until it goes.
    micro: Mutex<Vec<micro::Answering>>,
}

/// What the connection's events change.
struct Shared {
    status: watch::Sender<Status>,
    closed: CancellationToken,
    listeners: Mutex<Vec<Weak<Listener>>>,
    budget: Arc<Budget>,
    counters: Arc<Counters>,
}

impl Connection {
    pub(crate) async fn open(options: NatsOptions, node: &NodeId) -> Result<Self, ConnectError> {
        let servers = options.servers()?;
        let shared = Arc::new(Shared {
            status: watch::Sender::new(Status::Down),
            closed: CancellationToken::new(),
            listeners: Mutex::default(),
            budget: Arc::default(),
            counters: Arc::default(),
        });
        let observer = shared.clone();
        let client = options.client(node, &subscription::inbox_prefix(node))?.event_callback(move |event| {
            observer.observe(&event);
            std::future::ready(())
        });
        let client = client.connect(servers).await.map_err(ConnectError::Client)?;
        let outgoing = Arc::<Outgoing>::default();
        let mut sender = JoinSet::new();
        sender.spawn(outgoing.clone().run(client.clone(), shared.clone()));
        Ok(Self { client, shared, outgoing, _sender: sender, micro: Mutex::default() })
    }

    pub(crate) async fn introduce(&self, node: &NodeId, service: Service, version: &str) {
        if let Some(answering) = micro::answer(&self.client, node, service, version).await {
            self.micro.lock().unwrap_or_else(PoisonError::into_inner).push(answering);
        }
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
        // If the connection is down, or breaks, async-nats subscribes again by itself, and a gap says so.
        if self.shared.is_up() {
            let _ = self.flush().await;
        }
        Ok(Subscription::new(sources, listener, self.shared.counters.clone()))
    }

    pub(crate) fn publish(&self, message: &Message) -> Result<(), PublishError> {
        self.shared.up()?;
        let body = message.encode().map_err(|_| self.shared.too_large())?;
        self.send(message.subject().text().into(), None, body.into())
    }

    /// With a place that was waited for, or one that is free.
    pub(crate) fn publish_frames(
        &self,
        route: &FrameRoute,
        frames: Bytes,
        place: Option<Place>,
    ) -> Result<(), PublishError> {
        self.shared.up()?;
        if frames.len() > limits::BUS_FRAMES_BYTES {
            return Err(self.shared.too_large());
        }
        let place = place.or_else(|| self.shared.budget.take_for_frames(frames.len()));
        let payload = place.ok_or_else(|| self.shared.full())?.hold(frames);
        let FrameRoute { room, to } = route.clone();
        let subject = Subject::Frames(room, to).text().into();
        self.outgoing.push(OutboundMessage { subject, reply: None, payload, headers: None });
        Ok(())
    }

    /// `None` while it is down: what waits then leaves only when it is up again.
    pub(crate) async fn place_for_frames(&self, bytes: usize) -> Option<Place> {
        self.while_up(self.shared.budget.place_for_frames(bytes)).await?
    }

    pub(crate) async fn writable(&self) {
        self.while_up(self.shared.budget.writable()).await;
    }

    /// Waits for something as long as the connection is up.
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
        let inbox = self.client.new_inbox();
        let source = match unconstrained(self.client.subscribe(inbox.clone())).now_or_never() {
            Some(source) => source.map_err(|_| self.shared.down())?,
            None => return Err(self.shared.full()),
        };
        self.send(question.subject().text().into(), Some(inbox.into()), body.into())?;
        Ok(Answers::new(question, source, self.shared.counters.clone()))
    }

    pub(crate) fn answer(&self, to: &ReplyTo, answer: &Answer) -> Result<(), PublishError> {
        self.shared.up()?;
        let body = answer.encode().map_err(|_| self.shared.too_large())?;
        self.send(to.subject(), None, body.into())
    }

    pub(crate) fn status(&self) -> watch::Receiver<Status> {
        self.shared.status.subscribe()
    }

    pub(crate) async fn flush(&self) -> Result<(), PublishError> {
        self.shared.up()?;
        timeout(FLUSH_TIMEOUT, self.echo()).await.unwrap_or(Err(PublishError::Down))
    }

    pub(crate) async fn drain(&self) {
        self.micro.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let _ = self.flush().await;
        let closing = async {
            // While it is down, async-nats would take the command only after it has come back.
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

    /// Sends a message as soon as the other tasks have had their turn.
    fn send(
        &self,
        subject: async_nats::Subject,
        reply: Option<async_nats::Subject>,
        payload: Bytes,
    ) -> Result<(), PublishError> {
        let place = self.shared.budget.take(payload.len()).ok_or_else(|| self.shared.full())?;
        let payload = place.hold(payload);
        self.outgoing.push(OutboundMessage { subject, reply, payload, headers: None });
        Ok(())
    }

    /// Sends a message to this node itself. A server handles what one connection says in order, so the echo proves that everything said
    /// before has arrived, if it was said on the same connection.
    async fn echo(&self) -> Result<(), PublishError> {
        let connects = || self.client.statistics().connects.load(Relaxed);
        let connection = connects();
        let inbox = self.client.new_inbox();
        let echoed = async {
            let mut source = self.client.subscribe(inbox.clone()).await.ok()?;
            // Also while the budget is used up: it is what makes room that this waits for.
            let echo =
                OutboundMessage { subject: inbox.into(), reply: None, payload: Bytes::new(), headers: None };
            self.outgoing.push(echo);
            source.next().await
        };
        let heard = self.while_up(echoed).await.flatten();
        if heard.is_some() && connects() == connection { Ok(()) } else { Err(PublishError::Down) }
    }
}

impl Shared {
    /// Hears what async-nats tells of the connection. Its texts are not logged: a refused permission quotes the subject, with a whole id.
    fn observe(&self, event: &Event) {
        match event {
            Event::Connected => {
                count(&self.counters.connects);
                tracing::info!("connected to NATS");
                self.gap();
                self.turn(Status::Up);
            }
            Event::Disconnected => {
                tracing::warn!("NATS connection lost");
                self.turn(Status::Down);
            }
            // Said by each failed attempt to connect, so that a lost `Disconnected` (the queue of events is short) is made up for.
            Event::ClientError(_) => {
                count(&self.counters.failed_connects);
                self.turn(Status::Down);
            }
            Event::SlowConsumer(_) => {
                count(&self.counters.overflowed);
                self.gap();
            }
            Event::ServerError(fault) => {
                count(&self.counters.server_errors);
                tracing::warn!(fault = server_error(fault), "the NATS server reports an error");
            }
            Event::Closed => self.closed.cancel(),
            Event::LameDuckMode | Event::Draining => {}
        }
    }

    fn listen(&self) -> Result<Arc<Listener>, SubscribeError> {
        let mut listeners = self.listeners();
        // Asked under the lock that `close` takes, so that no subscription slips past it.
        if self.closed.is_cancelled() {
            return Err(SubscribeError::Drained);
        }
        listeners.retain(|listener| listener.strong_count() > 0);
        let listener = Arc::new(Listener::default());
        listeners.push(Arc::downgrade(&listener));
        Ok(listener)
    }

    /// Which subscription was too slow is known to async-nats alone, and after a lost connection it is all of them.
    fn gap(&self) {
        self.listeners().iter().filter_map(Weak::upgrade).for_each(|listener| listener.gap());
    }

    fn close(&self) {
        let listeners = self.listeners();
        self.closed.cancel();
        self.turn(Status::Down);
        listeners.iter().filter_map(Weak::upgrade).for_each(|listener| listener.close());
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<Weak<Listener>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, to: Status) {
        let to = if self.closed.is_cancelled() { Status::Down } else { to };
        self.status.send_if_modified(|status| std::mem::replace(status, to) != to);
    }

    fn is_up(&self) -> bool {
        *self.status.borrow() == Status::Up
    }

    fn up(&self) -> Result<(), PublishError> {
        if self.is_up() { Ok(()) } else { Err(self.down()) }
    }

    fn down(&self) -> PublishError {
        count(&self.counters.dropped_down);
        PublishError::Down
    }

    fn full(&self) -> PublishError {
        count(&self.counters.dropped_full);
        PublishError::Full
    }

    fn too_large(&self) -> PublishError {
        count(&self.counters.too_large);
        PublishError::TooLarge
    }
}

/// What kind of error it is, without what it quotes.
fn server_error(fault: &ServerError) -> &'static str {
    match fault {
        ServerError::AuthorizationViolation => "authorization violation",
        ServerError::SlowConsumer(_) => "slow consumer",
        ServerError::Other(text) => {
            let text = text.to_lowercase();
            let known = [
                "permissions violation for publish",
                "permissions violation for subscription",
                "maximum payload violation",
                "maximum connections exceeded",
                "stale connection",
                "user authentication expired",
            ];
            known.into_iter().find(|kind| text.starts_with(kind)).unwrap_or("other")
        }
    }
}
