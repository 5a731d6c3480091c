//! What is reported where the client does not have the whole screen: in plain lines for people, or
//! in lines of JSON for programs.

use std::{io, time::Duration};

use client::{
    Closed, Pass,
    channel::{MessageNumber, SafetyCode, Target, Typing, Whose},
    chat::{End, Standing},
};
use schemas::{
    control::{ErrorCode, ServiceState},
    outlook::Outlook,
};

use super::{options::ChatOptions, state::Handout};

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// For people, and for scripts that only want the texts.
    Plain,
    /// For programs.
    Json,
}

impl Output {
    pub(super) fn of(options: &ChatOptions) -> Self {
        if options.json { Self::Json } else { Self::Plain }
    }
}

/// Writes reports.
pub(super) trait Reporter {
    /// Writes one.
    ///
    /// # Errors
    /// If standard output is closed.
    fn report(&mut self, report: Report<'_>) -> io::Result<()>;
}

/// An earlier message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) target: Target,
    /// How far back it is counted among the texts of its side; `None` if it is gone.
    pub(super) back: Option<usize>,
}

/// Something to report.
#[derive(Clone, Copy)]
pub(super) enum Report<'a> {
    /// An invite to hand over.
    Invite(&'a Handout),
    /// Waiting has begun.
    Waiting(Outlook),
    /// What may be expected has changed.
    Outlook(Outlook),
    /// Nobody was met for a while.
    StillWaiting,
    Met,
    Secured(SafetyCode),
    /// The safety code, which was asked for.
    Safety(SafetyCode),
    /// The peer's next text.
    Text {
        number: MessageNumber,
        text: &'a str,
        /// What it answers.
        reply_to: Option<Named>,
        vanishes_after: Option<Duration>,
    },
    /// The peer reacts, or takes that back (empty).
    Reaction {
        to: Named,
        reaction: &'a str,
    },
    /// The peer has a new text for one of its own.
    Edited {
        of: Named,
        text: &'a str,
    },
    /// The peer asks to forget a text of its own.
    Deleted(Named),
    /// Texts vanish after another time from now on.
    Timer {
        by: Whose,
        vanish_after: Option<Duration>,
    },
    /// The peer has shown a helper's pass.
    Helper {
        standing: Standing,
        pass: &'a Pass,
    },
    /// A verified helper offers that a colleague goes on.
    Handover,
    /// The peer has said something that this version cannot show.
    Unknown(MessageNumber),
    /// Something was handed to the channel.
    Sent {
        number: MessageNumber,
        id: Option<&'a str>,
    },
    Delivered {
        number: MessageNumber,
        pending: usize,
    },
    NotDelivered(MessageNumber),
    /// After a goodbye of this side: the other one has received everything.
    AllReceived,
    PeerTyping(Typing),
    /// The peer has no connection. The server keeps its place for this long.
    PeerAway(Duration),
    PeerOnline,
    Disconnected {
        retry_in: Duration,
    },
    Resumed,
    Ended(End),
    Closed(Closed),
    Refused {
        code: ErrorCode,
        message: &'a str,
    },
    /// The answer to something typed that could not be done.
    Answer {
        code: &'static str,
        message: &'a str,
    },
    /// What the operator has ordered for the service as a whole.
    Service(&'a ServiceState),
    /// What has become of a report.
    Reported {
        taken: bool,
    },
    /// Texts that were typed will not be sent.
    NotSent(usize),
    /// The chat is over, and another one may follow.
    Resting,
}
