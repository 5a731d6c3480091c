//! The events of a chat.

use std::{fmt, time::Duration};

use schemas::{
    control::{EndReason, ErrorCode, ServiceState},
    outlook::Outlook,
};

use passes::Pass;

use super::helpers::Standing;
use crate::{
    channel::{self, MessageNumber, SafetyCode, Target, Typing, Whose},
    machine::Closed,
};

/// What happened, in order.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// The connection to the server is open.
    Connected,
    /// The connection is lost. It is opened again without further action; then waiting, or the
    /// chat, goes on.
    Disconnected {
        /// When the next attempt begins.
        retry_in: Duration,
    },
    /// Waiting has begun, or has begun again on a new connection, with what may be expected as far
    /// as it is known. While waiting this comes again when that changes, at most every 5 s.
    Waiting(Outlook),
    /// Matched with somebody; the two agree on keys now.
    Met,
    /// The channel is secured: texts may be sent, and only these two people can read them.
    Secured {
        /// To be compared outside the chat.
        safety: SafetyCode,
    },
    /// The peer's next text. Each comes once, in the order in which they were sent.
    Message {
        /// Its number among the peer's messages.
        number: MessageNumber,
        /// At most 8 KiB of any Unicode characters, control characters included.
        text: String,
        /// What it answers, if it is a reply. That may be gone, or never have been.
        reply_to: Option<Target>,
        /// How long it is to be shown; `None` for ever.
        vanishes_after: Option<Duration>,
    },
    /// The peer reacts to a message. What it names may be gone; then nothing changes. The newest
    /// reaction of a side counts.
    Reaction {
        /// To what.
        to: Target,
        /// At most 64 bytes of any characters; empty: the peer takes its reaction back.
        reaction: String,
    },
    /// The peer has a new text for one of its own. If that is gone, nothing changes.
    Edited {
        /// Which text.
        number: MessageNumber,
        /// At most 8 KiB of any characters.
        text: String,
    },
    /// The peer asks to forget one of its texts, its reactions too.
    Deleted {
        /// Which text.
        number: MessageNumber,
    },
    /// From here on, texts vanish after another time than before, on both sides. Where both set it
    /// at once, this may be what either has set.
    Timer {
        /// Who has changed it.
        by: Whose,
        /// So long after they were shown, or sent; `None`: not any more.
        vanish_after: Option<Duration>,
    },
    /// The peer has shown that it is a helper, or says so: see [`Standing`]. It comes before
    /// [`Event::Secured`] where that is required, and otherwise soon after it.
    Helper {
        /// What that is worth.
        standing: Standing,
        /// What the pass says.
        pass: Box<Pass>,
    },
    /// A verified helper offers that a colleague goes on:
    /// [`Chat::accept_handover`](super::Chat::accept_handover).
    Handover,
    /// The peer's program is newer, and has said something that this version cannot show.
    Unknown {
        /// Its number among the peer's messages.
        number: MessageNumber,
    },
    /// The peer's program has received this text, and all before it.
    Delivered {
        /// As [`Chat::send`](super::Chat::send) returned it.
        number: MessageNumber,
    },
    /// The chat has ended, and it is not known whether the peer has received this text.
    NotDelivered {
        /// As [`Chat::send`](super::Chat::send) returned it.
        number: MessageNumber,
    },
    /// The peer has begun to type, or has stopped.
    PeerTyping(Typing),
    /// After [`Chat::leave`](super::Chat::leave): the peer's program has received everything, the
    /// bye too. [`Event::Ended`] follows.
    AllReceived,
    /// There is room again: a text that was refused because too much was unacknowledged would be
    /// accepted now.
    WindowOpen,
    /// The peer has lost its connection and may come back. What is sent now waits for it.
    PeerAway {
        /// How long the server keeps its place, from now on.
        kept: Duration,
    },
    /// The peer is back.
    PeerOnline,
    /// This side is connected again, and the chat goes on.
    Resumed,
    /// The chat is over. The session and its connection are not.
    Ended {
        /// Why.
        end: End,
    },
    /// What has become of a report; see
    /// [`connection::Event::Reported`](crate::connection::Event::Reported).
    Reported {
        /// Whether the server has taken it.
        taken: bool,
    },
    /// A command was refused; see [`connection::Event::Error`](crate::connection::Event::Error).
    Error {
        /// For programs.
        code: ErrorCode,
        /// For people.
        message: String,
    },
    /// What the operator has ordered for the service as a whole; see
    /// [`connection::Event::Service`](crate::connection::Event::Service). Its texts may contain
    /// anything.
    Service(ServiceState),
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
    /// The peer said goodbye, authenticated by the channel.
    PeerBye,
    /// This side ended it with a report; [`Event::Reported`] tells what has become of that.
    Report,
    /// The server has ended the room; the peer has sent no bye.
    Room(EndReason),
    /// The end-to-end channel could not be made, or was broken: a fault of the peer's program,
    /// another invite, or an attack.
    Fault(channel::ChannelEnd),
    /// The connection is over.
    Closed(Closed),
}

