//! The full-screen chat as a pure state machine: what happens goes in, what is to be done comes out, and [`view`](super::view) draws
//! what there is. It has no terminal, no network and no clock of its own.

mod keyboard;
mod state;
#[cfg(test)]
pub(super) mod tests;
mod texts;

use std::time::Duration;

use client::{
    Closed,
    channel::{MessageNumber, SafetyCode, SendError, Typing},
    chat::{End, Event},
};
use ratatui::layout::Size;
use schemas::control::{EndReason, ErrorCode};
use zeroize::Zeroizing;

pub(super) use self::state::{
    About, AfterOpening, Effect, Input, MeetingKind, Outcome, OwnConnection, Peer, Popup, Stage, Then,
};
use super::{
    draft::Draft,
    layout,
    log::{EntryId, Log, Mark, NoteKind},
};

/// One person's chats, as they are on the screen.
pub(super) struct Model {
    pub(super) now: Duration,
    pub(super) size: Size,
    pub(super) meeting: MeetingKind,
    pub(super) stage: Stage,
    pub(super) own_connection: OwnConnection,
    pub(super) peer: Peer,
    pub(super) peer_typing: Typing,
    pub(super) log: Log,
    pub(super) draft: Draft,
    /// The link to hand over, while somebody is waited for.
    pub(super) invite: Option<Zeroizing<String>>,
    pub(super) popup: Option<Popup>,
    /// An answer to the last key.
    pub(super) notice: Option<String>,
    /// Rows between the bottom of the screen and the newest text.
    pub(super) scroll: usize,
    /// Texts below the bottom of the screen that were never above it.
    pub(super) unseen: usize,
    outcome: Outcome,
    session: Session,
    /// Whether anybody was met.
    meetings: u32,
    /// Until when the other is told that somebody writes here, if it was told so.
    typing_until: Option<Duration>,
    effects: Vec<Effect>,
}

/// Whether the server knows this person.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Session {
    Open,
    Over,
}

impl Model {
    /// Before there is a session.
    pub(super) fn new(meeting: MeetingKind) -> Self {
        Self {
            now: Duration::ZERO,
            size: Size::ZERO,
            meeting,
            stage: Stage::Opening(AfterOpening::FindNew),
            own_connection: OwnConnection::Up,
            peer: Peer::Here,
            peer_typing: Typing::Idle,
            log: Log::default(),
            draft: Draft::new(),
            invite: None,
            popup: None,
            notice: None,
            scroll: 0,
            unseen: 0,
            outcome: Outcome::Well,
            session: Session::Over,
            meetings: 0,
            typing_until: None,
            effects: Vec::new(),
        }
    }

    /// Takes in what happened at `now`, the time since the start, and says what to do.
    pub(super) fn handle(&mut self, now: Duration, input: Input) -> Vec<Effect> {
        self.now = now;
        match input {
            Input::Opened => self.opened(),
            Input::OpenFailed(why) => self.alone(&format!("no connection: {why}")),
            Input::Link(link) => self.invite = Some(link),
            Input::Chat(event) => self.handle_event(event),
            Input::Key(key) => self.press(key),
            Input::Pasted(text) => self.paste(&text),
            Input::Resized(size) => {
                self.size = size;
                // A terminal may have been through other sizes and lost rows, even if it has its old one again.
                self.effects.push(Effect::Redraw);
                self.scroll = self.scroll.min(layout::scroll_max(self));
            }
            Input::Sent(id, result) => self.sent(id, result),
            Input::Stop => self.quit(),
            Input::Tick => self.rest_typing(),
        }
        std::mem::take(&mut self.effects)
    }

    /// When [`Input::Tick`] is to come, if nothing else does.
    pub(super) fn next_tick(&self) -> Option<Duration> {
        let countdown = match self.own_connection {
            OwnConnection::Down(until) if until > self.now => {
                let whole = Duration::from_secs((until - self.now).as_secs());
                Some(if until - whole > self.now { until - whole } else { self.now + Duration::from_secs(1) })
            }
            OwnConnection::Down(_) | OwnConnection::Up => None,
        };
        [countdown, self.typing_until].into_iter().flatten().min()
    }

