//! What arrives from NATS: several subscriptions read as one, without a task of their own.

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
    NodeId,
    message::{Answer, Message, MessageError},
    subject::{self, Subject},
};
use tokio::task::coop;

use super::options::SUBSCRIPTION_QUEUE;
use crate::{
    Counters, Heard,
    counters::count,
    listen::{self, Reply},
};

/// Most messages read from one source before the next has its turn: frames come in bursts, and asking the other sources after each
/// would cost more than the frame.
const BURST: usize = 32;

/// A gap is told when what came before it has been heard, so that it stands where the messages are missing. A subscription that is never
/// read empty is told after this many messages: no more than the queue holds can have come before.
const GAP_AFTER: usize = SUBSCRIPTION_QUEUE;

const INBOX: &str = "_INBOX_";

/// What the inboxes of a node begin with: its own, so that a permission can name them.
pub(super) fn inbox_prefix(node: &NodeId) -> String {
    format!("{INBOX}{}", node.as_str())
}

/// One subscription as the connection's events see it.
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
    /// Whose turn it is, and how many messages in a row it has given.
    turn: usize,
    run: usize,
    told: Told,
    listener: Arc<Listener>,
    counters: Arc<Counters>,
}

impl Subscription {
    pub(super) fn new(sources: Vec<Subscriber>, listener: Arc<Listener>, counters: Arc<Counters>) -> Self {
        Self { sources, turn: 0, run: 0, told: Told::default(), listener, counters }
    }

    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Heard>> {
        loop {
            if let Some(gaps) = self.told.due(self.listener.gaps.load(SeqCst)) {
                return self.tell_gap(gaps);
            }
            match self.poll_sources(cx) {
                Poll::Ready(Some(message)) => {
                    self.told.message();
                    if let Some(heard) = self.hear(message) {
                        return Poll::Ready(Some(heard));
                    }
                }
                Poll::Ready(None) => return Poll::Ready(None),
                // Out of time rather than of messages: the sources have seen to being polled again.
                Poll::Pending if !coop::has_budget_remaining() => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        self.listener.waker.register(cx.waker());
        let gaps = self.listener.gaps.load(SeqCst);
        if gaps != self.told.gaps {
            self.tell_gap(gaps)
        } else if self.listener.closed.load(SeqCst) {
            Poll::Ready(None)
        } else {
            Poll::Pending
        }
    }

    fn tell_gap(&mut self, gaps: u64) -> Poll<Option<Heard>> {
        self.told = Told::all(gaps);
        count(&self.counters.gaps);
        Poll::Ready(Some(Heard::Gap))
    }

    /// The next message of any source, each in its turn. One source keeps its order.
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

    /// What a message says; `None` if it is not what it should be.
    fn hear(&self, message: async_nats::Message) -> Option<Heard> {
        if let Some(room) = subject::room_of_frames(&message.subject) {
            return Some(Heard::Frames { room, payload: message.payload });
        }
        let decoded = Subject::parse(&message.subject).ok_or(MessageError::Subject);
        match decoded.and_then(|subject| Message::decode(subject, &message.payload)) {
            Ok(said) => {
                let reply = match (&said, message.reply) {
                    (Message::Ask { .. } | Message::Sync { .. }, Some(reply)) => {
                        Some(self.counted(ReplyTo::of(&said, reply))?)
                    }
                    _ => None,
                };
                Some(Heard::Message { message: said, reply })
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

/// How far the gaps have been told, by the listener's count.
#[derive(Default)]
struct Told {
    gaps: u64,
    /// The count that is told next, and the messages heard since it was seen.
    next: u64,
    heard: usize,
}

impl Told {
    fn all(gaps: u64) -> Self {
        Self { gaps, next: gaps, heard: 0 }
    }

    /// The count to tell now, if a gap has waited long enough. Later ones, behind which the queue may be full again, then wait anew.
    fn due(&mut self, gaps: u64) -> Option<u64> {
        if self.next == self.gaps {
            self.next = gaps;
        }
        (self.next != self.gaps && self.heard >= GAP_AFTER).then_some(self.next)
    }

    fn message(&mut self) {
        if self.next != self.gaps {
            self.heard += 1;
        }
    }
}

/// The inbox of one asker.
#[derive(Clone)]
pub(crate) struct ReplyTo(async_nats::Subject);

impl ReplyTo {
    /// Only an inbox is ever answered: a question could name any subject, and would have this node speak on it in its own name. Who is
    /// known to ask has only its own.
    fn of(question: &Message, reply: async_nats::Subject) -> Option<listen::ReplyTo> {
        let (asker, inbox) = reply.strip_prefix(INBOX)?.split_once('.')?;
        let asker: NodeId = asker.parse().ok()?;
        let form = (1..=32).contains(&inbox.len()) && inbox.bytes().all(|b| b.is_ascii_alphanumeric());
        let own = !matches!(question, Message::Sync { from } if *from != asker);
        (form && own).then(|| listen::ReplyTo(Reply::Nats(Self(reply))))
    }

    pub(super) fn subject(&self) -> async_nats::Subject {
        self.0.clone()
    }
}

pub(crate) struct Answers {
    question: Message,
    source: Subscriber,
    counters: Arc<Counters>,
}

impl Answers {
    pub(super) fn new(question: Message, source: Subscriber, counters: Arc<Counters>) -> Self {
        Self { question, source, counters }
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
    use schemas::SessionId;

    fn node(name: &str) -> NodeId {
        name.parse().unwrap()
    }

    #[test]
    fn a_gap_waits_for_what_may_have_come_before_it_and_a_later_one_anew() {
        let mut told = Told::default();
        told.message();
        assert_eq!(told.due(0), None);
        assert_eq!(told.due(1), None);
        for _ in 0..GAP_AFTER - 1 {
            told.message();
            assert_eq!(told.due(3), None);
        }
        told.message();
        assert_eq!(told.due(3), Some(1), "the ones that came meanwhile have their own places");
        told = Told::all(1);
        for _ in 0..GAP_AFTER {
            assert_eq!(told.due(3), None);
            told.message();
        }
        assert_eq!(told.due(3), Some(3));
        told = Told::all(3);
        told.message();
        assert_eq!(told.due(3), None);
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
            assert_eq!(ReplyTo::of(&ask, reply.into()).is_some(), asked, "{reply}");
            assert_eq!(ReplyTo::of(&sync, reply.into()).is_some(), synced, "{reply}");
        }
    }
}
