//! The events of a channel.

use std::fmt;
use std::time::Duration;

use super::helping::Shown;
use super::safety::SafetyCode;
use super::said::{Handover, MessageNumber, Target};

/// Whether somebody is writing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Typing {
    /// Nobody, or nobody any more.
    #[default]
    Idle,
    /// Keys are being pressed.
    Active,
}

/// What happened, in order. [`Event::Ended`] is the last one of a channel.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// The handshake is done, and the peer has proved to be a helper if it had to: texts may be
    /// sent.
    Secured {
        /// To be compared outside the chat.
        safety: SafetyCode,
    },
    /// The peer's next text. Each comes once, in the order in which they were sent.
    Message {
        /// Its number among the peer's messages.
        number: MessageNumber,
        /// At most 8 KiB.
        text: String,
        /// What it answers, if it is a reply. That may be gone, or never have been.
        reply_to: Option<Target>,
        /// How long it is to be shown; `None` for ever.
        vanishes_after: Option<Duration>,
    },
    /// The peer reacts to a message; what it names may be gone. The newest of a side counts.
    Reaction {
        /// The number of the reaction.
        number: MessageNumber,
        /// To what.
        to: Target,
        /// At most 64 bytes; empty: the peer takes its reaction back.
        reaction: String,
    },
    /// The peer has a new text for one of its own.
    Edited {
        /// The number of the edit.
        number: MessageNumber,
        /// Which text.
        edited: MessageNumber,
        /// At most 8 KiB.
        text: String,
    },
    /// The peer asks to forget one of its texts.
    Deleted {
        /// The number of the request.
        number: MessageNumber,
        /// Which text.
        deleted: MessageNumber,
    },
    /// The peer has set how long messages are shown. What holds now, also decides what this side
    /// has set: see [`vanish_after`](super::Channel::vanish_after).
    Timer {
        /// The number of the setting.
        number: MessageNumber,
        /// As the peer has set it; 0: for ever.
        seconds: u32,
        /// The highest number of this side that the peer had received then, as it says.
        heard: u64,
        /// What holds now for both.
        holds: Option<Duration>,
    },
    /// The peer shows that it is a helper. [`Channel::judge`](super::Channel::judge) has to follow:
    /// until then nothing else is delivered where a proof is required.
    Credential(Box<Shown>),
    /// A verified helper offers that a colleague goes on.
    Handover(Handover),
    /// The peer's program is newer, and has said something that this version cannot show.
    Unknown {
        /// Its number.
        number: MessageNumber,
    },
    /// The peer's channel has received this text, and all before it.
    Delivered {
        /// As [`send`](super::Channel::send) returned it for a text or a reply.
        number: MessageNumber,
    },
    /// The peer has begun to type, or has stopped. A [`Event::Message`] means that it has stopped.
    PeerTyping(Typing),
    /// The peer said goodbye (authenticated). [`Event::Ended`] follows shortly; there is nothing
    /// more to send.
    PeerBye,
    /// After this side's bye, the peer has acknowledged everything: it has received all texts and
    /// the bye. [`Event::Ended`] follows at once.
    AllReceived,
    /// What was refused as [`SendError::Full`] would be accepted now.
    WindowOpen,
    /// The chat has ended, and it is not known whether the peer has received this text.
    NotDelivered {
        /// As [`send`](super::Channel::send) returned it for a text or a reply.
        number: MessageNumber,
    },
    /// The channel is over; its keys are gone.
    Ended(ChannelEnd),
}

/// Does not show texts: they must not end up in a log.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secured { safety } => write!(f, "Secured({safety:?})"),
            Self::Message { number, text, .. } => write!(f, "Message({}, {} bytes)", number.0, text.len()),
            Self::Reaction { number, to, .. } => write!(f, "Reaction({}, {to:?})", number.0),
            Self::Edited { number, edited, text } => {
                write!(f, "Edited({}, {}, {} bytes)", number.0, edited.0, text.len())
            }
            Self::Deleted { number, deleted } => write!(f, "Deleted({}, {})", number.0, deleted.0),
            Self::Timer { number, seconds, .. } => write!(f, "Timer({}, {seconds} s)", number.0),
            Self::Credential(_) => f.write_str("Credential"),
            Self::Handover(_) => f.write_str("Handover"),
            Self::Unknown { number } => write!(f, "Unknown({})", number.0),
            Self::Delivered { number } => write!(f, "Delivered({})", number.0),
            Self::PeerTyping(typing) => write!(f, "PeerTyping({typing:?})"),
            Self::PeerBye => f.write_str("PeerBye"),
            Self::AllReceived => f.write_str("AllReceived"),
            Self::WindowOpen => f.write_str("WindowOpen"),
            Self::NotDelivered { number } => write!(f, "NotDelivered({})", number.0),
            Self::Ended(reason) => write!(f, "Ended({reason:?})"),
        }
    }
}

