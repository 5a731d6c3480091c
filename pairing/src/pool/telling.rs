//! What gateways are told of how it stands where their people wait.

use std::collections::BTreeMap;

use schemas::{
    NodeId, UnixMillis,
    criteria::{ChannelVersion, Queue, Role},
    limits::{ASK_BATCH, CLASS_BATCH},
    outlook::{Age, ClassState, QueueStates, places},
};

use super::{FairBy, Pool, RoleQueue};

/// How many classes are told of each second, in a few milliseconds. If people wait in more, all
/// have their turn.
const CLASSES_PER_SECOND: usize = CLASS_BATCH;

/// Whether it is known who was matched in the last quarter of an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// This pool has made all matches since.
    Known,
    /// Others may have made some.
    Unknown,
}

impl Pool {
    /// What gateways are to be told this second: each of the classes in which it has somebody who
    /// waits.
    pub fn tell(&mut self, now: UnixMillis, past: Past) -> Vec<(NodeId, QueueStates)> {
        let mut told: BTreeMap<NodeId, QueueStates> = BTreeMap::new();
        for (role_queue, nodes) in self.index.next_classes(CLASSES_PER_SECOND) {
            let state = self.state_of(now, past, role_queue);
            for node in nodes {
                told.entry(node).or_default().classes.push(state.clone());
            }
        }
        told.into_iter().collect()
    }

    /// How it stands in queues for which a gateway asks: of strangers, who speak the channel of
    /// this source, with each role and without.
    pub fn answer(&self, now: UnixMillis, past: Past, queues: &[Queue]) -> QueueStates {
        let strangers = queues.iter().take(ASK_BATCH).filter(|queue| queue.invite_tag().is_none());
        let roles = [None, Some(Role::Seek), Some(Role::Offer)];
        let classes = strangers
            .flat_map(|queue| roles.map(|role| RoleQueue::new(*queue, role, ChannelVersion::CURRENT)));
        QueueStates { classes: classes.map(|class| self.state_of(now, past, class)).collect() }
    }

    fn state_of(&self, now: UnixMillis, past: Past, role_queue: RoleQueue) -> ClassState {
        let others = role_queue.counterpart();
        let waits = |session: &_| self.index.of_session(session).is_some();
        let on_duty = self.recent_waits.on_duty(now, others, waits);
        let oldest = match self.fair_by {
            FairBy::Origin => Vec::new(),
            FairBy::Age => {
                let last = places().last().unwrap_or_default();
                let oldest = self.index.oldest(role_queue, last + 1);
                places().filter_map(|place| oldest.get(place)).map(|since| Age(now.since(*since))).collect()
            }
        };
        ClassState {
            class: role_queue.class(),
            waiting: self.index.waiting(role_queue),
            partners: self.index.waiting(others),
            // Whoever was seen is there, whoever else was not.
            on_duty: (on_duty > 0 || past == Past::Known).then_some(on_duty),
            wait: self.recent_waits.median(now, role_queue),
            oldest,
        }
    }
}
