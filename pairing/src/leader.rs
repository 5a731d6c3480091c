//! Which replica speaks: the living one with the lowest id. Two may think so for a while, after a loss or a cut; they then propose the
//! same rooms or are declined, so that this need not be a consensus.

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
    /// A new replica listens before it speaks: it has yet to hear the others, and who waits.
    pub fn new(me: NodeId, now: UnixMillis, listen_first: Duration) -> Self {
        Self { me, replicas: Nodes::default(), listen_first, listens_until: now + listen_first }
    }

    /// Folds in the heartbeat of another replica, or its own, which says nothing.
    pub fn hear(&mut self, now: UnixMillis, from: &NodeId, heartbeat: &Heartbeat) {
        if *from != self.me {
            self.replicas.hear(now, from, heartbeat);
        }
    }

    /// After a gap it listens again. A gap while it listens does not prolong that, or a bus that drops something every second would
    /// leave nobody to speak.
    pub fn gap(&mut self, now: UnixMillis) {
        self.replicas.clear();
        if now >= self.listens_until {
            self.listens_until = now + self.listen_first;
        }
    }

    /// Whether this replica speaks.
    pub fn leads(&mut self, now: UnixMillis) -> bool {
        self.replicas.expire(now);
        now >= self.listens_until && self.replicas.lowest().is_none_or(|lowest| self.me < *lowest)
    }
}

#[cfg(test)]
mod tests {
    use schemas::{
        BootId,
        event::Load,
        limits::{HEARTBEAT, NODE_SILENCE},
    };

    use super::*;

    const START: UnixMillis = UnixMillis(1_000_000);
    const LISTEN: Duration = Duration::from_secs(3);

    fn node(id: &str) -> NodeId {
        id.parse().unwrap()
    }

    fn beat(draining: bool) -> Heartbeat {
        Heartbeat { boot: BootId(1), version: "1".into(), load: Load::default(), draining }
    }

    #[test]
    fn a_new_replica_listens_first_and_then_leads_if_it_hears_nobody() {
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
    fn the_lowest_living_id_leads() {
        let mut leadership = Leadership::new(node("p2"), START, Duration::ZERO);
        leadership.hear(START, &node("p3"), &beat(false));
        assert!(leadership.leads(START));
        leadership.hear(START, &node("p1"), &beat(false));
        assert!(!leadership.leads(START));
    }

    #[test]
    fn its_own_heartbeat_says_nothing() {
        let mut leadership = Leadership::new(node("p2"), START, Duration::ZERO);
        leadership.hear(START, &node("p2"), &beat(false));
        assert!(leadership.leads(START));
    }

    #[test]
    fn it_takes_over_when_the_leader_falls_silent() {
        let mut leadership = Leadership::new(node("p2"), START, Duration::ZERO);
        leadership.hear(START, &node("p1"), &beat(false));
        assert!(!leadership.leads(START + HEARTBEAT));
        assert!(leadership.leads(START + NODE_SILENCE));
    }

    #[test]
    fn it_takes_over_at_once_when_the_leader_says_that_it_goes() {
        let mut leadership = Leadership::new(node("p2"), START, Duration::ZERO);
        leadership.hear(START, &node("p1"), &beat(false));
        leadership.hear(START, &node("p1"), &beat(true));
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
    fn gap_after_gap_does_not_silence_it_for_good() {
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
