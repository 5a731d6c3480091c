//! The chat in lines, plain or of JSON: connects what is typed with a [`Chat`].

use std::{collections::VecDeque, future::pending, process::ExitCode};

use client::{
    Chat, Closed,
    channel::{MessageNumber, SendError, Target},
    chat::{End, Event},
};
use schemas::{
    control::{Category, ErrorCode},
    outlook::Outlook,
};
use tokio::time::{Instant, sleep_until};

use super::{
    command::{Command, HELP},
    input::{Input, ToSend, Typed, Typist},
    outcome::Outcome,
    output::{Named, Report, Reporter},
    plan::Plan,
    recent::Recent,
    saying::{Saying, Words},
    state::{LATE_REPORT, LONG_WAIT, MeetingKind},
    stop::Stop,
};

/// Texts that wait until they can be sent. While so many wait, no more is read.
const WAITING_TEXTS: usize = 64;

/// One person at a terminal, with one chat after the other.
pub(super) struct Conversation {
    chat: Chat,
    input: Input,
    reporter: Box<dyn Reporter>,
    plan: Plan,
    /// How the next person is met.
    meeting: MeetingKind,
    /// How many people were met with the invite that was given.
    meetings: u32,
    stage: Stage,
    after: After,
    /// When somebody who waits is told that nobody is there.
    long_wait: Option<Instant>,
    /// What whoever waits was told last of what may be expected.
    outlook: Option<Outlook>,
    /// Until when the last chat can be reported, if it has ended.
    reportable: Option<Instant>,
    /// A report that was asked for once. The second time it is made.
    asked: Option<Category>,
    /// No more input is read: it has ended, or somebody quits.
    leaving: bool,
    typed: VecDeque<ToSend>,
    /// Texts that were sent, and are not known to have arrived; the oldest first.
    sent: VecDeque<MessageNumber>,
    /// The texts of this chat.
    recent: Recent,
    outcome: Outcome,
}

/// How far the chat has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// There is no chat, and no find.
    Alone,
    Waiting,
    /// Somebody was matched; the keys are not agreed on yet.
    Meeting,
    Talking,
}

/// What follows the end of a chat.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Rest,
    Next,
}

impl Conversation {
    /// With a chat that has not sent a find yet.
    pub(super) fn new(chat: Chat, reporter: Box<dyn Reporter>, typist: Typist, plan: Plan) -> Self {
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
    pub(super) async fn run(mut self) -> anyhow::Result<ExitCode> {
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
    fn is_over(&self) -> bool {
        self.leaving
            && match self.stage {
                Stage::Alone => true,
                Stage::Waiting => self.typed.is_empty(),
                Stage::Meeting | Stage::Talking => false,
            }
    }

    fn find(&mut self) {
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

    fn take(&mut self, typed: Typed) {
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

    fn answer(&mut self, code: &'static str, message: &str) {
        self.report(Report::Answer { code, message });
    }

    fn report(&mut self, report: Report<'_>) {
        if self.reporter.report(report).is_err() {
            self.outcome.fail();
            self.quit();
        }
    }

    fn quit(&mut self) {
        (self.leaving, self.after) = (true, After::Rest);
        self.typed.clear();
    }

    fn handle_event(&mut self, event: Event) {
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

    fn ended(&mut self, end: End) {
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

    fn refused(&mut self, code: ErrorCode, message: &str) {
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
    fn alone(&mut self) {
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
                if self.reportable.take().is_some() {
                    self.report(Report::ReportedLate);
                }
            }
        }
    }

    /// Whether there is a chat, or one has just ended.
    fn can_report(&self) -> bool {
        matches!(self.stage, Stage::Meeting | Stage::Talking)
            || self.reportable.is_some_and(|until| Instant::now() < until)
    }
}

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
