//! What the chat reports.

use std::time::Duration;

use client::{
    Closed,
    channel::{MessageNumber, SafetyCode, SendError, Target, Typing, Whose},
    chat::{End, Event},
};
use schemas::control::{EndReason, ErrorCode, ServiceState};
use zeroize::Zeroizing;

use super::{
    interface::{Effect, HandoverResult},
    machine::{Model, Session},
    texts,
};
use crate::{
    helper_text,
    log::{EntryId, Mark, NoteKind},
    report_text::reported,
    saying::Words,
    service_text::service,
    state::{AfterOpening, LATE_REPORT, OwnConnection, Peer, Stage, Then},
};

impl Model {
    pub(super) fn opened(&mut self) {
        (self.session, self.screen.own_connection) = (Session::Open, OwnConnection::Up);
        // It has told what was waited for.
        self.screen.notice = None;
        if self.screen.stage == Stage::Opening(AfterOpening::FindSame) {
            self.wait();
            self.effects.push(Effect::FindSame);
        } else {
            self.find();
        }
    }

    pub(super) fn handle_event(&mut self, event: Event) {
        match event {
            Event::Connected => self.screen.own_connection = OwnConnection::Up,
            Event::Waiting(outlook) => {
                (self.screen.own_connection, self.screen.outlook) = (OwnConnection::Up, outlook);
            }
            Event::Met => self.met(),
            Event::Secured { safety } if self.screen.stage == Stage::Meeting => self.secured(safety),
            Event::Secured { .. } => {}
            Event::Message { number, text, reply_to, vanishes_after } => {
                self.add_theirs(number, &Zeroizing::new(text), reply_to, vanishes_after);
            }
            Event::Reaction { to, reaction } => {
                self.screen.log.react(Whose::Peer, to, &Zeroizing::new(reaction));
            }
            Event::Edited { number, text } => {
                self.screen.log.edit(Target::peer(number), &Zeroizing::new(text));
            }
            Event::Deleted { number } => self.screen.log.delete(Target::peer(number)),
            Event::Timer { by, vanish_after } => self.note(&texts::timer(by, vanish_after), NoteKind::Plain),
            Event::Helper { standing, pass } => {
                self.note(&helper_text::standing(standing, &pass), NoteKind::Plain);
            }
            Event::Handover => self.note(helper_text::HANDOVER, NoteKind::Plain),
            Event::Unknown { .. } => self.note(texts::CANNOT_SHOW, NoteKind::Plain),
            Event::Delivered { number } => self.screen.log.delivered(number),
            Event::NotDelivered { number } => {
                self.screen.log.not_delivered(number);
                self.outcome.lose();
            }
            // The chat is left behind already when it comes.
            Event::AllReceived => {}
            Event::PeerTyping(typing) => self.screen.peer_typing = typing,
            Event::WindowOpen => self.send_next(),
            Event::PeerAway { kept } => {
                let until = self.screen.now + kept;
                (self.screen.peer, self.screen.peer_typing) = (Peer::Away { until }, Typing::Idle);
            }
            Event::PeerOnline => self.screen.peer = Peer::Online,
            Event::Disconnected { retry_in } => {
                (self.screen.own_connection, self.screen.peer_typing) =
                    (OwnConnection::Down(self.screen.now + retry_in), Typing::Idle);
            }
            Event::Resumed => {
                (self.screen.own_connection, self.screen.peer) = (OwnConnection::Up, Peer::Online)
            }
            Event::Ended { end } => self.ended(end),
            Event::Reported { taken } => self.screen.notice = Some(reported(taken).into()),
            Event::Error { code, message } => self.refused(code, &message),
            Event::Service(state) => self.serviced(&state),
            Event::Closed { reason } => self.closed(reason),
        }
    }

    fn met(&mut self) {
        self.forget();
        self.meetings += 1;
        self.reportable = None;
        self.outcome.begin();
        (self.screen.own_connection, self.screen.peer) = (OwnConnection::Up, Peer::Online);
        if matches!(self.screen.stage, Stage::Waiting) {
            self.screen.stage = Stage::Meeting;
        } else {
            // The match was made just before the find was cancelled.
            self.screen.stage = Stage::Leaving(Then::Rest);
            self.effects.push(Effect::Leave);
        }
    }

    fn secured(&mut self, safety: SafetyCode) {
        self.screen.stage = Stage::Talking(safety);
        self.note(texts::begin(&self.screen.meeting), NoteKind::Plain);
        self.note(texts::CHECK, NoteKind::Plain);
    }

    fn add_theirs(
        &mut self,
        number: MessageNumber,
        text: &str,
        reply_to: Option<Target>,
        vanishes_after: Option<Duration>,
    ) {
        self.screen.peer_typing = Typing::Idle;
        let id = self.screen.log.theirs(number, text, self.screen.clock);
        if let Some(target) = reply_to {
            self.screen.log.answer(id, target);
        }
        self.screen.log.end_at(id, vanishes_after.map(|after| self.screen.now + after));
        if self.screen.scroll > 0 {
            self.screen.unseen += 1;
        }
        self.keep_in_view(id);
    }

