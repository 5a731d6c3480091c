//! What must hold at every moment, whatever has happened.

use std::collections::{BTreeMap, BTreeSet};

use pairing::pool::MEMORY_INEXACT;
use schemas::{
    RoomId, SessionId, Tag, WantId,
    control::PeerState,
    criteria::Queue,
    event::{MatchEvent, RememberedRoom, WantEvent},
    limits::MET_LIFE,
    message::Message,
    time::millis,
};
use session::{ConnId, SessionGrant, TicketGrant, ToClient, Unsigned};

use super::{
    profile::Weather,
    things::{End, Socket},
    world::World,
};

/// All that was published and sent to clients, as far as it matters later.
#[derive(Default)]
pub(super) struct Ledger {
    /// Who may be in a room: the first session that was shown each side.
    owners: BTreeMap<RoomId, [Option<SessionId>; 2]>,
    wants: BTreeMap<WantId, KnownWant>,
    /// The rooms that each session was said to remember, and why: in its wants, or by a report.
    /// Pairing may remember each of them for longer than a story lasts.
    said: BTreeMap<Tag, BTreeSet<(Tag, Why)>>,
    matches: BTreeMap<RoomId, [WantId; 2]>,
    /// The rooms of which a session was told, on its newest connection, that they have ended.
    over: BTreeSet<(SessionId, RoomId)>,
    /// Deleted sessions, each with the boot id of the gateway that took the call: a gateway that
    /// crashes before it could publish the deletion forgets it.
    pub(super) revoked: BTreeMap<SessionId, (usize, u64)>,
    /// How many connections gateways have accepted.
    pub(super) taken: u64,
    pub(super) tally: Tally,
}

/// How much happened.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) paired: u64,
    pub(super) resumed: u64,
    pub(super) away: u64,
    pub(super) ended: u64,
    pub(super) replaced: u64,
    pub(super) frames: u64,
}

/// Why a session remembers a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    Met,
    Reported,
}

impl Why {
    /// A chat alone is not remembered for so long, whatever the clocks of two gateways say.
    fn of(RememberedRoom(_, remaining): RememberedRoom) -> Self {
        if remaining > MET_LIFE + MEMORY_INEXACT { Self::Reported } else { Self::Met }
    }

    /// Whether two who remember one room are kept apart in a queue: an invite brings people together
    /// again who have met, but nobody whom one of them has reported.
    fn parts(self, other: Self, queue: Queue) -> bool {
        queue.invite_tag().is_none() || self.max(other) == Self::Reported
    }
}

struct KnownWant {
    conn: ConnId,
    session: SessionId,
    queue: Queue,
    rooms: Vec<KnownRoom>,
}

/// A room that a want remembers, and until when surely: gateways count the rest by clocks that
/// differ, and pairing keeps to the earliest of ends that lie close together.
#[derive(Clone, Copy)]
struct KnownRoom {
    tag: Tag,
    why: Why,
    until: u64,
}

impl KnownWant {
    /// The rooms that it surely remembers still.
    fn rooms(&self, now: u64) -> impl Iterator<Item = &KnownRoom> {
        self.rooms.iter().filter(move |room| now < room.until)
    }

    /// Whether a room surely keeps the two apart.
    fn is_kept_from(&self, other: &Self, now: u64) -> bool {
        self.rooms(now).any(|own| {
            let same = other.rooms(now).filter(|their| their.tag == own.tag);
            same.into_iter().any(|their| own.why.parts(their.why, self.queue))
        })
    }
}

impl Ledger {
    pub(super) fn is_over(&self, session: SessionId, room: RoomId) -> bool {
        self.over.contains(&(session, room))
    }

    pub(super) fn forget_end(&mut self, session: SessionId, room: RoomId) {
        self.over.remove(&(session, room));
    }

