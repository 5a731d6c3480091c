//! Deadlines. A timer that has become pointless is not removed: it fires, finds nothing to do, and is gone.

use std::{cmp::Reverse, collections::BinaryHeap};

use schemas::{RoomId, SessionId, Stamp, UnixMillis, event::SessionEvent};

/// What is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// The tokens of this attachment are to be renewed, or the life of its session ends.
    Session(SessionId, Stamp),
    /// Something in this room.
    Room(RoomId),
    /// Say this again.
    Say(Box<(SessionId, SessionEvent)>),
}

#[derive(Debug, PartialEq, Eq)]
struct Entry(UnixMillis, u64, Timer);

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Timers in the order of their deadlines.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<Entry>>,
    /// Keeps timers of one millisecond in the order in which they were set.
    count: u64,
}

impl Timers {
    pub(super) fn at(&mut self, deadline: UnixMillis, timer: Timer) {
        self.count += 1;
        self.heap.push(Reverse(Entry(deadline, self.count, timer)));
    }

    /// Gives memory back after a rush.
    pub(super) fn shrink(&mut self) {
        if self.heap.capacity() > 4 * self.heap.len() {
            self.heap.shrink_to(2 * self.heap.len());
        }
    }

    pub(super) fn pop_due(&mut self, now: UnixMillis) -> Option<Timer> {
        if self.heap.peek()?.0.0 > now {
            return None;
        }
        self.heap.pop().map(|Reverse(Entry(_, _, timer))| timer)
    }
}
