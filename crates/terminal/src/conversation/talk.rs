//! What is known of a chat in lines, and what each part of it does: reporting, finding, ending.

use std::collections::VecDeque;

use client::{Chat, channel::MessageNumber, chat::End};
use schemas::{
    control::{Category, ErrorCode},
    outlook::Outlook,
};
use tokio::time::Instant;

use crate::{
    input::{Input, ToSend, Typist},
    outcome::Outcome,
    output::{Report, Reporter},
    plan::Plan,
    recent::Recent,
    state::{LATE_REPORT, MeetingKind},
};

/// One person at a terminal, with one chat after the other.
pub(crate) struct Conversation {
    pub(super) chat: Chat,
    pub(super) input: Input,
    pub(super) reporter: Box<dyn Reporter>,
    pub(super) plan: Plan,
    /// How the next person is met.
    pub(super) meeting: MeetingKind,
    /// How many people were met with the invite that was given.
    pub(super) meetings: u32,
    pub(super) stage: Stage,
    pub(super) after: After,
    /// When somebody who waits is told that nobody is there.
    pub(super) long_wait: Option<Instant>,
    /// What whoever waits was told last of what may be expected.
    pub(super) outlook: Option<Outlook>,
    /// Until when the last chat can be reported, if it has ended.
    pub(super) reportable: Option<Instant>,
    /// A report was made, and what has become of it is not known.
    pub(super) reporting: bool,
    /// A report that was asked for once. The second time it is made.
    pub(super) asked: Option<Category>,
    /// No more input is read: it has ended, or somebody quits.
    pub(super) leaving: bool,
    pub(super) typed: VecDeque<ToSend>,
    /// Texts that were sent, and are not known to have arrived; the oldest first.
    pub(super) sent: VecDeque<MessageNumber>,
    /// The texts of this chat.
    pub(super) recent: Recent,
    pub(super) outcome: Outcome,
}

/// How far the chat has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// There is no chat, and no find.
    Alone,
    Waiting,
    /// Somebody was matched; the keys are not agreed on yet.
    Meeting,
    Talking,
}

/// What follows the end of a chat.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    Rest,
    Next,
}

impl Conversation {
    /// With a chat that has not sent a find yet.
    pub(crate) fn new(chat: Chat, reporter: Box<dyn Reporter>, typist: Typist, plan: Plan) -> Self {
        Self {
            chat,
            input: Input::new(typist),
            reporter,
            meeting: plan.meeting.clone(),
            plan,
            meetings: 0,
            stage: Stage::Alone,
            after: After::Rest,
            long_wait: None,
            outlook: None,
            reportable: None,
            reporting: false,
            asked: None,
            leaving: false,
            typed: VecDeque::new(),
            sent: VecDeque::new(),
            recent: Recent::default(),
            outcome: Outcome::default(),
        }
    }

    /// After the end of input, the chat goes on until all texts have been sent and delivered, and a
    /// report is answered.
    pub(super) fn is_over(&self) -> bool {
        self.leaving
            && match self.stage {
                Stage::Alone => !self.reporting,
                Stage::Waiting => self.typed.is_empty(),
                Stage::Meeting | Stage::Talking => false,
            }
    }

    pub(super) fn find(&mut self) {
        let (criteria, handout) = self.plan.criteria(&self.meeting);
        if let Some(handout) = handout {
            self.report(Report::Invite(&handout));
        }
        self.outlook = None;
        self.chat.find(criteria);
        match self.stage {
            Stage::Alone | Stage::Waiting => self.stage = Stage::Waiting,
            Stage::Meeting | Stage::Talking => self.after = After::Next,
        }
    }

    pub(super) fn answer(&mut self, code: &'static str, message: &str) {
        self.report(Report::Answer { code, message });
    }

    pub(super) fn report(&mut self, report: Report<'_>) {
        if self.reporter.report(report).is_err() {
            self.outcome.fail();
            self.quit();
        }
    }

    pub(super) fn quit(&mut self) {
        (self.leaving, self.after, self.reporting) = (true, After::Rest, false);
        self.typed.clear();
    }

    pub(super) fn ended(&mut self, end: End) {
        self.sent.clear();
        self.recent = Recent::default();
        self.asked = None;
        self.outcome.end(end);
        self.reportable = (end != End::Report).then(|| Instant::now() + LATE_REPORT);
        self.report(Report::Ended(end));
        match std::mem::replace(&mut self.after, After::Rest) {
            After::Next => self.stage = Stage::Waiting,
            After::Rest => self.alone(),
        }
    }

    pub(super) fn refused(&mut self, code: ErrorCode, message: &str) {
        self.report(Report::Refused { code, message });
        let passing = matches!(code, ErrorCode::Unavailable | ErrorCode::Rate);
        if self.stage == Stage::Waiting && !passing {
            self.outcome.fail();
            self.meetings += u32::from(code == ErrorCode::InviteSpent);
            self.alone();
        }
    }

    /// The chat is over. A person or a program may want to meet another one. For a script there is
    /// nothing more to do.
    pub(super) fn alone(&mut self) {
        (self.stage, self.long_wait) = (Stage::Alone, None);
        if self.input.typist == Typist::Script {
            self.leaving = true;
        } else if !self.leaving {
            if !self.typed.is_empty() {
                self.report(Report::NotSent(self.typed.len()));
                self.typed.clear();
            }
            self.report(Report::Resting);
        }
    }
}
