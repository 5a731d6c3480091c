//! Messages that are not acknowledged: their numbers, the window, and when to resend them.

use std::collections::VecDeque;

use zeroize::Zeroizing;

use super::limits::{
    BYE_RESERVE_BYTES, BYE_RESERVE_MESSAGES, COPY_INTERVAL, MAX_NUMBER, TYPING_WINDOW_MESSAGES, WINDOW_BYTES,
    WINDOW_MESSAGES,
};
use super::packet::{Entry, Kind, Writer, cost};
use super::rtt::RoundTrip;
use super::time::Time;

/// The messages of this side that the peer has not acknowledged, in order.
#[derive(Default)]
pub(super) struct Outbound {
    /// The number given last.
    numbered: u64,
    /// The highest number that was ever in a packet.
    sent: u64,
    /// The highest number that the peer has acknowledged.
    acknowledged: u64,
    unacknowledged: VecDeque<Pending>,
    /// When the opening was last in a packet.
    opening_sent_at: Option<Time>,
    /// The cost of the unacknowledged messages in the window, in bytes.
    cost: usize,
    round_trip: RoundTrip,
    /// When to resend what is not acknowledged by then.
    timeout: Option<Time>,
    pace: Pace,
}

struct Pending {
    number: u64,
    kind: Kind,
    body: Zeroizing<Vec<u8>>,
    /// Due to be sent: never sent, or assumed lost.
    due: bool,
    /// When it was sent; `None` before, and after it was resent (Karn: its acknowledgement then
    /// measures nothing).
    sent_once_at: Option<Time>,
    sent: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Pace {
    /// Everything due is sent.
    #[default]
    Open,
    /// After a time-out: one packet, then wait for an acknowledgement or the next time-out.
    Probing {
        /// The packet of this time-out has been sent.
        sent: bool,
    },
}

/// The window is full, or the numbers are used up.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Full,
    Exhausted,
}

/// An acknowledgement of something never sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BeyondSent;

impl Outbound {
    /// Whether a message of `kind` and `len` bytes fits the window now.
    pub(super) fn has_room(&self, kind: Kind, len: usize) -> bool {
        let (messages, bytes) = match kind {
            Kind::Text
            | Kind::Credential
            | Kind::Handover
            | Kind::Reply
            | Kind::Reaction
            | Kind::Edit
            | Kind::Delete
            | Kind::Timer => (WINDOW_MESSAGES - BYE_RESERVE_MESSAGES, WINDOW_BYTES - BYE_RESERVE_BYTES),
            Kind::Typing => (TYPING_WINDOW_MESSAGES, WINDOW_BYTES - BYE_RESERVE_BYTES),
            Kind::Bye | Kind::Opening => (WINDOW_MESSAGES, WINDOW_BYTES),
        };
        self.unacknowledged.len() < messages && self.cost + cost(len) <= bytes
    }

    /// Numbers a message and queues it.
    pub(super) fn push(&mut self, kind: Kind, body: &[u8]) -> Result<u64, Refused> {
        if !self.has_room(kind, body.len()) {
            return Err(Refused::Full);
        }
        if self.numbered + 1 >= MAX_NUMBER {
            return Err(Refused::Exhausted);
        }
        self.numbered += 1;
        self.cost += cost(body.len());
        self.unacknowledged.push_back(Pending {
            number: self.numbered,
            kind,
            body: Zeroizing::new(body.to_vec()),
            due: true,
            sent_once_at: None,
            sent: false,
        });
        Ok(self.numbered)
    }

    /// Whether there is something to send now.
    pub(super) fn is_due(&self) -> bool {
        self.pace != Pace::Probing { sent: true } && self.unacknowledged.iter().any(|pending| pending.due)
    }

    /// Puts what is due into a packet, as much as fits. The numbers in it count as sent.
    pub(super) fn fill(&mut self, now: Time, packet: &mut Writer) {
        if !self.is_due() {
            return;
        }
        for pending in self.unacknowledged.iter_mut().filter(|pending| pending.due) {
            let entry = Entry { number: pending.number, kind: pending.kind as u8, body: &pending.body };
            if !packet.push(&entry) {
                break;
            }
            pending.due = false;
            pending.sent_once_at = (!pending.sent).then_some(now);
            pending.sent = true;
            self.sent = self.sent.max(pending.number);
            if pending.kind == Kind::Opening {
                self.opening_sent_at = Some(now);
            }
        }
        if let Pace::Probing { sent } = &mut self.pace {
            *sent = true;
        }
        self.timeout.get_or_insert(now + self.round_trip.timeout());
    }

