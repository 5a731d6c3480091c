//! Which nodes of one role are running: a fold over their heartbeats.

use std::{collections::BTreeMap, time::Duration};

use crate::{BootId, NodeId, UnixMillis, event::Heartbeat, event::Load, limits};

/// How many nodes of one role are known at most, some 200 bytes each: more than a cluster has, and
/// nobody can fill a node's memory with names.
const MOST: usize = 4096;

/// The running nodes of one role, by id.
#[derive(Clone, Debug, Default)]
pub struct Nodes(BTreeMap<NodeId, Node>);

#[derive(Clone, Debug)]
struct Node {
    /// `None` until its heartbeat has been received.
    boot: Option<BootId>,
    heard: UnixMillis,
    load: Load,
    draining: bool,
    /// Where clients reach it, if it says so. Boxed: few do.
    url: Option<Box<str>>,
}

/// What a heartbeat changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeChange {
    /// Nothing: the node was running and still is.
    None,
    /// The node was not known, or had fallen silent.
    Joined,
    /// The node has started again: all that it held is gone.
    Restarted,
}

impl Nodes {
    /// Applies a heartbeat.
    pub fn apply(&mut self, now: UnixMillis, from: &NodeId, heartbeat: &Heartbeat) -> NodeChange {
        let Heartbeat { boot, load, draining, .. } = *heartbeat;
        let url = heartbeat.url.as_deref().filter(|url| url.len() <= limits::URL_BYTES).map(Box::from);
        if self.is_full_for(from) {
            return NodeChange::None;
        }
        let before = self.0.insert(from.clone(), Node { boot: Some(boot), heard: now, load, draining, url });
        match before.and_then(|before| before.boot) {
            None => NodeChange::Joined,
            Some(before) if before != boot => NodeChange::Restarted,
            Some(_) => NodeChange::None,
        }
    }

    /// Adds a node that is known to hold something, but not by a heartbeat. If none follows, the
    /// node becomes silent in time like any other. It may have been lost meanwhile, and nothing
    /// else would show that.
    pub fn expect(&mut self, now: UnixMillis, node: &NodeId) {
        if !self.0.contains_key(node) && !self.is_full_for(node) {
            let (load, draining) = (Load::default(), false);
            let unknown = Node { boot: None, heard: now, load, draining, url: None };
            self.0.insert(node.clone(), unknown);
        }
    }

    fn is_full_for(&self, node: &NodeId) -> bool {
        self.0.len() >= MOST && !self.0.contains_key(node)
    }

    /// The copy of a running node's id that is kept here.
    pub fn name(&self, node: &NodeId) -> Option<&NodeId> {
        self.0.get_key_value(node).map(|(name, _)| name)
    }

    /// Forgets and returns the nodes that have been silent for [`limits::NODE_SILENCE`].
    pub fn expire(&mut self, now: UnixMillis) -> Vec<NodeId> {
        let silent = |node: &Node| now.since(node.heard) >= limits::NODE_SILENCE;
        self.0.extract_if(.., |_, node| silent(node)).map(|(id, _)| id).collect()
    }

    /// Does not count a pause of this node as the others' silence: their heartbeats of that time
    /// are still to be read.
    pub fn discount_pause(&mut self, now: UnixMillis, pause: Duration) {
        for node in self.0.values_mut() {
            node.heard = (node.heard + pause).min(now);
        }
    }

    /// Forgets all nodes: after a gap, silence proves nothing.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether the node is running.
    pub fn contains(&self, node: &NodeId) -> bool {
        self.0.contains_key(node)
    }

    /// The node with the lowest id that is not draining: among replicas, the leader.
    pub fn lowest(&self) -> Option<&NodeId> {
        self.0.iter().find(|(_, node)| node.serves()).map(|(id, _)| id)
    }

    /// The same but for one node.
    pub fn lowest_but(&self, but: &NodeId) -> Option<&NodeId> {
        self.0.iter().find(|(id, node)| node.serves() && *id != but).map(|(id, _)| id)
    }

    /// Those whose heartbeats are heard.
    pub fn heard(&self) -> impl Iterator<Item = &NodeId> {
        self.0.iter().filter(|(_, node)| node.boot.is_some()).map(|(id, _)| id)
    }

    /// Whether the heartbeat of any is heard.
    pub fn is_any_heard(&self) -> bool {
        self.0.values().any(|node| node.boot.is_some())
    }

    /// The public address of one of those that serve and have one. `draw` is any number: which one
    /// is chosen by it, evenly.
    pub fn public_address(&self, draw: u64) -> Option<&str> {
        let addresses: Vec<_> =
            self.0.values().filter(|node| node.serves()).filter_map(|node| node.url.as_deref()).collect();
        let chosen = draw.checked_rem(addresses.len() as u64)?;
        addresses.get(usize::try_from(chosen).ok()?).copied()
    }

    /// The sum of their loads.
    pub fn load(&self) -> Load {
        self.0.values().fold(Load::default(), |sum, node| Load {
            connections: sum.connections.saturating_add(node.load.connections),
            waiting: sum.waiting.saturating_add(node.load.waiting),
            chatting: sum.chatting.saturating_add(node.load.chatting),
        })
    }

