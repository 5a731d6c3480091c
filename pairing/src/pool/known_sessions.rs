//! What is remembered of sessions beyond their wants, so that an older token on another gateway
//! gains nothing: the rooms that keep them from others, and whether they pay for silent chats.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use schemas::{
    Tag, UnixMillis,
    event::{RememberedRoom, Want},
    limits::{MET_LIFE, MET_TAGS, REPORTED_TAGS, SESSION_LIFE},
};

use super::pooled_want::{SharedRoom, Why};

/// How many sessions are remembered, in about 40 MB. Beyond it the oldest is forgotten: this
/// promise is best effort.
const MAX_SESSIONS: usize = 200_000;

/// How inexact the end of a memory is: of two ends that lie so close together, what was said first
/// stays. Gateways count what remains by clocks that differ.
pub const MEMORY_INEXACT: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct KnownSessions {
    known: BTreeMap<Tag, Known>,
    order: VecDeque<(UnixMillis, Tag)>,
}

/// What is known of one session.
#[derive(Debug, Default)]
struct Known {
    rooms: Vec<KnownRoom>,
    until: UnixMillis,
}

/// A room that keeps a session from others.
#[derive(Clone, Copy, Debug)]
struct KnownRoom {
    tag: Tag,
    why: Why,
    until: UnixMillis,
}

impl KnownRoom {
    /// A room of which a want says for how long it is remembered: for longer than a chat only
    /// because of a report.
    fn of_want(now: UnixMillis, RememberedRoom(tag, remaining): &RememberedRoom) -> Self {
        let why = if *remaining > MET_LIFE + MEMORY_INEXACT { Why::Reported } else { Why::Met };
        Self { tag: *tag, why, until: now + *remaining }
    }

    /// A room in which somebody was reported.
    fn reported(now: UnixMillis, tag: Tag) -> Self {
        Self { tag, why: Why::Reported, until: now + SESSION_LIFE }
    }
}

impl KnownSessions {
    /// A session waits with this want. Returns the rooms that keep it from others: those of the
    /// want, and those that are remembered.
    pub(super) fn unite(&mut self, now: UnixMillis, want: &Want) -> Vec<SharedRoom> {
        let session = want.session.tag();
        let met = want.met.iter().map(|room| KnownRoom::of_want(now, room));
        let reported = want.reported.iter().map(|tag| KnownRoom::reported(now, *tag));
        self.remember(now, session, met.chain(reported));
        let known = self.known.get(&session).map(|known| known.rooms.as_slice()).unwrap_or_default();
        let live = known.iter().filter(|room| room.until > now);
        live.map(|room| SharedRoom { room: room.tag, why: room.why }).collect()
    }

    /// A session was reported in this room.
    pub(super) fn reported(&mut self, now: UnixMillis, session: Tag, room: Tag) {
        self.remember(now, session, [KnownRoom::reported(now, room)]);
    }

    fn remember(&mut self, now: UnixMillis, session: Tag, rooms: impl IntoIterator<Item = KnownRoom>) {
        for room in rooms {
            let until = room.until.min(now + SESSION_LIFE);
            let known = self.known.entry(session).or_default();
            match known.rooms.iter_mut().find(|before| before.tag == room.tag) {
                Some(before) => {
                    before.why = before.why.max(room.why);
                    if until <= before.until + MEMORY_INEXACT {
                        continue;
                    }
                    before.until = until;
                }
                None => {
                    known.rooms.retain(|room| room.until > now);
                    known.rooms.push(KnownRoom { until, ..room });
                    forget_surplus(&mut known.rooms);
                }
            }
            if known.until < until {
                known.until = until;
                self.order.push_back((until, session));
            }
        }
        while self.known.len() > MAX_SESSIONS || self.order.len() > 4 * MAX_SESSIONS {
            self.forget_oldest();
        }
    }