    pub(super) fn sent(
        &mut self,
        id: EntryId,
        result: Result<MessageNumber, SendError>,
        vanish_after: Option<Duration>,
    ) {
        match result {
            Ok(number) => {
                self.screen.log.mark(id, Mark::Sent(number));
                self.screen.log.end_at(id, vanish_after.map(|after| self.screen.now + after));
                self.send_next();
            }
            // `WindowOpen`, `Secured` or `Ended` follows.
            Err(SendError::Full | SendError::NotSecured | SendError::Over) => {}
            // Cannot happen: a draft is neither, and what it answers was found.
            Err(SendError::TooLong | SendError::Empty | SendError::NoSuchMessage | SendError::NoHelper) => {
                self.screen.log.mark(id, Mark::NotDelivered);
            }
        }
    }

    /// What the channel has taken, holds here as well.
    pub(super) fn said(&mut self, words: &Words, result: Result<MessageNumber, SendError>) {
        let log = &mut self.screen.log;
        match (words, result) {
            (_, Err(SendError::Full)) => self.screen.notice = Some(texts::FULL_WINDOW.into()),
            (_, Err(_)) => self.screen.notice = Some(texts::NO_CHAT.into()),
            (Words::Reaction { to, reaction }, Ok(_)) => log.react(Whose::Own, *to, reaction),
            (Words::Edit { number, text }, Ok(_)) => log.edit(Target::own(*number), text),
            (Words::Deletion { number }, Ok(_)) => log.delete(Target::own(*number)),
            // An event tells what holds now.
            (Words::Timer { .. }, Ok(_)) => {}
            // They have an entry of their own.
            (Words::Text(_) | Words::Reply { .. }, Ok(_)) => {}
        }
    }

    /// What became of a `/handover`.
    pub(super) fn handed_over(&mut self, result: HandoverResult) {
        match result {
            HandoverResult::Accepted => {
                self.screen.stage = Stage::Leaving(Then::Next);
                (self.screen.popup, self.typing_until) = (None, None);
            }
            HandoverResult::Offered(handout) => {
                self.note(&texts::for_colleague(&handout), NoteKind::Plain);
            }
            HandoverResult::Refused(why) => self.screen.notice = Some(why),
        }
    }

    fn ended(&mut self, end: End) {
        self.screen.log.abandon();
        let is_fault = matches!(end, End::Fault(_) | End::Closed(_))
            || matches!(end, End::Room(EndReason::Expired | EndReason::Shutdown));
        self.outcome.end(end);
        self.reportable = (end != End::Report).then_some(self.screen.now + LATE_REPORT);
        if self.screen.log.lost() > 0 {
            self.outcome.lose();
        }
        match self.screen.stage {
            Stage::Leaving(Then::Next) => {
                self.wait();
                self.forget_chat();
                self.screen.notice = is_fault.then(|| texts::end(end));
            }
            Stage::Leaving(Then::Quit) => {
                self.effects.push(Effect::Close);
            }
            _ => self.over(end),
        }
    }

    /// The chat is over and no other one follows: shows what was forgotten. If the peer or the
    /// server ended it, all texts stay readable.
    fn over(&mut self, end: End) {
        let lost = self.screen.log.lost();
        let own = matches!(end, End::Bye | End::Report);
        if own {
            self.forget_chat();
        }
        let fault = matches!(end, End::Fault(_) | End::Closed(_));
        let why = texts::end(end);
        (self.screen.scroll, self.screen.unseen) = (0, 0);
        self.note(&why, if fault { NoteKind::Trouble } else { NoteKind::Plain });
        if lost > 0 {
            self.note(&texts::lost(lost), NoteKind::Trouble);
        }
        self.note(if own { texts::FORGOTTEN } else { texts::FORGOTTEN_BUT_SEEN }, NoteKind::Plain);
        self.rest(why);
    }

    /// The operator has something to say. In a chat it stands among the texts.
    fn serviced(&mut self, state: &ServiceState) {
        let said = service(state).join(" ");
        if matches!(self.screen.stage, Stage::Talking(_)) {
            self.note(&said, NoteKind::Plain);
        } else {
            self.screen.notice = Some(said);
        }
    }

    fn refused(&mut self, code: ErrorCode, message: &str) {
        let passing = matches!(code, ErrorCode::Unavailable | ErrorCode::Rate);
        if self.screen.stage == Stage::Waiting && !passing {
            self.outcome.fail();
            self.meetings += u32::from(code == ErrorCode::InviteSpent);
            self.alone(&texts::refusal(code, message));
        } else {
            self.screen.notice = Some(texts::refusal(code, message));
        }
    }

    fn closed(&mut self, reason: Closed) {
        (self.session, self.reportable) = (Session::Over, None);
        if self.screen.stage == Stage::Waiting && reason == Closed::Unauthorized {
            // The server was restarted, or a day is over. The find goes on in a new session.
            self.screen.stage = Stage::Opening(AfterOpening::FindSame);
            return self.effects.push(Effect::Open);
        }
        if reason != Closed::Asked {
            self.outcome.fail();
        }
        match self.screen.stage {
            Stage::Alone { .. } => {}
            Stage::Leaving(Then::Quit) => self.effects.push(Effect::Close),
            _ => self.alone(&texts::closed(reason)),
        }
    }
}