    /// How many are running and not draining.
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
        Heartbeat { load, ..Heartbeat::new(BootId(boot), "1") }
    }

    #[test]
    fn a_node_counts_as_running_until_it_has_been_silent_for_three_and_a_half_seconds() {
        let (one, two): (NodeId, NodeId) = ("n1".parse().unwrap(), "n2".parse().unwrap());
        let mut nodes = Nodes::default();
        let start = UnixMillis(1_000_000);
        assert_eq!(nodes.apply(start, &two, &beat(1)), NodeChange::Joined);
        assert_eq!(nodes.apply(start, &one, &beat(1)), NodeChange::Joined);
        assert_eq!((nodes.lowest(), nodes.load().connections), (Some(&one), 4));
        assert_eq!(nodes.apply(start + limits::HEARTBEAT, &two, &beat(1)), NodeChange::None);
        assert_eq!(nodes.expire(start + limits::NODE_SILENCE), [one]);
        assert_eq!(nodes.lowest(), Some(&two));
    }

    #[test]
    fn a_draining_node_is_passed_over_at_once() {
        let (one, two): (NodeId, NodeId) = ("n1".parse().unwrap(), "n2".parse().unwrap());
        let mut nodes = Nodes::default();
        nodes.apply(UnixMillis(0), &two, &beat(1));
        nodes.apply(UnixMillis(0), &one, &Heartbeat { draining: true, ..beat(1) });
        assert_eq!(nodes.lowest(), Some(&two));
        assert!(nodes.contains(&one));
    }

    #[test]
    fn clients_are_sent_to_the_addresses_of_those_that_serve() {
        let mut nodes = Nodes::default();
        assert_eq!(nodes.public_address(7), None);
        let with = |url: &str, draining| Heartbeat { url: Some(url.into()), draining, ..beat(1) };
        let long = format!("https://{}", "a".repeat(limits::URL_BYTES));
        for (name, heartbeat) in [
            ("n1", with("https://one.example", false)),
            ("n2", with("https://two.example", true)),
            ("n3", beat(1)),
            ("n4", with("https://four.example", false)),
            ("n5", with(&long, false)),
        ] {
            nodes.apply(UnixMillis(0), &name.parse().unwrap(), &heartbeat);
        }
        let mut told: Vec<_> = (0..100).filter_map(|draw| nodes.public_address(draw)).collect();
        assert_eq!(told.len(), 100);
        told.sort_unstable();
        told.dedup();
        assert_eq!(told, ["https://four.example", "https://one.example"]);
        nodes.expire(UnixMillis(0) + limits::NODE_SILENCE);
        assert_eq!(nodes.public_address(7), None);
    }

    #[test]
    fn a_node_that_is_only_expected_falls_silent_like_any_other() {
        let node: NodeId = "n1".parse().unwrap();
        let mut nodes = Nodes::default();
        nodes.expect(UnixMillis(0), &node);
        assert_eq!((nodes.lowest(), nodes.serving()), (None, 0), "nothing is known of it");
        assert_eq!(nodes.expire(UnixMillis(0) + limits::NODE_SILENCE), std::slice::from_ref(&node));
        nodes.expect(UnixMillis(0), &node);
        assert_eq!(nodes.apply(UnixMillis(1), &node, &beat(1)), NodeChange::Joined);
        nodes.expect(UnixMillis(2), &node);
        assert_eq!(nodes.apply(UnixMillis(3), &node, &beat(2)), NodeChange::Restarted, "what is known stays");
    }

    #[test]
    fn a_flood_of_names_displaces_none() {
        let mut nodes = Nodes::default();
        let name = |n: usize| format!("n{n}").parse::<NodeId>().unwrap();
        for n in 0..MOST + 100 {
            nodes.apply(UnixMillis(0), &name(n), &beat(1));
            nodes.expect(UnixMillis(0), &name(n + 1));
        }
        assert_eq!(nodes.0.len(), MOST);
        assert_eq!(nodes.apply(UnixMillis(1), &name(0), &beat(2)), NodeChange::Restarted);
    }

    #[test]
    fn a_new_boot_id_is_a_restart() {
        let node: NodeId = "n1".parse().unwrap();
        let mut nodes = Nodes::default();
        nodes.apply(UnixMillis(0), &node, &beat(1));
        assert_eq!(nodes.apply(UnixMillis(1), &node, &beat(2)), NodeChange::Restarted);
    }

    #[test]
    fn a_pause_here_is_not_their_silence_and_no_heartbeat_is_from_the_future() {
        let (one, two): (NodeId, NodeId) = ("n1".parse().unwrap(), "n2".parse().unwrap());
        let mut nodes = Nodes::default();
        let (start, second) = (UnixMillis(10_000), Duration::from_secs(1));
        nodes.apply(start, &one, &beat(1));
        nodes.apply(start + second * 60, &two, &beat(1));
        nodes.discount_pause(start + second * 61, second * 60);
        assert_eq!(nodes.expire(start + second * 60 + limits::NODE_SILENCE), [one]);
        assert_eq!(nodes.expire(start + second * 61 + limits::NODE_SILENCE), [two]);
    }
}
