//! What goes into the [`Model`](super::Model), what comes out of it, and the states that it can be in.

use std::time::Duration;

use client::{
    channel::{MessageNumber, SafetyCode, SendError, Typing},
    chat::Event,
};
use ratatui::layout::Size;
use schemas::control::Category;
use zeroize::Zeroizing;

use crate::{keys::Key, log::EntryId};

/// Something that happened. Nothing of it is shown by `Debug`: most of it is what people write.
pub(crate) enum Input {
    /// There is a session, and nobody is looked for yet.
    Opened,
    /// There is none, for this reason.
    OpenFailed(String),
    /// The search that was asked for is for whoever brings this link.
    Link(Zeroizing<String>),
    /// The chat tells something.
    Chat(Event),
    Key(Key),
    /// A text comes from a clipboard.
    Pasted(Zeroizing<String>),
    Resized(Size),
    /// What [`Effect::Send`] came to.
    Sent(EntryId, Result<MessageNumber, SendError>),
    /// This process is asked to end.
    Stop,
    /// The time of [`Model::next_tick`](super::Model::next_tick) has come.
    Tick,
}

/// What is to be done, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Open a session.
    Open,
    /// Look for somebody, after the end of the chat that may still go on.
    Find,
    /// Look for the same as before, in another session.
    FindSame,
    /// Look for nobody.
    Cancel,
    /// Say goodbye.
    Leave,
    Report(Category),
    /// Hand this text to the channel.
    Send(EntryId),
    Typing(Typing),
    /// Draw all of the screen, whatever was there.
    Redraw,
    /// Close the chat in good order, and end.
    Close,
    /// End at once.
    Abandon,
}

/// By what the two meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MeetingKind {
    Anybody,
    /// By its name.
    Topic(String),
    /// A link is made here, for each search anew.
    CreatesInvite,
    /// A link came from somebody.
    AcceptsInvite,
}

/// What there is to talk to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A session is being opened.
    Opening(AfterOpening),
    Waiting,
    /// Somebody is met; the keys are not there yet.
    Meeting,
    Talking(SafetyCode),
    /// A goodbye is on its way.
    Leaving(Then),
    /// Nobody, and nobody is looked for.
    Alone {
        why: String,
    },
}

/// What is looked for in a new session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterOpening {
    FindNew,
    /// What was looked for when the last session came to its end: a link that was handed over stays good.
    FindSame,
}

/// What follows the end of a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Rest,
    Next,
    Quit,
}

/// The own connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnConnection {
    Up,
    /// Until the next attempt begins.
    Down(Duration),
}

/// The other's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Here,
    Away,
}

/// Something that lies over the texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Popup {
    pub(crate) about: About,
    /// Rows above its top.
    pub(crate) scroll: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    Safety(SafetyCode),
    Commands,
}

/// How it went, for the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Well,
    /// A text may not have arrived, or a chat was broken off by a fault.
    Badly,
}
