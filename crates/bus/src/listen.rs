//! The receiving half: what a subscription delivers, and the answers to a question.

use std::{
    fmt,
    future::poll_fn,
    task::{Context, Poll, Waker},
};

use schemas::message::Answer;

use crate::{heard::Heard, local, nats};

/// Delivers what a node subscribed to. Dropping it ends the subscription.
pub struct Subscription(SubscriptionBackend);

enum SubscriptionBackend {
    Local(local::Subscription),
    Nats(nats::Subscription),
}

impl Subscription {
    pub(crate) fn local(subscription: local::Subscription) -> Self {
        Self(SubscriptionBackend::Local(subscription))
    }

    pub(crate) fn nats(subscription: nats::Subscription) -> Self {
        Self(SubscriptionBackend::Nats(subscription))
    }

    /// The next item; `None` once the bus has been drained and everything received has been
    /// delivered. Safe to cancel.
    pub async fn next(&mut self) -> Option<Heard> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next item if one is ready. `None` may also mean that the task has used up its share of
    /// time. A caller that reads until `None` must then wait with [`next`](Self::next), which
    /// returns at once if there is more.
    pub fn try_next(&mut self) -> Option<Heard> {
        match self.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(heard) => heard,
            Poll::Pending => None,
        }
    }

    /// The poll behind [`next`](Self::next), for callers that wait for several things in one poll.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Heard>> {
        match &mut self.0 {
            SubscriptionBackend::Local(subscription) => subscription.poll_next(cx),
            SubscriptionBackend::Nats(subscription) => subscription.poll_next(cx),
        }
    }
}

/// The answers to a question, in the order in which they are received.
pub struct Answers(AnswersBackend);

enum AnswersBackend {
    Local(local::Answers),
    Nats(nats::Answers),
}

impl Answers {
    pub(crate) fn local(answers: local::Answers) -> Self {
        Self(AnswersBackend::Local(answers))
    }

    pub(crate) fn nats(answers: nats::Answers) -> Self {
        Self(AnswersBackend::Nats(answers))
    }

    /// The next answer. `None` if it is known that none will come: nobody has subscribed, or the
    /// bus has been drained. Waits for ever if no subscriber answers, so the caller sets a time
    /// limit. Safe to cancel.
    pub async fn next(&mut self) -> Option<Answer> {
        match &mut self.0 {
            AnswersBackend::Local(answers) => answers.next().await,
            AnswersBackend::Nats(answers) => answers.next().await,
        }
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
