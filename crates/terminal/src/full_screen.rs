//! The chat on the whole screen: a thin loop that gives the [`Model`] a terminal, a clock and a
//! [`Chat`].

use std::{collections::VecDeque, future::pending, pin::Pin, process::ExitCode};

use anyhow::Context;
use client::{Chat, ChatCriteria, RestError, Server, Session, channel::Said, chat::Event};
use crossterm::event::{Event as TerminalEvent, EventStream};
use futures_util::StreamExt;
use ratatui::layout::Size;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use zeroize::Zeroizing;

use super::{
    clock::ClockTime,
    helper_text::NO_HANDOVER,
    keys::Key,
    model::{Effect, HandoverResult, Input, Model, Moment},
    plan::{Plan, with_helper_keys},
    stop::Stop,
    terminal::Terminal,
    view::{Theme, draw},
};

/// A session that is being opened, and what is waited for.
struct Opening {
    chat: Pin<Box<dyn Future<Output = Result<Chat, RestError>>>>,
    steps: watch::Receiver<Option<client::Opening>>,
}

impl Opening {
    fn of(server: Server, plan: &Plan) -> Self {
        let (tell, steps) = watch::channel(None);
        let (helper, keys) = (plan.helper.clone(), plan.helper_keys.clone());
        let chat = async move {
            let session = Session::open_patiently_as(&server, helper, |step| {
                tell.send_replace(Some(step));
            });
            Ok(with_helper_keys(Chat::new(session.await?.connect()), keys))
        };
        Self { chat: Box::pin(chat), steps }
    }
}

/// A chat at a terminal.
pub(super) struct FullScreen {
    model: Model,
    theme: Theme,
    start: Instant,
    server: Server,
    plan: Plan,
    /// The criteria of the last find.
    criteria: Option<ChatCriteria>,
    chat: Option<Chat>,
    opening: Option<Opening>,
    end: Option<End>,
}

/// How the program ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// With a goodbye.
    Close,
    /// At once.
    Abandon,
}

