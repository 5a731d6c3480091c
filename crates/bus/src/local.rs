//! The bus of one process. Messages are not encoded, and there is no task: publishing a message
//! puts it into the queue of each interested subscription.

use std::{
    collections::VecDeque,
    fmt,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard, RwLock};
use schemas::{
    NodeId, RoomId, limits,
    message::{Answer, Message},
    subject::{Interest, Subject},
    trace::TraceContext,
};
use tokio::{
    sync::{mpsc, watch},
    task::coop,
};

use crate::{
    counters::{Counters, count},
    heard::{AnswerKind, AnswerQueue, Heard, ReplyAddress, ReplyTo},
    status::{PublishError, Status, SubscribeError},
};

/// Most items queued in one subscription: what a very busy node receives in a tenth of a second, a
/// few MiB of ordinary messages.
const QUEUED_ITEMS: usize = 16 * 1024;

/// The capacity, in items, that an emptied queue keeps.
const KEPT_ITEMS: usize = 256;

/// Most answers queued for one asker: enough for a few batches from each of more nodes than one
/// process will ever hold.
const QUEUED_ANSWERS: usize = 256;

/// A bus that several nodes of one process can join. `serve` uses it, and tests run a whole cluster
/// on it.
#[derive(Clone, Default)]
pub struct Local(Arc<Exchange>);

#[derive(Default)]
struct Exchange {
    listeners: RwLock<Vec<Arc<Listener>>>,
}

impl Local {
    /// A bus without nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// A new member.
    pub(crate) fn member(&self) -> Member {
        let (status, _) = watch::channel(Status::Up);
        Member { exchange: self.0.clone(), status, counters: Arc::default() }
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
        let mut listeners = self.exchange.listeners.write();
        // Checked under the lock that `drain` takes, so that no subscription is added after it.
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
            Message::Ask { .. } => Some(AnswerKind::Session),
            Message::Sync { .. } => Some(AnswerKind::Sync),
            Message::Order(_) => Some(AnswerKind::Receipt),
            Message::OrdersAsk => Some(AnswerKind::Orders),
            _ => None,
        };
        self.deliver(&question, kind.map(|kind| AnswerQueue { kind, sender }));
        Ok(Answers(receiver))
    }

    pub(crate) fn answer(&self, to: &AnswerQueue, answer: &Answer) -> Result<(), PublishError> {
        self.up()?;
        if !matches!(
            (to.kind, answer),
            (AnswerKind::Session, Answer::Session(_))
                | (AnswerKind::Sync, Answer::Sync(_))
                | (AnswerKind::Receipt, Answer::Receipt(_))
                | (AnswerKind::Orders, Answer::Orders(_))
        ) {
            count(&self.counters.undecodable);
            return Ok(());
        }
        match to.sender.try_send(answer.clone()) {
            // The asker may have dropped its answers.
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
        let mut listeners = self.exchange.listeners.write();
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

    fn deliver(&self, message: &Message, reply: Option<AnswerQueue>) {
        let (mut shared, trace) = (None, spans::current());
        self.exchange.for_each_interested(&message.subject(), |listener| {
            let message = shared.get_or_insert_with(|| Arc::new(message.clone()));
            listener.push(Item::Message(message.clone(), reply.clone(), trace.map(Box::new)));
        });
    }
}

impl Exchange {
    fn for_each_interested(&self, subject: &Subject, mut deliver: impl FnMut(&Listener)) {
        let listeners = self.listeners.read();
        let interested = |listener: &&Arc<Listener>| listener.interests.iter().any(|i| i.covers(subject));
        listeners.iter().filter(interested).for_each(|listener| deliver(listener));
    }
}

/// One subscription, as publishers see it.
struct Listener {
    interests: Box<[Interest]>,
    queue: Mutex<Queue>,
    /// Of the member that subscribed. Their address also identifies that member.
    counters: Arc<Counters>,
}

#[derive(Default)]
struct Queue {
    items: VecDeque<Item>,
    closed: bool,
    waker: Option<Waker>,
}

enum Item {
    Message(Arc<Message>, Option<AnswerQueue>, Option<Box<TraceContext>>),
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
            // One gap stands for everything dropped until there is room again.
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
        self.queue.lock()
    }
}

/// Unlocks first, because the woken task takes the same lock.
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
            // Gives back the memory that a burst needed.
            queue.items.shrink_to(KEPT_ITEMS);
        }
        drop(queue);
        coop.made_progress();
        Poll::Ready(Some(match item {
            Item::Message(message, reply, trace) => Heard::Message {
                message: Arc::unwrap_or_clone(message),
                reply: reply.map(|queue| ReplyTo(ReplyAddress::Queue(queue))),
                trace,
            },
            Item::Frames(room, payload) => Heard::Frames { room, payload },
            Item::Gap => Heard::Gap,
        }))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut listeners = self.exchange.listeners.write();
        listeners.retain(|listener| !Arc::ptr_eq(listener, &self.listener));
    }
}

/// Ends when the last receiver of the question has dropped its [`ReplyTo`].
pub(crate) struct Answers(mpsc::Receiver<Answer>);

impl Answers {
    pub(crate) async fn next(&mut self) -> Option<Answer> {
        self.0.recv().await
    }
}
