//! Who runs, and who has fallen silent.

use std::{collections::BTreeMap, time::Duration};

use schemas::{BootId, NodeId, Service, UnixMillis, event::Heartbeat, limits};

/// How many nodes are known at most: more than a cluster has, and nobody fills the memory with
/// names.
const MOST: usize = 512;

/// A node that does not come back is forgotten after this time.
const FORGOTTEN: Duration = Duration::from_secs(15 * 60);

/// Answers are asked for every few seconds: without one for this long a node does not tell its
/// metrics.
const UNANSWERED: Duration = Duration::from_secs(10);

/// One role of a node.
pub(crate) type Key = (Service, NodeId);

/// A node as it was last heard.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) heartbeat: Heartbeat,
    pub(crate) heard: UnixMillis,
    /// Since when this boot of it has been heard.
    pub(crate) since: UnixMillis,
    /// How often it was seen to start again.
    pub(crate) restarts: u32,
    /// When it last told its metrics.
    answered: Option<UnixMillis>,
}

/// All nodes.
#[derive(Debug, Default)]
pub(crate) struct Nodes(pub(crate) BTreeMap<Key, Known>);

/// What became of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It has just fallen silent, or still is.
    Silent(NodeId),
    /// It is not known any more.
    Forgotten(NodeId),
}

impl Known {
    pub(crate) fn is_heard(&self, now: UnixMillis) -> bool {
        now.since(self.heard) < limits::NODE_SILENCE
    }

    /// Whether it has said that it would stop, and has.
    pub(crate) fn has_left(&self, now: UnixMillis) -> bool {
        self.heartbeat.draining && !self.is_heard(now)
    }

    pub(crate) fn tells_metrics(&self, now: UnixMillis) -> bool {
        self.answered.is_some_and(|answered| now.since(answered) < UNANSWERED)
    }
}

impl Nodes {
    pub(crate) fn hear(&mut self, now: UnixMillis, key: Key, heartbeat: Heartbeat) {
        let is_full = self.0.len() >= MOST;
        match self.0.get_mut(&key) {
            None if is_full => {}
            None => {
                let known = Known { heartbeat, heard: now, since: now, restarts: 0, answered: None };
                self.0.insert(key, known);
            }
            Some(known) => {
                if known.heartbeat.boot != heartbeat.boot {
                    known.restarts = known.restarts.saturating_add(1);
                    known.since = now;
                }
                known.heard = now;
                known.heartbeat = heartbeat;
            }
        }
    }

    /// Whether the node is known; only then is what it tells kept.
    pub(crate) fn answered(&mut self, now: UnixMillis, key: &Key) -> bool {
        let known = self.0.get_mut(key);
        known.map(|known| known.answered = Some(now)).is_some()
    }

    /// After a time in which nobody could be heard.
    pub(crate) fn discount(&mut self, now: UnixMillis) {
        self.0.values_mut().for_each(|known| known.heard = now);
    }

    /// Who is silent, and who is forgotten: at once if it has said that it would stop.
    pub(crate) fn expire(&mut self, now: UnixMillis) -> Vec<Change> {
        let is_over = |known: &Known| known.has_left(now) || now.since(known.heard) >= FORGOTTEN;
        let gone: Vec<_> = self.0.extract_if(.., |_, known| is_over(known)).map(|((_, id), _)| id).collect();
        let gone = gone.into_iter().filter(|id| self.of(id).next().is_none()).map(Change::Forgotten);
        let mut changes: Vec<_> = gone.collect();
        let silent = self.0.keys().filter(|(_, id)| !self.of(id).any(|known| known.is_heard(now)));
        changes.extend(silent.map(|(_, id)| Change::Silent(id.clone())));
        changes
    }

    /// What is known of a node in all its roles.
    fn of(&self, id: &NodeId) -> impl Iterator<Item = &Known> {
        self.0.iter().filter(move |((_, other), _)| other == id).map(|(_, known)| known)
    }

    /// Those who are heard.
    pub(crate) fn heard(&self, now: UnixMillis) -> impl Iterator<Item = (&Key, &Known)> {
        self.0.iter().filter(move |(_, known)| known.is_heard(now))
    }

    /// The boot id of a node, for an order to it.
    pub(crate) fn boot(known: &Known) -> BootId {
        known.heartbeat.boot
    }
}