    /// Forgets what keeps nobody apart any more, a few at a time.
    pub(super) fn expire(&mut self, now: UnixMillis, steps: usize) {
        for _ in 0..steps {
            match self.order.front() {
                Some((until, _)) if *until <= now => self.forget_oldest(),
                _ => break,
            }
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((until, session)) = self.order.pop_front()
            && self.known.get(&session).is_some_and(|known| known.until == until)
        {
            self.known.remove(&session);
        }
    }
}

/// As a token does, remembers the last rooms only, those of a chat and those of a report.
fn forget_surplus(rooms: &mut Vec<KnownRoom>) {
    for (why, most) in [(Why::Met, MET_TAGS), (Why::Reported, 2 * REPORTED_TAGS)] {
        let of_kind = || rooms.iter().enumerate().filter(|(_, room)| room.why == why);
        if of_kind().count() > most {
            let oldest = of_kind().min_by_key(|(_, room)| room.until).map(|(n, _)| n);
            oldest.map(|n| rooms.remove(n));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
    const MET: Duration = Duration::from_secs(300);

    fn session(n: u8) -> Tag {
        Tag::from_bytes([n; 8])
    }

    fn met(now: UnixMillis, tag: Tag, remaining: Duration) -> KnownRoom {
        KnownRoom::of_want(now, &RememberedRoom(tag, remaining))
    }

    fn live(known: &KnownSessions, now: UnixMillis) -> usize {
        let rooms = known.known.values().flat_map(|known| &known.rooms);
        rooms.filter(|room| room.until > now).count()
    }

    #[test]
    fn what_is_said_again_is_not_remembered_for_longer() {
        let mut known = KnownSessions::default();
        let room = Tag::from_bytes([9; 8]);
        for n in 0..100 {
            // By a clock that is up to a few seconds off.
            let now = NOW + Duration::from_secs(2 * n);
            let until = NOW + MET + Duration::from_secs(n % 5);
            known.remember(now, session(1), [met(now, room, until.since(now))]);
        }
        assert_eq!(live(&known, NOW + MET + Duration::from_secs(5)), 0);
        assert!(known.order.len() <= 2);
        known.reported(NOW, session(1), room);
        assert_eq!(
            live(&known, NOW + SESSION_LIFE - MET),
            1,
            "a report is remembered for the session's life"
        );
        known.expire(NOW + SESSION_LIFE, 9);
        assert!(known.known.is_empty() && known.order.is_empty());
    }

    #[test]
    fn a_report_stays_one_when_little_of_the_session_is_left() {
        let mut known = KnownSessions::default();
        let (room, one_day) = (Tag::from_bytes([9; 8]), session(1));
        known.remember(NOW, one_day, [met(NOW, room, MET_LIFE)]);
        known.remember(NOW, one_day, [met(NOW, room, 2 * MET_LIFE)]);
        let later = NOW + MET_LIFE + MET_LIFE / 2;
        known.remember(later, one_day, [met(later, room, MET_LIFE / 2)]);
        assert_eq!(known.known[&one_day].rooms[0].why, Why::Reported);
    }

    #[test]
    fn no_more_chats_are_remembered_than_in_a_token_and_reports_beside_them() {
        let mut known = KnownSessions::default();
        known.reported(NOW, session(1), Tag::from_bytes([99; 8]));
        for n in 0..20 {
            let now = NOW + Duration::from_secs(n);
            known.remember(now, session(1), [met(now, Tag::from_bytes([n as u8; 8]), MET_LIFE)]);
        }
        let rooms: Vec<_> =
            known.known[&session(1)].rooms.iter().map(|room| room.tag.as_bytes()[0]).collect();
        assert_eq!(rooms, [99, 12, 13, 14, 15, 16, 17, 18, 19]);
    }

    #[test]
    fn the_oldest_makes_room() {
        let mut known = KnownSessions::default();
        for n in 0..=MAX_SESSIONS as u64 {
            known.reported(NOW + Duration::from_millis(n), Tag::from_bytes(n.to_be_bytes()), session(1));
        }
        assert_eq!(known.known.len(), MAX_SESSIONS);
        assert!(!known.known.contains_key(&Tag::from_bytes([0; 8])));
    }
}
