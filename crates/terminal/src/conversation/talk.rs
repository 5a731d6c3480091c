//! The chat in lines, plain or of JSON: connects what is typed with a [`Chat`].

use std::{collections::VecDeque, future::pending, process::ExitCode};

use client::{
    Chat, Closed,
    channel::MessageNumber,
    chat::{End, Event},
};
use schemas::{
    control::{Category, ErrorCode},
    outlook::Outlook,
};
use tokio::time::{Instant, sleep_until};

use crate::{
    input::{Input, ToSend, Typed, Typist},
    outcome::Outcome,
    output::{Report, Reporter},
    plan::Plan,
    recent::Recent,
    state::{LATE_REPORT, LONG_WAIT, MeetingKind},
    stop::Stop,
};

/// Texts that wait until they can be sent. While so many wait, no more is read.
pub(super) const WAITING_TEXTS: usize = 64;

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
            asked: None,
            leaving: false,
            typed: VecDeque::new(),
            sent: VecDeque::new(),
            recent: Recent::default(),
            outcome: Outcome::default(),
        }
    }

    /// Runs until the chat or the input ends, and leaves nothing behind.
    ///
    /// # Errors
    /// If the system refuses to tell of signals.
    pub(crate) async fn run(mut self) -> anyhow::Result<ExitCode> {
        let mut stop = Stop::new()?;
        self.find();
        while !self.is_over() {
            let reading = !self.leaving && self.typed.len() < WAITING_TEXTS;
            tokio::select! {
                event = self.chat.next_event() => match event {
                    Some(event) => self.handle_event(event),
                    None => return Ok(ExitCode::FAILURE),
                },
                typed = self.input.next(), if reading => match typed {
                    Some(typed) => self.take(typed),
                    None => self.leaving = true,
                },
                () = sleep(self.long_wait) => {
                    self.long_wait = None;
                    self.report(Report::StillWaiting);
                }
                () = stop.asked() => self.quit(),
            }
            self.send();
        }
        if !self.typed.is_empty() {
            self.outcome.lose();
            self.report(Report::NotSent(self.typed.len()));
        }
        let outcome = self.outcome.code();
        tokio::select! {
            () = self.chat.close() => Ok(outcome),
            // A second signal does not wait for goodbyes.
            () = stop.asked() => Ok(ExitCode::FAILURE),
        }
    }

    /// After the end of input, the chat goes on until all texts have been sent and delivered.
    pub(super) fn is_over(&self) -> bool {
        self.leaving
            && match self.stage {
                Stage::Alone => true,
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

    pub(super) fn take(&mut self, typed: Typed) {
        match typed {
            Typed::ToSend(words) if self.stage == Stage::Alone && !words.is_empty() => {
                self.answer("no-chat", "nobody is there to read it; /next finds another person");
            }
            Typed::ToSend(words) => self.typed.extend(words),
            Typed::Typing(typing) => self.chat.set_typing(typing),
            Typed::Command(command) => self.run_command(command),
            Typed::Malformed(why) => self.answer("malformed", &why),
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
        (self.leaving, self.after) = (true, After::Rest);
        self.typed.clear();
    }

    pub(super) fn handle_event(&mut self, event: Event) {
        match event {
            Event::Connected | Event::WindowOpen => {}
            Event::PeerTyping(typing) => self.report(Report::PeerTyping(typing)),
            Event::Waiting(outlook) if self.outlook.is_some() => {
                if self.outlook.replace(outlook) != Some(outlook) {
                    self.report(Report::Outlook(outlook));
                }
            }
            Event::Waiting(outlook) => {
                self.outlook = Some(outlook);
                self.report(Report::Waiting(outlook));
                let by_chance = matches!(self.meeting, MeetingKind::Anybody | MeetingKind::Topic(_));
                let is_person = self.input.typist != Typist::Script;
                self.long_wait = (by_chance && is_person).then(|| Instant::now() + LONG_WAIT);
            }
            Event::Met => {
                (self.stage, self.long_wait, self.reportable) = (Stage::Meeting, None, None);
                self.outlook = None;
                self.meetings += 1;
                self.outcome.begin();
                self.report(Report::Met);
            }
            Event::Secured { safety } => {
                self.stage = Stage::Talking;
                self.report(Report::Secured(safety));
            }
            Event::Message { .. }
            | Event::Reaction { .. }
            | Event::Edited { .. }
            | Event::Deleted { .. }
            | Event::Timer { .. }
            | Event::Unknown { .. } => self.heard(event),
            Event::Delivered { number } => {
                self.sent.retain(|sent| *sent > number);
                self.report(Report::Delivered { number, pending: self.sent.len() });
            }
            Event::NotDelivered { number } => {
                self.sent.retain(|sent| *sent != number);
                self.outcome.lose();
                self.report(Report::NotDelivered(number));
            }
            Event::AllReceived => self.report(Report::AllReceived),
            Event::PeerAway { kept } => self.report(Report::PeerAway(kept)),
            Event::PeerOnline => self.report(Report::PeerOnline),
            Event::Disconnected { retry_in } => {
                self.outlook = None;
                self.report(Report::Disconnected { retry_in });
            }
            Event::Resumed => self.report(Report::Resumed),
            Event::Ended { end } => self.ended(end),
            Event::Error { code, message } => self.refused(code, &message),
            Event::Service(state) => self.report(Report::Service(&state)),
            Event::Closed { reason } => {
                if reason != Closed::Asked {
                    self.outcome.fail();
                }
                self.report(Report::Closed(reason));
                (self.stage, self.leaving) = (Stage::Alone, true);
            }
        }
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

async fn sleep(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => pending().await,
    }
}
