//! What is published of the service as a whole. It is counted anew once an hour, by the clock:
//! nobody who asks chooses when, or sees what one person does.

use std::time::Duration;

use schemas::{
    NodeId, UnixMillis,
    control::Category,
    event::{Heartbeat, ReportCounts, ServiceCounts},
    transparency::{Counted, Totals},
};

use super::Node;

/// How long one count is published.
const PUBLISHED_FOR: Duration = Duration::from_secs(60 * 60);

/// How long a gateway listens before its first count: by then it has heard all that run.
const LISTEN_FIRST: Duration = Duration::from_secs(5);

/// The count that is published now, and what the next one is made of.
pub(super) struct Published {
    began: UnixMillis,
    counted: Counted,
    told: Option<(u64, Totals)>,
}

impl Published {
    pub(super) fn new(began: UnixMillis) -> Self {
        Self { began, counted: Counted::default(), told: None }
    }

    /// ServiceCounts, if an hour has begun.
    fn look(&mut self, now: UnixMillis) {
        let hour = now.as_secs() / PUBLISHED_FOR.as_secs();
        let is_due = match self.told {
            Some((told, _)) => told != hour,
            None => now.since(self.began) >= LISTEN_FIRST,
        };
        if is_due && let Some(totals) = self.counted.totals(now) {
            self.told = Some((hour, totals));
        }
    }
}

impl Node {
    /// What this gateway has counted since it started.
    pub(crate) fn counts(&self) -> ServiceCounts {
        let reports = |category| self.metrics.reports_of(category);
        ServiceCounts {
            since: self.started,
            sessions: self.metrics.sessions_created.get(),
            chats: self.metrics.chats.get(),
            reports: ReportCounts {
                abuse: reports(Category::Abuse),
                spam: reports(Category::Spam),
                minor: reports(Category::Minor),
                other: reports(Category::Other),
            },
            orders: self.config.orders.taken(),
        }
    }

    pub(crate) fn hear_counts(&self, from: &NodeId, heartbeat: &Heartbeat) {
        self.published.lock().counted.apply(self.clock.now(), from, heartbeat);
    }

    /// ServiceCounts all gateways once an hour.
    pub(crate) fn publish_counts(&self) {
        self.published.lock().look(self.clock.now());
    }

    /// The count of the hour; `None` right after the start.
    pub(crate) fn published_counts(&self) -> Option<Totals> {
        self.published.lock().told.map(|(_, totals)| totals)
    }
}

#[cfg(test)]
mod tests {
    use schemas::BootId;

    use super::*;

    fn beat(sessions: u64) -> Heartbeat {
        Heartbeat {
            counts: Some(ServiceCounts { sessions, ..ServiceCounts::default() }),
            ..Heartbeat::new(BootId(1), "1")
        }
    }

    #[test]
    fn it_is_counted_when_an_hour_begins_and_not_when_somebody_asks() {
        let start = UnixMillis::from_secs(3600 * 10 + 60);
        let (mut published, node) = (Published::new(start), "g1".parse().unwrap());
        let mut told = |at: UnixMillis, sessions| {
            published.counted.apply(at, &node, &beat(sessions));
            published.look(at);
            published.told.map(|(_, totals)| totals.sessions)
        };
        assert_eq!(told(start, 10), None, "others are heard first");
        assert_eq!(told(start + LISTEN_FIRST, 20), Some(20));
        assert_eq!(told(UnixMillis::from_secs(3600 * 11 - 1), 30), Some(20));
        assert_eq!(told(UnixMillis::from_secs(3600 * 11), 31), Some(31));
        assert_eq!(told(UnixMillis::from_secs(3600 * 12 - 1), 40), Some(31));
    }
}
