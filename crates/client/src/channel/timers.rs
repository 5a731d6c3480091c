//! After which time messages vanish, where both sides may set it at once.

use std::time::Duration;

use super::said::Whose;

/// How long messages are shown, as one side has set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timer {
    /// Of the message that set it.
    pub(super) number: u64,
    /// 0: they do not vanish.
    pub(super) seconds: u32,
    /// The highest number of the other side that this side had received in order then.
    pub(super) heard: u64,
}

/// What each side has set last.
#[derive(Default)]
pub(super) struct Timers {
    own: Option<Timer>,
    peer: Option<Timer>,
}

impl Timers {
    pub(super) fn set(&mut self, by: Whose, timer: Timer) {
        match by {
            Whose::Own => self.own = Some(timer),
            Whose::Peer => self.peer = Some(timer),
        }
    }

    /// After which time a message vanishes that is sent or shown now. Once both sides have heard of
    /// both timers they come to the same, whichever of them asks.
    pub(super) fn holds(&self) -> Option<Duration> {
        let seconds = match (self.own, self.peer) {
            (None, None) => 0,
            (Some(only), None) | (None, Some(only)) => only.seconds,
            (Some(own), Some(peer)) => holding(own, peer),
        };
        (seconds > 0).then(|| Duration::from_secs(seconds.into()))
    }
}

/// The later of two timers is that of the side which had heard the other one. If neither had, or
/// both say that they had, the shorter one is more careful.
fn holding(one: Timer, other: Timer) -> u32 {
    match (one.heard >= other.number, other.heard >= one.number) {
        (true, false) => one.seconds,
        (false, true) => other.seconds,
        _ if one.seconds == 0 || other.seconds == 0 => one.seconds.max(other.seconds),
        _ => one.seconds.min(other.seconds),
    }
}
