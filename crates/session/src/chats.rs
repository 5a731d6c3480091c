//! What happens in rooms, turned into effects; and how rooms begin and end.

use schemas::{
    NodeId, RoomId, SessionId, Side, UnixMillis,
    control::{EndReason, PeerState},
    event::RoomEvent,
    message::Message,
};

use crate::{
    effect::{Route, ToClient, Unsigned},
    endings::EndedSide,
    room::{FramesTo, Moment, Room, RoomNews},
    seat::{Joining, Phase, Seat},
    sessions::Sessions,
    silence::Conduct,
    timers::Timer,
};

impl Sessions {
    /// Gives a room an input, and acts on what has happened in it.
    pub(crate) fn with_room(
        &mut self,
        now: UnixMillis,
        id: RoomId,
        input: impl FnOnce(&mut Room, &mut Moment<'_>) -> Vec<RoomNews>,
    ) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let mut at =
            Moment { now, grace_now: self.graces.now(now), grace: self.settings.grace, rng: &mut self.rng };
        let news = input(room, &mut at);
        self.rooms.note_owners(id);
        for news in news {
            self.act_on(now, id, news);
        }
    }

    fn act_on(&mut self, now: UnixMillis, room: RoomId, news: RoomNews) {
        match news {
            RoomNews::Publish(audience, event) => self.publish_room(room, audience, event),
            RoomNews::Paired(id, queue) => {
                let mut expect = None;
                if let Some(session) = self.sessions.get_mut(&id) {
                    expect = session.expect.take();
                    session.shown = true;
                    // Who waits for somebody in particular is not judged by strangers.
                    let conduct = queue.invite_tag().is_none().then(|| Conduct::begin(now));
                    session.memory.get_or_insert_default().conduct = conduct;
                }
                self.send_ticket(id, |ticket| Unsigned::Paired(ticket, expect));
                self.have_met(now, queue);
            }
            RoomNews::Resumed(id, peer) => {
                self.note_peer(now, id, peer);
                self.send_resumed(id, peer);
            }
            RoomNews::Peer(id, state) => {
                self.note_peer(now, id, state);
                self.send(id, ToClient::Peer(state));
            }
            RoomNews::Routed(id, side, to) => {
                let route = self.route_to(room, side, to);
                self.route(id, route);
            }
            RoomNews::DueAt(time) => self.timers.at(time, Timer::Room(room)),
            RoomNews::Dissolved => self.dissolve(now, room, None),
            RoomNews::Expired => self.end_room(now, room, EndReason::Expired),
            RoomNews::Abandoned(side) => {
                self.vacate(now, room, side);
                self.drop_room(now, room);
            }
        }
    }

    /// A chat counts while both are online.
    fn note_peer(&mut self, now: UnixMillis, id: SessionId, peer: PeerState) {
        let memory = self.sessions.get_mut(&id).and_then(|session| session.memory.as_mut());
        let Some(conduct) = memory.and_then(|memory| memory.conduct.as_mut()) else { return };
        match peer {
            PeerState::Online => conduct.go_on(now),
            PeerState::Away => conduct.pause(now),
        }
    }

    /// `resumed` means that the peer is online, unless `away` follows.
    pub(crate) fn send_resumed(&mut self, id: SessionId, peer: PeerState) {
        self.send_ticket(id, Unsigned::Resumed);
        if peer == PeerState::Away {
            self.send(id, ToClient::Peer(peer));
        }
    }

    fn route_to(&self, room: RoomId, side: Side, to: FramesTo) -> Route {
        match to {
            FramesTo::Nobody => Route::Nowhere,
            FramesTo::Session(peer) => {
                self.conn(peer).map_or(Route::Nowhere, |peer| Route::Local { room, peer })
            }
            FramesTo::Gateway { stamp, node, fence } => Route::Remote { room, side, stamp, node, fence },
        }
    }

    /// Gives a session a seat in a room, which may begin with it. What follows for the clients here
    /// is for the caller to find out, once all have their seats.
    pub(crate) fn take_seat(&mut self, now: UnixMillis, room: RoomId, side: Side, seat: Seat) {
        let id = seat.session();
        let own = self.attachment(id, side);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        (session.seat, session.shown) = (Some((room, side)), !seat.is_joining());
        self.rooms.get_or_insert(room);
        self.with_room(now, room, |room, at| room.take_seat(at.now, own, seat));
    }

    /// Takes whoever holds this side from its seat. Nobody is told.
    pub(crate) fn vacate(&mut self, now: UnixMillis, room: RoomId, side: Side) {
        let Some(seat) = self.rooms.get_mut(&room).and_then(|room| room.vacate(side)) else { return };
        let id = seat.session();
        let Some(session) = self.sessions.get_mut(&id).filter(|it| it.seat == Some((room, side))) else {
            return;
        };
        session.seat = None;
        if session.conn.is_none() {
            self.forget(now, id);
        }
    }

