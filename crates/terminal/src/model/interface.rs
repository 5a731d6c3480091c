//! What goes into the [`Model`](super::Model), and what comes out of it.

use client::{
    channel::{MessageNumber, SendError, Typing},
    chat::Event,
};
use ratatui::layout::Size;
use schemas::control::Category;
use zeroize::Zeroizing;

use crate::{keys::Key, log::EntryId};

/// Something that happened. It has no `Debug`, because most of it is what people write.
pub(crate) enum Input {
    /// A session was opened. No find has been sent in it.
    Opened,
    /// No session could be opened, for this reason.
    OpenFailed(String),
    /// The find is for whoever opens this invite link.
    Link(Zeroizing<String>),
    /// The chat reports something.
    Chat(Event),
    Key(Key),
    /// A text was pasted.
    Pasted(Zeroizing<String>),
    Resized(Size),
    /// The result of [`Effect::Send`].
    Sent(EntryId, Result<MessageNumber, SendError>),
    /// This process was asked to end.
    Stop,
    /// The time of [`Model::next_tick`](super::Model::next_tick) has come.
    Tick,
}

/// What to do, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Open a session.
    Open,
    /// Find somebody. A chat that still goes on is ended first.
    Find,
    /// Find with the same criteria as before, in another session.
    FindSame,
    /// Cancel the find.
    Cancel,
    /// Say goodbye.
    Leave,
    Report(Category),
    /// Hand this text to the channel.
    Send(EntryId),
    Typing(Typing),
    /// Draw the whole screen again.
    Redraw,
    /// Close the chat in good order, and end.
    Close,
    /// End at once.
    Abandon,
}

/// Whether all went well, for the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Well,
    /// A text may not have arrived, or a chat was broken off by a fault.
    Badly,
}
