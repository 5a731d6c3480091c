//! What is received from NATS: several subscriptions read as one, without a task of their own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use async_nats::{StatusCode, Subscriber};
use futures_util::{StreamExt, task::AtomicWaker};
use schemas::{
    message::{Answer, Message, MessageError},
    subject::{self, Subject},
};
use tokio::task::coop;

use super::{options::SUBSCRIPTION_QUEUE, overwriting::FramesPassed, shared::Shared, traces};
use crate::{
    counters::{Counters, count},
    heard::{Heard, ReplyAddress, ReplyTo},
};

/// Most messages read from one source before the next has its turn. Frames are received in bursts,
/// and polling the other sources after each frame would cost more than the frame.
const BURST: usize = 32;

/// A gap is delivered after the messages that were received before it, so that it is where messages
/// are missing. In a subscription that is never read empty it is delivered after this many
/// messages: the queue cannot have held more.
const GAP_AFTER: usize = SUBSCRIPTION_QUEUE;

/// One subscription, as the connection's events see it.
#[derive(Default)]
pub(super) struct Listener {
    gaps: AtomicU64,
    closed: AtomicBool,
    waker: AtomicWaker,
}

impl Listener {
    pub(super) fn gap(&self) {
        self.gaps.fetch_add(1, SeqCst);
        self.waker.wake();
    }

    pub(super) fn close(&self) {
        self.closed.store(true, SeqCst);
        self.waker.wake();
    }
}

pub(crate) struct Subscription {
    sources: Vec<Subscriber>,
    /// The source whose turn it is, and how many messages in a row were read from it.
    turn: usize,
    run: usize,
    reported: ReportedGaps,
    listener: Arc<Listener>,
    counters: Arc<Counters>,
    frames_passed: Arc<FramesPassed>,
}

