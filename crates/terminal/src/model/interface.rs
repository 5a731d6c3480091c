//! What goes into the [`Model`](super::Model), and what comes out of it.

use std::time::Duration;

use client::{
    Opening, PassKey,
    channel::{MessageNumber, SendError, Typing},
    chat::Event,
};
use ratatui::layout::Size;
use schemas::control::Category;
use zeroize::Zeroizing;

use crate::{clock::ClockTime, keys::Key, log::EntryId, saying::Words, state::Handout};

/// Something that happened. It has no `Debug`, because most of it is what people write.
pub(crate) enum Input {
    /// A session was opened. No find has been sent in it.
    Opened,
    /// What is waited for while a session is being opened.
    Opening(Opening),
    /// No session could be opened, for this reason.
    OpenFailed(String),
    /// The find is for whoever opens this invite.
    Invite(Handout),
    /// The chat reports something.
    Chat(Event),
    Key(Key),
    /// A text was pasted.
    Pasted(Zeroizing<String>),
    Resized(Size),
    /// The result of [`Effect::Send`], and how long the text is to be shown.
    Sent(EntryId, Result<MessageNumber, SendError>, Option<Duration>),
    /// The result of [`Effect::Say`].
    Said(Words, Result<MessageNumber, SendError>),
    /// The result of [`Effect::Handover`].
    HandedOver(HandoverResult),
    /// This process was asked to end.
    Stop,
    /// The time of [`Model::next_tick`](super::Model::next_tick) has come.
    Tick,
}

/// What became of a `/handover`.
pub(crate) enum HandoverResult {
    /// The chat ends, and the colleague is waited for.
    Accepted,
    /// The peer is asked; the colleague gets this.
    Offered(Handout),
    /// For people.
    Refused(String),
}

/// When an input comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Time since the program started.
    pub(crate) now: Duration,
    /// The time of day, which is only shown.
    pub(crate) clock: ClockTime,
}

/// What to do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Open a session.
    Open,
    /// Find somebody in the way that the screen state says. A chat that still goes on is ended
    /// first.
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
    /// Hand something else than a text or a reply to the channel.
    Say(Words),
    Typing(Typing),
    /// Agree to a handover, or offer one to this colleague.
    Handover(Option<PassKey>),
    /// Draw the whole screen again.
    Redraw,
    /// Close the chat in good order, and end.
    Close,
    /// End at once.
    Abandon,
}
