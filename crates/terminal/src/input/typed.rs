//! What a line says, once it is parsed.

use client::channel::Typing;

use crate::{command::Command, saying::Words};

/// Something to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ToSend {
    pub(crate) words: Words,
    /// A program's name for it.
    pub(crate) id: Option<String>,
}

/// One line, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// For the peer: texts, each short enough to be sent, or something about earlier messages.
    ToSend(Vec<ToSend>),
    /// A command for this program.
    Command(Command),
    /// Whether somebody is writing.
    Typing(Typing),
    /// Not a line of this form, and why.
    Malformed(String),
}