    /// Whether pairing may keep these two apart who wait in a queue: it was told of both that they
    /// remember a room, and both were in it.
    pub(super) fn may_be_kept_apart(&self, one: SessionId, other: SessionId, queue: Queue) -> bool {
        let why = |session: SessionId, room: Tag| {
            let said = self.said.get(&session.tag())?;
            [Why::Reported, Why::Met].into_iter().find(|why| said.contains(&(room, *why)))
        };
        self.owners.iter().any(|(room, owners)| {
            let reasons = why(one, room.tag()).zip(why(other, room.tag()));
            [one, other].into_iter().all(|it| owners.contains(&Some(it)))
                && reasons.is_some_and(|(own, their)| own.parts(their, queue))
        })
    }

    /// A room of two sessions that are not this one.
    pub(super) fn room_of_others(&self, session: SessionId) -> Option<RoomId> {
        let mut rooms = self.owners.iter();
        let is_others = |owners: &[Option<SessionId>; 2]| {
            owners.iter().all(|owner| owner.is_some_and(|owner| owner != session))
        };
        rooms.find(|(_, owners)| is_others(owners)).map(|(room, _)| *room)
    }

    /// The session on the other side of a room from one that was shown it.
    pub(super) fn partner(&self, session: SessionId, room: RoomId) -> Option<SessionId> {
        let owners = self.owners.get(&room)?;
        owners.iter().flatten().find(|owner| **owner != session).copied()
    }
}

impl World {
    /// A gateway publishes its wants, each of which belongs to a connection, or a report.
    pub(super) fn note_wants(&mut self, node: usize, message: &Message) {
        if let Message::Report { report, .. } = message {
            self.ledger.said.entry(report.session).or_default().insert((report.room, Why::Reported));
        }
        let Message::Want { event: WantEvent::Waiting(wants), .. } = message else { return };
        for want in wants {
            let holds = |socket: &&Socket| {
                socket.node == node && socket.server_end == End::Open && socket.session == want.session
            };
            let conn = self.sockets.iter().rev().find(|(_, socket)| holds(socket)).map(|(conn, _)| *conn);
            let Some(conn) = conn else {
                let session = want.session;
                self.expect(false, || format!("a want of {session:?}, which is not connected there"));
                return;
            };
            let met = want.met.iter().map(|room| KnownRoom {
                tag: room.0,
                why: Why::of(*room),
                until: self.now + millis(room.1.saturating_sub(MEMORY_INEXACT)),
            });
            let reported =
                want.reported.iter().map(|tag| KnownRoom { tag: *tag, why: Why::Reported, until: u64::MAX });
            let rooms: Vec<_> = met.chain(reported).collect();
            let said = self.ledger.said.entry(want.session.tag()).or_default();
            said.extend(rooms.iter().map(|room| (room.tag, room.why)));
            let known = KnownWant { conn, session: want.session, queue: want.queue, rooms };
            self.ledger.wants.insert(want.id, known);
        }
    }

    /// Pairing has matched.
    pub(super) fn note_match(&mut self, message: &Message) {
        let Message::Match { event: MatchEvent::Pair([first, second]), .. } = message else { return };
        let (room, _) = RoomId::of_match(first.want, second.want);
        self.ledger.matches.insert(room, [first.want, second.want]);
    }

    /// A gateway sends its client something.
    pub(super) fn note_shown(&mut self, node: usize, conn: ConnId, message: &ToClient) {
        let Some(socket) = self.sockets.get(&conn) else { return };
        let (session, end) = (socket.session, socket.server_end);
        self.expect(end == End::Open, || format!("{conn:?} is closed and is sent {message:?}"));
        match message {
            ToClient::Unsigned(Unsigned::Ready(grant)) | ToClient::Unsigned(Unsigned::Token(grant, None)) => {
                self.check_grant(conn, session, grant)
            }
            ToClient::Unsigned(Unsigned::Token(grant, Some(ticket))) => {
                self.check_grant(conn, session, grant);
                self.check_place(session, ticket);
            }
            ToClient::Unsigned(Unsigned::Paired(ticket, _)) => {
                self.ledger.tally.paired += 1;
                self.check_place(session, ticket);
                self.check_partner(node, session, ticket);
            }
            ToClient::Unsigned(Unsigned::Resumed(ticket)) => {
                self.ledger.tally.resumed += 1;
                self.check_place(session, ticket);
            }
            ToClient::Peer(PeerState::Away) => self.ledger.tally.away += 1,
            ToClient::Ended(_) => self.ledger.tally.ended += 1,
            _ => {}
        }
    }

