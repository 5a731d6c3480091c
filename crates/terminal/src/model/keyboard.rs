//! What comes from the keyboard: editing, commands, and whether somebody writes.

use std::time::Duration;

use client::channel::Typing;
use schemas::control::Category;
use zeroize::Zeroizing;

use super::{
    interface::Effect,
    machine::{Model, Session},
    texts,
};
use crate::{
    command::{Command, TypedLine},
    completion::{Completion, complete},
    draft::{Draft, Fit, Step},
    keys::{Key, Scroll},
    layout,
    log::{EntryId, NoteKind},
    saying::{Saying, Words},
    state::{About, AfterOpening, MeetingKind, OwnConnection, Popup, Stage, Then},
};

/// Own texts that may wait until the channel has room. While so many wait, Enter does nothing.
const WAITING_TEXTS: usize = 64;

/// How long somebody counts as writing after the last key.
const TYPING_REST: Duration = Duration::from_secs(5);

impl Model {
    pub(super) fn press(&mut self, key: Key) {
        self.screen.notice = None;
        match key {
            Key::Interrupt => self.quit(),
            Key::Redraw => self.effects.push(Effect::Redraw),
            Key::Scroll(scroll) if self.screen.popup.is_some() => self.scroll_popup(scroll),
            Key::Enter if self.screen.popup.is_some() => self.answer_popup(),
            Key::Escape if self.screen.popup.is_some() => self.screen.popup = None,
            Key::Scroll(scroll) => self.scroll_log(scroll),
            Key::Escape => (self.screen.scroll, self.screen.unseen) = (0, 0),
            Key::EndOfInput if self.screen.draft.text().is_empty() => self.quit(),
            Key::EndOfInput => self.edit(|draft| draft.delete(Step::Right)),
            Key::Go(step) => self.screen.draft.go(step),
            Key::Delete(step) => self.edit(|draft| draft.delete(step)),
            Key::Write(c) => self.write(c.encode_utf8(&mut [0; 4])),
            Key::Enter => self.enter(),
            Key::Complete => self.complete(),
            Key::Older => self.recall_older(),
            Key::Newer => self.recall_newer(),
        }
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.screen.notice = None;
        self.write(text);
    }

    pub(super) fn quit(&mut self) {
        match self.screen.stage {
            // A second request to quit does not wait for goodbyes.
            Stage::Leaving(Then::Quit) => self.effects.push(Effect::Abandon),
            Stage::Meeting | Stage::Talking(_) | Stage::Leaving(_) => {
                self.start_leaving(Then::Quit);
                self.effects.push(Effect::Leave);
            }
            Stage::Opening(_) | Stage::Waiting | Stage::Alone { .. } => self.effects.push(Effect::Close),
        }
    }

    /// Notifies the peer if the writer has stopped in the middle of a line.
    pub(super) fn rest_typing(&mut self) {
        if self.typing_until.is_some_and(|until| until <= self.screen.now) {
            self.typing_until = None;
            self.effects.push(Effect::Typing(Typing::Idle));
        }
    }

    fn write(&mut self, text: &str) {
        self.screen.popup = None;
        let mut fit = Fit::All;
        self.edit(|draft| fit = draft.insert(text));
        if fit == Fit::Cut {
            self.screen.notice = Some(texts::FULL_LINE.into());
        }
    }

    fn edit(&mut self, change: impl FnOnce(&mut Draft)) {
        change(&mut self.screen.draft);
        let is_text =
            matches!(TypedLine::read(self.screen.draft.text()), TypedLine::Text(text) if !text.is_empty());
        let writes = is_text && matches!(self.screen.stage, Stage::Talking(_));
        if writes != self.typing_until.is_some() {
            let typing = if writes { Typing::Active } else { Typing::Idle };
            self.effects.push(Effect::Typing(typing));
        }
        self.typing_until = writes.then_some(self.screen.now + TYPING_REST);
    }

