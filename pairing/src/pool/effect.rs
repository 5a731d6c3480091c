//! What the pool has decided.

use schemas::{NodeId, WantId, event::MatchEvent};

/// A message from pairing to a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The gateway.
    pub to: NodeId,
    /// The match. The halves of a pair are in the order of their ids.
    pub event: MatchEvent,
}

impl Effect {
    /// The wants that it concerns.
    pub(super) fn wants(&self) -> Vec<WantId> {
        match &self.event {
            MatchEvent::Pair(halves) => halves.iter().map(|half| half.want).collect(),
            MatchEvent::Spent(want) => vec![*want],
        }
    }
}
