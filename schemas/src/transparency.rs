//! What all gateways have counted: a fold over their heartbeats, for what is published of the
//! service.

use std::collections::BTreeMap;

use crate::{
    NodeId, UnixMillis,
    event::{Heartbeat, ReportCounts, ServiceCounts},
    limits,
};

/// How many gateways are known at most, some 150 bytes each; see [`crate::nodes`].
const MOST: usize = 4096;

/// The newest counts of each gateway that is running.
#[derive(Clone, Debug, Default)]
pub struct Counted(BTreeMap<NodeId, (UnixMillis, ServiceCounts)>);

/// The counts of the whole cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Since then the gateway has counted that has counted longest.
    pub since: UnixMillis,
    /// Since then all of them have.
    pub complete_since: UnixMillis,
    /// Sessions.
    pub sessions: u64,
    /// Chats.
    pub chats: u64,
    /// Reports.
    pub reports: ReportCounts,
    /// Orders.
    pub orders: u64,
}

impl Counted {
    /// Applies a heartbeat. That of a gateway which has started again replaces what it said before.
    pub fn apply(&mut self, now: UnixMillis, from: &NodeId, heartbeat: &Heartbeat) {
        let Some(counts) = heartbeat.counts else { return };
        if self.0.len() < MOST || self.0.contains_key(from) {
            self.0.insert(from.clone(), (now, counts));
        }
    }

    /// The sum over the gateways that are running; `None` if there is none.
    pub fn totals(&mut self, now: UnixMillis) -> Option<Totals> {
        self.0.retain(|_, (heard, _)| now.since(*heard) < limits::NODE_SILENCE);
        self.0.values().map(|(_, counts)| Totals::of(*counts)).reduce(Totals::with)
    }
}

impl Totals {
    fn of(counts: ServiceCounts) -> Self {
        let ServiceCounts { since, sessions, chats, reports, orders } = counts;
        Self { since, complete_since: since, sessions, chats, reports, orders }
    }

    fn with(self, other: Self) -> Self {
        let (one, two) = (self.reports, other.reports);
        Self {
            since: self.since.min(other.since),
            complete_since: self.complete_since.max(other.complete_since),
            sessions: self.sessions.saturating_add(other.sessions),
            chats: self.chats.saturating_add(other.chats),
            reports: ReportCounts {
                abuse: one.abuse.saturating_add(two.abuse),
                spam: one.spam.saturating_add(two.spam),
                minor: one.minor.saturating_add(two.minor),
                other: one.other.saturating_add(two.other),
            },
            // Each gateway takes each order: a sum would count them several times.
            orders: self.orders.max(other.orders),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BootId;

    fn beat(counts: Option<ServiceCounts>) -> Heartbeat {
        Heartbeat { counts, ..Heartbeat::new(BootId(1), "1") }
    }

    fn counts(since: u64, n: u64) -> ServiceCounts {
        let reports = ReportCounts { abuse: n, spam: 2 * n, minor: 3 * n, other: 4 * n };
        ServiceCounts { since: UnixMillis(since), sessions: 10 * n, chats: 5 * n, reports, orders: n }
    }

    fn node(name: &str) -> NodeId {
        name.parse().unwrap()
    }

    #[test]
    fn the_gateways_that_run_are_added_up_and_orders_are_counted_once() {
        let (mut counted, now) = (Counted::default(), UnixMillis(100_000));
        assert_eq!(counted.totals(now), None);
        counted.apply(now, &node("g1"), &beat(Some(counts(1000, 1))));
        counted.apply(now, &node("g2"), &beat(Some(counts(2000, 2))));
        counted.apply(now, &node("p1"), &beat(None));
        let reports = ReportCounts { abuse: 3, spam: 6, minor: 9, other: 12 };
        let expected = Totals {
            since: UnixMillis(1000),
            complete_since: UnixMillis(2000),
            sessions: 30,
            chats: 15,
            reports,
            orders: 2,
        };
        assert_eq!(counted.totals(now), Some(expected));
    }

    #[test]
    fn a_gateway_that_starts_again_begins_anew_and_one_that_is_gone_does_not_count() {
        let (mut counted, now) = (Counted::default(), UnixMillis(100_000));
        counted.apply(now, &node("g1"), &beat(Some(counts(1000, 9))));
        counted.apply(now, &node("g1"), &beat(Some(counts(5000, 1))));
        let totals = counted.totals(now).unwrap();
        assert_eq!((totals.since, totals.sessions), (UnixMillis(5000), 10));
        assert_eq!(counted.totals(now + limits::NODE_SILENCE), None);
    }

    #[test]
    fn a_flood_of_names_displaces_none() {
        let (mut counted, now) = (Counted::default(), UnixMillis(100_000));
        for n in 0..MOST + 10 {
            counted.apply(now, &node(&format!("g{n}")), &beat(Some(counts(1000, 1))));
        }
        assert_eq!(counted.totals(now).unwrap().sessions, 10 * MOST as u64);
    }
}
