//! The chat in lines, plain or of JSON: connects what is typed with a [`Chat`].

mod commands;
mod sending;
mod talk;

pub(super) use talk::Conversation;
