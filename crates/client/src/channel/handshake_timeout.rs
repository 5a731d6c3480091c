//! The handshake's clock: when to repeat the last message, and when to give up. It runs only while
//! both are online.

use std::time::Duration;

use super::limits::{COPY_INTERVAL, HANDSHAKE_RESEND_MAX, HANDSHAKE_RESEND_MIN, HANDSHAKE_TIMEOUT};
use super::time::Time;

/// Runs from the creation of the channel until it is secured.
#[derive(Debug)]
pub(super) struct HandshakeTimeout {
    /// Since when both are online; `None` while one is not.
    online_since: Option<Time>,
    /// Online time before that.
    spent: Duration,
    interval: Duration,
    /// When to repeat the message that waits for its answer, if there is one. It counts only while
    /// both are online.
    resend_at: Option<Time>,
    /// When this side's message was last sent, for whatever reason.
    sent_at: Option<Time>,
}

impl HandshakeTimeout {
    pub(super) fn starting(now: Time) -> Self {
        Self {
            online_since: Some(now),
            spent: Duration::ZERO,
            interval: HANDSHAKE_RESEND_MIN,
            resend_at: None,
            sent_at: None,
        }
    }

    /// Both are online, perhaps again.
    pub(super) fn resume(&mut self, now: Time) {
        self.online_since.get_or_insert(now);
        if self.resend_at.is_some() {
            self.begin_intervals(now);
        }
    }

    /// A message that waits for its answer was sent now.
    pub(super) fn begin_intervals(&mut self, now: Time) {
        self.interval = HANDSHAKE_RESEND_MIN;
        self.resend_at = Some(now + self.interval);
    }

    /// This side's message goes out.
    pub(super) fn sent(&mut self, now: Time) {
        self.sent_at = Some(now);
    }

    /// Whether a copy of the peer's message may be answered.
    pub(super) fn may_answer(&self, now: Time) -> bool {
        self.sent_at.is_none_or(|at| now.since(at) >= COPY_INTERVAL)
    }

    pub(super) fn pause(&mut self, now: Time) {
        if let Some(since) = self.online_since.take() {
            self.spent += now.since(since);
        }
    }

    /// Whether the last message is to be sent again; if so, the next interval has begun.
    pub(super) fn resend_is_due(&mut self, now: Time) -> bool {
        let due = self.online_since.is_some() && self.resend_at.is_some_and(|at| now >= at);
        if due {
            self.interval = (self.interval * 2).min(HANDSHAKE_RESEND_MAX);
            self.resend_at = Some(now + self.interval);
        }
        due
    }

    pub(super) fn is_exhausted(&self, now: Time) -> bool {
        self.deadline().is_some_and(|deadline| now >= deadline)
    }

    /// When something has to be done next, if both stay online.
    pub(super) fn next(&self) -> Option<Time> {
        let deadline = self.deadline()?;
        Some(self.resend_at.map_or(deadline, |at| at.min(deadline)))
    }

    fn deadline(&self) -> Option<Time> {
        self.online_since.map(|since| since + HANDSHAKE_TIMEOUT.saturating_sub(self.spent))
    }
}