    fn enter(&mut self) {
        match TypedLine::read(self.screen.draft.text()) {
            TypedLine::Command(Command::Unknown) => self.screen.notice = Some(texts::UNKNOWN_COMMAND.into()),
            TypedLine::Command(Command::Incomplete(usage)) => self.screen.notice = Some(usage.into()),
            TypedLine::Command(Command::Say(saying)) => match self.say(saying) {
                Ok(()) => self.screen.draft.clear(),
                Err(why) => self.screen.notice = Some(why.into()),
            },
            TypedLine::Command(command) => {
                self.screen.draft.clear();
                self.run_command(command);
            }
            TypedLine::Text(text) if text.trim().is_empty() => {}
            TypedLine::Text(_) if !matches!(self.screen.stage, Stage::Talking(_)) => {
                self.screen.notice = Some(texts::NOBODY.into());
            }
            TypedLine::Text(_) if self.screen.log.waiting().count() >= WAITING_TEXTS => {
                self.screen.notice = Some(texts::FULL_WINDOW.into());
            }
            TypedLine::Text(text) => {
                let id = self.screen.log.mine(text, self.screen.clock);
                self.screen.draft.clear();
                self.send_entry(id);
            }
        }
    }

    /// Says something about earlier messages.
    fn say(&mut self, saying: Saying) -> Result<(), &'static str> {
        if !matches!(self.screen.stage, Stage::Talking(_)) {
            return Err(texts::NO_CHAT);
        }
        // What waits comes first: it may be what is meant.
        if self.screen.log.waiting().next().is_some() {
            return Err(texts::FULL_WINDOW);
        }
        match saying.resolve(|whose, back| self.screen.log.nth(whose, back))? {
            Words::Reply { to, text } => {
                let id = self.screen.log.mine(&text, self.screen.clock);
                self.screen.log.answer(id, to);
                self.send_entry(id);
            }
            words => self.effects.push(Effect::Say(words)),
        }
        Ok(())
    }

    /// Sends a text that is in the log now, as soon as those before it are sent.
    fn send_entry(&mut self, id: EntryId) {
        self.recalled = None;
        // A text shows by itself that its writer has stopped.
        self.typing_until = None;
        (self.screen.scroll, self.screen.unseen) = (0, 0);
        if self.screen.log.waiting().next() == Some(id) {
            self.effects.push(Effect::Send(id));
        }
    }

    fn run_command(&mut self, command: Command) {
        match command {
            Command::Next => self.next(),
            Command::Any => self.next_by(MeetingKind::Anybody),
            Command::Invite => self.next_by(MeetingKind::CreatesInvite),
            Command::Leave => self.leave(),
            Command::Report(category) => self.ask_report(category),
            Command::Safety => match self.screen.stage {
                Stage::Talking(code) => {
                    self.screen.popup = Some(Popup { about: About::Safety(code), scroll: 0 })
                }
                _ => self.screen.notice = Some(texts::NO_CODE.into()),
            },
            Command::Handover(colleague) if matches!(self.screen.stage, Stage::Talking(_)) => {
                self.effects.push(Effect::Handover(colleague));
            }
            Command::Handover(_) => self.screen.notice = Some(texts::NO_CHAT.into()),
            Command::Quit => self.quit(),
            Command::Help => self.screen.popup = Some(Popup { about: About::Commands, scroll: 0 }),
            // They stay in the draft.
            Command::Unknown | Command::Incomplete(_) | Command::Say(_) => {}
        }
    }

    fn next(&mut self) {
        match self.screen.stage {
            Stage::Opening(_) | Stage::Waiting | Stage::Leaving(Then::Next | Then::Quit) => {}
            _ if !self.may_find() => self.screen.notice = Some(texts::SERVES_ONCE.into()),
            Stage::Meeting | Stage::Talking(_) | Stage::Leaving(Then::Rest) => {
                self.start_leaving(Then::Next);
                self.effects.push(Effect::Find);
            }
            Stage::Alone { .. } if self.session == Session::Over => {
                self.forget();
                self.screen.stage = Stage::Opening(AfterOpening::FindNew);
                self.effects.push(Effect::Open);
            }
            Stage::Alone { .. } => self.find(),
        }
    }

    /// Finds another person, who is met in this way from now on.
    fn next_by(&mut self, meeting: MeetingKind) {
        let is_new = self.screen.meeting != meeting || meeting == MeetingKind::CreatesInvite;
        match self.screen.stage {
            Stage::Opening(_) | Stage::Leaving(Then::Next | Then::Quit) => {}
            Stage::Waiting if is_new => {
                self.screen.meeting = meeting;
                self.find();
            }
            Stage::Waiting => {}
            _ => {
                self.screen.meeting = meeting;
                self.next();
            }
        }
    }

    fn leave(&mut self) {
        match self.screen.stage {
            Stage::Waiting => {
                self.effects.push(Effect::Cancel);
                self.stop_waiting();
            }
            Stage::Meeting | Stage::Talking(_) => {
                self.start_leaving(Then::Rest);
                self.effects.push(Effect::Leave);
            }
            Stage::Leaving(Then::Next) => {
                self.start_leaving(Then::Rest);
                self.screen.invite = None;
                self.effects.push(Effect::Cancel);
            }
            Stage::Opening(_) | Stage::Leaving(_) | Stage::Alone { .. } => {
                self.screen.notice = Some(texts::NO_CHAT.into());
            }
        }
    }

    fn stop_waiting(&mut self) {
        self.forget();
        let why =
            if self.screen.meeting == MeetingKind::CreatesInvite { texts::DISCARDED } else { texts::STOPPED };
        self.note(why, NoteKind::Plain);
        self.rest(why.to_owned());
    }

    /// Asks whether the chat is to be reported.
    fn ask_report(&mut self, category: Option<Category>) {
        match category {
            _ if !self.can_report() => self.screen.notice = Some(texts::NO_CHAT.into()),
            Some(category) => {
                self.screen.popup = Some(Popup { about: About::Report(category), scroll: 0 });
            }
            None => self.screen.notice = Some(texts::WHY_REPORT.into()),
        }
    }

    /// Whether there is a chat, or one has just ended.
    fn can_report(&self) -> bool {
        let has_ended = self.reportable.is_some_and(|until| self.screen.now < until)
            && self.screen.own_connection == OwnConnection::Up;
        has_ended || matches!(self.screen.stage, Stage::Meeting | Stage::Talking(_))
    }

    fn answer_popup(&mut self) {
        let popup = self.screen.popup.take();
        if let Some(Popup { about: About::Report(category), .. }) = popup
            && self.can_report()
        {
            self.effects.push(Effect::Report(category));
            if self.reportable.take().is_some() {
                self.screen.notice = Some(texts::REPORTING.into());
            }
        }
    }

    fn complete(&mut self) {
        self.screen.popup = None;
        match complete(self.screen.draft.text()) {
            Completion::Line(line) => self.edit(|draft| _ = draft.replace(&line)),
            Completion::Choices(choices) => self.screen.notice = Some(choices.join("  ")),
            Completion::None => {}
        }
    }

    fn recall_older(&mut self) {
        let after = self.recalled.as_ref().map_or(0, |(after, _)| after + 1);
        let Some(text) = self.own_text(after) else { return };
        let written = match self.recalled.take() {
            Some((_, written)) => written,
            None => Zeroizing::new(self.screen.draft.text().to_owned()),
        };
        self.edit(|draft| _ = draft.replace(&text));
        self.recalled = Some((after, written));
    }

    fn recall_newer(&mut self) {
        let Some((after, written)) = self.recalled.take() else { return };
        match after.checked_sub(1).and_then(|after| Some((after, self.own_text(after)?))) {
            Some((after, text)) => {
                self.edit(|draft| _ = draft.replace(&text));
                self.recalled = Some((after, written));
            }
            None => self.edit(|draft| _ = draft.replace(&written)),
        }
    }

    /// The own text after which there are so many.
    fn own_text(&self, after: usize) -> Option<Zeroizing<String>> {
        self.screen.log.own_texts().nth(after).map(|text| Zeroizing::new(text.to_owned()))
    }

    fn start_leaving(&mut self, then: Then) {
        self.screen.stage = Stage::Leaving(then);
        (self.screen.popup, self.typing_until) = (None, None);
    }

    fn scroll_log(&mut self, scroll: Scroll) {
        let page = usize::from(layout::Areas::of(&self.screen).body.height).saturating_sub(1).max(1);
        self.screen.scroll = match scroll {
            Scroll::Up => self.screen.scroll + 1,
            Scroll::PageUp => self.screen.scroll + page,
            Scroll::Down => self.screen.scroll.saturating_sub(1),
            Scroll::PageDown => self.screen.scroll.saturating_sub(page),
        };
        self.screen.scroll = self.screen.scroll.min(layout::scroll_max(&self.screen));
        if self.screen.scroll == 0 {
            self.screen.unseen = 0;
        }
    }

    fn scroll_popup(&mut self, scroll: Scroll) {
        let most = layout::popup_scroll_max(&self.screen);
        if let Some(popup) = &mut self.screen.popup {
            popup.scroll = match scroll {
                Scroll::Up | Scroll::PageUp => popup.scroll.saturating_sub(1),
                Scroll::Down | Scroll::PageDown => most.min(popup.scroll + 1),
            };
        }
    }
}