    /// A gateway is gone, silent or started again: the sides that it held are away.
    pub(crate) fn lose_gateway(&mut self, now: UnixMillis, node: &NodeId) {
        for id in self.rooms.shared_with(node) {
            self.with_room(now, id, |room, at| room.lose_gateway(at, node));
        }
    }

    /// A match that has not become a room: whoever sits there waits on, but for who has taken back
    /// its want, and the gateway of the other half is told.
    pub(crate) fn dissolve(&mut self, now: UnixMillis, room: RoomId, quitter: Option<SessionId>) {
        self.endings.dissolve(now, room);
        for side in [Side::A, Side::B] {
            let is_joining = |seat: &Seat| seat.is_joining();
            match self.rooms.get(&room).and_then(|room| room.seat(side)).map(is_joining) {
                None => continue,
                // One side was told already: for it the room is over.
                Some(false) => return self.end_room(now, room, EndReason::Left),
                Some(true) => {}
            }
            let Some(seat) = self.rooms.get_mut(&room).and_then(|room| room.vacate(side)) else { continue };
            let id = seat.session();
            if let Some(session) = self.sessions.get_mut(&id) {
                session.seat = None;
            }
            let Phase::Joining(joining) = seat.into_phase() else { continue };
            let Joining { peer, want, .. } = *joining;
            self.publish_to(room, peer, RoomEvent::Declined);
            if quitter != Some(id) {
                self.wait_again(now, id, want);
            }
        }
        self.drop_room(now, room);
    }

    /// Ends a room here and tells whoever needs to know: the gateway of the other side if it is
    /// known to be there, everybody if not. When both sides are here the word goes to this node's
    /// own subject, for the janitors, who listen to all of them.
    pub(crate) fn end_room(&mut self, now: UnixMillis, id: RoomId, reason: EndReason) {
        let Some(room) = self.rooms.get(&id) else { return };
        let event = RoomEvent::Ended(reason);
        match room.end_audience() {
            Some(audience) => self.publish_room(id, audience, event),
            None => {
                let to = self.settings.node.clone();
                self.publish(Message::Peer { room: id, to, event });
            }
        }
        self.close_room(now, id, reason);
    }

    /// A room is over: stops the frames, tells the clients, remembers the end.
    pub(crate) fn close_room(&mut self, now: UnixMillis, id: RoomId, reason: EndReason) {
        self.close_room_as(now, id, reason, |_| reason);
    }

    /// The same with what each side is told; everybody else is told `reason`.
    pub(crate) fn close_room_as(
        &mut self,
        now: UnixMillis,
        id: RoomId,
        reason: EndReason,
        told: impl Fn(Side) -> EndReason,
    ) {
        self.endings.end_room(now, id, reason);
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let seats = [Side::A, Side::B].map(|side| (side, room.vacate(side)));
        for seat in seats.iter().filter_map(|(_, seat)| seat.as_ref()) {
            if let Some(session) = self.sessions.get_mut(&seat.session()) {
                session.seat = None;
            }
            self.route(seat.session(), Route::Nowhere);
        }
        for (side, seat) in seats {
            let Some(seat) = seat else { continue };
            let session = seat.session();
            match seat.into_phase() {
                Phase::Joining(joining) => self.wait_again(now, session, joining.want),
                // Its client may be back, but not in this room: `ended` would speak of another.
                Phase::Away => self.remember_end(now, session, (id, side)),
                Phase::In | Phase::Resuming { .. } => self.send_end(now, session, (id, side), told(side)),
            }
        }
        self.drop_room(now, id);
    }

    /// Tells a client that the room that it is in, or wants to come back to, is over.
    pub(crate) fn send_end(
        &mut self,
        now: UnixMillis,
        id: SessionId,
        seat: (RoomId, Side),
        reason: EndReason,
    ) {
        self.send(id, ToClient::Ended(reason));
        self.remember_end(now, id, seat);
    }

    /// A session remembers a room that is over in its next token. Without a connection it learns of
    /// the end when it comes back.
    fn remember_end(&mut self, now: UnixMillis, id: SessionId, (room, side): (RoomId, Side)) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let memory = session.memory.get_or_insert_default();
        memory.chat_ended(now, room, side);
        let origin = memory.client.and_then(|client| client.origin);
        self.endings.remember_side(now, room, side, EndedSide { session: id, origin });
        if session.conn.is_none() {
            return self.forget(now, id);
        }
        self.send_token(id, |grant| Unsigned::Token(grant, None));
    }

    /// Forgets a room that nobody here is in any more.
    pub(crate) fn drop_room(&mut self, now: UnixMillis, room: RoomId) {
        if self.rooms.remove(room) {
            self.endings.move_on(now, room);
        }
    }
}
