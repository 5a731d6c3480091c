//! Whether a connection still works, as far as its client can tell, and the second socket that is
//! to replace it.

use std::time::Instant;

use schemas::reconnect::{ASK_AFTER, REPLACE_AFTER};

/// What makes a connection doubtful.
#[derive(Default)]
pub(super) struct Doubt {
    /// Since when an answer is awaited and nothing has arrived.
    pub(super) awaited_since: Option<Instant>,
    /// When `ping` was sent; nothing has arrived since.
    pub(super) asked_at: Option<Instant>,
    pub(super) spare: Option<Spare>,
    /// Whether a second socket was tried. The server may have taken one that was given up, and then
    /// closes the first as replaced.
    pub(super) had_spare: bool,
}

/// The second socket.
#[derive(Clone, Copy)]
pub(super) enum Spare {
    /// There is none before `until`: the last attempt failed.
    Backoff { until: Instant },
    /// It is being opened.
    Opening { deadline: Instant },
    /// It is open, and `ready` has not come yet. The server may have replaced the first already.
    AwaitingReady { deadline: Instant },
}

impl Doubt {
    /// When something is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match (self.spare, self.asked_at, self.awaited_since) {
            (
                Some(
                    Spare::Backoff { until: deadline }
                    | Spare::Opening { deadline }
                    | Spare::AwaitingReady { deadline },
                ),
                ..,
            ) => Some(deadline),
            (None, Some(asked), _) => Some(asked + REPLACE_AFTER),
            (None, None, since) => since.map(|since| since + ASK_AFTER),
        }
    }

    /// Something was sent that is answered.
    pub(super) fn await_answer(&mut self, now: Instant) {
        self.awaited_since.get_or_insert(now);
    }
}
