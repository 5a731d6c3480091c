//! Which generation of each gateway's certificates counts: the highest that was seen. A generation
//! ends with a revocation (`cipher-chat pki --revoke`), and nobody but the authority can begin the
//! next one.

use std::collections::{BTreeMap, BTreeSet};

use parking_lot::Mutex;
use schemas::NodeId;

/// How many gateways are known at most, some 100 bytes each: more than a cluster has. Each needs a
/// certificate of the authority.
const MOST: usize = 4096;

/// A number in a certificate; 0 in one that has none, which was not made by `cipher-chat pki`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Generation(pub(crate) u32);

/// What was seen of all gateways.
#[derive(Default)]
pub(crate) struct Generations(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    highest: BTreeMap<NodeId, Generation>,
    /// The gateways of which a higher one was seen than before.
    raised: BTreeSet<NodeId>,
}

impl Generations {
    /// A certificate of `node` that is valid in all other respects. Returns whether none of a later
    /// generation was seen.
    pub(crate) fn admit(&self, node: &NodeId, generation: Generation) -> bool {
        let mut seen = self.0.lock();
        let Some(highest) = seen.highest.get(node).copied() else {
            if seen.highest.len() < MOST {
                seen.highest.insert(node.clone(), generation);
            }
            return true;
        };
        if generation < highest {
            return false;
        }
        if generation > highest {
            seen.highest.insert(node.clone(), generation);
            seen.raised.insert(node.clone());
        }
        true
    }

    /// Whether a later one was seen.
    pub(crate) fn is_over(&self, node: &NodeId, generation: Generation) -> bool {
        self.0.lock().highest.get(node).is_some_and(|highest| generation < *highest)
    }

    /// The gateways of which a higher one was seen since this was asked last.
    pub(crate) fn take_raised(&self) -> BTreeSet<NodeId> {
        std::mem::take(&mut self.0.lock().raised)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> NodeId {
        name.parse().unwrap()
    }

    #[test]
    fn the_highest_counts_for_each_gateway_alone() {
        let seen = Generations::default();
        assert!(seen.admit(&node("g1"), Generation(1)));
        assert!(seen.take_raised().is_empty(), "the first is no revocation");
        assert!(seen.admit(&node("g1"), Generation(3)));
        assert!(seen.admit(&node("g1"), Generation(3)));
        assert!(!seen.admit(&node("g1"), Generation(2)));
        assert!(seen.is_over(&node("g1"), Generation(2)) && !seen.is_over(&node("g1"), Generation(3)));
        assert!(seen.admit(&node("g2"), Generation(1)));
        assert_eq!(seen.take_raised(), BTreeSet::from([node("g1")]));
        assert!(seen.take_raised().is_empty());
    }

    #[test]
    fn a_full_memory_takes_in_no_further_gateway_and_forgets_none() {
        let seen = Generations::default();
        for n in 0..=MOST {
            assert!(seen.admit(&node(&format!("g{n}")), Generation(2)));
        }
        assert!(!seen.admit(&node("g0"), Generation(1)));
        assert!(seen.admit(&node(&format!("g{MOST}")), Generation(1)));
    }
}
