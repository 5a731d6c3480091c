//! Origins that many others have reported: whoever opens a session from there does some work first.
//! Nothing more follows from reports.
//!
//! Pure: time comes in as an argument. Every gateway hears every report, so all come to the same
//! conclusion.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use schemas::{NodeId, Origin, UnixMillis, event::Report};

/// An origin that so many others have reported in [`WINDOW`] is noticed.
const REPORTERS: usize = 5;
/// If they were also at least one in so many of its chats: of a crowd five in an hour are few.
const ONE_IN: u32 = 5;
/// See [`REPORTERS`].
const WINDOW: Duration = Duration::from_secs(60 * 60);
/// For so long it is noticed.
const NOTICED: Duration = Duration::from_secs(60 * 60);
/// Origins of which reports are remembered, in about 15 MB. Beyond it the oldest is forgotten.
const MOST: usize = 20_000;
/// Reports of one origin that are remembered: enough to tell how many of its chats they were.
const MOST_REPORTS: usize = 256;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct ReportedOrigins {
    origins: BTreeMap<Origin, Reports>,
    by_age: VecDeque<(UnixMillis, Origin)>,
}

#[derive(Debug, Default)]
struct Reports {
    /// The rooms, each with the time and with who reported it.
    reports: Vec<(schemas::Tag, UnixMillis, Origin)>,
    /// How many chats each gateway has had of the origin in an hour, as it said last.
    chats: BTreeMap<NodeId, u32>,
    noticed_until: UnixMillis,
}

impl ReportedOrigins {
    /// Somebody was reported, as this gateway publishes it. Said again, it changes nothing.
    pub(crate) fn hear(&mut self, now: UnixMillis, from: &NodeId, report: &Report) {
        let (Some(origin), Some(reporter)) = (report.origin, report.reporter) else { return };
        let known = self.origins.entry(origin).or_default();
        if known.reports.is_empty() {
            self.by_age.push_back((now, origin));
        }
        known.reports.retain(|(_, at, _)| now.since(*at) < WINDOW);
        if known.reports.len() < MOST_REPORTS && known.reports.iter().all(|(room, ..)| *room != report.room) {
            known.reports.push((report.room, now, reporter));
        }
        known.chats.insert(from.clone(), report.chats);
        let reporters: BTreeSet<_> = known.reports.iter().map(|(.., reporter)| *reporter).collect();
        let reports = u32::try_from(known.reports.len()).unwrap_or(u32::MAX);
        let chats = known.chats.values().fold(0_u32, |sum, chats| sum.saturating_add(*chats));
        if reporters.len() >= REPORTERS && reports.saturating_mul(ONE_IN) >= chats {
            known.noticed_until = now + NOTICED;
        }
        while self.origins.len() > MOST {
            let Some((_, oldest)) = self.by_age.pop_front() else { break };
            self.origins.remove(&oldest);
        }
    }

    /// Whether one of these origins, all of one address, is to do some work.
    pub(crate) fn are_noticed(&self, now: UnixMillis, origins: &[Origin]) -> bool {
        let until = |origin| self.origins.get(origin).map(|known| known.noticed_until);
        origins.iter().filter_map(until).any(|until| now < until)
    }

    /// Forgets what is over.
    pub(crate) fn expire(&mut self, now: UnixMillis) {
        while let Some((_, origin)) = self.by_age.front().copied().filter(|(at, _)| now.since(*at) >= WINDOW)
        {
            self.by_age.pop_front();
            let Some(known) = self.origins.get_mut(&origin) else { continue };
            known.reports.retain(|(_, at, _)| now.since(*at) < WINDOW);
            if known.reports.is_empty() && known.noticed_until <= now {
                self.origins.remove(&origin);
            } else {
                self.by_age.push_back((now, origin));
                // Looked at again in an hour: all that are left were pushed after it.
                if self.by_age.front().is_some_and(|(at, _)| *at == now) {
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use schemas::Tag;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn origin(n: u8) -> Origin {
        Origin::from_bytes([n; 12])
    }

    fn node(name: &str) -> NodeId {
        name.parse().unwrap()
    }

    /// Origin 1 was reported in this room.
    fn report(room: u8, reporter: u8, chats: u32) -> Report {
        Report {
            room: Tag::from_bytes([room; 8]),
            session: Tag::from_bytes([1; 8]),
            origin: Some(origin(1)),
            reporter: Some(origin(reporter)),
            chats,
        }
    }

    fn after(reports: &[Report]) -> ReportedOrigins {
        let mut reported = ReportedOrigins::default();
        for report in reports {
            reported.hear(NOW, &node("g1"), report);
        }
        reported
    }

    #[test]
    fn an_origin_that_five_others_reported_in_a_fifth_of_its_chats_is_noticed_for_an_hour() {
        let five: Vec<_> = (1..=5).map(|n| report(n, 100 + n, 25)).collect();
        let reported = after(&five);
        assert!(reported.are_noticed(NOW, &[origin(9), origin(1)]));
        assert!(!reported.are_noticed(NOW, &[origin(9)]));
        assert!(!reported.are_noticed(NOW + NOTICED, &[origin(1)]));
        assert!(!after(&five[1..]).are_noticed(NOW, &[origin(1)]), "four are too few");
    }

    #[test]
    fn one_who_reports_often_counts_once_and_a_report_that_is_said_again_does_not_count() {
        let often: Vec<_> = (1..=20).map(|n| report(n, 100, 0)).collect();
        assert!(!after(&often).are_noticed(NOW, &[origin(1)]));
        let again = [report(1, 100, 0)].repeat(20);
        assert_eq!(after(&again).origins[&origin(1)].reports.len(), 1);
    }

    #[test]
    fn of_a_crowd_five_reports_are_few() {
        let crowd: Vec<_> = (1..=5).map(|n| report(n, 100 + n, 26)).collect();
        assert!(!after(&crowd).are_noticed(NOW, &[origin(1)]));
        // Its chats on all gateways count.
        let mut reported = ReportedOrigins::default();
        for (n, at) in (1..=6).zip(["g1", "g2"].iter().cycle()) {
            reported.hear(NOW, &node(at), &report(n, 100 + n, 20));
        }
        assert!(!reported.are_noticed(NOW, &[origin(1)]));
    }

    #[test]
    fn reports_of_more_than_an_hour_ago_do_not_count_and_are_forgotten() {
        let mut reported = after(&(1..=4).map(|n| report(n, 100 + n, 0)).collect::<Vec<_>>());
        reported.hear(NOW + WINDOW, &node("g1"), &report(5, 105, 0));
        assert!(!reported.are_noticed(NOW + WINDOW, &[origin(1)]));
        reported.expire(NOW + WINDOW);
        assert_eq!(reported.origins.len(), 1);
        reported.expire(NOW + WINDOW * 3);
        assert!(reported.origins.is_empty() && reported.by_age.is_empty());
    }
}
