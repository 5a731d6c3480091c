//! What a side sends besides typing notices and its goodbye, and how it names an earlier message.

use std::fmt;

use zeroize::Zeroizing;

use super::limits::MAX_NUMBER;

/// The number of a message in its direction. It grows with every text, not always by one, because
/// notices are numbered too. One that a peer names may be of nothing that was ever sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageNumber(pub(super) u64);

impl MessageNumber {
    /// A number that was written down before; `None` for what is no number of a message.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if number > 0 && number < MAX_NUMBER { Some(Self(number)) } else { None }
    }

    /// The number, from 1 to 2^53 - 1.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Which side has sent a message, seen from this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Whose {
    /// This side.
    Own,
    /// The peer.
    Peer,
}

/// An earlier message of either side. It may name nothing that is shown: a notice, or what is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Who has sent it.
    pub whose: Whose,
    /// Its number among the messages of that side.
    pub number: MessageNumber,
}

impl Target {
    /// A message of this side.
    #[must_use]
    pub const fn own(number: MessageNumber) -> Self {
        Self { whose: Whose::Own, number }
    }

    /// A message of the peer.
    #[must_use]
    pub const fn peer(number: MessageNumber) -> Self {
        Self { whose: Whose::Peer, number }
    }
}

/// A helper's offer that a colleague goes on. Its `Debug` does not show the invite.
#[derive(Clone, PartialEq, Eq)]
pub struct Handover {
    /// The secret of the invite by which the two are to meet.
    pub invite: Zeroizing<[u8; 16]>,
    /// SHA-256 of the colleague's public key: the one that must be there.
    pub colleague: [u8; 32],
}

impl fmt::Debug for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handover(…)")
    }
}

/// What can be said. All of it arrives once and in order.
///
/// Editing, deleting and timers are requests to the peer's program: an honest one follows them, and
/// nobody can make another one forget.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Said<'a> {
    /// A text of 1 to 8192 bytes.
    Text(&'a str),
    /// A text of 1 to 8192 bytes that answers an earlier message.
    Reply {
        /// What it answers.
        to: Target,
        /// A text in every other respect.
        text: &'a str,
    },
    /// A reaction to a message. The newest of a side counts.
    Reaction {
        /// The message.
        to: Target,
        /// At most 64 bytes; empty takes it back.
        reaction: &'a str,
    },
    /// A new text for an own text or reply.
    Edit {
        /// Its number.
        number: MessageNumber,
        /// 1 to 8192 bytes.
        text: &'a str,
    },
    /// An own text or reply is to be deleted on both sides.
    Deletion {
        /// Its number.
        number: MessageNumber,
    },
    /// Texts and replies from now on vanish so long after they were shown, on both sides.
    Timer {
        /// Seconds, at most 86400; 0 ends it.
        seconds: u32,
    },
    /// A colleague is to go on. Only a helper can say it.
    Handover(&'a Handover),
}
