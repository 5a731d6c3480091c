//! The chat in plain lines: connects what somebody types with a [`Chat`].

use std::{collections::VecDeque, io, process::ExitCode};

use client::{
    Chat, ChatCriteria, Closed,
    channel::{MessageNumber, SendError},
    chat::{End, Event, MeetBy},
};
use schemas::control::{EndReason, ErrorCode};

use super::{
    command::{Command, HELP},
    input::{Input, Typed, Typist},
    screen::Screen,
    stop::Stop,
};

/// Texts that wait until they can be sent. While so many wait, no more is read.
const WAITING_TEXTS: usize = 64;

/// One person at a terminal, with one chat after the other.
pub(super) struct Conversation {
    chat: Chat,
    input: Input,
    screen: Screen,
    criteria: ChatCriteria,
    stage: Stage,
    after: After,
    /// No more input is read: it has ended, or somebody quits.
    leaving: bool,
    typed: VecDeque<String>,
    /// Sent, and not known to have arrived; the oldest first.
    sent: VecDeque<MessageNumber>,
    outcome: ExitCode,
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
    pub(super) fn new(chat: Chat, screen: Screen, criteria: ChatCriteria) -> Self {
        Self {
            chat,
            input: Input::new(),
            screen,
            criteria,
            stage: Stage::Alone,
            after: After::Rest,
            leaving: false,
            typed: VecDeque::new(),
            sent: VecDeque::new(),
            outcome: ExitCode::SUCCESS,
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
                () = stop.asked() => self.quit(),
            }
            self.send();
        }
        if !self.typed.is_empty() {
            self.fail(format_args!("{} texts were not sent", self.typed.len()));
        }
        let outcome = self.outcome;
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
        self.chat.find(self.criteria.clone());
        match self.stage {
            Stage::Alone | Stage::Waiting => self.stage = Stage::Waiting,
            Stage::Meeting | Stage::Talking => self.after = After::Next,
        }
    }

    fn take(&mut self, typed: Typed) {
        match typed {
            Typed::Texts(texts) if self.stage == Stage::Alone && !texts.is_empty() => {
                self.screen.status("nobody is there to read it; /next finds another person");
            }
            Typed::Texts(texts) => self.typed.extend(texts),
            Typed::Command(command) => self.run_command(command),
        }
    }

    fn run_command(&mut self, command: Command) {
        match command {
            Command::Next
                if matches!(self.criteria.by, MeetBy::Invite(_)) && self.stage != Stage::Waiting =>
            {
                self.screen.status("an invite works once; start again with another, or with a topic");
            }
            Command::Next => {
                self.typed.clear();
                self.find();
            }
            Command::Leave => {
                self.typed.clear();
                match self.stage {
                    Stage::Waiting => {
                        self.chat.cancel();
                        self.alone();
                    }
                    Stage::Alone => self.screen.status("there is no chat"),
                    Stage::Meeting | Stage::Talking => {
                        self.after = After::Rest;
                        self.chat.leave();
                    }
                }
            }
            Command::Report(category) => self.chat.report(category),
            Command::Safety => match self.chat.safety() {
                Some(code) => self.screen.safety(code),
                None => self.screen.status("there is no chat"),
            },
            Command::Quit => self.quit(),
            Command::Help | Command::Unknown => self.screen.status(HELP),
        }
    }

    fn quit(&mut self) {
        (self.leaving, self.after) = (true, After::Rest);
        self.typed.clear();
    }

    /// Sends the waiting texts as far as possible. After the last one it says goodbye, if this side
    /// is leaving.
    fn send(&mut self) {
        if self.stage == Stage::Talking {
            while let Some(text) = self.typed.front() {
                match self.chat.send(text) {
                    Ok(number) => self.sent.push_back(number),
                    Err(SendError::Full | SendError::NotSecured | SendError::Over) => return,
                    // Cannot happen: lines are cut into texts that are neither.
                    Err(fault @ (SendError::TooLong | SendError::Empty)) => self.screen.status(fault),
                }
                self.typed.pop_front();
            }
        }
        let talking = matches!(self.stage, Stage::Meeting | Stage::Talking);
        if self.leaving && talking && self.typed.is_empty() {
            self.chat.leave();
        }
    }

    fn handle_event(&mut self, event: Event) {
        match event {
            Event::Connected | Event::PeerTyping(_) | Event::WindowOpen => {}
            Event::Waiting => self.screen.status("looking for somebody"),
            Event::Met => {
                self.stage = Stage::Meeting;
                self.screen.status("somebody is there; agreeing on keys");
            }
            Event::Secured { safety } => {
                self.stage = Stage::Talking;
                self.screen.status("connected, end-to-end encrypted");
                self.screen.safety(safety);
            }
            Event::Message { text, .. } => self.show(&text),
            Event::Delivered { number } => {
                self.sent.retain(|sent| *sent != number);
                if self.sent.is_empty() {
                    self.screen.status("✓ delivered");
                }
            }
            Event::NotDelivered { number } => {
                self.sent.retain(|sent| *sent != number);
                self.fail("a text may not have arrived");
            }
            Event::PeerAway => self
                .screen
                .status("the other person has lost the connection; your texts are sent when they return"),
            Event::PeerOnline => self.screen.status("the other person is back"),
            Event::Disconnected { retry_in } => {
                self.screen
                    .status(format_args!("no connection; trying again in {:.1} s", retry_in.as_secs_f64()));
            }
            Event::Resumed => self.screen.status("connected again"),
            Event::Ended { end } => self.ended(end),
            Event::Error { code, message } => self.refused(code, &message),
            Event::Closed { reason } => {
                if reason != Closed::Asked {
                    self.fail(reason);
                }
                (self.stage, self.leaving) = (Stage::Alone, true);
            }
        }
    }

    fn show(&mut self, text: &str) {
        let shown: io::Result<()> = self.screen.text(text);
        if shown.is_err() {
            self.outcome = ExitCode::FAILURE;
            self.quit();
        }
    }

    fn ended(&mut self, end: End) {
        self.sent.clear();
        match end {
            End::Fault(_) | End::Room(EndReason::Expired | EndReason::Shutdown) => self.fail(end),
            End::Bye | End::PeerBye | End::Report | End::Room(EndReason::Left | EndReason::Reported) => {
                self.screen.status(end);
            }
            // Its own event, `Closed`, shows the reason.
            End::Closed(_) => {}
        }
        match std::mem::replace(&mut self.after, After::Rest) {
            After::Next => self.stage = Stage::Waiting,
            After::Rest => self.alone(),
        }
    }

    fn refused(&mut self, code: ErrorCode, message: &str) {
        self.screen.status(message);
        let passing = matches!(code, ErrorCode::Unavailable | ErrorCode::Rate);
        if self.stage == Stage::Waiting && !passing {
            self.outcome = ExitCode::FAILURE;
            self.alone();
        }
    }

    /// The chat is over. A person may want to meet another one. For a script, or after an invite,
    /// there is nothing more to do.
    fn alone(&mut self) {
        self.stage = Stage::Alone;
        let once = self.input.typist == Typist::Script || matches!(self.criteria.by, MeetBy::Invite(_));
        if once {
            self.leaving = true;
        } else if !self.leaving {
            if !self.typed.is_empty() {
                self.screen.status(format_args!("{} texts were not sent", self.typed.len()));
                self.typed.clear();
            }
            self.screen.status("/next looks for another person, /quit ends");
        }
    }

    fn fail(&mut self, what: impl std::fmt::Display) {
        self.screen.status(what);
        self.outcome = ExitCode::FAILURE;
    }
}
