//! The model itself: what it remembers, and the steps that all its parts share.

use std::time::Duration;

use client::channel::Typing;
use schemas::outlook::Outlook;
use zeroize::Zeroizing;

use super::{interface::Effect, texts};
use crate::{
    layout,
    log::{EntryId, Log, NoteKind},
    outcome::Outcome,
    state::{LONG_WAIT, MeetingKind, ScreenState, Stage},
};

/// One person's chats, one after the other.
pub(crate) struct Model {
    pub(crate) screen: ScreenState,
    pub(super) outcome: Outcome,
    pub(super) session: Session,
    /// How many people were met.
    pub(super) meetings: u32,
    /// Until when the last chat can be reported, if it has ended.
    pub(super) reportable: Option<Duration>,
    /// Until when the peer sees that somebody writes here, if it does.
    pub(super) typing_until: Option<Duration>,
    /// The own text that was brought back into the draft: how many there are after it, and what was
    /// being written.
    pub(super) recalled: Option<(usize, Zeroizing<String>)>,
    pub(super) effects: Vec<Effect>,
}

/// Whether the server knows this person.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Session {
    Open,
    Over,
}

impl Model {
    /// Before there is a session.
    pub(crate) fn new(meeting: MeetingKind) -> Self {
        Self {
            screen: ScreenState::new(meeting),
            outcome: Outcome::default(),
            session: Session::Over,
            meetings: 0,
            reportable: None,
            typing_until: None,
            recalled: None,
            effects: Vec::new(),
        }
    }

    pub(crate) fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Whether the chat has reported its end.
    pub(crate) fn is_closed(&self) -> bool {
        self.session == Session::Over
    }

    pub(super) fn find(&mut self) {
        self.forget();
        self.wait();
        self.effects.push(Effect::Find);
    }

    /// Somebody is looked for, from now on.
    pub(super) fn wait(&mut self) {
        self.screen.stage = Stage::Waiting;
        self.screen.outlook = Outlook::default();
        self.screen.long_wait = match self.screen.meeting {
            MeetingKind::Anybody | MeetingKind::Topic(_) => Some(self.screen.now + LONG_WAIT),
            MeetingKind::CreatesInvite | MeetingKind::AcceptsInvite => None,
        };
    }

    pub(super) fn note(&mut self, note: &str, kind: NoteKind) {
        let id = self.screen.log.note(note, kind);
        self.keep_in_view(id);
    }

    /// Wipes the texts whose time is over.
    pub(super) fn vanish(&mut self) {
        if self.screen.log.vanish(self.screen.now) {
            self.screen.scroll = self.screen.scroll.min(layout::scroll_max(&self.screen));
        }
    }

    /// Keeps older texts in place while somebody reads them.
    pub(super) fn keep_in_view(&mut self, added: EntryId) {
        if self.screen.scroll > 0 {
            self.screen.scroll += layout::height(&self.screen, added);
            self.screen.scroll = self.screen.scroll.min(layout::scroll_max(&self.screen));
        }
    }

    pub(super) fn send_next(&mut self) {
        self.effects.extend(self.screen.log.waiting().next().map(Effect::Send));
    }

    /// The find is over, and nobody was met.
    pub(super) fn alone(&mut self, why: &str) {
        self.forget();
        self.note(why, NoteKind::Trouble);
        self.rest(why.to_owned());
    }

    pub(super) fn rest(&mut self, why: String) {
        self.note(if self.may_find() { texts::GO_ON } else { texts::SERVES_ONCE }, NoteKind::Plain);
        self.screen.popup = None;
        self.screen.stage = Stage::Alone { why };
        self.screen.peer_typing = Typing::Idle;
        self.typing_until = None;
    }

    /// A link that was opened works once; one can make any number of new ones.
    pub(super) fn may_find(&self) -> bool {
        self.screen.meeting != MeetingKind::AcceptsInvite || self.meetings == 0
    }

    /// Wipes all texts, and the invite link.
    pub(super) fn forget(&mut self) {
        self.forget_chat();
        self.screen.invite = None;
    }

    /// Wipes all texts. The invite link stays: it may be the one for the next chat.
    pub(super) fn forget_chat(&mut self) {
        self.screen.log = Log::default();
        (self.screen.scroll, self.screen.unseen) = (0, 0);
        (self.screen.popup, self.screen.notice, self.typing_until) = (None, None, None);
        self.recalled = None;
        self.screen.peer_typing = Typing::Idle;
    }
}
