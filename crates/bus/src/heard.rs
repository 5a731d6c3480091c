//! What a subscription delivers, and where the answer to a question goes. Both backends make these
//! values; nothing here knows either of them.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use schemas::{
    RoomId,
    message::{Answer, Message},
    trace::TraceContext,
};
use tokio::sync::mpsc;

/// One item that a subscription delivers.
#[derive(Clone)]
pub enum Heard {
    /// An event or a question.
    Message {
        /// What was published.
        message: Message,
        /// Where to answer: only for [`Message::Ask`], [`Message::Sync`], [`Message::Order`] and
        /// [`Message::OrdersAsk`].
        reply: Option<ReplyTo>,
        /// The trace to which it belongs, if one is kept. Boxed: frames are moved as the largest
        /// of these is.
        trace: Option<Box<TraceContext>>,
    },
    /// Chat frames, only through [`schemas::subject::Interest::RoomTraffic`].
    Frames {
        /// The room.
        room: RoomId,
        /// As they were received, unchecked: see [`schemas::frame::Frames::parse`].
        payload: Bytes,
    },
    /// Messages may have been missed since the last item: this subscription was read too slowly, or
    /// the connection was lost.
    Gap,
}

/// Where the answer to a question goes. Valid only on the bus that delivered the question.
#[derive(Clone)]
pub struct ReplyTo(pub(crate) ReplyAddress);

#[derive(Clone)]
pub(crate) enum ReplyAddress {
    /// The queue of an asker in this process.
    Queue(AnswerQueue),
    /// The inbox of an asker: a NATS subject.
    Inbox(Arc<str>),
}

/// The queue of one asker in this process.
#[derive(Clone)]
pub(crate) struct AnswerQueue {
    pub(crate) kind: AnswerKind,
    pub(crate) sender: mpsc::Sender<Answer>,
}

/// Which answer fits the question.
#[derive(Clone, Copy)]
pub(crate) enum AnswerKind {
    Session,
    Sync,
    Receipt,
    Orders,
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