    /// Handles an acknowledgement of all numbers up to `acknowledged`. Returns the texts and replies
    /// that it acknowledges for the first time.
    pub(super) fn acknowledge(&mut self, now: Time, acknowledged: u64) -> Result<Vec<u64>, BeyondSent> {
        if acknowledged > self.sent {
            return Err(BeyondSent);
        }
        let news = self.unacknowledged.partition_point(|pending| pending.number <= acknowledged);
        if news == 0 {
            return Ok(Vec::new());
        }
        self.acknowledged = acknowledged;
        let mut measured = None;
        let mut texts = Vec::new();
        for (index, pending) in self.unacknowledged.drain(..news).enumerate() {
            self.cost -= cost(pending.body.len());
            // A resent message spoils the measurement of those that waited behind it.
            measured = if index == 0 { pending.sent_once_at } else { measured.and(pending.sent_once_at) };
            if pending.kind.is_text() {
                texts.push(pending.number);
            }
        }
        if let Some(sent_at) = measured {
            self.round_trip.measure(now.since(sent_at));
        }
        self.pace = Pace::Open;
        let in_flight = self.unacknowledged.iter().any(|pending| !pending.due);
        self.timeout = in_flight.then(|| now + self.round_trip.timeout());
        Ok(texts)
    }

    /// The peer has not received the opening: sends it again, unless it was sent a moment ago.
    pub(super) fn repeat_opening(&mut self, now: Time) {
        let Some(first) = self.unacknowledged.front_mut().filter(|first| first.kind == Kind::Opening) else {
            return;
        };
        if self.opening_sent_at.is_some_and(|at| now.since(at) >= COPY_INTERVAL) {
            first.due = true;
            if let Pace::Probing { sent } = &mut self.pace {
                *sent = false;
            }
        }
    }

    /// The number given last; 0 before the first.
    pub(super) fn numbered(&self) -> u64 {
        self.numbered
    }

