//! The texts and notes of one chat, as long as they are on the screen.

use std::{collections::VecDeque, time::Duration};

use client::channel::{MessageNumber, Target, Whose};
use zeroize::Zeroizing;

use super::{
    clock::ClockTime,
    text::{harmless, harmless_lines},
};

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

/// A text or a reply.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ChatText {
    pub(super) whose: Whose,
    /// Its number on its side. An own text that waits has none yet.
    pub(super) number: Option<MessageNumber>,
    /// Empty once it is deleted.
    pub(super) text: Zeroizing<String>,
    /// The delivery state of an own text.
    pub(super) mark: Option<Mark>,
    /// When it was sent or received.
    pub(super) time: ClockTime,
    /// What it replies to.
    pub(super) answers: Option<Answered>,
    pub(super) state: TextState,
    pub(super) reactions: Reactions,
    /// When it vanishes, as time since the program started.
    pub(super) ends_at: Option<Duration>,
}

/// What a reply answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Answered {
    /// As it is sent.
    pub(super) target: Target,
    /// Where it was when the reply came. It may be gone since: what a reply quotes is looked up
    /// there, so that there is no copy of it.
    pub(super) entry: Option<EntryId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextState {
    AsSent,
    Edited,
    Deleted,
}

/// One of each side; empty for none.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Reactions {
    pub(super) own: Zeroizing<String>,
    pub(super) peer: Zeroizing<String>,
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
    pub(super) fn is_shown(&self) -> bool {
        self.state != TextState::Deleted
    }
}

impl Reactions {
    pub(super) fn none() -> Self {
        Self { own: Zeroizing::new(String::new()), peer: Zeroizing::new(String::new()) }
    }
}

impl Log {
    /// Marks one own text.
    pub(super) fn mark(&mut self, id: EntryId, new: Mark) {
        if let Some(text) = self.chat_text_mut(id) {
            if let Mark::Sent(number) = new {
                text.number = Some(number);
            }
            text.mark = Some(new);
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

    fn mark_where(&mut self, new: Mark, applies: impl Fn(Mark) -> bool) {
        for entry in &mut self.entries {
            if let EntryKind::Text(text) = &mut entry.kind
                && text.mark.is_some_and(&applies)
            {
                text.mark = Some(new);
            }
        }
    }

    /// What is named, if it is a text that is still shown.
    pub(super) fn find(&self, target: Target) -> Option<EntryId> {
        let is_meant = |text: &ChatText| {
            text.whose == target.whose && text.number == Some(target.number) && text.is_shown()
        };
        self.texts().rev().find(|(_, text)| is_meant(text)).map(|(id, _)| id)
    }

    /// The text of a side that is counted back so far from the newest, from 1.
    pub(super) fn nth(&self, whose: Whose, back: usize) -> Option<MessageNumber> {
        let texts = self.texts().rev().filter(|(_, text)| text.whose == whose && text.is_shown());
        texts.filter_map(|(_, text)| text.number).nth(back.checked_sub(1)?)
    }

    /// The text that a reply quotes; `None` if it is gone.
    pub(super) fn quoted(&self, reply: &ChatText) -> Option<&ChatText> {
        self.chat_text(reply.answers?.entry?).filter(|text| text.is_shown())
    }

    /// A side reacts to a text, or takes that back.
    pub(super) fn react(&mut self, by: Whose, target: Target, reaction: &str) {
        let Some(text) = self.find(target).and_then(|id| self.chat_text_mut(id)) else { return };
        let side = match by {
            Whose::Own => &mut text.reactions.own,
            Whose::Peer => &mut text.reactions.peer,
        };
        *side = Zeroizing::new(harmless(reaction));
    }

    /// The writer of a text has a new one.
    pub(super) fn edit(&mut self, target: Target, new: &str) {
        let Some(text) = self.find(target).and_then(|id| self.chat_text_mut(id)) else { return };
        let before = text.text.len();
        (text.text, text.state) = (Zeroizing::new(harmless_lines(new)), TextState::Edited);
        let after = text.text.len();
        self.bytes = self.bytes - before + after;
        self.trim();
    }

    /// The writer of a text wants it to be forgotten; a stand-in stays.
    pub(super) fn delete(&mut self, target: Target) {
        let Some(text) = self.find(target).and_then(|id| self.chat_text_mut(id)) else { return };
        let before = text.text.len();
        (text.text, text.state) = (Zeroizing::default(), TextState::Deleted);
        text.reactions = Reactions::none();
        self.bytes -= before;
    }

    /// When the next text vanishes.
    pub(super) fn next_end(&self) -> Option<Duration> {
        self.texts().filter_map(|(_, text)| text.ends_at).min()
    }

    /// Wipes the texts whose time is over. Whether there were any.
    pub(super) fn vanish(&mut self, now: Duration) -> bool {
        let before = self.entries.len();
        let mut bytes = 0;
        self.entries.retain(|entry| match &entry.kind {
            EntryKind::Text(text) if text.ends_at.is_some_and(|at| at <= now) => {
                bytes += text.text.len();
                false
            }
            EntryKind::Text(_) | EntryKind::Note(..) => true,
        });
        self.bytes -= bytes;
        self.entries.len() < before
    }
}

#[cfg(test)]
mod tests;
