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
    /// Rooms, and until when each keeps it from others.
    rooms: Vec<(Tag, UnixMillis)>,
    until: UnixMillis,
}

impl KnownSessions {
    /// A session waits with this want. Returns the rooms that keep it from others: those of the
    /// want, and those that are remembered.
    pub(super) fn unite(&mut self, now: UnixMillis, want: &Want) -> Vec<Tag> {
        let session = want.session.tag();
        let met = want.met.iter().map(|RememberedRoom(room, remaining)| (*room, now + *remaining));
        let reported = want.reported.iter().map(|room| (*room, now + SESSION_LIFE));
        self.remember(now, session, met.chain(reported));
        let known = self.known.get(&session).map(|known| known.rooms.as_slice()).unwrap_or_default();
        let live = known.iter().filter(|(_, until)| *until > now);
        live.map(|(room, _)| *room).collect()
    }

    /// A session was reported in this room.
    pub(super) fn reported(&mut self, now: UnixMillis, session: Tag, room: Tag) {
        self.remember(now, session, [(room, now + SESSION_LIFE)]);
    }

    fn remember(
        &mut self,
        now: UnixMillis,
        session: Tag,
        rooms: impl IntoIterator<Item = (Tag, UnixMillis)>,
    ) {
        for (room, until) in rooms {
            let until = until.min(now + SESSION_LIFE);
            let known = self.known.entry(session).or_default();
            match known.rooms.iter_mut().find(|(tag, _)| *tag == room) {
                Some((_, before)) if until <= *before + MEMORY_INEXACT => continue,
                Some((_, before)) => *before = until,
                None => {
                    known.rooms.retain(|(_, until)| *until > now);
                    known.rooms.push((room, until));
                    forget_surplus(&mut known.rooms, now);
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
fn forget_surplus(rooms: &mut Vec<(Tag, UnixMillis)>, now: UnixMillis) {
    let is_of_chat = |until: UnixMillis| until <= now + MET_LIFE + MEMORY_INEXACT;
    for (of_chat, most) in [(true, MET_TAGS), (false, 2 * REPORTED_TAGS)] {
        let count = rooms.iter().filter(|(_, until)| is_of_chat(*until) == of_chat).count();
        if count > most {
            let of_kind = rooms.iter().enumerate().filter(|(_, (_, until))| is_of_chat(*until) == of_chat);
            let oldest = of_kind.min_by_key(|(_, (_, until))| *until).map(|(n, _)| n);
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

    fn live(known: &KnownSessions, now: UnixMillis) -> usize {
        let rooms = known.known.values().flat_map(|known| &known.rooms);
        rooms.filter(|(_, until)| *until > now).count()
    }

    #[test]
    fn what_is_said_again_is_not_remembered_for_longer() {
        let mut known = KnownSessions::default();
        let room = Tag::from_bytes([9; 8]);
        for n in 0..100 {
            // By a clock that is up to a few seconds off.
            let now = NOW + Duration::from_secs(2 * n);
            known.remember(now, session(1), [(room, NOW + MET + Duration::from_secs(n % 5))]);
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
    fn no_more_chats_are_remembered_than_in_a_token_and_reports_beside_them() {
        let mut known = KnownSessions::default();
        known.reported(NOW, session(1), Tag::from_bytes([99; 8]));
        for n in 0..20 {
            let now = NOW + Duration::from_secs(n);
            known.remember(now, session(1), [(Tag::from_bytes([n as u8; 8]), now + MET_LIFE)]);
        }
        let rooms: Vec<_> =
            known.known[&session(1)].rooms.iter().map(|(room, _)| room.as_bytes()[0]).collect();
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
