//! What becomes of texts that are in the log already.

use std::time::Duration;

use client::channel::{MessageNumber, Target, Whose};
use zeroize::Zeroizing;

use super::{ChatText, EntryId, EntryKind, Log, Mark, Reactions, TextState};
use crate::text::{harmless, harmless_lines};

impl Log {
    /// Marks one own text.
    pub(in super::super) fn mark(&mut self, id: EntryId, new: Mark) {
        if let Some(text) = self.chat_text_mut(id) {
            if let Mark::Sent(number) = new {
                text.number = Some(number);
            }
            text.mark = Some(new);
        }
    }

    /// A text has arrived, and so have all before it.
    pub(in super::super) fn delivered(&mut self, number: MessageNumber) {
        self.mark_where(Mark::Delivered, |mark| matches!(mark, Mark::Sent(sent) if sent <= number));
    }

    /// It is not known whether this text has arrived.
    pub(in super::super) fn not_delivered(&mut self, number: MessageNumber) {
        self.mark_where(Mark::NotDelivered, |mark| mark == Mark::Sent(number));
    }

    /// Nothing more will be sent: marks what is not delivered.
    pub(in super::super) fn abandon(&mut self) {
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
    pub(in super::super) fn find(&self, target: Target) -> Option<EntryId> {
        let is_meant = |text: &ChatText| {
            text.whose == target.whose && text.number == Some(target.number) && text.is_shown()
        };
        self.texts().rev().find(|(_, text)| is_meant(text)).map(|(id, _)| id)
    }

    /// The text of a side that is counted back so far from the newest, from 1.
    pub(in super::super) fn nth(&self, whose: Whose, back: usize) -> Option<MessageNumber> {
        let texts = self.texts().rev().filter(|(_, text)| text.whose == whose && text.is_shown());
        texts.filter_map(|(_, text)| text.number).nth(back.checked_sub(1)?)
    }

    /// The text that a reply quotes; `None` if it is gone.
    pub(in super::super) fn quoted(&self, reply: &ChatText) -> Option<&ChatText> {
        self.chat_text(reply.answers?.entry?).filter(|text| text.is_shown())
    }

    /// A side reacts to a text, or takes that back.
    pub(in super::super) fn react(&mut self, by: Whose, target: Target, reaction: &str) {
        let Some(text) = self.find(target).and_then(|id| self.chat_text_mut(id)) else { return };
        let side = match by {
            Whose::Own => &mut text.reactions.own,
            Whose::Peer => &mut text.reactions.peer,
        };
        *side = Zeroizing::new(harmless(reaction));
    }

    /// The writer of a text has a new one.
    pub(in super::super) fn edit(&mut self, target: Target, new: &str) {
        let Some(text) = self.find(target).and_then(|id| self.chat_text_mut(id)) else { return };
        let before = text.text.len();
        (text.text, text.state) = (Zeroizing::new(harmless_lines(new)), TextState::Edited);
        let after = text.text.len();
        self.bytes = self.bytes - before + after;
        self.trim();
    }

    /// The writer of a text wants it to be forgotten; a stand-in stays.
    pub(in super::super) fn delete(&mut self, target: Target) {
        let Some(text) = self.find(target).and_then(|id| self.chat_text_mut(id)) else { return };
        let before = text.text.len();
        (text.text, text.state) = (Zeroizing::default(), TextState::Deleted);
        text.reactions = Reactions::none();
        self.bytes -= before;
    }

    /// When the next text vanishes.
    pub(in super::super) fn next_end(&self) -> Option<Duration> {
        self.texts().filter_map(|(_, text)| text.ends_at).min()
    }

    /// Wipes the texts whose time is over. Whether there were any.
    pub(in super::super) fn vanish(&mut self, now: Duration) -> bool {
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
