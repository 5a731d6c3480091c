//! How often one node may make this one check what it says of keys: signatures are costly.

use std::{collections::BTreeMap, time::Duration};

use schemas::{NodeId, UnixMillis};

/// How many announcements of one node are checked at once: all keys of a cluster of a hundred
/// gateways, twice over. They take some 25 ms.
const BURST: u32 = 256;

/// One more is checked in this time. A gateway makes a key an hour, and announces those of others
/// that it has heard of; what is not checked now it announces again within half a minute.
const INTERVAL: Duration = Duration::from_secs(1);

/// Of how many nodes it is remembered at once how much they have said. Beyond it, those who have
/// said nothing for a while are forgotten; if there are none, others have to wait.
const SPEAKERS: usize = 1024;

/// How much each node has had checked. What a node has never said costs nothing.
#[derive(Debug, Default)]
pub(crate) struct KeyChecks {
    /// When each will have been silent for long enough to have its whole burst again.
    paid_until: BTreeMap<NodeId, UnixMillis>,
}

impl KeyChecks {
    /// Whether one more announcement of this node is checked now.
    pub(crate) fn take(&mut self, now: UnixMillis, speaker: &NodeId) -> bool {
        let paid = self.paid_until.get(speaker).copied().unwrap_or_default().max(now) + INTERVAL;
        if paid.since(now) > INTERVAL * BURST {
            return false;
        }
        if self.paid_until.len() >= SPEAKERS && !self.paid_until.contains_key(speaker) {
            self.paid_until.retain(|_, until| *until > now);
            if self.paid_until.len() >= SPEAKERS {
                return false;
            }
        }
        self.paid_until.insert(speaker.clone(), paid);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixMillis = UnixMillis(1_000_000);

    fn node(n: usize) -> NodeId {
        format!("g{n}").parse().unwrap()
    }

    fn taken(checks: &mut KeyChecks, now: UnixMillis, speaker: usize, tries: u32) -> u32 {
        (0..tries).map(|_| u32::from(checks.take(now, &node(speaker)))).sum()
    }

    #[test]
    fn a_node_has_a_burst_and_then_one_a_second_and_takes_nothing_from_others() {
        let mut checks = KeyChecks::default();
        assert_eq!(taken(&mut checks, START, 1, 10_000), BURST);
        assert_eq!(taken(&mut checks, START + Duration::from_secs(3), 1, 10_000), 3);
        assert_eq!(taken(&mut checks, START, 2, 10_000), BURST);
        assert_eq!(taken(&mut checks, START + INTERVAL * 2 * BURST, 1, 10_000), BURST);
    }

    #[test]
    fn names_without_end_take_no_memory_without_end() {
        let mut checks = KeyChecks::default();
        let known = (0..10 * SPEAKERS).filter(|n| checks.take(START, &node(*n))).count();
        assert_eq!((known, checks.paid_until.len()), (SPEAKERS, SPEAKERS));
        assert!(checks.take(START, &node(0)), "who is known goes on");
        assert!(checks.take(START + INTERVAL * 2, &node(10 * SPEAKERS)), "the silent are forgotten");
    }
}
