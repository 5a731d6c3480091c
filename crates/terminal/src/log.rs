//! The texts and notes of one chat, as long as they are on the screen.

use std::collections::VecDeque;

use client::channel::MessageNumber;
use zeroize::Zeroizing;

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

/// Whose text it is.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum EntryKind {
    Mine(Zeroizing<String>, Mark, ClockTime),
    Theirs(Zeroizing<String>, ClockTime),
    /// A note of this program.
    Note(String, NoteKind),
}

/// The delivery state of an own text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// The channel has no room for it yet.
    Waiting,
    /// The channel has it, and repeats it until it is acknowledged.
    Sent(MessageNumber),
    /// The peer's program has it.
    Delivered,
    /// The chat has ended, and it is not known whether it arrived.
    NotDelivered,
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
    pub(super) fn theirs(&mut self, text: &str, time: ClockTime) -> EntryId {
        self.push(EntryKind::Theirs(Zeroizing::new(harmless_lines(text)), time))
    }

    /// Adds an own text that waits to be sent.
    pub(super) fn mine(&mut self, text: &str, time: ClockTime) -> EntryId {
        self.push(EntryKind::Mine(Zeroizing::new(text.to_owned()), Mark::Waiting, time))
    }

    /// Own texts, the newest first.
    pub(super) fn own_texts(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().rev().filter_map(|entry| match &entry.kind {
            EntryKind::Mine(text, ..) => Some(text.as_str()),
            EntryKind::Theirs(..) | EntryKind::Note(..) => None,
        })
    }

    pub(super) fn note(&mut self, note: &str, kind: NoteKind) -> EntryId {
        self.push(EntryKind::Note(harmless_lines(note), kind))
    }

    /// An own text, if it is still there.
    pub(super) fn text(&self, id: EntryId) -> Option<&str> {
        self.entries.iter().rev().find(|entry| entry.id == id).and_then(|entry| match &entry.kind {
            EntryKind::Mine(text, ..) => Some(text.as_str()),
            EntryKind::Theirs(..) | EntryKind::Note(..) => None,
        })
    }

    /// Own texts that wait to be sent, the oldest first.
    pub(super) fn waiting(&self) -> impl Iterator<Item = EntryId> {
        let waits = |entry: &&Entry| matches!(entry.kind, EntryKind::Mine(_, Mark::Waiting, _));
        self.entries.iter().filter(waits).map(|entry| entry.id)
    }

    /// Marks one own text.
    pub(super) fn mark(&mut self, id: EntryId, new: Mark) {
        let entry = self.entries.iter_mut().rev().find(|entry| entry.id == id);
        if let Some(Entry { kind: EntryKind::Mine(_, mark, _), .. }) = entry {
            *mark = new;
        }
    }

    /// A text has arrived, and so have all before it.
    pub(super) fn delivered(&mut self, number: MessageNumber) {
        self.mark_where(Mark::Delivered, |mark| matches!(mark, Mark::Sent(sent) if sent <= number));
    }

    /// It is not known whether this text has arrived.
    pub(super) fn not_delivered(&mut self, number: MessageNumber) {
        self.mark_where(Mark::NotDelivered, |mark| mark == Mark::Sent(number));
    }

    /// Nothing more will be sent: marks what is not delivered.
    pub(super) fn abandon(&mut self) {
        self.mark_where(Mark::NotDelivered, |mark| matches!(mark, Mark::Waiting | Mark::Sent(_)));
    }

    /// How many own texts may not have arrived.
    pub(super) fn lost(&self) -> usize {
        let lost = |entry: &&Entry| matches!(entry.kind, EntryKind::Mine(_, Mark::NotDelivered, _));
        self.entries.iter().filter(lost).count()
    }

    fn mark_where(&mut self, new: Mark, applies: impl Fn(Mark) -> bool) {
        for entry in &mut self.entries {
            if let EntryKind::Mine(_, mark, _) = &mut entry.kind
                && applies(*mark)
            {
                *mark = new;
            }
        }
    }

    fn push(&mut self, kind: EntryKind) -> EntryId {
        let id = EntryId(self.next);
        self.next += 1;
        self.bytes += kind.bytes();
        self.entries.push_back(Entry { id, kind });
        while self.entries.len() > ENTRIES || self.bytes > BYTES {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.kind.bytes();
            self.start = EntryStart::Wiped;
        }
        id
    }
}

impl EntryKind {
    fn bytes(&self) -> usize {
        match self {
            Self::Mine(text, ..) | Self::Theirs(text, _) => text.len(),
            Self::Note(note, _) => note.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entries_are_removed_when_there_are_too_many() {
        let mut log = Log::default();
        let first = log.mine("first", ClockTime::at(9, 5));
        assert_eq!(log.text(first), Some("first"));
        for _ in 0..ENTRIES {
            log.theirs("x", ClockTime::at(9, 5));
        }
        assert_eq!((log.entries().count(), log.text(first)), (ENTRIES, None));
        assert_eq!(log.start, EntryStart::Wiped);
    }

    #[test]
    fn the_oldest_entries_are_removed_when_they_are_too_long() {
        let mut log = Log::default();
        for _ in 0..200 {
            log.theirs(&"x".repeat(8192), ClockTime::at(9, 5));
        }
        assert_eq!(log.entries().count(), BYTES / 8192);
        assert_eq!(log.bytes, BYTES);
    }
}