    pub(super) fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Whether the chat has told that nothing more will come of it.
    pub(super) fn is_closed(&self) -> bool {
        self.session == Session::Over
    }

    /// Whether what is sent now can reach the other.
    pub(super) fn way_is_open(&self) -> bool {
        self.own_connection == OwnConnection::Up && self.peer == Peer::Here
    }

    fn opened(&mut self) {
        (self.session, self.own_connection) = (Session::Open, OwnConnection::Up);
        if self.stage == Stage::Opening(AfterOpening::FindSame) {
            self.stage = Stage::Waiting;
            self.effects.push(Effect::FindSame);
        } else {
            self.find();
        }
    }

    fn find(&mut self) {
        self.forget();
        self.stage = Stage::Waiting;
        self.effects.push(Effect::Find);
    }

    fn handle_event(&mut self, event: Event) {
        match event {
            Event::Connected | Event::Waiting => self.own_connection = OwnConnection::Up,
            Event::Met => self.met(),
            Event::Secured { safety } if self.stage == Stage::Meeting => self.secured(safety),
            Event::Secured { .. } => {}
            Event::Message { text, .. } => self.add_theirs(&Zeroizing::new(text)),
            Event::Delivered { number } => self.log.delivered(number),
            Event::NotDelivered { number } => {
                self.log.not_delivered(number);
                self.outcome = Outcome::Badly;
            }
            Event::PeerTyping(typing) => self.peer_typing = typing,
            Event::WindowOpen => self.send_next(),
            Event::PeerAway => (self.peer, self.peer_typing) = (Peer::Away, Typing::Idle),
            Event::PeerOnline => self.peer = Peer::Here,
            Event::Disconnected { retry_in } => {
                (self.own_connection, self.peer_typing) =
                    (OwnConnection::Down(self.now + retry_in), Typing::Idle);
            }
            Event::Resumed => (self.own_connection, self.peer) = (OwnConnection::Up, Peer::Here),
            Event::Ended { end } => self.ended(end),
            Event::Error { code, message } => self.refused(code, &message),
            Event::Closed { reason } => self.closed(reason),
        }
    }

    fn met(&mut self) {
        self.forget();
        self.meetings += 1;
        (self.own_connection, self.peer) = (OwnConnection::Up, Peer::Here);
        if matches!(self.stage, Stage::Waiting) {
            self.stage = Stage::Meeting;
        } else {
            // Found in the moment in which nobody was looked for any more.
            self.stage = Stage::Leaving(Then::Rest);
            self.effects.push(Effect::Leave);
        }
    }

    fn secured(&mut self, safety: SafetyCode) {
        self.stage = Stage::Talking(safety);
        self.note(texts::begin(&self.meeting), NoteKind::Plain);
        self.note(texts::CHECK, NoteKind::Plain);
    }

    fn add_theirs(&mut self, text: &str) {
        self.peer_typing = Typing::Idle;
        let id = self.log.theirs(text);
        if self.scroll > 0 {
            self.unseen += 1;
        }
        self.keep_in_view(id);
    }

    fn note(&mut self, note: &str, kind: NoteKind) {
        let id = self.log.note(note, kind);
        self.keep_in_view(id);
    }

    /// Whoever reads older texts goes on reading where they are.
    fn keep_in_view(&mut self, added: EntryId) {
        if self.scroll > 0 {
            self.scroll += layout::height(self, added);
            self.scroll = self.scroll.min(layout::scroll_max(self));
        }
    }

    fn sent(&mut self, id: EntryId, result: Result<MessageNumber, SendError>) {
        match result {
            Ok(number) => {
                self.log.mark(id, Mark::Sent(number));
                self.send_next();
            }
            // It is told when there is room again, or that the chat is over.
            Err(SendError::Full | SendError::NotSecured | SendError::Over) => {}
            // A draft is neither.
            Err(SendError::TooLong | SendError::Empty) => self.log.mark(id, Mark::NotDelivered),
        }
    }

