//! The bus of one process. Messages pass without being encoded, and nothing runs beside the callers: a publication is put into the
//! queue of each subscription that wants it, there and then.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use schemas::{
    NodeId, RoomId, limits,
    message::{Answer, Message},
    subject::{Interest, Subject},
};
use tokio::{
    sync::{mpsc, watch},
    task::coop,
};

use crate::{
    Bus, Counters, Heard, Link, PublishError, Status, SubscribeError,
    counters::count,
    listen::{self, Reply},
};

/// Most items that wait in one subscription: a tenth of a second of a very busy node, and a few MiB of ordinary messages.
const QUEUED_ITEMS: usize = 16 * 1024;

/// Room for items that an emptied queue keeps.
const KEPT_ITEMS: usize = 256;

/// Most answers that wait for one asker: more nodes than one process will ever hold answer in a few batches each.
const QUEUED_ANSWERS: usize = 256;

/// An exchange that several nodes of one process can join: the embedded bus, and in tests a whole cluster.
#[derive(Clone, Default)]
pub struct Local(Arc<Exchange>);

#[derive(Default)]
struct Exchange {
    listeners: RwLock<Vec<Arc<Listener>>>,
}

impl Local {
    /// An exchange without nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// A place on the bus for `node`.
    pub fn join(&self, node: NodeId) -> Bus {
        let (status, _) = watch::channel(Status::Up);
        let member = Member { exchange: self.0.clone(), status, counters: Arc::default() };
        Bus { node, link: Link::Local(Arc::new(member)) }
    }
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Local(…)")
    }
}

pub(crate) struct Member {
    exchange: Arc<Exchange>,
    status: watch::Sender<Status>,
    counters: Arc<Counters>,
}

impl Member {
    pub(crate) fn subscribe(&self, interests: &[Interest]) -> Result<Subscription, SubscribeError> {
        let listener = Arc::new(Listener {
            interests: interests.into(),
            queue: Mutex::default(),
            counters: self.counters.clone(),
        });
        let mut listeners = self.exchange.listeners.write().unwrap_or_else(PoisonError::into_inner);
        // Asked under the lock that `drain` takes, so that no subscription slips past it.
        if *self.status.borrow() == Status::Down {
            return Err(SubscribeError::Drained);
        }
        listeners.push(listener.clone());
        Ok(Subscription { exchange: self.exchange.clone(), listener })
    }

    pub(crate) fn publish(&self, message: &Message) -> Result<(), PublishError> {
        self.up()?;
        self.deliver(message, None);
        Ok(())
    }

    pub(crate) fn publish_frames(
        &self,
        room: RoomId,
        to: &NodeId,
        frames: Bytes,
    ) -> Result<(), PublishError> {
        self.up()?;
        if frames.len() > limits::BUS_FRAMES_BYTES {
            count(&self.counters.too_large);
            return Err(PublishError::TooLarge);
        }
        let subject = Subject::Frames(room, to.clone());
        self.exchange.for_each_interested(&subject, |listener| {
            listener.push(Item::Frames(room, frames.clone()));
        });
        Ok(())
    }

    pub(crate) fn ask(&self, question: Message) -> Result<Answers, PublishError> {
        self.up()?;
        let (sender, receiver) = mpsc::channel(QUEUED_ANSWERS);
        let kind = match question {
            Message::Ask { .. } => Some(Kind::Session),
            Message::Sync { .. } => Some(Kind::Sync),
            _ => None,
        };
        self.deliver(&question, kind.map(|kind| ReplyTo { kind, sender }));
        Ok(Answers(receiver))
    }

    pub(crate) fn answer(&self, to: &ReplyTo, answer: &Answer) -> Result<(), PublishError> {
        self.up()?;
        if !matches!((to.kind, answer), (Kind::Session, Answer::Session(_)) | (Kind::Sync, Answer::Sync(_))) {
            count(&self.counters.undecodable);
            return Ok(());
        }
        match to.sender.try_send(answer.clone()) {
            // Whoever asked may have stopped listening.
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => {
                count(&self.counters.dropped_full);
                Err(PublishError::Full)
            }
        }
    }

    pub(crate) fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    pub(crate) fn flush(&self) -> Result<(), PublishError> {
        self.up()
    }