impl Subscription {
    pub(super) fn new(sources: Vec<Subscriber>, listener: Arc<Listener>, shared: &Shared) -> Self {
        let (counters, frames_passed) = (shared.counters.clone(), shared.frames_passed.clone());
        Self {
            sources,
            turn: 0,
            run: 0,
            reported: ReportedGaps::default(),
            listener,
            counters,
            frames_passed,
        }
    }

    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Heard>> {
        loop {
            if let Some(gaps) = self.reported.due(self.listener.gaps.load(SeqCst)) {
                return self.deliver_gap(gaps);
            }
            match self.poll_sources(cx) {
                Poll::Ready(Some(message)) => {
                    self.reported.message();
                    if let Some(heard) = self.decode(message) {
                        return Poll::Ready(Some(heard));
                    }
                }
                Poll::Ready(None) => return Poll::Ready(None),
                // The task has used up its time, and there may be more messages. The sources have
                // arranged to be polled again.
                Poll::Pending if !coop::has_budget_remaining() => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        self.listener.waker.register(cx.waker());
        let gaps = self.listener.gaps.load(SeqCst);
        if gaps != self.reported.gaps {
            self.deliver_gap(gaps)
        } else if self.listener.closed.load(SeqCst) {
            Poll::Ready(None)
        } else {
            Poll::Pending
        }
    }

    fn deliver_gap(&mut self, gaps: u64) -> Poll<Option<Heard>> {
        self.reported = ReportedGaps::all(gaps);
        count(&self.counters.gaps);
        Poll::Ready(Some(Heard::Gap))
    }

    /// The next message of any source, in turns. The order within one source is kept.
    fn poll_sources(&mut self, cx: &mut Context<'_>) -> Poll<Option<async_nats::Message>> {
        if self.run >= BURST {
            self.pass_turn();
        }
        let mut empty = 0;
        while empty < self.sources.len() {
            match self.sources[self.turn].poll_next_unpin(cx) {
                Poll::Ready(Some(message)) => {
                    self.run += 1;
                    return Poll::Ready(Some(message));
                }
                Poll::Ready(None) => {
                    drop(self.sources.remove(self.turn));
                    if self.turn == self.sources.len() {
                        self.turn = 0;
                    }
                    self.run = 0;
                }
                Poll::Pending => {
                    self.pass_turn();
                    empty += 1;
                }
            }
        }
        if self.sources.is_empty() { Poll::Ready(None) } else { Poll::Pending }
    }

    fn pass_turn(&mut self) {
        self.turn = (self.turn + 1) % self.sources.len();
        self.run = 0;
    }

    /// The item that a message stands for; `None` if it is not what its subject demands.
    fn decode(&self, message: async_nats::Message) -> Option<Heard> {
        if let Some(room) = subject::room_of_frames(&message.subject) {
            self.frames_passed.tell();
            return Some(Heard::Frames { room, payload: message.payload });
        }
        let decoded = Subject::parse(&message.subject).ok_or(MessageError::Subject);
        match decoded.and_then(|subject| Message::decode(subject, &message.payload)) {
            Ok(decoded) => {
                let reply = match (&decoded, message.reply) {
                    (Message::Ask { .. } | Message::Sync { .. } | Message::OrdersAsk, Some(reply)) => {
                        Some(self.counted(inbox_of(&decoded, &reply))?)
                    }
                    // An order counts even if nobody can be told what becomes of it.
                    (Message::Order(_), Some(reply)) => inbox_of(&decoded, &reply),
                    _ => None,
                };
                let trace = message.headers.as_ref().and_then(traces::read).map(Box::new);
                Some(Heard::Message { message: decoded, reply, trace })
            }
            Err(MessageError::Speaker) => {
                count(&self.counters.wrong_speaker);
                None
            }
            Err(_) => self.counted(None),
        }
    }

    fn counted<T>(&self, decoded: Option<T>) -> Option<T> {
        if decoded.is_none() {
            count(&self.counters.undecodable);
        }
        decoded
    }
}

/// How many of the listener's gaps have been delivered.
#[derive(Default)]
struct ReportedGaps {
    gaps: u64,
    /// The count that is delivered next, and how many messages were delivered since it was seen.
    next: u64,
    messages: usize,
}

impl ReportedGaps {
    fn all(gaps: u64) -> Self {
        Self { gaps, next: gaps, messages: 0 }
    }

    /// The count to deliver now, if a gap has waited long enough. The queue may be full again
    /// behind later gaps, so they wait again from then on.
    fn due(&mut self, gaps: u64) -> Option<u64> {
        if self.next == self.gaps {
            self.next = gaps;
        }
        (self.next != self.gaps && self.messages >= GAP_AFTER).then_some(self.next)
    }

    fn message(&mut self) {
        if self.next != self.gaps {
            self.messages += 1;
        }
    }
}

/// Where the answer goes. Only an inbox of the asker is ever answered. A question could name any
/// subject, and this node would then publish on it in its own name.
fn inbox_of(question: &Message, reply: &str) -> Option<ReplyTo> {
    let asker = subject::asker_of_inbox(reply)?;
    // A sync names its asker, so its inbox must be that node's.
    let own = !matches!(question, Message::Sync { from } if *from != asker);
    own.then(|| ReplyTo(ReplyAddress::Inbox(reply.into())))
}

pub(crate) struct Answers {
    question: Box<Message>,
    source: Subscriber,
    counters: Arc<Counters>,
}

impl Answers {
    pub(super) fn new(question: Message, source: Subscriber, counters: Arc<Counters>) -> Self {
        Self { question: Box::new(question), source, counters }
    }

    pub(crate) async fn next(&mut self) -> Option<Answer> {
        loop {
            let message = self.source.next().await?;
            if message.status == Some(StatusCode::NO_RESPONDERS) {
                return None;
            }
            match Answer::decode(&self.question, &message.payload) {
                Ok(answer) => return Some(answer),
                Err(_) => count(&self.counters.undecodable),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::{NodeId, SessionId};

    fn node(name: &str) -> NodeId {
        name.parse().unwrap()
    }

    #[test]
    fn a_gap_waits_for_the_messages_before_it_and_so_does_a_later_one() {
        let mut reported = ReportedGaps::default();
        reported.message();
        assert_eq!(reported.due(0), None);
        assert_eq!(reported.due(1), None);
        for _ in 0..GAP_AFTER - 1 {
            reported.message();
            assert_eq!(reported.due(3), None);
        }
        reported.message();
        assert_eq!(reported.due(3), Some(1), "later gaps are delivered by themselves");
        reported = ReportedGaps::all(1);
        for _ in 0..GAP_AFTER {
            assert_eq!(reported.due(3), None);
            reported.message();
        }
        assert_eq!(reported.due(3), Some(3));
        reported = ReportedGaps::all(3);
        reported.message();
        assert_eq!(reported.due(3), None);
    }

    #[test]
    fn only_the_inbox_of_an_asker_is_answered() {
        let ask = Message::Ask { session: SessionId::from_random([1; 16]) };
        let sync = Message::Sync { from: node("n1") };
        for (reply, asked, synced) in [
            ("_INBOX_n1.abc123", true, true),
            ("_INBOX_n2.abc123", true, false),
            ("_INBOX_n1", false, false),
            ("_INBOX_n1.", false, false),
            ("_INBOX_n1.a.b", false, false),
            ("_INBOX_n1.>", false, false),
            ("_INBOX_gateway.abc", false, false),
            ("_INBOX.abc", false, false),
            ("cc.v1.want.n1", false, false),
            ("$SYS.REQ.x", false, false),
            ("_INBOX_n1.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false, false),
        ] {
            assert_eq!(inbox_of(&ask, reply).is_some(), asked, "{reply}");
            assert_eq!(inbox_of(&sync, reply).is_some(), synced, "{reply}");
        }
    }
}
