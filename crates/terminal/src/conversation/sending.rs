//! What goes to the peer, and what comes from it.

use client::{
    channel::{SendError, Target},
    chat::Event,
};

use super::talk::{Conversation, Stage};
use crate::{
    output::{Named, Report},
    saying::Words,
};

impl Conversation {
    /// Sends what waits, as far as possible. After the last text it says goodbye, if this side is
    /// leaving.
    pub(super) fn send(&mut self) {
        while self.stage == Stage::Talking
            && let Some(next) = self.typed.front()
        {
            match self.chat.say(next.words.said()) {
                Ok(number) => {
                    let Some(sent) = self.typed.pop_front() else { return };
                    if sent.words.is_text() {
                        self.sent.push_back(number);
                        self.recent.add(Target::own(number));
                    }
                    if let Words::Deletion { number } = sent.words {
                        self.recent.remove(Target::own(number));
                    }
                    self.report(Report::Sent { number, id: sent.id.as_deref() });
                }
                Err(SendError::Full | SendError::NotSecured | SendError::Over) => return,
                // Cannot happen: it is not typed as a text.
                Err(SendError::NoHelper) => _ = self.typed.pop_front(),
                Err(SendError::NoSuchMessage) => {
                    self.typed.pop_front();
                    self.answer("no-such-message", "there is no message with this number");
                }
                Err(SendError::TooLong) => {
                    self.typed.pop_front();
                    self.answer("too-long", "nothing was sent: a text has at most 8 KiB");
                }
                // Cannot happen: lines are cut into texts that are not.
                Err(SendError::Empty) => _ = self.typed.pop_front(),
            }
        }
        let talking = matches!(self.stage, Stage::Meeting | Stage::Talking);
        if self.leaving && talking && self.typed.is_empty() {
            self.chat.leave();
        }
    }

    /// The peer has said something.
    pub(super) fn heard(&mut self, event: Event) {
        match event {
            Event::Message { number, text, reply_to, vanishes_after } => {
                let reply_to = reply_to.map(|target| self.named(target));
                self.recent.add(Target::peer(number));
                self.report(Report::Text { number, text: &text, reply_to, vanishes_after });
            }
            Event::Reaction { to, reaction } => {
                let to = self.named(to);
                self.report(Report::Reaction { to, reaction: &reaction });
            }
            Event::Edited { number, text } => {
                let of = self.named(Target::peer(number));
                self.report(Report::Edited { of, text: &text });
            }
            Event::Deleted { number } => {
                let of = self.named(Target::peer(number));
                self.recent.remove(of.target);
                self.report(Report::Deleted(of));
            }
            Event::Timer { by, vanish_after } => {
                self.report(Report::Timer { by, vanish_after });
            }
            Event::Unknown { number } => self.report(Report::Unknown(number)),
            _ => {}
        }
    }

    fn named(&self, target: Target) -> Named {
        Named { target, back: self.recent.back(target) }
    }
}
