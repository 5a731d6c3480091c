//! The chat in lines, plain or of JSON: connects what is typed with a [`client::Chat`].

mod commands;
mod sending;
mod talk;

use std::{future::pending, process::ExitCode};

use client::{Closed, chat::Event};
use tokio::time::{Instant, sleep_until};

use super::{
    input::{Typed, Typist},
    output::Report,
    state::{LONG_WAIT, MeetingKind},
    stop::Stop,
};

pub(super) use talk::Conversation;
use talk::Stage;

/// Texts that wait until they can be sent. While so many wait, no more is read.
const WAITING_TEXTS: usize = 64;

impl Conversation {
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
            Event::Helper { standing, pass } => self.report(Report::Helper { standing, pass: &pass }),
            Event::Handover => self.report(Report::Handover),
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
            Event::Reported { taken } => {
                self.reporting = false;
                self.report(Report::Reported { taken });
            }
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
}

async fn sleep(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => pending().await,
    }
}
