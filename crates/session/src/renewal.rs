//! The renewal round: in ten seconds it is published of everything that is held here that it still
//! is, a part at a time. Chats go on between the parts.

use std::{collections::BTreeMap, ops::Bound, time::Duration};

use schemas::{RoomId, SessionId, UnixMillis, limits};

/// A round has this many slices. What a gateway has to publish to another of the rooms of one slice
/// goes in one message, so that more slices would be more messages between each two gateways.
const SLICES: u8 = 10;
/// How long a slice waits for the next.
const SLICE: Duration = Duration::from_millis(limits::RENEWAL.as_millis() as u64 / SLICES as u64);
/// Sessions, and rooms, that are renewed at once: a tenth of a millisecond, most of it for memory
/// that was not read for long.
const PART: usize = 32;

/// How far the round is.
#[derive(Default)]
pub(crate) struct RenewalRound {
    slice: u8,
    next: UnixMillis,
    /// Where the sessions of this slice begin that are still to be renewed, if any are.
    sessions: Option<Bound<SessionId>>,
    /// The rooms of this slice that are. Those of one part are shared with one gateway.
    rooms: Vec<Vec<RoomId>>,
}

/// A range of ids.
pub(crate) type Ids<K> = (Bound<K>, Bound<K>);

impl RenewalRound {
    /// Whether the next slice is to begin.
    pub(crate) fn is_due(&self, now: UnixMillis) -> bool {
        self.next <= now
    }

    /// Begins the next slice; the last one is done. Returns the ids of its rooms, and whether it is
    /// the first of a round.
    pub(crate) fn begin_slice(&mut self, now: UnixMillis) -> (Ids<RoomId>, bool) {
        self.next = (self.next + SLICE).max(now);
        self.slice = (self.slice + 1) % SLICES;
        self.sessions = Some(ids_of(self.slice, SessionId::from_random).0);
        (ids_of(self.slice, RoomId::from_bytes), self.slice == 0)
    }

    /// Rooms of this slice, all shared with one gateway, are to be renewed.
    pub(crate) fn add_rooms(&mut self, rooms: &[RoomId]) {
        self.rooms.extend(rooms.chunks(PART).map(<[_]>::to_vec));
    }

    /// The next sessions to be renewed, in the order in which they lie in memory, as `renew` makes
    /// something of each.
    pub(crate) fn next_sessions<S, T>(
        &mut self,
        all: &BTreeMap<SessionId, S>,
        renew: impl Fn(SessionId, &S) -> T,
    ) -> Vec<T> {
        let Some(begin) = self.sessions.take() else { return Vec::new() };
        let (_, end) = ids_of(self.slice, SessionId::from_random);
        let mut last = None;
        let part = all.range((begin, end)).take(PART).map(|(id, session)| {
            last = Some(*id);
            renew(*id, session)
        });
        let part: Vec<_> = part.collect();
        self.sessions = last.filter(|_| part.len() == PART).map(Bound::Excluded);
        part
    }

    /// The next rooms to be renewed, all shared with one gateway.
    pub(crate) fn next_rooms(&mut self) -> Vec<RoomId> {
        self.rooms.pop().unwrap_or_default()
    }
}

/// The ids of a slice; ids are random, so that slices are about equal. `id` makes the least id of
/// those that begin with these bytes.
fn ids_of<K>(slice: u8, id: impl Fn([u8; 16]) -> K) -> Ids<K> {
    let first = |slice: u8| {
        let mut bytes = [0; 16];
        bytes[0] = (u16::from(slice) * 256 / u16::from(SLICES)) as u8;
        id(bytes)
    };
    let end = if slice + 1 < SLICES { Bound::Excluded(first(slice + 1)) } else { Bound::Unbounded };
    (Bound::Included(first(slice)), end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(first: u8, n: u8) -> SessionId {
        let mut bytes = [first; 16];
        bytes[15] = n;
        SessionId::from_random(bytes)
    }

    #[test]
    fn each_session_is_renewed_once_in_a_round_in_parts() {
        let all: BTreeMap<_, _> = [(0, 1), (25, 200), (26, 32), (99, 64), (255, 3)]
            .into_iter()
            .flat_map(|(first, many)| (0..many).map(move |n| (session(first, n), ())))
            .collect();
        let (mut round, mut now) = (RenewalRound::default(), UnixMillis(1_000_000));
        let mut renewed = Vec::new();
        for slice in 1..=SLICES {
            assert!(round.is_due(now));
            let (_, is_first) = round.begin_slice(now);
            assert_eq!(is_first, slice == SLICES);
            loop {
                let part = round.next_sessions(&all, |id, ()| id);
                assert!(part.len() <= PART);
                if part.is_empty() {
                    break;
                }
                renewed.extend(part);
            }
            now += SLICE;
        }
        renewed.sort_unstable();
        assert_eq!(renewed, all.into_keys().collect::<Vec<_>>());
    }

    #[test]
    fn rooms_are_renewed_in_parts_for_one_gateway_each() {
        let mut round = RenewalRound::default();
        let rooms: Vec<_> = (0..=PART as u8).map(|n| RoomId::from_bytes([n; 16])).collect();
        round.add_rooms(&rooms);
        round.add_rooms(&rooms[..1]);
        let mut parts: Vec<_> = std::iter::from_fn(|| Some(round.next_rooms()).filter(|it| !it.is_empty()))
            .map(|part| part.len())
            .collect();
        parts.sort_unstable();
        assert_eq!(parts, [1, 1, PART]);
    }
}
