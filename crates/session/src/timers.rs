//! Deadlines. A timer that has become pointless is not removed: it fires, finds nothing to do, and
//! is gone.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    time::Duration,
};

use schemas::{RoomId, SessionId, Stamp, UnixMillis, WantId, message::Message};

/// The sessions are to be ticked this often: fine enough for the shortest repetition, and nothing
/// for the processor.
pub const TICK: Duration = Duration::from_millis(100);

/// What is due.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Timer {
    /// The tokens of this attachment are to be renewed, or its session has lasted for long enough.
    Session(SessionId, Stamp),
    /// Something in this room.
    Room(RoomId),
    /// Publish for the `time`th time where the session is attached, if it still is.
    RepeatAttached { id: SessionId, stamp: Stamp, time: u8 },
    /// This want is of another version of the channel, and may have waited for long enough.
    OtherVersion(WantId),
    /// Publish this again.
    Repeat(Box<Message>),
}

#[derive(Debug)]
struct Entry(UnixMillis, u64, Timer);

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

impl Eq for Entry {}

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
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<Entry>>,
    /// Keeps timers of one millisecond in the order in which they were set.
    count: u64,
    /// The timers of sessions: one each, and almost all set for the same time ahead, so that they
    /// come in order by themselves. Those that do not are in the heap.
    sessions: VecDeque<(UnixMillis, SessionId, Stamp)>,
}

impl Timers {
    pub(crate) fn at(&mut self, deadline: UnixMillis, timer: Timer) {
        match timer {
            Timer::Session(id, stamp) if self.sessions.back().is_none_or(|last| last.0 <= deadline) => {
                self.sessions.push_back((deadline, id, stamp));
            }
            timer => {
                self.count += 1;
                self.heap.push(Reverse(Entry(deadline, self.count, timer)));
            }
        }
    }

    /// Gives memory back after a rush.
    pub(crate) fn shrink(&mut self) {
        let (heap, sessions) = (self.heap.len(), self.sessions.len());
        if self.heap.capacity() > 2 * heap {
            self.heap.shrink_to(heap + heap / 4);
        }
        if self.sessions.capacity() > 2 * sessions {
            self.sessions.shrink_to(sessions + sessions / 4);
        }
    }

    /// When the next is due.
    pub(crate) fn next(&self) -> Option<UnixMillis> {
        let next = self.heap.peek().map(|Reverse(entry)| entry.0);
        next.into_iter().chain(self.sessions.front().map(|entry| entry.0)).min()
    }

    pub(crate) fn pop_due(&mut self, now: UnixMillis) -> Option<Timer> {
        let next = self.heap.peek().map(|Reverse(entry)| entry.0);
        let next_session = self.sessions.front().map(|entry| entry.0);
        if next_session.is_some_and(|session| session <= now && next.is_none_or(|next| session < next)) {
            return self.sessions.pop_front().map(|(_, id, stamp)| Timer::Session(id, stamp));
        }
        next.filter(|next| *next <= now)?;
        self.heap.pop().map(|Reverse(Entry(_, _, timer))| timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_fire_in_the_order_of_their_deadlines_whatever_they_are() {
        let mut timers = Timers::default();
        let session = |n: u8| Timer::Session(SessionId::from_random([n; 16]), Stamp(u64::from(n)));
        let room = |n: u8| Timer::Room(RoomId::from_bytes([n; 16]));
        for (at, timer) in [
            (50, session(1)),
            (70, session(2)),
            (60, session(3)),
            (55, room(4)),
            (70, session(5)),
            (55, room(6)),
            (10, room(7)),
        ] {
            timers.at(UnixMillis(at), timer);
        }
        assert_eq!((timers.pop_due(UnixMillis(9)), timers.next()), (None, Some(UnixMillis(10))));
        timers.shrink();
        let due: Vec<_> = std::iter::from_fn(|| timers.pop_due(UnixMillis(69))).collect();
        assert_eq!(due, [room(7), session(1), room(4), room(6), session(3)]);
        assert_eq!(timers.next(), Some(UnixMillis(70)));
        let due: Vec<_> = std::iter::from_fn(|| timers.pop_due(UnixMillis(70))).collect();
        assert_eq!((due, timers.next()), (vec![session(2), session(5)], None));
    }
}