    /// The highest number that was acknowledged, and the highest that was in a packet.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.acknowledged, self.sent)
    }

    /// The acknowledgement is overdue: assumes everything lost, but sends only one packet until
    /// something is acknowledged.
    pub(super) fn time_out(&mut self) {
        self.round_trip.back_off();
        self.take_for_lost();
        self.pace = Pace::Probing { sent: false };
    }

    /// The path to the peer is open again: everything unacknowledged is resent at once.
    pub(super) fn restart(&mut self) {
        self.round_trip.forget_back_off();
        self.take_for_lost();
        self.pace = Pace::Open;
    }

    fn take_for_lost(&mut self) {
        self.timeout = None;
        for pending in &mut self.unacknowledged {
            pending.due = true;
        }
    }

    /// When [`Self::time_out`] is to be called, if nothing happens before.
    pub(super) fn timeout(&self) -> Option<Time> {
        self.timeout
    }

    /// Whether everything is acknowledged.
    pub(super) fn is_empty(&self) -> bool {
        self.unacknowledged.is_empty()
    }

    /// The texts and replies that are not acknowledged, in order.
    pub(super) fn unacknowledged_texts(&self) -> impl Iterator<Item = u64> + '_ {
        let texts = self.unacknowledged.iter().filter(|pending| pending.kind.is_text());
        texts.map(|pending| pending.number)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::channel::limits::MAX_TEXT;

    const MS: Duration = Duration::from_millis(1);

    fn at(ms: u64) -> Time {
        Time::after_start(Duration::from_millis(ms))
    }

    /// The numbers in the packets that are sent now.
    fn packets(outbound: &mut Outbound, now: Time) -> Vec<Vec<u64>> {
        let mut packets = Vec::new();
        while outbound.is_due() {
            let mut writer = Writer::new(0);
            outbound.fill(now, &mut writer);
            let content = writer.finish();
            let (_, entries) = crate::channel::packet::parse(&content).unwrap();
            packets.push(entries.iter().map(|entry| entry.number).collect());
        }
        packets
    }

    #[test]
    fn what_is_sent_once_is_not_sent_again_before_the_time_out() {
        let mut outbound = Outbound::default();
        assert_eq!(outbound.push(Kind::Text, b"one"), Ok(1));
        assert_eq!(packets(&mut outbound, at(0)), [[1]]);
        assert_eq!(packets(&mut outbound, at(10)), Vec::<Vec<u64>>::new());
        assert_eq!(outbound.timeout(), Some(at(1000)));
    }

    #[test]
    fn a_time_out_sends_one_packet_and_an_acknowledgement_lets_the_rest_follow() {
        let mut outbound = Outbound::default();
        for _ in 0..3 {
            outbound.push(Kind::Text, &[b'x'; MAX_TEXT]).unwrap();
        }
        assert_eq!(packets(&mut outbound, at(0)), [[1], [2], [3]]);
        outbound.time_out();
        assert_eq!(packets(&mut outbound, at(1000)), [[1]]);
        assert_eq!(outbound.timeout(), Some(at(3000)), "backed off");
        outbound.time_out();
        assert_eq!(packets(&mut outbound, at(3000)), [[1]]);
        assert_eq!(outbound.acknowledge(at(3100), 1), Ok(vec![1]));
        assert_eq!(packets(&mut outbound, at(3100)), [[2], [3]]);
        assert_eq!(outbound.acknowledge(at(3200), 3), Ok(vec![2, 3]));
        assert_eq!((outbound.timeout(), outbound.is_empty()), (None, true));
    }

    #[test]
    fn a_restart_sends_everything_again_packed_together_and_forgets_the_back_off() {
        let mut outbound = Outbound::default();
        for _ in 0..5 {
            outbound.push(Kind::Text, b"x").unwrap();
            packets(&mut outbound, at(0));
        }
        outbound.time_out();
        outbound.time_out();
        outbound.restart();
        assert_eq!(packets(&mut outbound, at(9000)), [[1, 2, 3, 4, 5]]);
        assert_eq!(outbound.timeout(), Some(at(10_000)));
    }

    #[test]
    fn only_messages_sent_once_measure_the_round_trip() {
        let mut outbound = Outbound::default();
        outbound.push(Kind::Text, b"x").unwrap();
        packets(&mut outbound, at(0));
        outbound.time_out();
        packets(&mut outbound, at(1000));
        outbound.acknowledge(at(1001), 1).unwrap();
        assert_eq!(outbound.round_trip.timeout(), 2000 * MS, "the first estimate stands, and its doubling");

        outbound.push(Kind::Text, b"x").unwrap();
        packets(&mut outbound, at(2000));
        outbound.acknowledge(at(2300), 2).unwrap();
        assert_eq!(outbound.round_trip.timeout(), 900 * MS, "300 + 4 * 150");
    }

    #[test]
    fn a_path_slower_than_the_first_time_out_is_measured_in_the_end() {
        let mut outbound = Outbound::default();
        let (mut now, mut spare) = (0, 0);
        for number in 1..=5 {
            outbound.push(Kind::Text, b"x").unwrap();
            packets(&mut outbound, at(now));
            while let Some(timeout) = outbound.timeout().filter(|timeout| *timeout < at(now + 3000)) {
                outbound.time_out();
                spare += packets(&mut outbound, timeout).len();
            }
            now += 3000;
            outbound.acknowledge(at(now), number).unwrap();
        }
        assert_eq!(spare, 2, "after 1 s, then after 2 s; 4 s are long enough for a measure");
    }

    #[test]
    fn the_window_holds_63_messages_and_a_goodbye() {
        let mut outbound = Outbound::default();
        for _ in 0..63 {
            outbound.push(Kind::Text, b"x").unwrap();
        }
        assert_eq!(outbound.push(Kind::Text, b"x"), Err(Refused::Full));
        assert_eq!(outbound.push(Kind::Typing, &[1]), Err(Refused::Full));
        assert_eq!(outbound.push(Kind::Bye, b""), Ok(64));
        assert_eq!(outbound.push(Kind::Bye, b""), Err(Refused::Full));
    }

    #[test]
    fn the_window_holds_seven_of_the_longest_texts_and_a_goodbye() {
        let mut outbound = Outbound::default();
        for _ in 0..7 {
            outbound.push(Kind::Text, &[b'x'; MAX_TEXT]).unwrap();
        }
        assert_eq!(outbound.push(Kind::Text, &[b'x'; MAX_TEXT]), Err(Refused::Full));
        assert!(outbound.has_room(Kind::Text, 1));
        assert_eq!(outbound.push(Kind::Bye, b""), Ok(8));
    }

    #[test]
    fn only_what_was_in_a_packet_can_be_acknowledged() {
        let mut outbound = Outbound::default();
        outbound.push(Kind::Text, b"x").unwrap();
        assert_eq!(outbound.acknowledge(at(0), 1), Err(BeyondSent));
        packets(&mut outbound, at(0));
        assert_eq!(outbound.acknowledge(at(1), 2), Err(BeyondSent));
        assert_eq!(outbound.acknowledge(at(1), 1), Ok(vec![1]));
        assert_eq!(outbound.acknowledge(at(2), 0), Ok(vec![]), "an old one says nothing");
    }
}
