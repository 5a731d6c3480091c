//! What a chat tells its owner.

use std::{fmt, time::Duration};

use schemas::control::{EndReason, ErrorCode};

use crate::{
    Closed,
    channel::{self, MessageNumber, SafetyCode, Typing},
};

/// What happened, in order.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// The server is reached.
    Connected,
    /// There is no connection. It is made again by itself; the search or the chat goes on after it.
    Disconnected {
        /// When the next attempt begins.
        retry_in: Duration,
    },
    /// The search has begun, or has begun anew on a new connection.
    Waiting,
    /// Somebody is found; the two agree on keys now.
    Met,
    /// Nobody but the two can read what follows: texts may be sent.
    Secured {
        /// To be compared over another channel.
        safety: SafetyCode,
    },
    /// The peer's next text: each once, in the order in which they were sent.
    Message {
        /// Its number among the peer's messages.
        number: MessageNumber,
        /// At most 8 KiB; may contain anything that Unicode has, control characters too.
        text: String,
    },
    /// The peer's program has this text, and all before it.
    Delivered {
        /// As [`Chat::send`](super::Chat::send) returned it.
        number: MessageNumber,
    },
    /// The chat has ended and nobody knows whether the peer got this text.
    NotDelivered {
        /// As [`Chat::send`](super::Chat::send) returned it.
        number: MessageNumber,
    },
    /// The peer writes, or has stopped.
    PeerTyping(Typing),
    /// A text that was refused for want of room would be taken now.
    WindowOpen,
    /// The peer has lost its connection and may come back. What is sent now waits for it.
    PeerAway,
    /// The peer is back.
    PeerOnline,
    /// The chat goes on after a loss of the own connection.
    Resumed,
    /// The chat is over. The session and its connection are not.
    Ended {
        /// Why.
        end: End,
    },
    /// A request was refused; see [`connection::Event::Error`](crate::connection::Event::Error).
    Error {
        /// For programs.
        code: ErrorCode,
        /// For people.
        message: String,
    },
    /// The connection is over, and no event follows.
    Closed {
        /// Why.
        reason: Closed,
    },
}

/// Why a chat is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// This side said goodbye.
    Bye,
    /// The peer said goodbye, provably.
    PeerBye,
    /// This side reported the peer.
    Report,
    /// The server says so; the peer has not said goodbye.
    Room(EndReason),
    /// The end-to-end channel could not be made, or was broken: a fault of the peer's program, another invite, or an attack.
    Fault(channel::ChannelEnd),
    /// The connection is over.
    Closed(Closed),
}

impl Event {
    /// What of the channel's events concerns the owner as it is.
    pub(super) fn of_channel(event: channel::Event) -> Option<Self> {
        Some(match event {
            channel::Event::Secured { safety } => Self::Secured { safety },
            channel::Event::Message { number, text } => Self::Message { number, text },
            channel::Event::Delivered { number } => Self::Delivered { number },
            channel::Event::NotDelivered { number } => Self::NotDelivered { number },
            channel::Event::PeerTyping(typing) => Self::PeerTyping(typing),
            channel::Event::WindowOpen => Self::WindowOpen,
            channel::Event::PeerBye | channel::Event::Ended(_) => return None,
        })
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bye => f.write_str("you said goodbye"),
            Self::PeerBye => f.write_str("the other said goodbye"),
            Self::Report => f.write_str("you reported the chat"),
            Self::Room(EndReason::Left) => f.write_str("the other has left"),
            Self::Room(EndReason::Expired) => f.write_str("one of the two was away for too long"),
            Self::Room(EndReason::Reported) => f.write_str("the other has reported the chat"),
            Self::Room(EndReason::Shutdown) => f.write_str("the server is shutting down"),
            Self::Fault(reason) => write!(f, "the encryption failed ({reason})"),
            Self::Closed(reason) => reason.fmt(f),
        }
    }
}

/// Does not show texts: they must not end up in a log.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected => f.write_str("Connected"),
            Self::Disconnected { retry_in } => write!(f, "Disconnected({retry_in:?})"),
            Self::Waiting => f.write_str("Waiting"),
            Self::Met => f.write_str("Met"),
            Self::Secured { safety } => write!(f, "Secured({safety:?})"),
            Self::Message { number, text } => write!(f, "Message({}, {} bytes)", number.get(), text.len()),
            Self::Delivered { number } => write!(f, "Delivered({})", number.get()),
            Self::NotDelivered { number } => write!(f, "NotDelivered({})", number.get()),
            Self::PeerTyping(typing) => write!(f, "PeerTyping({typing:?})"),
            Self::WindowOpen => f.write_str("WindowOpen"),
            Self::PeerAway => f.write_str("PeerAway"),
            Self::PeerOnline => f.write_str("PeerOnline"),
            Self::Resumed => f.write_str("Resumed"),
            Self::Ended { end } => write!(f, "Ended({end:?})"),
            Self::Error { code, .. } => write!(f, "Error({code:?})"),
            Self::Closed { reason } => write!(f, "Closed({reason:?})"),
        }
    }
}
