//! The round: in ten seconds it is said of everything that is held here that it lives, a part at a time. Chats go on between the parts.

use std::{collections::BTreeMap, ops::Bound, time::Duration};

use schemas::{
    NodeId, RoomId, SessionId, Side, UnixMillis,
    event::{Attached, Lease, Presence, SessionLease},
    limits,
    message::Message,
};

use super::{Session, Sessions};

/// A round has this many slices. What a gateway has to say to another of the rooms of one slice goes in one message, so that more slices
/// would be more messages between each two gateways.
const SLICES: u8 = 10;
/// How long a slice waits for the next.
const SLICE: Duration = Duration::from_millis(limits::RENEWAL.as_millis() as u64 / SLICES as u64);
/// Sessions, and rooms, that are said at once: a tenth of a millisecond, most of it for memory that was long not looked at.
const PART: usize = 32;
/// Entries of one lease or presence message: 500 of about 120 bytes stay below [`limits::EVENT_BYTES`].
const BATCH: usize = 500;

/// How far the round is.
#[derive(Default)]
pub(super) struct Round {
    slice: u8,
    next: UnixMillis,
    /// Where the sessions of this slice begin that are still to be said, if any are.
    sessions: Option<Bound<SessionId>>,
    /// The rooms of which that is so. What is said at once is for one gateway.
    rooms: Vec<Vec<RoomId>>,
}

/// The ids of a slice; ids are random, so that slices are about equal. `id` makes the least id of those that begin with these bytes.
fn ids_of<K>(slice: u8, id: impl Fn([u8; 16]) -> K) -> (Bound<K>, Bound<K>) {
    let first = |slice: u8| {
        let mut bytes = [0; 16];
        bytes[0] = (u16::from(slice) * 256 / u16::from(SLICES)) as u8;
        id(bytes)
    };
    let end = if slice + 1 < SLICES { Bound::Excluded(first(slice + 1)) } else { Bound::Unbounded };
    (Bound::Included(first(slice)), end)
}

impl Sessions {
    /// Begins the next slice, if it is time.
    pub(super) fn begin_slice(&mut self, now: UnixMillis) -> bool {
        if self.round.next > now {
            return false;
        }
        while self.say_part() {}
        self.round.next = (self.round.next + SLICE).max(now);
        self.round.slice = (self.round.slice + 1) % SLICES;
        let slice = self.round.slice;
        if slice == 0 {
            self.counted.set(None);
        }
        self.round.sessions = Some(ids_of(slice, SessionId::from_random).0);
        let rooms = self.rooms.range(ids_of(slice, RoomId::from_bytes));
        let shared = rooms.filter(|(_, room)| room.seats.iter().any(Option::is_none));
        let rooms: Vec<_> = shared.map(|(id, _)| *id).collect();
        for room in &rooms {
            self.silence_due(now, *room);
        }
        for shared in self.by_gateway(&rooms).into_values() {
            self.round.rooms.extend(shared.chunks(PART).map(<[_]>::to_vec));
        }
        true
    }

    /// Says a part of the slice: to be called often. Whether there was something to say.
    pub fn say_part(&mut self) -> bool {
        let sessions = self.next_leases();
        let rooms = self.round.rooms.pop().unwrap_or_default();
        let said = !(sessions.is_empty() && rooms.is_empty());
        self.say_leases(&sessions);
        self.say_presence(&rooms);
        said
    }

    /// The leases of the next part, in the order in which their sessions lie in memory.
    fn next_leases(&mut self) -> Vec<SessionLease> {
        let Some(begin) = self.round.sessions.take() else { return Vec::new() };
        let (_, end) = ids_of(self.round.slice, SessionId::from_random);
        let sessions = self.sessions.range((begin, end)).take(PART);
        let leases: Vec<_> = sessions.map(|(id, session)| session.lease(*id)).collect();
        let last = leases.last().filter(|_| leases.len() == PART);
        self.round.sessions = last.map(|last| Bound::Excluded(last.session));
        leases
    }

    /// Says that all sessions are held here.
    pub(super) fn say_all_leases(&mut self) {
        let leases: Vec<_> = self.sessions.iter().map(|(id, session)| session.lease(*id)).collect();
        self.say_leases(&leases);
    }

    /// Says of these sessions that they are held here, if they are.
    pub(super) fn say_leases_of(&mut self, ids: &[SessionId]) {
        let held = ids.iter().filter_map(|id| Some(self.sessions.get(id)?.lease(*id)));
        self.say_leases(&held.collect::<Vec<_>>());
    }

    fn say_leases(&mut self, leases: &[SessionLease]) {
        for batch in leases.chunks(BATCH) {
            let lease = Lease { boot: self.settings.boot, sessions: batch.to_vec() };
            self.publish(Message::Lease { from: self.settings.node.clone(), lease });
        }
    }

    /// Tells the gateways that hold the other sides of these rooms which sides are here.
    pub(super) fn say_presence(&mut self, rooms: &[RoomId]) {
        for (to, rooms) in self.by_gateway(rooms) {
            for batch in rooms.chunks(BATCH) {
                let rooms = batch.iter().filter_map(|id| Some((*id, self.attached_here(*id)?.1))).collect();
                let presence = Presence { node: self.settings.node.clone(), rooms };
                self.publish(Message::Presence { to: to.clone(), presence });
            }
        }
    }

    /// Those of these rooms of which one side is here and the other elsewhere, by the gateway that holds the other.
    fn by_gateway(&self, rooms: &[RoomId]) -> BTreeMap<NodeId, Vec<RoomId>> {
        let mut shared = BTreeMap::<NodeId, Vec<RoomId>>::new();
        for id in rooms {
            if let Some((other, _)) = self.attached_here(*id) {
                shared.entry(other).or_default().push(*id);
            }
        }
        shared
    }

    /// The gateway of the side that is elsewhere, and what it is to hear of the one that is here.
    fn attached_here(&self, id: RoomId) -> Option<(NodeId, Attached)> {
        let room = self.rooms.get(&id)?;
        let side = [Side::A, Side::B]
            .into_iter()
            .find(|side| room.seat(side.other()).is_none() && room.is_attached(*side))?;
        let (own, other) = (room.fold.attachment(side)?, room.fold.attachment(side.other())?);
        Some((other.node, Attached { peer: other.stamp, side, stamp: own.stamp, owner: own.owner }))
    }
}

impl Session {
    fn lease(&self, id: SessionId) -> SessionLease {
        SessionLease {
            session: id,
            stamp: self.stamp,
            state: self.state(),
            connected: self.conn.is_some(),
            room: self.room_shown(),
            ends: self.ends(),
        }
    }
}
