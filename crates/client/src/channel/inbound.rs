//! Messages that arrived: put in order, delivered once, and acknowledged a little later.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::event::ChannelEnd;
use super::limits::{WINDOW_BYTES, WINDOW_MESSAGES};
use super::packet::{Entry, cost};
use super::time::Time;

/// The peer's messages.
#[derive(Default)]
pub(super) struct Inbound {
    /// The highest number received in order: what is acknowledged.
    in_order: u64,
    /// Later messages, after a gap.
    ahead: BTreeMap<u64, Received>,
    /// Their cost in the peer's window, in bytes.
    ahead_cost: usize,
    /// An acknowledgement is due, and is sent at this time at the latest.
    acknowledge_at: Option<Time>,
}

/// A message as it arrived.
pub(super) struct Received {
    pub(super) number: u64,
    pub(super) kind: u8,
    pub(super) body: Zeroizing<Vec<u8>>,
}

impl Inbound {
    /// Handles one message of an authenticated packet; a copy is dropped.
    pub(super) fn receive(&mut self, entry: &Entry<'_>) -> Result<(), ChannelEnd> {
        if entry.number == 0 {
            return Err(ChannelEnd::Malformed);
        }
        if entry.number <= self.in_order || self.ahead.contains_key(&entry.number) {
            return Ok(());
        }
        // The unacknowledged messages of an honest peer fit its window, so those that have arrived
        // do too.
        if entry.number - self.in_order > WINDOW_MESSAGES as u64 {
            return Err(ChannelEnd::WindowExceeded);
        }
        self.ahead_cost += cost(entry.body.len());
        if self.ahead_cost > WINDOW_BYTES {
            return Err(ChannelEnd::WindowExceeded);
        }
        let body = Zeroizing::new(entry.body.to_vec());
        self.ahead.insert(entry.number, Received { number: entry.number, kind: entry.kind, body });
        Ok(())
    }

    /// The next message in order, if it has arrived.
    pub(super) fn next(&mut self) -> Option<Received> {
        let next = self.ahead.remove(&(self.in_order + 1))?;
        self.in_order += 1;
        self.ahead_cost -= cost(next.body.len());
        Some(next)
    }

    /// The kind of the next message in order, if it has arrived.
    pub(super) fn next_kind(&self) -> Option<u8> {
        self.ahead.get(&(self.in_order + 1)).map(|next| next.kind)
    }

    /// The highest number received in order.
    pub(super) fn in_order(&self) -> u64 {
        self.in_order
    }

    /// An acknowledgement is due at `at`; an earlier time stays.
    pub(super) fn owe(&mut self, at: Time) {
        self.acknowledge_at = Some(self.acknowledge_at.map_or(at, |owed| owed.min(at)));
    }

    /// A packet is sent; it acknowledges everything.
    pub(super) fn acknowledged(&mut self) {
        self.acknowledge_at = None;
    }

    /// When an acknowledgement is due.
    pub(super) fn acknowledge_at(&self) -> Option<Time> {
        self.acknowledge_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::limits::MAX_TEXT;

    fn receive(inbound: &mut Inbound, number: u64) -> Result<Vec<u64>, ChannelEnd> {
        inbound.receive(&Entry { number, kind: 1, body: b"x" })?;
        Ok(std::iter::from_fn(|| inbound.next()).map(|message| message.number).collect())
    }

    #[test]
    fn gaps_wait_and_copies_are_dropped() {
        let mut inbound = Inbound::default();
        for (number, delivered) in [(2, vec![]), (2, vec![]), (1, vec![1, 2]), (1, vec![]), (3, vec![3])] {
            assert_eq!(receive(&mut inbound, number), Ok(delivered));
        }
        assert_eq!(inbound.in_order(), 3);
    }

    #[test]
    fn more_than_a_window_ahead_is_an_offence() {
        let mut inbound = Inbound::default();
        assert_eq!(receive(&mut inbound, 64), Ok(vec![]));
        assert_eq!(receive(&mut inbound, 65), Err(ChannelEnd::WindowExceeded));
        assert_eq!(receive(&mut inbound, u64::MAX), Err(ChannelEnd::WindowExceeded));
        assert_eq!(receive(&mut inbound, 0), Err(ChannelEnd::Malformed));
    }

    #[test]
    fn more_bytes_than_a_window_ahead_are_an_offence() {
        let mut inbound = Inbound::default();
        let body = [b'x'; MAX_TEXT];
        for number in 2..=9 {
            inbound.receive(&Entry { number, kind: 1, body: &body }).unwrap();
        }
        assert_eq!(
            inbound.receive(&Entry { number: 10, kind: 1, body: b"x" }),
            Err(ChannelEnd::WindowExceeded)
        );
    }
}