    fn send_next(&mut self) {
        self.effects.extend(self.log.waiting().next().map(Effect::Send));
    }

    fn ended(&mut self, end: End) {
        self.log.abandon();
        let is_fault = matches!(end, End::Fault(_) | End::Closed(_))
            || matches!(end, End::Room(EndReason::Expired | EndReason::Shutdown));
        if is_fault || self.log.lost() > 0 {
            self.outcome = Outcome::Badly;
        }
        match self.stage {
            Stage::Leaving(Then::Next) => {
                self.stage = Stage::Waiting;
                self.forget_chat();
                self.notice = is_fault.then(|| texts::end(end));
            }
            Stage::Leaving(Then::Quit) => {
                self.effects.push(Effect::Close);
            }
            _ => self.over(end),
        }
    }

    /// Nobody follows: says what was forgotten. What the other said stays readable if it was not this side that ended the chat.
    fn over(&mut self, end: End) {
        let lost = self.log.lost();
        let own = matches!(end, End::Bye | End::Report);
        if own {
            self.forget_chat();
        }
        let fault = matches!(end, End::Fault(_) | End::Closed(_));
        let why = texts::end(end);
        (self.scroll, self.unseen) = (0, 0);
        self.note(&why, if fault { NoteKind::Trouble } else { NoteKind::Plain });
        if lost > 0 {
            self.note(&texts::lost(lost), NoteKind::Trouble);
        }
        self.note(if own { texts::FORGOTTEN } else { texts::FORGOTTEN_BUT_SEEN }, NoteKind::Plain);
        self.rest(why);
    }

    fn refused(&mut self, code: ErrorCode, message: &str) {
        let passing = matches!(code, ErrorCode::Unavailable | ErrorCode::Rate);
        if self.stage == Stage::Waiting && !passing {
            self.outcome = Outcome::Badly;
            self.meetings += u32::from(code == ErrorCode::InviteSpent);
            self.alone(&texts::refusal(code, message));
        } else {
            self.notice = Some(texts::refusal(code, message));
        }
    }

    fn closed(&mut self, reason: Closed) {
        self.session = Session::Over;
        if self.stage == Stage::Waiting && reason == Closed::Unauthorized {
            // The server was restarted, or a day is over: whoever waits goes on waiting.
            self.stage = Stage::Opening(AfterOpening::FindSame);
            return self.effects.push(Effect::Open);
        }
        if reason != Closed::Asked {
            self.outcome = Outcome::Badly;
        }
        match self.stage {
            Stage::Alone { .. } => {}
            Stage::Leaving(Then::Quit) => self.effects.push(Effect::Close),
            _ => self.alone(&texts::closed(reason)),
        }
    }

    /// Nobody is looked for any more, and nobody was met.
    fn alone(&mut self, why: &str) {
        self.forget();
        self.note(why, NoteKind::Trouble);
        self.rest(why.to_owned());
    }

    fn rest(&mut self, why: String) {
        self.note(if self.may_find() { texts::GO_ON } else { texts::SERVES_ONCE }, NoteKind::Plain);
        self.popup = None;
        self.stage = Stage::Alone { why };
        self.peer_typing = Typing::Idle;
        self.typing_until = None;
    }

    /// A link that was opened works once; one can make any number of new ones.
    fn may_find(&self) -> bool {
        self.meeting != MeetingKind::AcceptsInvite || self.meetings == 0
    }

    /// Wipes what was said, and the link.
    fn forget(&mut self) {
        self.forget_chat();
        self.invite = None;
    }

    /// Wipes what was said; the link for the next may be there already.
    fn forget_chat(&mut self) {
        self.log = Log::default();
        (self.scroll, self.unseen) = (0, 0);
        (self.popup, self.notice, self.typing_until) = (None, None, None);
        self.peer_typing = Typing::Idle;
    }
}
