//! What a person or a program asks for.

use client::PassKey;
use schemas::control::Category;
use tokio::time::Instant;

use super::talk::{After, Conversation, Stage};
use crate::{
    command::{Command, HELP},
    helper_text::NO_HANDOVER,
    input::{ToSend, Typist},
    output::Report,
    saying::Saying,
    state::MeetingKind,
};

impl Conversation {
    pub(super) fn run_command(&mut self, command: Command) {
        let asked = self.asked.take();
        match command {
            Command::Next if self.meeting == MeetingKind::AcceptsInvite && self.meetings > 0 => {
                self.answer("invite-spent", "an invite works once; /invite makes a new one");
            }
            Command::Next => self.next(),
            Command::Any => {
                self.meeting = MeetingKind::Anybody;
                self.next();
            }
            Command::Invite => {
                self.meeting = MeetingKind::CreatesInvite;
                self.next();
            }
            Command::Leave => self.leave(),
            Command::Report(category) => self.report_peer(category, asked),
            Command::Safety => match self.chat.safety() {
                Some(code) => self.report(Report::Safety(code)),
                None => self.answer("no-chat", "there is no chat"),
            },
            Command::Handover(None) => self.accept_handover(),
            Command::Handover(Some(colleague)) => self.hand_over(&colleague),
            Command::Quit => self.quit(),
            Command::Help => self.answer("help", HELP),
            Command::Say(saying) => self.say(saying),
            Command::Incomplete(usage) => self.answer("incomplete", usage),
            Command::Unknown => {
                self.answer(
                    "unknown-command",
                    "there is no such command, and nothing was sent; /help lists them",
                );
            }
        }
    }

    /// Says something about earlier messages.
    fn say(&mut self, saying: Saying) {
        if self.stage != Stage::Talking {
            return self.answer("no-chat", "there is no chat");
        }
        // What waits comes first: it may be what is meant.
        if !self.typed.is_empty() {
            return self.answer("busy", "texts are still on their way; try again in a moment");
        }
        match saying.resolve(|whose, back| self.recent.nth(whose, back)) {
            Ok(words) => self.typed.push_back(ToSend { words, id: None }),
            Err(why) => self.answer("no-such-text", why),
        }
    }

    fn accept_handover(&mut self) {
        if self.stage == Stage::Talking && self.chat.accept_handover() {
            self.typed.clear();
            self.after = After::Next;
        } else {
            self.answer("no-handover", NO_HANDOVER);
        }
    }

    fn hand_over(&mut self, colleague: &PassKey) {
        match self.chat.hand_over(colleague) {
            Ok(invite) => {
                let handout = self.plan.handout(&invite);
                self.report(Report::Invite(&handout));
            }
            Err(why) => self.answer("no-handover", &why.to_string()),
        }
    }

    fn next(&mut self) {
        self.typed.clear();
        self.find();
    }

    fn leave(&mut self) {
        self.typed.clear();
        match self.stage {
            Stage::Waiting => {
                self.chat.cancel();
                self.alone();
            }
            Stage::Alone => self.answer("no-chat", "there is no chat"),
            Stage::Meeting | Stage::Talking => {
                self.after = After::Rest;
                self.chat.leave();
            }
        }
    }

    /// A person is asked once more: a report ends the chat.
    fn report_peer(&mut self, category: Option<Category>, asked: Option<Category>) {
        match category {
            _ if !self.can_report() => self.answer("no-chat", "there is no chat"),
            None => self.answer(
                "no-category",
                "say why: /report abuse, /report spam, /report minor or /report other",
            ),
            Some(category) if self.input.typist == Typist::Person && asked != Some(category) => {
                self.asked = Some(category);
                let word = category.word();
                let message = format!(
                    "this ends the chat, and you will not meet this person again; no text is sent along. \
                     Type /report {word} again to do it"
                );
                self.answer("asked", &message);
            }
            Some(category) => {
                self.chat.report(category);
                (self.reporting, self.reportable) = (true, None);
            }
        }
    }

    /// Whether there is a chat, or one has just ended.
    fn can_report(&self) -> bool {
        matches!(self.stage, Stage::Meeting | Stage::Talking)
            || self.reportable.is_some_and(|until| Instant::now() < until)
    }
}
