//! What the screen shows, as values: [`layout`](crate::layout) measures it, the
//! [`model`](crate::model) changes it, and [`view`](crate::view) draws it.

use std::time::Duration;

use client::channel::{SafetyCode, Typing};
use ratatui::layout::Size;
use zeroize::Zeroizing;

use crate::{draft::Draft, log::Log};

/// All that the screen shows.
pub(crate) struct ScreenState {
    /// Time since the program started.
    pub(crate) now: Duration,
    pub(crate) size: Size,
    pub(crate) meeting: MeetingKind,
    pub(crate) stage: Stage,
    pub(crate) own_connection: OwnConnection,
    pub(crate) peer: Peer,
    pub(crate) peer_typing: Typing,
    pub(crate) log: Log,
    pub(crate) draft: Draft,
    /// The invite link to hand over, while its guest is awaited.
    pub(crate) invite: Option<Zeroizing<String>>,
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
            size: Size::ZERO,
            meeting,
            stage: Stage::Opening(AfterOpening::FindNew),
            own_connection: OwnConnection::Up,
            peer: Peer::Online,
            peer_typing: Typing::Idle,
            log: Log::default(),
            draft: Draft::new(),
            invite: None,
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

/// By what the two meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MeetingKind {
    Anybody,
    /// By its name.
    Topic(String),
    /// A link is made here, for each search anew.
    CreatesInvite,
    /// A link came from somebody.
    AcceptsInvite,
}

/// What there is to talk to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A session is being opened.
    Opening(AfterOpening),
    Waiting,
    /// Somebody is met; the keys are not there yet.
    Meeting,
    Talking(SafetyCode),
    /// A goodbye is on its way.
    Leaving(Then),
    /// Nobody, and nobody is looked for.
    Alone {
        why: String,
    },
}

/// What is looked for in a new session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterOpening {
    FindNew,
    /// What was looked for when the last session came to its end: a link that was handed over stays good.
    FindSame,
}

/// What follows the end of a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Rest,
    Next,
    Quit,
}

/// The own connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnConnection {
    Up,
    /// Until the next attempt begins.
    Down(Duration),
}

/// The other's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Online,
    Away,
}

/// Something that lies over the texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Popup {
    pub(crate) about: About,
    /// Rows above its top.
    pub(crate) scroll: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    Safety(SafetyCode),
    Commands,
}
