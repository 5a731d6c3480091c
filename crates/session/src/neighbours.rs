//! The other gateways on the bus: which are running, and what those that were cut off may have
//! missed.

use std::{collections::BTreeMap, time::Duration};

use schemas::{
    NodeId, UnixMillis,
    event::{Heartbeat, Load},
    limits,
    nodes::{NodeChange, Nodes},
};

/// A gateway that was never heard has mostly just started and holds nothing. In case it has not,
/// what was published this long ago is repeated.
const NEWCOMER: Duration = Duration::from_secs(60);
/// What was published this long before a gateway fell silent may not have reached it: the last
/// repetition comes after 5 s, and may be late.
const IN_FLIGHT: Duration = Duration::from_secs(10);

/// The other gateways, as this one hears them.
#[derive(Default)]
pub(crate) struct Neighbours {
    running: Nodes,
    /// Since when each gateway that has fallen silent may have missed what was published.
    silent: BTreeMap<NodeId, UnixMillis>,
    /// What was published of sessions since then is to be repeated: somebody may have missed it.
    repeat_since: Option<UnixMillis>,
}

/// What a heartbeat tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NeighbourNews {
    /// Nothing that was not known.
    Known,
    /// It has started, or was cut off: it is to know what it may have missed.
    Joined,
    /// It has started again: all that it held is gone.
    Restarted,
}

impl Neighbours {
    /// A gateway has published its heartbeat.
    pub(crate) fn hear(&mut self, now: UnixMillis, from: &NodeId, heartbeat: &Heartbeat) -> NeighbourNews {
        match self.running.apply(now, from, heartbeat) {
            NodeChange::None => NeighbourNews::Known,
            NodeChange::Restarted => NeighbourNews::Restarted,
            NodeChange::Joined => {
                let since = self.silent.remove(from).unwrap_or(now - NEWCOMER);
                self.repeat_from(since);
                NeighbourNews::Joined
            }
        }
    }

    /// A gateway holds something. It may have died before its first heartbeat was heard here.
    pub(crate) fn expect(&mut self, now: UnixMillis, node: &NodeId) {
        self.running.expect(now, node);
    }

    /// The copy of a running gateway's name that is kept here.
    pub(crate) fn name(&self, node: &NodeId) -> Option<&NodeId> {
        self.running.name(node)
    }

    /// Those that have fallen silent: what they held is gone, as far as anybody knows.
    pub(crate) fn expire(&mut self, now: UnixMillis) -> Vec<NodeId> {
        let gone = self.running.expire(now);
        for node in &gone {
            self.silent.insert(node.clone(), now - limits::NODE_SILENCE - IN_FLIGHT);
        }
        gone
    }

    /// Nobody listened here for this time: that is not their silence.
    pub(crate) fn excuse_silence(&mut self, now: UnixMillis, pause: Duration) {
        self.running.discount_pause(now, pause);
    }

    /// This node could not publish from then on, or what it published may be lost.
    pub(crate) fn unheard_from(&mut self, since: UnixMillis) {
        self.repeat_from(since - IN_FLIGHT);
    }

    fn repeat_from(&mut self, since: UnixMillis) {
        self.repeat_since = Some(self.repeat_since.map_or(since, |earlier| earlier.min(since)));
    }

    /// Since when what was published is to be repeated now, if it is.
    pub(crate) fn take_repetition(&mut self) -> Option<UnixMillis> {
        self.repeat_since.take()
    }

    /// Whoever has been silent for so long holds nothing from before: it is a newcomer if it is
    /// back.
    pub(crate) fn forget_silent(&mut self, now: UnixMillis, life: Duration) {
        self.silent.retain(|_, last| now.since(*last) < life);
    }

    /// Whether none of those that serve has a lower id than this node, but for one that does not
    /// count.
    pub(crate) fn is_first(&self, own: &NodeId, but: Option<&NodeId>) -> bool {
        let lowest = match but {
            Some(but) => self.running.lowest_but(but),
            None => self.running.lowest(),
        };
        lowest.is_none_or(|lowest| own < lowest)
    }

    /// Those whose heartbeats are heard.
    pub(crate) fn heard(&self) -> impl Iterator<Item = &NodeId> {
        self.running.heard()
    }

    /// Whether there is any, draining or not.
    pub(crate) fn are_running(&self) -> bool {
        self.running.is_any_heard()
    }

    /// The public address of one that serves; `draw` is any number.
    pub(crate) fn public_address(&self, draw: u64) -> Option<&str> {
        self.running.public_address(draw)
    }

    /// What they carry together.
    pub(crate) fn load(&self) -> Load {
        self.running.load()
    }
}

#[cfg(test)]
mod tests {
    use schemas::BootId;

    use super::*;

    const START: UnixMillis = UnixMillis(1_000_000);

    fn node() -> NodeId {
        "g1".parse().unwrap()
    }

    fn beat(boot: u64) -> Heartbeat {
        Heartbeat::new(BootId(boot), "")
    }

    #[test]
    fn a_newcomer_is_told_of_the_last_minute_and_who_was_cut_off_of_all_that_it_missed() {
        let mut neighbours = Neighbours::default();
        assert_eq!(neighbours.hear(START, &node(), &beat(1)), NeighbourNews::Joined);
        assert_eq!(neighbours.take_repetition(), Some(START - NEWCOMER));
        assert_eq!(neighbours.hear(START, &node(), &beat(1)), NeighbourNews::Known);
        assert_eq!(neighbours.take_repetition(), None);
        let silent = START + limits::NODE_SILENCE;
        assert_eq!(neighbours.expire(silent), [node()]);
        let back = silent + Duration::from_secs(300);
        assert_eq!(neighbours.hear(back, &node(), &beat(1)), NeighbourNews::Joined);
        assert_eq!(neighbours.take_repetition(), Some(START - IN_FLIGHT));
        assert_eq!(neighbours.hear(back, &node(), &beat(2)), NeighbourNews::Restarted);
    }

    #[test]
    fn the_earliest_of_what_was_missed_counts() {
        let mut neighbours = Neighbours::default();
        neighbours.unheard_from(START);
        neighbours.unheard_from(START + Duration::from_secs(9));
        assert_eq!(neighbours.take_repetition(), Some(START - IN_FLIGHT));
        assert_eq!(neighbours.take_repetition(), None);
    }

    #[test]
    fn who_was_silent_for_too_long_is_a_newcomer() {
        let mut neighbours = Neighbours::default();
        neighbours.hear(START, &node(), &beat(1));
        neighbours.expire(START + limits::NODE_SILENCE);
        let back = START + Duration::from_secs(600);
        neighbours.forget_silent(back, Duration::from_secs(600));
        neighbours.take_repetition();
        neighbours.hear(back, &node(), &beat(1));
        assert_eq!(neighbours.take_repetition(), Some(back - NEWCOMER));
    }
}
