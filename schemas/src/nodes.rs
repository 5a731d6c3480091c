//! Which nodes of one kind are alive: a fold over their heartbeats.

use std::{collections::BTreeMap, time::Duration};

use crate::{BootId, NodeId, UnixMillis, event::Heartbeat, event::Load, limits};

/// The living nodes of one kind, by id.
#[derive(Clone, Debug, Default)]
pub struct Nodes(BTreeMap<NodeId, Node>);

#[derive(Clone, Debug)]
struct Node {
    /// `None` until its heartbeat has been heard.
    boot: Option<BootId>,
    heard: UnixMillis,
    load: Load,
    draining: bool,
}

/// What a heartbeat tells that was not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing: it lived and lives.
    None,
    /// A node that was not known, or had fallen silent.
    Joined,
    /// A known node has started again: all that it held is gone.
    Restarted,
}

impl Nodes {
    /// Folds a heartbeat in.
    pub fn hear(&mut self, now: UnixMillis, from: &NodeId, heartbeat: &Heartbeat) -> News {
        let Heartbeat { boot, load, draining, .. } = *heartbeat;
        let before = self.0.insert(from.clone(), Node { boot: Some(boot), heard: now, load, draining });
        match before.and_then(|before| before.boot) {
            None => News::Joined,
            Some(before) if before != boot => News::Restarted,
            Some(_) => News::None,
        }
    }

    /// A node has been heard to hold something. If its heartbeat does not follow, it is among the silent ones in time, too: it may
    /// have died since, and nothing else would tell.
    pub fn expect(&mut self, now: UnixMillis, node: &NodeId) {
        if !self.0.contains_key(node) {
            let unknown = Node { boot: None, heard: now, load: Load::default(), draining: false };
            self.0.insert(node.clone(), unknown);
        }
    }

    /// The copy of a living node's name that is kept here.
    pub fn name(&self, node: &NodeId) -> Option<&NodeId> {
        self.0.get_key_value(node).map(|(name, _)| name)
    }

    /// Forgets and returns the nodes that have been silent for [`limits::NODE_SILENCE`].
    pub fn expire(&mut self, now: UnixMillis) -> Vec<NodeId> {
        let dead = |node: &Node| now.since(node.heard) >= limits::NODE_SILENCE;
        self.0.extract_if(.., |_, node| dead(node)).map(|(id, _)| id).collect()
    }

    /// Takes a pause in which nobody listened here out of their silence: what they said meanwhile is still to be read.
    pub fn forgive(&mut self, now: UnixMillis, pause: Duration) {
        for node in self.0.values_mut() {
            node.heard = (node.heard + pause).min(now);
        }
    }

    /// Forgets all: after a gap in hearing, silence proves nothing.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether the node is alive.
    pub fn contains(&self, node: &NodeId) -> bool {
        self.0.contains_key(node)
    }

    /// The node with the lowest id that is not going away: among replicas, the one that speaks.
    pub fn lowest(&self) -> Option<&NodeId> {
        self.0.iter().find(|(_, node)| node.serves()).map(|(id, _)| id)
    }

    /// The sum of what they carry.
    pub fn load(&self) -> Load {
        self.0.values().fold(Load::default(), |sum, node| Load {
            connections: sum.connections.saturating_add(node.load.connections),
            waiting: sum.waiting.saturating_add(node.load.waiting),
            chatting: sum.chatting.saturating_add(node.load.chatting),
        })
    }

    /// How many are alive and not going away.
    pub fn serving(&self) -> usize {
        self.0.values().filter(|node| node.serves()).count()
    }
}

impl Node {
    fn serves(&self) -> bool {
        self.boot.is_some() && !self.draining
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beat(boot: u64) -> Heartbeat {
        let load = Load { connections: 2, ..Load::default() };
        Heartbeat { boot: BootId(boot), version: "1".into(), load, draining: false }
    }

    #[test]
    fn a_node_lives_until_it_has_been_silent_for_three_and_a_half_seconds() {
        let (one, two): (NodeId, NodeId) = ("n1".parse().unwrap(), "n2".parse().unwrap());
        let mut nodes = Nodes::default();
        let start = UnixMillis(1_000_000);
        assert_eq!(nodes.hear(start, &two, &beat(1)), News::Joined);
        assert_eq!(nodes.hear(start, &one, &beat(1)), News::Joined);
        assert_eq!((nodes.lowest(), nodes.load().connections), (Some(&one), 4));
        assert_eq!(nodes.hear(start + limits::HEARTBEAT, &two, &beat(1)), News::None);
        assert_eq!(nodes.expire(start + limits::NODE_SILENCE), [one]);
        assert_eq!(nodes.lowest(), Some(&two));
    }

    #[test]
    fn whoever_goes_away_is_passed_over_at_once() {
        let (one, two): (NodeId, NodeId) = ("n1".parse().unwrap(), "n2".parse().unwrap());
        let mut nodes = Nodes::default();
        nodes.hear(UnixMillis(0), &two, &beat(1));
        nodes.hear(UnixMillis(0), &one, &Heartbeat { draining: true, ..beat(1) });
        assert_eq!(nodes.lowest(), Some(&two));
        assert!(nodes.contains(&one));
    }

    #[test]
    fn a_node_that_is_only_expected_falls_silent_like_any_other() {
        let node: NodeId = "n1".parse().unwrap();
        let mut nodes = Nodes::default();
        nodes.expect(UnixMillis(0), &node);
        assert_eq!((nodes.lowest(), nodes.serving()), (None, 0), "nothing is known of it");
        assert_eq!(nodes.expire(UnixMillis(0) + limits::NODE_SILENCE), std::slice::from_ref(&node));
        nodes.expect(UnixMillis(0), &node);
        assert_eq!(nodes.hear(UnixMillis(1), &node, &beat(1)), News::Joined);
        nodes.expect(UnixMillis(2), &node);
        assert_eq!(nodes.hear(UnixMillis(3), &node, &beat(2)), News::Restarted, "what is known stays");
    }

    #[test]
    fn a_new_boot_id_is_a_restart() {
        let node: NodeId = "n1".parse().unwrap();
        let mut nodes = Nodes::default();
        nodes.hear(UnixMillis(0), &node, &beat(1));
        assert_eq!(nodes.hear(UnixMillis(1), &node, &beat(2)), News::Restarted);
    }

    #[test]
    fn a_pause_here_is_not_their_silence_and_nobody_is_heard_in_the_future() {
        let (one, two): (NodeId, NodeId) = ("n1".parse().unwrap(), "n2".parse().unwrap());
        let mut nodes = Nodes::default();
        let (start, second) = (UnixMillis(10_000), Duration::from_secs(1));
        nodes.hear(start, &one, &beat(1));
        nodes.hear(start + second * 60, &two, &beat(1));
        nodes.forgive(start + second * 61, second * 60);
        assert_eq!(nodes.expire(start + second * 60 + limits::NODE_SILENCE), [one]);
        assert_eq!(nodes.expire(start + second * 61 + limits::NODE_SILENCE), [two]);
    }
}
