//! What the screen shows, as values: [`layout`](crate::layout) measures it, the
//! [`model`](crate::model) changes it, and [`view`](crate::view) draws it.

use std::time::Duration;

use client::channel::{SafetyCode, Typing};
use ratatui::layout::Size;
use schemas::{control::Category, outlook::Outlook};
use zeroize::Zeroizing;

use crate::{clock::ClockTime, draft::Draft, log::Log};

/// A chat can be reported for so long after its end.
pub(crate) const LATE_REPORT: Duration = Duration::from_secs(60);

/// Somebody who has waited for so long is told why, and what else there is.
pub(crate) const LONG_WAIT: Duration = Duration::from_secs(10);

/// All that the screen shows.
pub(crate) struct ScreenState {
    /// Time since the program started.
    pub(crate) now: Duration,
    /// The time of day.
    pub(crate) clock: ClockTime,
    pub(crate) size: Size,
    pub(crate) meeting: MeetingKind,
    pub(crate) stage: Stage,
    pub(crate) own_connection: OwnConnection,
    pub(crate) peer: Peer,
    pub(crate) peer_typing: Typing,
    pub(crate) log: Log,
    pub(crate) draft: Draft,
    /// The invite to hand over, while its guest is awaited.
    pub(crate) invite: Option<Handout>,
    /// When somebody who waits is told that nobody is there. Over as soon as it is in the past.
    pub(crate) long_wait: Option<Duration>,
    /// What whoever waits may expect.
    pub(crate) outlook: Outlook,
    pub(crate) popup: Option<Popup>,
    /// An answer to the last key.
    pub(crate) notice: Option<String>,
    /// Rows between the bottom of the screen and the newest text.
    pub(crate) scroll: usize,
    /// Texts below the bottom of the screen that were never above it.
    pub(crate) unseen: usize,
}

impl ScreenState {
    /// Before there is a session.
    pub(crate) fn new(meeting: MeetingKind) -> Self {
        Self {
            now: Duration::ZERO,
            clock: ClockTime::default(),
            size: Size::ZERO,
            meeting,
            stage: Stage::Opening(AfterOpening::FindNew),
            own_connection: OwnConnection::Up,
            peer: Peer::Online,
            peer_typing: Typing::Idle,
            log: Log::default(),
            draft: Draft::new(),
            invite: None,
            long_wait: None,
            outlook: Outlook::default(),
            popup: None,
            notice: None,
            scroll: 0,
            unseen: 0,
        }
    }

    /// Whether what is sent now can reach the peer.
    pub(crate) fn path_is_open(&self) -> bool {
        self.own_connection == OwnConnection::Up && self.peer == Peer::Online
    }
}

/// A new invite, to be handed over. Both forms are the same secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Handout {
    pub(crate) link: Zeroizing<String>,
    /// The twelve words.
    pub(crate) words: Zeroizing<String>,
}

/// By what the two meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MeetingKind {
    Anybody,
    /// By a topic.
    Topic(String),
    /// By an invite link that this program makes, a new one for each find.
    CreatesInvite,
    /// By an invite link from somebody else.
    AcceptsInvite,
}

/// How far the chat has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A session is being opened.
    Opening(AfterOpening),
    Waiting,
    /// Somebody was matched; the keys are not agreed on yet.
    Meeting,
    Talking(SafetyCode),
    /// A goodbye is on its way.
    Leaving(Then),
    /// There is no chat, and no find.
    Alone {
        why: String,
    },
}

/// Which find a new session starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterOpening {
    FindNew,
    /// The one of the session that has ended, so that an invite link that was handed over stays
    /// good.
    FindSame,
}

/// What follows the end of a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Rest,
    Next,
    Quit,
}

/// This side's connection to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnConnection {
    Up,
    /// There is none; the next attempt starts at this time.
    Down(Duration),
}

/// The peer's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Online,
    /// It has none. Its place is kept until then.
    Away {
        until: Duration,
    },
}

/// A pop-up over the texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Popup {
    pub(crate) about: About,
    /// How many of its rows are scrolled out at the top.
    pub(crate) scroll: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    Safety(SafetyCode),
    Commands,
    /// Whether this chat is to be reported.
    Report(Category),
}
