//! How many wait in each class of strangers, and on which gateways. It costs each want that comes
//! or leaves one look-up; what is told of it is a bounded part each second.

use std::{collections::BTreeMap, ops::Bound};

use schemas::NodeId;

use super::index_key::RoleQueue;

/// All classes in which somebody waits. People with an invite are not counted: they know whom they
/// wait for.
#[derive(Debug, Default)]
pub(super) struct Census {
    classes: BTreeMap<RoleQueue, Counts>,
    /// After this class the next part begins.
    told: Option<RoleQueue>,
}

/// Those who wait in one class.
#[derive(Debug, Default)]
struct Counts {
    waiting: u32,
    /// The gateways on which they are, in order, and how many on each: few for most classes.
    nodes: Vec<(NodeId, u32)>,
}

impl Census {
    /// Somebody waits there.
    pub(super) fn joined(&mut self, role_queue: RoleQueue, node: &NodeId) {
        if role_queue.queue.invite_tag().is_some() {
            return;
        }
        let counts = self.classes.entry(role_queue).or_default();
        counts.waiting += 1;
        match counts.find(node) {
            Ok(at) => counts.nodes[at].1 += 1,
            Err(at) => {
                counts.nodes.reserve_exact(1);
                counts.nodes.insert(at, (node.clone(), 1));
            }
        }
    }

    /// Somebody does not any more.
    pub(super) fn left(&mut self, role_queue: RoleQueue, node: &NodeId) {
        let Some(counts) = self.classes.get_mut(&role_queue) else { return };
        let Ok(at) = counts.find(node) else { return };
        counts.waiting -= 1;
        counts.nodes[at].1 -= 1;
        if counts.nodes[at].1 == 0 {
            counts.nodes.remove(at);
        }
        if counts.nodes.is_empty() {
            self.classes.remove(&role_queue);
        }
    }

    /// How many wait there.
    pub(super) fn waiting(&self, role_queue: RoleQueue) -> u32 {
        self.classes.get(&role_queue).map_or(0, |counts| counts.waiting)
    }

    /// The next classes in turn, at most so many, with the gateways that hold somebody of each. No
    /// class is named twice.
    pub(super) fn next_part(&mut self, most: usize) -> Vec<(RoleQueue, Vec<NodeId>)> {
        let after = self.told.map_or(Bound::Unbounded, Bound::Excluded);
        let up_to = self.told.map_or(Bound::Excluded(RoleQueue::first_of_all()), Bound::Included);
        let rest = self.classes.range((after, Bound::Unbounded));
        let part: Vec<_> = rest
            .chain(self.classes.range((Bound::Unbounded, up_to)))
            .take(most)
            .map(|(class, counts)| (*class, counts.nodes.iter().map(|(node, _)| node.clone()).collect()))
            .collect();
        self.told = part.last().map(|(class, _)| *class);
        part
    }
}

impl Counts {
    fn find(&self, node: &NodeId) -> Result<usize, usize> {
        self.nodes.binary_search_by(|(held, _)| held.cmp(node))
    }
}

#[cfg(test)]
mod tests {
    use schemas::criteria::{ChannelVersion, Queue};

    use super::*;

    fn class(n: u8) -> RoleQueue {
        RoleQueue::new(Queue::Topic([n; 16]), None, ChannelVersion::CURRENT)
    }

    fn node(name: &str) -> NodeId {
        name.parse().unwrap()
    }

    #[test]
    fn nothing_remains_of_those_who_have_left() {
        let mut census = Census::default();
        for (class, node) in [(class(1), node("g2")), (class(1), node("g1")), (class(1), node("g2"))] {
            census.joined(class, &node);
        }
        assert_eq!(census.waiting(class(1)), 3);
        assert_eq!(census.next_part(9), [(class(1), vec![node("g1"), node("g2")])]);
        census.left(class(1), &node("g1"));
        census.left(class(1), &node("g3"));
        census.left(class(2), &node("g1"));
        assert_eq!((census.waiting(class(1)), census.waiting(class(2))), (2, 0));
        assert_eq!(census.next_part(9), [(class(1), vec![node("g2")])]);
        census.left(class(1), &node("g2"));
        census.left(class(1), &node("g2"));
        assert!(census.classes.is_empty() && census.next_part(9).is_empty());
    }

    #[test]
    fn all_classes_have_their_turn() {
        let mut census = Census::default();
        (1..=5).for_each(|n| census.joined(class(n), &node("g1")));
        let mut part = |most| census.next_part(most).into_iter().map(|(class, _)| class).collect::<Vec<_>>();
        assert_eq!(part(3), [1, 2, 3].map(class));
        assert_eq!(part(3), [4, 5, 1].map(class));
        assert_eq!(part(9), [2, 3, 4, 5, 1].map(class), "none is named twice");
    }

    #[test]
    fn people_with_an_invite_are_not_counted() {
        let mut census = Census::default();
        let invite = RoleQueue::new(Queue::Invite([1; 16]), None, ChannelVersion::CURRENT);
        census.joined(invite, &node("g1"));
        census.left(invite, &node("g1"));
        assert!(census.classes.is_empty());
    }
}