impl FullScreen {
    /// With a chat that has not sent a find yet.
    pub(super) fn new(server: Server, chat: Chat, plan: Plan) -> Self {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            model: Model::new(plan.meeting.clone()),
            theme: if no_colour { Theme::None } else { Theme::Colours },
            start: Instant::now(),
            server,
            plan,
            criteria: None,
            chat: Some(chat),
            opening: None,
            end: None,
        }
    }

    /// Runs until somebody quits, and leaves nothing behind: on the screen, at the server, or in
    /// memory.
    ///
    /// # Errors
    /// If the terminal fails.
    pub(super) async fn run(mut self) -> anyhow::Result<ExitCode> {
        let mut stop = Stop::new()?;
        let mut terminal = Terminal::take().context("cannot use the terminal")?;
        let mut keys = EventStream::new();
        let shown = self.talk(&mut terminal, &mut keys, &mut stop).await;
        let abandoned = self.end == Some(End::Abandon) || !self.say_goodbye(&mut keys, &mut stop).await;
        drop(terminal);
        shown.context("the terminal is gone")?;
        let mut outcome = self.model.outcome();
        if outcome.has_failed() {
            eprintln!("cipher-chat: a text may not have arrived, or a chat was broken off");
        } else if abandoned {
            outcome.fail();
        }
        Ok(outcome.code())
    }

    async fn talk(
        &mut self,
        terminal: &mut Terminal,
        keys: &mut EventStream,
        stop: &mut Stop,
    ) -> std::io::Result<()> {
        self.feed(Input::Resized(terminal.size()?), terminal)?;
        self.feed(Input::Opened, terminal)?;
        while self.end.is_none() {
            terminal.draw(|buffer| draw(&self.model.screen, self.theme, buffer))?;
            let input = self.next_input(keys, stop).await;
            self.feed(input, terminal)?;
        }
        terminal.draw(|buffer| draw(&self.model.screen, self.theme, buffer))
    }

    /// Waits for whatever comes first.
    async fn next_input(&mut self, keys: &mut EventStream, stop: &mut Stop) -> Input {
        loop {
            let tick = self.model.next_tick().map(|at| self.start + at);
            tokio::select! {
                event = next_event(&mut self.chat) => match event {
                    Some(event) => return Input::Chat(event),
                    None => {
                        self.chat = None;
                        if !self.model.is_closed() {
                            // It has not reported its end, so its task must have panicked.
                            self.end = Some(End::Abandon);
                            return Input::Tick;
                        }
                    }
                },
                opened = open(&mut self.opening) => {
                    let opened = match opened {
                        Progress::Step(step) => return Input::Opening(step),
                        Progress::Done(opened) => *opened,
                    };
                    self.opening = None;
                    return match opened {
                        Ok(chat) => {
                            self.chat = Some(chat);
                            Input::Opened
                        }
                        Err(error) => Input::OpenFailed(error.to_string()),
                    };
                }
                event = keys.next() => match event {
                    Some(Ok(event)) => if let Some(input) = read(event) {
                        return input;
                    },
                    Some(Err(_)) | None => return Input::Stop,
                },
                () = stop.asked() => return Input::Stop,
                () = sleep(tick) => return Input::Tick,
            }
        }
    }

    /// Gives the model an input, and carries out its effects.
    fn feed(&mut self, input: Input, terminal: &mut Terminal) -> std::io::Result<()> {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let moment = Moment { now: self.start.elapsed(), clock: ClockTime::now() };
            for effect in self.model.handle(moment, input) {
                match effect {
                    Effect::Redraw => terminal.forget(),
                    Effect::Close => self.end = Some(End::Close),
                    Effect::Abandon => self.end = Some(End::Abandon),
                    Effect::Open => self.opening = Some(Opening::of(self.server.clone(), &self.plan)),
                    effect => inputs.extend(self.carry_out(effect)),
                }
            }
        }
        Ok(())
    }

    /// Carries out an effect on the chat. Without a chat there is nothing to do: the model knows
    /// its end, or will soon.
    fn carry_out(&mut self, effect: Effect) -> Option<Input> {
        let chat = self.chat.as_mut()?;
        match effect {
            Effect::Find => {
                let (criteria, handout) = self.plan.criteria(&self.model.screen.meeting);
                self.criteria = Some(criteria.clone());
                chat.find(criteria);
                return handout.map(Input::Invite);
            }
            Effect::FindSame => chat.find(self.criteria.clone()?),
            Effect::Cancel => chat.cancel(),
            Effect::Leave => chat.leave(),
            Effect::Report(category) => chat.report(category),
            Effect::Typing(typing) => chat.set_typing(typing),
            Effect::Send(id) => {
                let entry = self.model.screen.log.chat_text(id)?;
                let said = match entry.answers {
                    Some(answers) => Said::Reply { to: answers.target, text: &entry.text },
                    None => Said::Text(&entry.text),
                };
                let sent = chat.say(said);
                return Some(Input::Sent(id, sent, chat.vanish_after()));
            }
            Effect::Say(words) => {
                let said = chat.say(words.said());
                return Some(Input::Said(words, said));
            }
            Effect::Handover(None) => {
                let accepted = chat.accept_handover();
                let refused = || HandoverResult::Refused(NO_HANDOVER.into());
                return Some(Input::HandedOver(if accepted { HandoverResult::Accepted } else { refused() }));
            }
            Effect::Handover(Some(colleague)) => {
                let offered = chat.hand_over(&colleague);
                return Some(Input::HandedOver(match offered {
                    Ok(invite) => HandoverResult::Offered(self.plan.handout(&invite)),
                    Err(why) => HandoverResult::Refused(why.to_string()),
                }));
            }
            Effect::Open | Effect::Redraw | Effect::Close | Effect::Abandon => {}
        }
        None
    }

    /// Says goodbye, if there is a chat. `false` if somebody did not wait for it.
    async fn say_goodbye(&mut self, keys: &mut EventStream, stop: &mut Stop) -> bool {
        let Some(chat) = self.chat.take() else { return true };
        let mut closing = Box::pin(chat.close());
        let mut listening = true;
        loop {
            tokio::select! {
                () = &mut closing => return true,
                () = stop.asked() => return false,
                event = keys.next(), if listening => match event {
                    Some(Ok(TerminalEvent::Key(key))) if Key::read(key) == Some(Key::Interrupt) => return false,
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => listening = false,
                },
            }
        }
    }
}

fn read(event: TerminalEvent) -> Option<Input> {
    match event {
        TerminalEvent::Key(key) => Key::read(key).map(Input::Key),
        TerminalEvent::Paste(text) => Some(Input::Pasted(Zeroizing::new(text))),
        TerminalEvent::Resize(width, height) => Some(Input::Resized(Size { width, height })),
        _ => None,
    }
}

async fn next_event(chat: &mut Option<Chat>) -> Option<Event> {
    match chat {
        Some(chat) => chat.next_event().await,
        None => pending().await,
    }
}

/// What comes next of a session that is being opened.
enum Progress {
    Step(client::Opening),
    Done(Box<Result<Chat, RestError>>),
}

async fn open(opening: &mut Option<Opening>) -> Progress {
    let Some(Opening { chat, steps }) = opening else { return pending().await };
    tokio::select! {
        // When it is done, the last step is not shown any more.
        biased;
        opened = chat => Progress::Done(opened.into()),
        Some(step) = next_step(steps) => Progress::Step(step),
    }
}

async fn next_step(steps: &mut watch::Receiver<Option<client::Opening>>) -> Option<client::Opening> {
    match steps.changed().await {
        Ok(()) => *steps.borrow_and_update(),
        Err(_) => pending().await,
    }
}

async fn sleep(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => pending().await,
    }
}