/// Why a channel ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelEnd {
    /// This side said goodbye.
    Bye,
    /// The peer said goodbye.
    PeerBye,
    /// The owner closed it: the room is over.
    Closed,
    /// No channel after 30 s with both sides online.
    NoChannel,
    /// A handshake message has a wrong length: one side came by an invite, the other did not, or it
    /// was tampered with.
    HandshakeLength,
    /// A second, different message 1.
    HandshakeChanged,
    /// The first message of `a` is not what it had committed to.
    CommitmentBroken,
    /// Noise or ML-KEM refused a message: another invite, or it was tampered with.
    HandshakeRefused,
    /// The shared secret would be all zero: the peer's key is of small order.
    WeakKey,
    /// An authenticated packet breaks the rules of its content.
    Malformed,
    /// The peer acknowledged what was never sent.
    AckBeyondSent,
    /// The peer sent more than it may before it is acknowledged.
    WindowExceeded,
    /// A proof that the peer is a helper was required, and none came in 10 s.
    NoProof,
    /// The peer's credential is bad: not signed by the operator, expired, revoked, not for this
    /// topic, or not for this chat.
    BadCredential,
    /// All 2^53 numbers are used up.
    Exhausted,
}

impl ChannelEnd {
    /// The reason as a word, the same in every implementation.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bye => "bye",
            Self::PeerBye => "peer-bye",
            Self::Closed => "closed",
            Self::NoChannel => "no-channel",
            Self::HandshakeLength => "handshake-length",
            Self::HandshakeChanged => "handshake-changed",
            Self::CommitmentBroken => "commitment-broken",
            Self::HandshakeRefused => "handshake-refused",
            Self::WeakKey => "weak-key",
            Self::Malformed => "malformed",
            Self::AckBeyondSent => "ack-beyond-sent",
            Self::WindowExceeded => "window-exceeded",
            Self::NoProof => "no-proof",
            Self::BadCredential => "bad-credential",
            Self::Exhausted => "exhausted",
        }
    }
}

impl ChannelEnd {
    /// Whether only somebody who has the keys can have caused it: the peer's program broke the
    /// rules inside a channel whose encryption held.
    #[must_use]
    pub const fn is_peers_fault(self) -> bool {
        matches!(self, Self::Malformed | Self::AckBeyondSent | Self::WindowExceeded)
    }
}

impl fmt::Display for ChannelEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why something was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The handshake is not finished: there is no key yet. Or the peer has to prove first that it
    /// is a helper.
    #[error("the channel is not secured yet")]
    NotSecured,
    /// Too much is unacknowledged; [`Event::WindowOpen`] will follow.
    #[error("too much is unacknowledged")]
    Full,
    /// A text longer than 8 KiB of UTF-8, a reaction longer than 64 bytes, or a timer longer than a
    /// day.
    #[error("longer than it may be")]
    TooLong,
    /// Nothing to send.
    #[error("the text is empty")]
    Empty,
    /// It names a message that was never sent, or has not arrived.
    #[error("there is no such message")]
    NoSuchMessage,
    /// Only a helper with a pass can hand over.
    #[error("only a helper with a pass can hand over")]
    NoHelper,
    /// One side has said goodbye, or the chat has ended.
    #[error("the chat is over")]
    Over,
}

/// How many binary messages were dropped, by reason. None of them changed anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Not of the form of any message.
    pub malformed: u64,
    /// A handshake message that this side never expects, or does not expect yet.
    pub unexpected: u64,
    /// A packet before there were keys.
    pub early: u64,
    /// A packet of an epoch whose key is gone, or that is more than one ahead.
    pub epoch: u64,
    /// A packet number that was seen before, or is too old to know.
    pub replayed: u64,
    /// A packet that does not authenticate.
    pub forged: u64,
}
