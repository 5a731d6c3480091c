//! What goes into the [`Model`](super::Model), and what comes out of it.

use client::{
    channel::{MessageNumber, SendError, Typing},
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

/// How it went, for the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Well,
    /// A text may not have arrived, or a chat was broken off by a fault.
    Badly,
}
