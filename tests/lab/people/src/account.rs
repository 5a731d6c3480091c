//! What was sent and what came: the account of one direction of a chat, and the sums.

use std::collections::VecDeque;

use serde::Serialize;
use tokio::time::Instant;

/// What must not be, and what was measured, since the last `begin`.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Sums {
    pub sent: u64,
    pub received: u64,
    pub lost: u64,
    pub doubled: u64,
    pub reordered: u64,
    /// Texts of another chat, or of nobody.
    pub foreign: u64,
    /// Chats whose end-to-end channel or connection broke.
    pub broken: u64,
    /// Chats that the server or the other side ended while nobody had left.
    pub wrong_ended: u64,
    /// Directions in which texts were still under way when there was time enough.
    pub stuck: u64,
    /// Chats in which a third person was heard or counted.
    pub three: u64,
    /// Chats with somebody who is not there, of which nobody was told.
    pub ghosts: u64,
    /// People who waited for somebody too long.
    pub endless_waits: u64,
    /// Chats that began.
    pub met: u64,
    /// How often a connection was lost.
    pub lost_connections: u64,
    /// How long after the healing each text came that was under way then, in milliseconds.
    pub recoveries: Vec<u32>,
    /// How long each text was under way, in milliseconds.
    pub latencies: Vec<u32>,
    /// What was wrong, in words; the first few.
    pub faults: Vec<String>,
}

/// Words that are kept of what was wrong.
const WORDS: usize = 12;

impl Sums {
    pub(crate) fn fault(&mut self, words: String) {
        if self.faults.len() < WORDS {
            self.faults.push(words);
        }
    }
}

/// One direction of a chat: each text has to come once and in order.
#[derive(Debug, Default)]
pub(crate) struct Direction {
    sent: u64,
    expected: u64,
    /// When each text that has not come was due.
    due: VecDeque<Instant>,
    /// Numbers that were skipped, and may still come late.
    skipped: Vec<u64>,
}

impl Direction {
    pub(crate) fn next_number(&self) -> u64 {
        self.sent
    }

    pub(crate) fn sent(&mut self, due: Instant, sums: &mut Sums) {
        self.sent += 1;
        sums.sent += 1;
        self.due.push_back(due);
    }

    pub(crate) fn received(&mut self, number: u64, healed: Option<Instant>, sums: &mut Sums) {
        if number >= self.sent {
            sums.foreign += 1;
            return sums.fault(format!("text {number} came, and only {} were sent", self.sent));
        }
        if number < self.expected {
            if let Some(place) = self.skipped.iter().position(|skipped| *skipped == number) {
                self.skipped.swap_remove(place);
                sums.reordered += 1;
                // It may have been counted in an account before this one.
                sums.lost = sums.lost.saturating_sub(1);
            } else {
                sums.doubled += 1;
            }
            return sums.fault(format!("text {number} came where {} was due", self.expected));
        }
        for skipped in self.expected..number {
            self.due.pop_front();
            self.skipped.push(skipped);
            sums.lost += 1;
            sums.fault(format!("text {skipped} did not come, and {number} did"));
        }
        self.expected = number + 1;
        sums.received += 1;
        let now = Instant::now();
        if let Some(due) = self.due.pop_front() {
            sums.latencies.push(millis(now - due));
            if let Some(healed) = healed.filter(|healed| due < *healed) {
                sums.recoveries.push(millis(now - healed));
            }
        }
    }

    /// How many are under way.
    pub(crate) fn under_way(&self) -> u64 {
        self.due.len() as u64
    }

    /// The chat is over: what was under way will not come.
    pub(crate) fn close(&mut self, sums: &mut Sums) {
        sums.lost += self.under_way();
        *self = Self::default();
    }
}

fn millis(time: std::time::Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(sent: u64, arrivals: &[u64]) -> Sums {
        let (mut direction, mut sums) = (Direction::default(), Sums::default());
        (0..sent).for_each(|_| direction.sent(Instant::now(), &mut sums));
        arrivals.iter().for_each(|number| direction.received(*number, None, &mut sums));
        direction.close(&mut sums);
        sums
    }

    #[test]
    fn every_way_to_arrive_is_counted_apart() {
        let counts = |sums: Sums| [sums.lost, sums.doubled, sums.reordered, sums.foreign];
        assert_eq!(counts(after(4, &[0, 1, 2, 3])), [0, 0, 0, 0]);
        assert_eq!(counts(after(4, &[0, 1, 3])), [1, 0, 0, 0], "lost");
        assert_eq!(counts(after(4, &[0, 1, 2])), [1, 0, 0, 0], "the last one lost");
        assert_eq!(counts(after(4, &[0, 1, 1, 2, 3])), [0, 1, 0, 0], "doubled");
        assert_eq!(counts(after(4, &[1, 0, 2, 3])), [0, 0, 1, 0], "overtaken");
        assert_eq!(counts(after(2, &[0, 1, 2])), [0, 0, 0, 1], "never sent");
    }

    #[test]
    fn only_what_was_under_way_at_the_healing_counts_as_recovered() {
        let (mut direction, mut sums) = (Direction::default(), Sums::default());
        direction.sent(Instant::now(), &mut sums);
        let healed = Instant::now();
        direction.sent(Instant::now(), &mut sums);
        direction.received(0, Some(healed), &mut sums);
        direction.received(1, Some(healed), &mut sums);
        assert_eq!((sums.recoveries.len(), sums.latencies.len()), (1, 2));
    }
}
