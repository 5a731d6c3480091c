//! The listening half: what a subscription hears, and the answers to a question.

use std::{
    fmt,
    future::poll_fn,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use schemas::{
    RoomId,
    message::{Answer, Message},
};

use crate::{local, nats};

/// What a subscription hears.
#[derive(Clone)]
pub enum Heard {
    /// An event or a question.
    Message {
        /// What was said.
        message: Message,
        /// Where to answer: only for [`Message::Ask`] and [`Message::Sync`].
        reply: Option<ReplyTo>,
    },
    /// Chat frames, only through [`schemas::subject::Interest::RoomTraffic`].
    Frames {
        /// The room.
        room: RoomId,
        /// As they came, unchecked: see [`schemas::frame::Frames::parse`].
        payload: Bytes,
    },
    /// Messages may have been missed since the last item: this subscription was read too slowly, or the connection was lost.
    Gap,
}

/// Where the answer to a question goes.
#[derive(Clone)]
pub struct ReplyTo(pub(crate) Reply);

#[derive(Clone)]
pub(crate) enum Reply {
    Local(local::ReplyTo),
    Nats(nats::ReplyTo),
}

/// Something that listens. Dropping it ends the listening.
pub struct Subscription(Ear);

enum Ear {
    Local(local::Subscription),
    Nats(nats::Subscription),
}

impl Subscription {
    pub(crate) fn local(subscription: local::Subscription) -> Self {
        Self(Ear::Local(subscription))
    }

    pub(crate) fn nats(subscription: nats::Subscription) -> Self {
        Self(Ear::Nats(subscription))
    }

    /// The next item; `None` once the bus has been drained and everything received has been heard. Safe to cancel.
    pub async fn next(&mut self) -> Option<Heard> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// What is there without waiting. `None` may also mean that the task has used its share of time: whoever reads on until `None` must
    /// then wait with [`next`](Self::next), which comes back at once if there is more.
    pub fn try_next(&mut self) -> Option<Heard> {
        match self.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(heard) => heard,
            Poll::Pending => None,
        }
    }

    /// The poll behind [`next`](Self::next), for callers that wait for several things in one poll.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Heard>> {
        match &mut self.0 {
            Ear::Local(subscription) => subscription.poll_next(cx),
            Ear::Nats(subscription) => subscription.poll_next(cx),
        }
    }
}

/// The answers to a question, as they come.
pub struct Answers(Asked);

enum Asked {
    Local(local::Answers),
    Nats(nats::Answers),
}

impl Answers {
    pub(crate) fn local(answers: local::Answers) -> Self {
        Self(Asked::Local(answers))
    }

    pub(crate) fn nats(answers: nats::Answers) -> Self {
        Self(Asked::Nats(answers))
    }

    /// The next answer; `None` if it is known that none will come: nobody listens, or the bus has been drained. Waits for ever if those
    /// who listen have nothing to say, so the caller bounds it. Safe to cancel.
    pub async fn next(&mut self) -> Option<Answer> {
        match &mut self.0 {
            Asked::Local(answers) => answers.next().await,
            Asked::Nats(answers) => answers.next().await,
        }
    }
}

/// Shows neither frames nor whole ids.
impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message { message, .. } => f.debug_tuple("Message").field(message).finish(),
            Self::Frames { room, payload } => write!(f, "Frames({room:?}, {} bytes)", payload.len()),
            Self::Gap => f.write_str("Gap"),
        }
    }
}

impl fmt::Debug for ReplyTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplyTo(…)")
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscription(…)")
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answers(…)")
    }
}
