//! One text of a chat, and what has become of it.

use std::time::Duration;

use client::channel::{MessageNumber, Target, Whose};
use zeroize::Zeroizing;

use super::EntryId;
use crate::clock::ClockTime;

/// A text or a reply.
#[derive(Clone, PartialEq, Eq)]
pub(in super::super) struct ChatText {
    pub(in super::super) whose: Whose,
    /// Its number on its side. An own text that waits has none yet.
    pub(super) number: Option<MessageNumber>,
    /// Empty once it is deleted.
    pub(in super::super) text: Zeroizing<String>,
    /// The delivery state of an own text.
    pub(in super::super) mark: Option<Mark>,
    /// When it was sent or received.
    pub(in super::super) time: ClockTime,
    /// What it replies to.
    pub(in super::super) answers: Option<Answered>,
    pub(in super::super) state: TextState,
    pub(in super::super) reactions: Reactions,
    /// When it vanishes, as time since the program started.
    pub(super) ends_at: Option<Duration>,
}

/// What a reply answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Answered {
    /// As it is sent.
    pub(in super::super) target: Target,
    /// Where it was when the reply came. It may be gone since: what a reply quotes is looked up
    /// there, so that there is no copy of it.
    pub(super) entry: Option<EntryId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum TextState {
    AsSent,
    Edited,
    Deleted,
}

/// One of each side; empty for none.
#[derive(Clone, PartialEq, Eq)]
pub(in super::super) struct Reactions {
    pub(in super::super) own: Zeroizing<String>,
    pub(in super::super) peer: Zeroizing<String>,
}

/// The delivery state of an own text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Mark {
    /// The channel has no room for it yet.
    Waiting,
    /// The channel has it, and repeats it until it is acknowledged.
    Sent(MessageNumber),
    /// The peer's program has it.
    Delivered,
    /// The chat has ended, and it is not known whether it arrived.
    NotDelivered,
}

impl ChatText {
    pub(super) fn new(
        whose: Whose,
        number: Option<MessageNumber>,
        text: Zeroizing<String>,
        mark: Option<Mark>,
        time: ClockTime,
    ) -> Self {
        Self {
            whose,
            number,
            text,
            mark,
            time,
            answers: None,
            state: TextState::AsSent,
            reactions: Reactions::none(),
            ends_at: None,
        }
    }

    /// Whether there is still a text to be seen.
    pub(in super::super) fn is_shown(&self) -> bool {
        self.state != TextState::Deleted
    }
}

impl Reactions {
    pub(super) fn none() -> Self {
        Self { own: Zeroizing::new(String::new()), peer: Zeroizing::new(String::new()) }
    }
}