    fn check_grant(&mut self, conn: ConnId, session: SessionId, grant: &SessionGrant) {
        self.expect(grant.session == session, || format!("{conn:?} was given somebody else's token"));
        let Some(socket) = self.sockets.get_mut(&conn) else { return };
        let (base, before) = (socket.base, socket.stamp);
        socket.stamp = grant.stamp;
        self.expect(grant.stamp > base && grant.stamp >= before, || {
            format!("{conn:?} came with {base:?}, had {before:?} and got {:?}", grant.stamp)
        });
    }

    /// A side of a room belongs to one session, and the other to another.
    fn check_place(&mut self, session: SessionId, ticket: &TicketGrant) {
        let owners = self.ledger.owners.entry(ticket.room).or_default();
        let side = ticket.side as usize;
        let owner = *owners[side].get_or_insert(session);
        let other = owners[1 - side];
        self.expect(owner == session && ticket.session == session, || {
            format!("{session:?} was shown {ticket:?}, which is {owner:?}'s")
        });
        self.expect(other != Some(session), || format!("{session:?} is on both sides of {:?}", ticket.room));
    }

    /// Nobody is matched with a peer that was gone already, as far as its gateway could know.
    fn check_partner(&mut self, node: usize, session: SessionId, ticket: &TicketGrant) {
        let matched = self.ledger.matches.get(&ticket.room).copied();
        let Some([first, second]) = matched else {
            return self.expect(false, || format!("{:?} comes from no match", ticket.room));
        };
        let (Some(first), Some(second)) = (self.ledger.wants.get(&first), self.ledger.wants.get(&second))
        else {
            return self.expect(false, || "a match of unknown wants".into());
        };
        let (own, other) = if first.session == session { (first, second) } else { (second, first) };
        let shared = own.is_kept_from(other, self.now);
        let same = own.session == other.session;
        let others = &self.sockets[&other.conn];
        let patience = if others.node == node { 0 } else { Weather::LATE };
        let gone = others.gone.filter(|gone| gone + patience < self.now);
        let (now, conn) = (self.now, other.conn);
        self.expect(!same, || format!("{session:?} met itself"));
        self.expect(!shared, || format!("{session:?} met somebody whom it remembers"));
        self.expect(gone.is_none(), || {
            format!("{session:?} is shown {:?} at {now}, but {conn:?} was gone at {gone:?}", ticket.room)
        });
    }

    /// A client receives something from its gateway.
    pub(super) fn check_heard(&mut self, client: usize, conn: ConnId, message: &ToClient) {
        let it = &self.clients[client];
        let session = it.session;
        match message {
            ToClient::Unsigned(Unsigned::Paired(ticket, _)) => {
                let over = self.ledger.is_over(session, ticket.room);
                self.expect(!over, || format!("{conn:?} is back in {:?}, which is over", ticket.room));
            }
            // What an older connection hears, the client has turned away from. It may be the word of a
            // gateway that is cut off and crashes before anybody else hears of the end.
            ToClient::Ended(_) if it.main == Some(conn) => {
                let room = match it.tabs.get(&conn).map(|tab| tab.phase) {
                    Some(super::client::Phase::Room { room, .. }) => Some(room),
                    _ => it.ticket.map(|ticket| ticket.room),
                };
                self.ledger.over.extend(room.map(|room| (session, room)));
            }
            _ => {}
        }
    }

    /// Only a newer connection closes one as replaced.
    pub(super) fn check_replaced(&mut self, conn: ConnId) {
        self.ledger.tally.replaced += 1;
        let loser = &self.sockets[&conn];
        let rank = |socket: &Socket| (socket.stamp, self.nodes[socket.node].id.clone());
        let newer = self.sockets.iter().any(|(other, socket)| {
            *other != conn
                && socket.session == loser.session
                && (rank(socket) > rank(loser) || socket.taken > loser.taken)
        });
        self.expect(newer, || format!("{conn:?} was replaced by an older connection"));
    }
}