    pub(crate) fn drain(&self) {
        let mut listeners = self.exchange.listeners.write().unwrap_or_else(PoisonError::into_inner);
        self.status.send_replace(Status::Down);
        for mine in listeners.extract_if(.., |listener| Arc::ptr_eq(&listener.counters, &self.counters)) {
            mine.close();
        }
    }

    pub(crate) fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }

    fn up(&self) -> Result<(), PublishError> {
        match *self.status.borrow() {
            Status::Up => Ok(()),
            Status::Down => {
                count(&self.counters.dropped_down);
                Err(PublishError::Down)
            }
        }
    }

    fn deliver(&self, message: &Message, reply: Option<ReplyTo>) {
        let mut shared = None;
        self.exchange.for_each_interested(&message.subject(), |listener| {
            let message = shared.get_or_insert_with(|| Arc::new(message.clone()));
            listener.push(Item::Message(message.clone(), reply.clone()));
        });
    }
}

impl Exchange {
    fn for_each_interested(&self, subject: &Subject, mut hear: impl FnMut(&Listener)) {
        let listeners = self.listeners.read().unwrap_or_else(PoisonError::into_inner);
        let interested = |listener: &&Arc<Listener>| listener.interests.iter().any(|i| i.covers(subject));
        listeners.iter().filter(interested).for_each(|listener| hear(listener));
    }
}

/// One subscription as its publishers see it.
struct Listener {
    interests: Box<[Interest]>,
    queue: Mutex<Queue>,
    /// Of the member that listens; also tells its listeners from those of others.
    counters: Arc<Counters>,
}

#[derive(Default)]
struct Queue {
    items: VecDeque<Item>,
    closed: bool,
    waker: Option<Waker>,
}

enum Item {
    Message(Arc<Message>, Option<ReplyTo>),
    Frames(RoomId, Bytes),
    Gap,
}

impl Listener {
    fn push(&self, item: Item) {
        let mut queue = self.queue();
        if queue.items.len() < QUEUED_ITEMS {
            queue.items.push_back(item);
        } else {
            count(&self.counters.overflowed);
            // One mark stands for all that is dropped until there is room again.
            if !matches!(queue.items.back(), Some(Item::Gap)) {
                count(&self.counters.gaps);
                queue.items.push_back(Item::Gap);
            }
        }
        wake(queue);
    }

    fn close(&self) {
        let mut queue = self.queue();
        queue.closed = true;
        wake(queue);
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes after unlocking: the woken task wants the same lock.
fn wake(mut queue: MutexGuard<'_, Queue>) {
    let waker = queue.waker.take();
    drop(queue);
    if let Some(waker) = waker {
        waker.wake();
    }
}

pub(crate) struct Subscription {
    exchange: Arc<Exchange>,
    listener: Arc<Listener>,
}

impl Subscription {
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Heard>> {
        let coop = ready!(coop::poll_proceed(cx));
        let mut queue = self.listener.queue();
        let Some(item) = queue.items.pop_front() else {
            if queue.closed {
                return Poll::Ready(None);
            }
            queue.waker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        if queue.items.is_empty() {
            // What a burst has left behind is not kept for as long as the node lives.
            queue.items.shrink_to(KEPT_ITEMS);
        }
        drop(queue);
        coop.made_progress();
        Poll::Ready(Some(match item {
            Item::Message(message, reply) => Heard::Message {
                message: Arc::unwrap_or_clone(message),
                reply: reply.map(|reply| listen::ReplyTo(Reply::Local(reply))),
            },
            Item::Frames(room, payload) => Heard::Frames { room, payload },
            Item::Gap => Heard::Gap,
        }))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut listeners = self.exchange.listeners.write().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| !Arc::ptr_eq(listener, &self.listener));
    }
}

/// The way back to one asker.
#[derive(Clone)]
pub(crate) struct ReplyTo {
    kind: Kind,
    sender: mpsc::Sender<Answer>,
}

/// Which answer fits the question.
#[derive(Clone, Copy)]
enum Kind {
    Session,
    Sync,
}

/// Ends when the last of those who heard the question has let go of it.
pub(crate) struct Answers(mpsc::Receiver<Answer>);

impl Answers {
    pub(crate) async fn next(&mut self) -> Option<Answer> {
        self.0.recv().await
    }
}
