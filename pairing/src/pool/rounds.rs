//! When wants are matched: at once, or where many come, in rounds of one second.
//!
//! Only with rounds is there a choice at all. Otherwise whoever always waits is the only one there
//! when somebody comes.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use schemas::{UnixMillis, WantId, criteria::Queue};

use super::index_key::RoleQueue;

/// So long a want waits for others where many come.
pub(super) const ROUND: Duration = Duration::from_secs(1);

/// Where more wants than these come in [`BUSY_TIME`], they are matched in rounds.
const FEW: usize = 4;
/// See [`FEW`].
const BUSY_TIME: Duration = Duration::from_secs(10);

/// The wants among which matches are made: those of a queue without a role, or those with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Market {
    queue: Queue,
    has_roles: bool,
}

impl Market {
    pub(super) fn of(role_queue: RoleQueue) -> Self {
        Self { queue: role_queue.queue, has_roles: role_queue != role_queue.counterpart() }
    }
}

/// When wants came to a market last: one more than [`FEW`].
#[derive(Clone, Copy, Debug)]
struct Arrivals([UnixMillis; FEW + 1]);

impl Arrivals {
    fn note(&mut self, now: UnixMillis) {
        self.0.rotate_left(1);
        self.0[FEW] = now;
    }

    fn are_many(&self, now: UnixMillis) -> bool {
        now.since(self.0[0]) < BUSY_TIME
    }

    fn last(&self) -> UnixMillis {
        self.0[FEW]
    }
}

/// Which markets are busy, and which wants wait for the round of theirs.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    arrivals: BTreeMap<Market, Arrivals>,
    /// Markets by when they may be forgotten, unless somebody has come since.
    fading: VecDeque<(UnixMillis, Market)>,
    /// The wants for which there will be a round.
    pending: BTreeSet<(Market, WantId)>,
    due: BTreeSet<(UnixMillis, Market)>,
    due_of: BTreeMap<Market, UnixMillis>,
}

impl Rounds {
    /// A want has come.
    pub(super) fn arrived(&mut self, now: UnixMillis, market: Market) {
        let never = UnixMillis(0);
        self.arrivals.entry(market).or_insert(Arrivals([never; FEW + 1])).note(now);
        self.fading.push_back((now + BUSY_TIME, market));
    }

    /// Whether the wants of a market are matched in rounds.
    pub(super) fn is_busy(&self, now: UnixMillis, market: Market) -> bool {
        self.arrivals.get(&market).is_some_and(|arrivals| arrivals.are_many(now))
    }

    /// Lets a want wait for the round of its market.
    pub(super) fn wait(&mut self, now: UnixMillis, market: Market, id: WantId) {
        self.pending.insert((market, id));
        if !self.due_of.contains_key(&market) {
            self.schedule(now + ROUND, market);
        }
    }

    fn schedule(&mut self, at: UnixMillis, market: Market) {
        self.due_of.insert(market, at);
        self.due.insert((at, market));
    }

    /// When the next round is.
    pub(super) fn next_deadline(&self) -> Option<UnixMillis> {
        self.due.first().map(|(due, _)| *due)
    }

    /// The wants of a market whose round has come, at most so many. If there are more, their round
    /// goes on at once.
    pub(super) fn begin(&mut self, now: UnixMillis, most: usize) -> Option<Vec<WantId>> {
        let (due, market) = *self.due.first().filter(|(due, _)| *due <= now)?;
        self.due.remove(&(due, market));
        self.due_of.remove(&market);
        let first = (market, WantId::from_bytes([0; 16]));
        let all = self.pending.range(first..).take_while(|(of, _)| *of == market);
        let ids: Vec<_> = all.take(most).map(|(_, id)| *id).collect();
        for id in &ids {
            self.pending.remove(&(market, *id));
        }
        if self.pending.range(first..).next().is_some_and(|(of, _)| *of == market) {
            self.schedule(now, market);
        }
        Some(ids)
    }

    /// Forgets all rounds: another replica makes the matches.
    pub(super) fn clear(&mut self) {
        self.pending.clear();
        self.due.clear();
        self.due_of.clear();
    }

    /// Forgets markets to which nobody has come for a while, a few at a time.
    pub(super) fn expire(&mut self, now: UnixMillis, steps: usize) {
        for _ in 0..steps {
            match self.fading.front() {
                Some((until, market)) if *until <= now => {
                    let is_over = |arrivals: &Arrivals| now.since(arrivals.last()) >= BUSY_TIME;
                    if self.arrivals.get(market).is_some_and(is_over) {
                        self.arrivals.remove(market);
                    }
                    self.fading.pop_front();
                }
                _ => break,
            }
        }
        if self.fading.capacity() > 1024 && self.fading.capacity() > 4 * self.fading.len() {
            self.fading.shrink_to(2 * self.fading.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use schemas::criteria::{ChannelVersion, Role};

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn id(n: u8) -> WantId {
        WantId::from_bytes([n; 16])
    }

    #[test]
    fn seek_and_offer_are_one_market_and_no_role_is_another() {
        let market = |role| Market::of(RoleQueue::new(Queue::Anyone, role, ChannelVersion::CURRENT));
        assert_eq!(market(Some(Role::Seek)), market(Some(Role::Offer)));
        assert_ne!(market(Some(Role::Seek)), market(None));
    }

    #[test]
    fn a_market_is_busy_while_more_than_four_came_in_ten_seconds() {
        let (mut rounds, market) =
            (Rounds::default(), Market::of(RoleQueue::new(Queue::Anyone, None, ChannelVersion::CURRENT)));
        for _ in 0..FEW {
            rounds.arrived(NOW, market);
            assert!(!rounds.is_busy(NOW, market));
        }
        let later = NOW + Duration::from_secs(9);
        rounds.arrived(later, market);
        assert!(rounds.is_busy(later, market));
        let calm = NOW + BUSY_TIME;
        assert!(!rounds.is_busy(calm, market));
        rounds.expire(calm, 99);
        assert_eq!(rounds.arrivals.len(), 1, "one came a second ago");
        rounds.expire(later + BUSY_TIME, 99);
        assert!(rounds.arrivals.is_empty() && rounds.fading.is_empty());
    }

    #[test]
    fn the_first_who_waits_sets_the_time_and_a_large_round_goes_on_in_parts() {
        let (mut rounds, market) =
            (Rounds::default(), Market::of(RoleQueue::new(Queue::Anyone, None, ChannelVersion::CURRENT)));
        rounds.wait(NOW, market, id(1));
        rounds.wait(NOW + ROUND / 2, market, id(2));
        rounds.wait(NOW + ROUND / 2, market, id(3));
        assert_eq!(rounds.next_deadline(), Some(NOW + ROUND));
        assert_eq!(rounds.begin(NOW + ROUND / 2, 9), None);
        let now = NOW + ROUND;
        assert_eq!(rounds.begin(now, 2), Some(vec![id(1), id(2)]));
        assert_eq!(rounds.next_deadline(), Some(now));
        assert_eq!(rounds.begin(now, 2), Some(vec![id(3)]));
        assert_eq!(rounds.begin(now, 2), None);
        assert_eq!(rounds.next_deadline(), None);
    }
}
