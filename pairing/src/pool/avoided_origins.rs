//! From which origins people were reported: those who reported them are kept from others of the
//! same origin for a while, unless it is that of a crowd.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use schemas::{Origin, Tag, UnixMillis, event::Report};

use super::pooled_want::{AvoidedOrigin, Extent};

/// So long who has reported somebody is kept from that person's origin.
const AVOIDED: Duration = Duration::from_secs(30 * 60);

/// If more than these sessions of an origin were seen in [`SEEN`], it is that of an office, a
/// carrier or an exit: only the reported session is avoided. One report never parts two crowds.
const FEW: usize = 4;
/// See [`FEW`].
const SEEN: Duration = Duration::from_secs(60 * 60);

/// How many origins are known, in about 30 MB, and how many reports, in 20. Beyond it the oldest is
/// forgotten.
const MOST: usize = 200_000;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct AvoidedOrigins {
    reports: BTreeMap<Tag, (AvoidedOrigin, UnixMillis)>,
    by_age: VecDeque<(UnixMillis, Tag)>,
    seen: BTreeMap<Origin, Seen>,
    seen_by_age: VecDeque<(UnixMillis, Origin)>,
}

/// The last sessions that were seen of an origin, one more than [`FEW`] at most, the last one last.
#[derive(Debug, Default)]
struct Seen(Vec<(Tag, UnixMillis)>);

impl Seen {
    fn note(&mut self, now: UnixMillis, session: Tag) {
        self.0.retain(|(known, _)| *known != session);
        if self.0.len() > FEW {
            self.0.remove(0);
        }
        self.0.push((session, now));
    }

    fn is_crowd(&self, now: UnixMillis) -> bool {
        self.0.len() > FEW && self.0.iter().all(|(_, at)| now.since(*at) < SEEN)
    }

    fn last(&self) -> UnixMillis {
        self.0.last().map_or(UnixMillis(0), |(_, at)| *at)
    }
}

impl AvoidedOrigins {
    /// A session of this origin waits.
    pub(super) fn saw(&mut self, now: UnixMillis, origin: Origin, session: Tag) {
        let seen = self.seen.entry(origin).or_default();
        // Its place in the queue is that of the first time; when it comes up it is looked at again.
        if seen.0.is_empty() {
            self.seen_by_age.push_back((now + SEEN, origin));
        }
        seen.note(now, session);
        while self.seen.len() > MOST {
            let Some((_, oldest)) = self.seen_by_age.pop_front() else { break };
            self.seen.remove(&oldest);
        }
    }

    /// Somebody was reported. Said again, it changes nothing.
    pub(super) fn reported(&mut self, now: UnixMillis, report: &Report) {
        let Some(origin) = report.origin.filter(|_| !self.reports.contains_key(&report.room)) else { return };
        let is_crowd = self.seen.get(&origin).is_some_and(|seen| seen.is_crowd(now));
        let extent = if is_crowd { Extent::Session } else { Extent::Origin };
        let avoided = AvoidedOrigin { origin, session: report.session, extent };
        self.reports.insert(report.room, (avoided, now + AVOIDED));
        self.by_age.push_back((now + AVOIDED, report.room));
        while self.reports.len() > MOST {
            let Some((_, oldest)) = self.by_age.pop_front() else { break };
            self.reports.remove(&oldest);
        }
    }

    /// The origins that somebody avoids who has reported these rooms.
    pub(super) fn of(&self, now: UnixMillis, reported: &[Tag]) -> Vec<AvoidedOrigin> {
        let known = reported.iter().filter_map(|room| self.reports.get(room));
        known.filter(|(_, until)| *until > now).map(|(avoided, _)| *avoided).collect()
    }

    /// Forgets what is over, a few at a time.
    pub(super) fn expire(&mut self, now: UnixMillis, steps: usize) {
        for _ in 0..steps {
            let Some((_, room)) = self.by_age.front().copied().filter(|(until, _)| *until <= now) else {
                break;
            };
            self.by_age.pop_front();
            self.reports.remove(&room);
        }
        for _ in 0..steps {
            let Some((_, origin)) = self.seen_by_age.front().copied().filter(|(until, _)| *until <= now)
            else {
                break;
            };
            self.seen_by_age.pop_front();
            let Some(last) = self.seen.get(&origin).map(Seen::last) else { continue };
            if now.since(last) >= SEEN {
                self.seen.remove(&origin);
            } else {
                self.seen_by_age.push_back((last + SEEN, origin));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn origin(n: u8) -> Origin {
        Origin::from_bytes([n; 12])
    }

    fn tag(n: u8) -> Tag {
        Tag::from_bytes([n; 8])
    }

    fn report(room: u8, session: u8, of: u8) -> Report {
        Report { room: tag(room), session: tag(session), origin: Some(origin(of)), reporter: None, chats: 1 }
    }

    #[test]
    fn the_origin_of_a_reported_person_is_avoided_for_half_an_hour() {
        let mut avoided = AvoidedOrigins::default();
        (1..=4).for_each(|n| avoided.saw(NOW, origin(9), tag(n)));
        avoided.reported(NOW, &report(1, 1, 9));
        let all = [AvoidedOrigin { origin: origin(9), session: tag(1), extent: Extent::Origin }];
        let last = NOW + AVOIDED - Duration::from_millis(1);
        assert_eq!(avoided.of(last, &[tag(1), tag(2)]), all);
        assert_eq!(avoided.of(last, &[tag(2)]), []);
        avoided.reported(last, &report(1, 1, 9));
        assert_eq!(avoided.of(NOW + AVOIDED, &[tag(1)]), [], "said again it is not prolonged");
        avoided.expire(NOW + AVOIDED, 9);
        assert!(avoided.reports.is_empty() && avoided.by_age.is_empty());
    }

    #[test]
    fn of_a_crowd_only_the_reported_session_is_avoided() {
        let mut avoided = AvoidedOrigins::default();
        (1..=5).for_each(|n| avoided.saw(NOW, origin(9), tag(n)));
        avoided.reported(NOW, &report(1, 1, 9));
        assert_eq!(avoided.of(NOW, &[tag(1)])[0].extent, Extent::Session);
    }

    #[test]
    fn a_crowd_is_one_of_the_last_hour() {
        let mut avoided = AvoidedOrigins::default();
        (1..=4).for_each(|n| avoided.saw(NOW, origin(9), tag(n)));
        let later = NOW + SEEN;
        (4..=5).for_each(|n| avoided.saw(later, origin(9), tag(n)));
        avoided.reported(later, &report(1, 4, 9));
        assert_eq!(avoided.of(later, &[tag(1)])[0].extent, Extent::Origin);
        avoided.expire(later, 9);
        assert_eq!(avoided.seen.len(), 1, "seen since");
        avoided.expire(later + SEEN, 9);
        assert!(avoided.seen.is_empty() && avoided.seen_by_age.is_empty());
    }

    #[test]
    fn the_oldest_makes_room() {
        let mut avoided = AvoidedOrigins::default();
        for n in 0..=MOST as u32 {
            let mut bytes = [0; 12];
            bytes[8..].copy_from_slice(&n.to_be_bytes());
            avoided.saw(NOW, Origin::from_bytes(bytes), tag(1));
        }
        assert_eq!((avoided.seen.len(), avoided.seen_by_age.len()), (MOST, MOST));
    }
}
