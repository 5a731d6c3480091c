//! The texts and notes of one chat, as long as they are on the screen.

mod changes;
mod chat_text;

use std::{collections::VecDeque, time::Duration};

use client::channel::{MessageNumber, Target, Whose};
use zeroize::Zeroizing;

pub(super) use self::chat_text::{Answered, ChatText, Mark, Reactions, TextState};
use super::{clock::ClockTime, text::harmless_lines};

/// Texts and notes that are kept: enough for hours of chat.
const ENTRIES: usize = 2000;

/// Bytes of them, so that a peer cannot fill the memory and drawing stays fast.
const BYTES: usize = 1024 * 1024;

/// Texts and notes, the oldest first. What is removed is wiped.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Log {
    entries: VecDeque<Entry>,
    bytes: usize,
    next: u64,
    /// Whether the oldest were removed.
    pub(super) start: EntryStart,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum EntryStart {
    #[default]
    Shown,
    Wiped,
}

/// Identifies an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EntryId(u64);

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: EntryId,
    pub(super) kind: EntryKind,
}

/// What it is.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum EntryKind {
    Text(ChatText),
    /// A note of this program.
    Note(String, NoteKind),
}

/// How important a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoteKind {
    Plain,
    Trouble,
}

impl Log {
    pub(super) fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Adds what may be shown of a text of the peer.
    pub(super) fn theirs(&mut self, number: MessageNumber, text: &str, time: ClockTime) -> EntryId {
        let text = Zeroizing::new(harmless_lines(text));
        self.push(EntryKind::Text(ChatText::new(Whose::Peer, Some(number), text, None, time)))
    }

    /// Adds an own text that waits to be sent.
    pub(super) fn mine(&mut self, text: &str, time: ClockTime) -> EntryId {
        let text = Zeroizing::new(text.to_owned());
        self.push(EntryKind::Text(ChatText::new(Whose::Own, None, text, Some(Mark::Waiting), time)))
    }

    /// The text is a reply to this message, whether that is there or not.
    pub(super) fn answer(&mut self, id: EntryId, target: Target) {
        let entry = self.find(target);
        if let Some(text) = self.chat_text_mut(id) {
            text.answers = Some(Answered { target, entry });
        }
    }

    /// The text vanishes then, if ever.
    pub(super) fn end_at(&mut self, id: EntryId, ends_at: Option<Duration>) {
        if let Some(text) = self.chat_text_mut(id) {
            text.ends_at = ends_at;
        }
    }

    /// Own texts, the newest first.
    pub(super) fn own_texts(&self) -> impl Iterator<Item = &str> {
        let own = self.texts().rev().filter(|(_, text)| text.whose == Whose::Own && text.is_shown());
        own.map(|(_, text)| text.text.as_str())
    }

    pub(super) fn note(&mut self, note: &str, kind: NoteKind) -> EntryId {
        self.push(EntryKind::Note(harmless_lines(note), kind))
    }

    /// A text, if it is still there.
    pub(super) fn chat_text(&self, id: EntryId) -> Option<&ChatText> {
        match &self.entries.get(self.place(id)?)?.kind {
            EntryKind::Text(text) => Some(text),
            EntryKind::Note(..) => None,
        }
    }

    /// Own texts that wait to be sent, the oldest first.
    pub(super) fn waiting(&self) -> impl Iterator<Item = EntryId> {
        self.texts().filter(|(_, text)| text.mark == Some(Mark::Waiting)).map(|(id, _)| id)
    }

    /// How many own texts may not have arrived.
    pub(super) fn lost(&self) -> usize {
        self.texts().filter(|(_, text)| text.mark == Some(Mark::NotDelivered)).count()
    }

    fn texts(&self) -> impl DoubleEndedIterator<Item = (EntryId, &ChatText)> {
        self.entries.iter().filter_map(|entry| match &entry.kind {
            EntryKind::Text(text) => Some((entry.id, text)),
            EntryKind::Note(..) => None,
        })
    }

    fn chat_text_mut(&mut self, id: EntryId) -> Option<&mut ChatText> {
        let place = self.place(id)?;
        match &mut self.entries.get_mut(place)?.kind {
            EntryKind::Text(text) => Some(text),
            EntryKind::Note(..) => None,
        }
    }

    fn place(&self, id: EntryId) -> Option<usize> {
        self.entries.binary_search_by_key(&id, |entry| entry.id).ok()
    }

    fn push(&mut self, kind: EntryKind) -> EntryId {
        let id = EntryId(self.next);
        self.next += 1;
        self.bytes += kind.bytes();
        self.entries.push_back(Entry { id, kind });
        self.trim();
        id
    }

    /// Removes the oldest while there is too much.
    fn trim(&mut self) {
        while self.entries.len() > ENTRIES || self.bytes > BYTES {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.kind.bytes();
            self.start = EntryStart::Wiped;
        }
    }
}

impl EntryKind {
    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.text.len(),
            Self::Note(note, _) => note.len(),
        }
    }
}

#[cfg(test)]
mod tests;
