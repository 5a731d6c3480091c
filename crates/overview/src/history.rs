//! How the whole cluster did lately.

use std::{collections::VecDeque, time::Duration};

use schemas::{UnixMillis, time::millis};

use crate::report;

/// Time between two points.
const STEP: Duration = Duration::from_secs(2);

/// How many are kept: ten minutes.
const POINTS: usize = 300;

/// What is kept of a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sums {
    pub(crate) connections: f64,
    pub(crate) waiting: f64,
    pub(crate) chatting: f64,
    pub(crate) frames: f64,
    pub(crate) refused: f64,
}

/// The sums of the last ten minutes, the newest last.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    points: VecDeque<Sums>,
    newest: Option<UnixMillis>,
}

impl Recent {
    /// Adds a moment, if it is due. Moments of which nothing is known are as the one before.
    pub(crate) fn push(&mut self, now: UnixMillis, sums: Sums) {
        // An eighth of a step early is in time: a clock that ticks is not exact.
        let due = STEP - STEP / 8;
        if self.newest.is_some_and(|newest| now.since(newest) < due) {
            return;
        }
        self.newest = Some(now);
        self.points.push_back(sums);
        if self.points.len() > POINTS {
            self.points.pop_front();
        }
    }

    pub(crate) fn report(&self) -> report::History {
        let of = |of: fn(&Sums) -> f64| self.points.iter().map(of).collect();
        report::History {
            step_ms: millis(STEP),
            until: self.newest,
            connections: of(|sums| sums.connections),
            waiting: of(|sums| sums.waiting),
            chatting: of(|sums| sums.chatting),
            frames: of(|sums| sums.frames),
            refused: of(|sums| sums.refused),
        }
    }
}