impl Event {
    /// The channel's events that are passed on unchanged.
    pub(super) fn of_channel(event: channel::Event) -> Option<Self> {
        Some(match event {
            channel::Event::Message { number, text, reply_to, vanishes_after } => {
                Self::Message { number, text, reply_to, vanishes_after }
            }
            channel::Event::Reaction { to, reaction, .. } => Self::Reaction { to, reaction },
            channel::Event::Edited { edited, text, .. } => Self::Edited { number: edited, text },
            channel::Event::Deleted { deleted, .. } => Self::Deleted { number: deleted },
            channel::Event::Unknown { number } => Self::Unknown { number },
            channel::Event::Delivered { number } => Self::Delivered { number },
            channel::Event::NotDelivered { number } => Self::NotDelivered { number },
            channel::Event::PeerTyping(typing) => Self::PeerTyping(typing),
            channel::Event::AllReceived => Self::AllReceived,
            channel::Event::WindowOpen => Self::WindowOpen,
            channel::Event::Secured { .. }
            | channel::Event::Timer { .. }
            | channel::Event::Credential(_)
            | channel::Event::Handover(_)
            | channel::Event::PeerBye
            | channel::Event::Ended(_) => return None,
        })
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bye => f.write_str("you ended the chat"),
            Self::PeerBye => f.write_str("the other person said goodbye"),
            Self::Report => f.write_str("you ended the chat with a report"),
            // Who is reported reads what everybody reads: to be told invites revenge.
            Self::Room(EndReason::Left | EndReason::Reported) => f.write_str("the other person has left"),
            Self::Room(EndReason::Expired) => f.write_str("one of you was away for too long"),
            Self::Room(EndReason::Shutdown) => f.write_str("the server is shutting down"),
            Self::Fault(reason) if reason.is_peers_fault() => {
                write!(f, "the other side broke the protocol ({reason})")
            }
            Self::Fault(channel::ChannelEnd::NoProof) => {
                f.write_str("no proof came that the other side is a helper")
            }
            Self::Fault(channel::ChannelEnd::BadCredential) => {
                f.write_str("ended for your safety: the other side's pass as a helper is not valid")
            }
            Self::Fault(channel::ChannelEnd::NoChannel) => f.write_str("no keys could be agreed on in time"),
            Self::Fault(channel::ChannelEnd::Exhausted) => f.write_str("all message numbers are used up"),
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
            Self::Waiting(_) => f.write_str("Waiting"),
            Self::Met => f.write_str("Met"),
            Self::Secured { safety } => write!(f, "Secured({safety:?})"),
            Self::Message { number, text, .. } => {
                write!(f, "Message({}, {} bytes)", number.get(), text.len())
            }
            Self::Reaction { to, .. } => write!(f, "Reaction({to:?})"),
            Self::Edited { number, text } => write!(f, "Edited({}, {} bytes)", number.get(), text.len()),
            Self::Deleted { number } => write!(f, "Deleted({})", number.get()),
            Self::Timer { by, vanish_after } => write!(f, "Timer({by:?}, {vanish_after:?})"),
            Self::Helper { standing, .. } => write!(f, "Helper({standing:?})"),
            Self::Handover => f.write_str("Handover"),
            Self::Unknown { number } => write!(f, "Unknown({})", number.get()),
            Self::Delivered { number } => write!(f, "Delivered({})", number.get()),
            Self::NotDelivered { number } => write!(f, "NotDelivered({})", number.get()),
            Self::PeerTyping(typing) => write!(f, "PeerTyping({typing:?})"),
            Self::AllReceived => f.write_str("AllReceived"),
            Self::WindowOpen => f.write_str("WindowOpen"),
            Self::PeerAway { kept } => write!(f, "PeerAway({kept:?})"),
            Self::PeerOnline => f.write_str("PeerOnline"),
            Self::Resumed => f.write_str("Resumed"),
            Self::Ended { end } => write!(f, "Ended({end:?})"),
            Self::Reported { taken } => write!(f, "Reported({taken})"),
            Self::Error { code, .. } => write!(f, "Error({code:?})"),
            Self::Service(state) => write!(f, "Service({})", state.strangers.word()),
            Self::Closed { reason } => write!(f, "Closed({reason:?})"),
        }
    }
}
