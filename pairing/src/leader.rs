//! Which replica is the leader: of those that are running, the one with the lowest id. After lost
//! messages or a network partition two may lead for a while. They then propose the same rooms, or
//! are declined, so no consensus is needed.

use std::time::Duration;

use schemas::{NodeId, UnixMillis, event::Heartbeat, nodes::Nodes};

/// What one replica knows of the others.
#[derive(Debug)]
pub struct Leadership {
    me: NodeId,
    /// The others.
    replicas: Nodes,
    listen_first: Duration,
    listens_until: UnixMillis,
}

impl Leadership {
    /// A new replica listens before it leads: it does not know the others yet, nor the wants.
    pub fn new(me: NodeId, now: UnixMillis, listen_first: Duration) -> Self {
        Self { me, replicas: Nodes::default(), listen_first, listens_until: now + listen_first }
    }

    /// Applies the heartbeat of another replica. Its own changes nothing.
    pub fn apply(&mut self, now: UnixMillis, from: &NodeId, heartbeat: &Heartbeat) {
        if *from != self.me {
            self.replicas.apply(now, from, heartbeat);
        }
    }

    /// After a gap it listens again. A gap while it listens does not prolong that: otherwise a bus
    /// that drops something every second would leave the replicas without a leader.
    pub fn gap(&mut self, now: UnixMillis) {
        self.replicas.clear();
        if now >= self.listens_until {
            self.listens_until = now + self.listen_first;
        }
    }

    /// Whether this replica is the leader.
    pub fn leads(&mut self, now: UnixMillis) -> bool {
        self.replicas.expire(now);
        now >= self.listens_until && self.replicas.lowest().is_none_or(|lowest| self.me < *lowest)
    }
}

#[cfg(test)]
mod tests {
    use schemas::{
        BootId,
        limits::{HEARTBEAT, NODE_SILENCE},
    };

    use super::*;

    const START: UnixMillis = UnixMillis(1_000_000);
    const LISTEN: Duration = Duration::from_secs(3);

    fn node(id: &str) -> NodeId {
        id.parse().unwrap()
    }

    fn beat(draining: bool) -> Heartbeat {
        Heartbeat { draining, ..Heartbeat::new(BootId(1), "1") }
    }

    #[test]
    fn a_new_replica_listens_first_and_then_leads_if_it_is_alone() {
        let mut leadership = Leadership::new(node("p2"), START, LISTEN);
        assert!(!leadership.leads(START));
        assert!(!leadership.leads(START + LISTEN - Duration::from_millis(1)));
        assert!(leadership.leads(START + LISTEN));
    }

    #[test]
    fn on_a_bus_of_its_own_it_leads_at_once() {
        assert!(Leadership::new(node("p2"), START, Duration::ZERO).leads(START));
    }

    #[test]
    fn the_lowest_running_id_leads() {
        let mut leadership = Leadership::new(node("p2"), START, Duration::ZERO);
        leadership.apply(START, &node("p3"), &beat(false));
        assert!(leadership.leads(START));
        leadership.apply(START, &node("p1"), &beat(false));
        assert!(!leadership.leads(START));
    }

    #[test]
    fn its_own_heartbeat_changes_nothing() {
        let mut leadership = Leadership::new(node("p2"), START, Duration::ZERO);
        leadership.apply(START, &node("p2"), &beat(false));
        assert!(leadership.leads(START));
    }

    #[test]
    fn it_takes_over_when_the_leader_falls_silent() {
        let mut leadership = Leadership::new(node("p2"), START, Duration::ZERO);
        leadership.apply(START, &node("p1"), &beat(false));
        assert!(!leadership.leads(START + HEARTBEAT));
        assert!(leadership.leads(START + NODE_SILENCE));
    }

    #[test]
    fn it_takes_over_at_once_when_the_leader_drains() {
        let mut leadership = Leadership::new(node("p2"), START, Duration::ZERO);
        leadership.apply(START, &node("p1"), &beat(false));
        leadership.apply(START, &node("p1"), &beat(true));
        assert!(leadership.leads(START));
    }

    #[test]
    fn after_a_gap_it_listens_again() {
        let mut leadership = Leadership::new(node("p2"), START, LISTEN);
        let later = START + LISTEN * 2;
        leadership.gap(later);
        assert!(!leadership.leads(later));
        assert!(leadership.leads(later + LISTEN));
    }

    #[test]
    fn gap_after_gap_does_not_keep_it_from_leading_for_good() {
        let mut leadership = Leadership::new(node("p2"), START, LISTEN);
        let mut led = 0;
        for second in 0..60 {
            let now = START + HEARTBEAT * second;
            led += u32::from(leadership.leads(now));
            leadership.gap(now);
        }
        assert!(led >= 10, "{led}");
    }
}
