//! Whether each message arrived, once, and in order: every message contains its number and when it
//! was due.

use std::{collections::BTreeSet, time::Duration};

/// The size of number and time in bytes. They are hexadecimal digits, so that they can be sent as a
/// text over the end-to-end channel too.
pub(crate) const STAMP_BYTES: usize = 32;

/// How many numbers are remembered as missing in one direction. Beyond that the oldest count as
/// lost, even if they arrive.
const MISSING_MAX: usize = 65_536;

/// What fills a message after the stamp.
const FILLER: char = 'x';

/// What a message contains about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Its number in its direction, from 0.
    pub number: u64,
    /// When it was to be sent, since the start of the process. Time for which its sender had to
    /// wait counts as latency.
    pub due: Duration,
}

impl Stamp {
    /// A message of this size.
    pub(crate) fn write(self, size: usize) -> String {
        let micros = u64::try_from(self.due.as_micros()).unwrap_or(u64::MAX);
        let mut text = format!("{:016x}{micros:016x}", self.number);
        text.extend(std::iter::repeat_n(FILLER, size.saturating_sub(STAMP_BYTES)));
        text
    }

    /// The stamp of a message; `None` if it has none.
    pub(crate) fn read(message: &[u8]) -> Option<Self> {
        let digits = |range| {
            let digits: &[u8] = message.get(range)?;
            let plain = digits.iter().all(u8::is_ascii_hexdigit);
            plain.then(|| u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok())?
        };
        Some(Self { number: digits(0..16)?, due: Duration::from_micros(digits(16..STAMP_BYTES)?) })
    }
}

/// One direction of a chat.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    sent: u64,
    expected: u64,
    missing: BTreeSet<u64>,
    arrived: u64,
    excused: u64,
    /// Messages that arrived again.
    pub duplicated: u64,
    /// Messages that a later one had overtaken.
    pub reordered: u64,
    /// Messages that nobody here has sent.
    pub foreign: u64,
}

impl Ledger {
    /// The number for the next message.
    pub(crate) fn next_number(&self) -> u64 {
        self.sent
    }

    /// Records that the next message was sent.
    pub(crate) fn sent(&mut self) {
        self.sent += 1;
    }

    /// Records that a message has arrived. Returns whether it is the first time.
    pub(crate) fn arrived(&mut self, number: u64) -> bool {
        if number >= self.sent {
            self.foreign += 1;
            return false;
        }
        let first = if number >= self.expected {
            // Only the newest are remembered.
            let skipped = self.expected.max(number.saturating_sub(MISSING_MAX as u64))..number;
            self.missing.extend(skipped);
            while self.missing.len() > MISSING_MAX {
                self.missing.pop_first();
            }
            self.expected = number + 1;
            true
        } else {
            let late = self.missing.remove(&number);
            self.reordered += u64::from(late);
            self.duplicated += u64::from(!late);
            late
        };
        self.arrived += u64::from(first);
        first
    }

    /// Records that a connection was lost: the messages that are in flight now are not waited for.
    /// They count as lost if they do not arrive.
    pub(crate) fn excuse(&mut self) {
        self.excused = self.outstanding();
    }

    /// How many are in flight and waited for.
    pub(crate) fn awaited(&self) -> u64 {
        self.outstanding().saturating_sub(self.excused)
    }

    /// How many were sent and have not arrived.
    pub(crate) fn outstanding(&self) -> u64 {
        self.sent - self.arrived
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(sent: u64, arrivals: &[u64]) -> (u64, u64, u64, u64) {
        let mut ledger = Ledger::default();
        (0..sent).for_each(|_| ledger.sent());
        arrivals.iter().for_each(|number| _ = ledger.arrived(*number));
        (ledger.outstanding(), ledger.duplicated, ledger.reordered, ledger.foreign)
    }

    #[test]
    fn every_way_to_arrive_is_counted_apart() {
        assert_eq!(after(4, &[0, 1, 2, 3]), (0, 0, 0, 0));
        assert_eq!(after(4, &[0, 1, 3]), (1, 0, 0, 0), "lost");
        assert_eq!(after(4, &[0, 1, 2]), (1, 0, 0, 0), "the last one lost");
        assert_eq!(after(4, &[0, 1, 1, 2, 3, 0]), (0, 2, 0, 0), "doubled");
        assert_eq!(after(4, &[1, 2, 0, 3]), (0, 0, 1, 0), "overtaken");
        assert_eq!(after(4, &[1, 0, 0, 2, 3]), (0, 1, 1, 0), "overtaken, and doubled");
        assert_eq!(after(4, &[0, 1, 2, 3, 4, u64::MAX]), (0, 0, 0, 2), "never sent");
    }

    #[test]
    fn messages_on_a_lost_connection_are_not_waited_for_and_still_count() {
        let mut ledger = Ledger::default();
        (0..4).for_each(|_| ledger.sent());
        ledger.arrived(0);
        ledger.excuse();
        assert_eq!((ledger.awaited(), ledger.outstanding()), (0, 3));
        ledger.sent();
        assert_eq!((ledger.awaited(), ledger.outstanding()), (1, 4));
        ledger.arrived(4);
        assert_eq!((ledger.awaited(), ledger.outstanding()), (0, 3));
    }

    #[test]
    fn the_memory_for_losses_is_bounded() {
        let mut ledger = Ledger { sent: u64::MAX, ..Ledger::default() };
        ledger.arrived(1 << 60);
        ledger.arrived(1 << 61);
        assert_eq!(ledger.missing.len(), MISSING_MAX);
        assert!(ledger.arrived((1 << 61) - 1));
    }

    #[test]
    fn a_message_carries_its_stamp_in_any_size() {
        let stamp = Stamp { number: 7, due: Duration::from_micros(1_234_567) };
        for size in [STAMP_BYTES, 128, 8192] {
            let message = stamp.write(size);
            assert_eq!(message.len(), size);
            assert_eq!(Stamp::read(message.as_bytes()), Some(stamp));
        }
        assert_eq!(Stamp::read(b"hello"), None);
        assert_eq!(Stamp::read(&[b'+'; 32]), None);
    }
}
