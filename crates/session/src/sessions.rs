//! [`Sessions`] itself: what it consists of, and the steps that all its layers are made of. Each
//! queues one effect, or looks something up.

use std::{cell::Cell, collections::BTreeMap};

use rand::{SeedableRng, rngs::StdRng};
use schemas::{
    CloseCode, NodeId, RoomId, Service, SessionId, Side, UnixMillis,
    event::{Load, RoomEvent, SessionEvent, WantEvent},
    message::Message,
};

use crate::{
    claims::Claims,
    effect::{ConnId, Effect, Route, TicketGrant, ToClient, Unsigned},
    endings::Endings,
    expiring::Expiring,
    graces::GraceClock,
    memory::Memory,
    neighbours::Neighbours,
    renewal::RenewalRound,
    rooms::Rooms,
    seat::Audience,
    session::Session,
    settings::Settings,
    silence::SilentOrigins,
    stamps::Stamps,
    timers::Timers,
    wants::OwnWants,
};

/// Sessions without a connection of which something is remembered: 20 MB.
const MEMORIES: usize = 50_000;

/// All sessions and rooms of one gateway.
pub struct Sessions {
    pub(crate) settings: Settings,
    /// Ordered and boxed for the same reasons as the rooms.
    pub(crate) sessions: BTreeMap<SessionId, Box<Session>>,
    pub(crate) rooms: Rooms,
    pub(crate) wants: OwnWants,
    pub(crate) endings: Endings,
    /// What is remembered of sessions that are not here any more: no older token is valid for
    /// longer.
    pub(crate) memories: Expiring<SessionId, Box<Memory>>,
    pub(crate) silent_origins: SilentOrigins,
    pub(crate) stamps: Stamps,
    pub(crate) neighbours: Neighbours,
    pub(crate) claims: Claims,
    pub(crate) graces: GraceClock,
    pub(crate) renewal: RenewalRound,
    pub(crate) timers: Timers,
    /// Whether this node goes away.
    pub(crate) draining: bool,
    pub(crate) rng: StdRng,
    effects: Vec<Effect>,
    /// The load as it was counted last, until something changes.
    pub(crate) counted: Cell<Option<Load>>,
}

impl Sessions {
    /// No session yet. All randomness comes from the seed.
    pub fn new(settings: Settings, seed: [u8; 32]) -> Self {
        Self {
            sessions: BTreeMap::new(),
            rooms: Rooms::default(),
            wants: OwnWants::default(),
            endings: Endings::new(settings.end_memory(), settings.revocation_memory()),
            memories: Expiring::new(MEMORIES),
            silent_origins: SilentOrigins::default(),
            stamps: Stamps::default(),
            neighbours: Neighbours::default(),
            claims: Claims::default(),
            graces: GraceClock::default(),
            renewal: RenewalRound::default(),
            timers: Timers::default(),
            draining: false,
            rng: StdRng::from_seed(seed),
            effects: Vec::new(),
            counted: Cell::new(None),
            settings,
        }
    }

    /// Takes what has been decided since the last call, in order. Messages that open a room are
    /// released last: by then all that was decided with them has been carried out.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        for n in 0..self.effects.len() {
            if let Effect::Send(conn, ToClient::Unsigned(message)) = &self.effects[n]
                && message.opens_room()
            {
                self.effects.push(Effect::Release(*conn));
            }
        }
        if self.effects.iter().any(|effect| !matches!(effect, Effect::Publish(_))) {
            self.counted.set(None);
        }
        std::mem::take(&mut self.effects)
    }

    /// Whether this is the session's connection: none that has been replaced, and the session is
    /// not over.
    pub(crate) fn is_attached(&self, id: SessionId, conn: ConnId) -> bool {
        self.conn(id) == Some(conn)
    }

    /// Sends something to the client of a session, if it is connected here.
    pub(crate) fn send(&mut self, id: SessionId, message: ToClient) {
        if let Some(conn) = self.conn(id) {
            self.effects.push(Effect::Send(conn, message));
        }
    }

    /// Sends a message with a ticket for the session's seat.
    pub(crate) fn send_ticket(&mut self, id: SessionId, message: impl FnOnce(TicketGrant) -> Unsigned) {
        if let Some(grant) = self.sessions.get(&id).and_then(|session| session.ticket(id)) {
            self.send(id, ToClient::Unsigned(message(grant)));
        }
    }

    /// Sends the session's first token on its connection, or a new one.
    pub(crate) fn send_token(&mut self, id: SessionId, message: fn(crate::effect::SessionGrant) -> Unsigned) {
        if let Some(session) = self.sessions.get(&id) {
            let message = message(session.grant(id));
            self.send(id, ToClient::Unsigned(message));
        }
    }

    /// Sets where the frames of the session's client go.
    pub(crate) fn route(&mut self, id: SessionId, route: Route) {
        if let Some(conn) = self.conn(id) {
            self.effects.push(Effect::Route(conn, route));
        }
    }

    pub(crate) fn close(&mut self, conn: ConnId, code: CloseCode) {
        self.effects.push(Effect::Route(conn, Route::Nowhere));
        self.effects.push(Effect::Close(conn, code));
    }

    pub(crate) fn publish(&mut self, message: Message) {
        let forms = self.claims.forms(&self.neighbours, message);
        self.effects.extend(forms.into_iter().flatten().map(Effect::Publish));
    }

    pub(crate) fn publish_wants(&mut self, event: WantEvent) {
        self.publish(Message::Want { from: self.settings.node.clone(), event });
    }

    pub(crate) fn publish_session(&mut self, session: SessionId, event: SessionEvent) {
        self.publish(Message::Session { session, speaker: Service::Gateway, event });
    }

    /// Publishes an event of a room to the gateway of the other side, which needs none if it is
    /// this one.
    pub(crate) fn publish_to(&mut self, room: RoomId, to: NodeId, event: RoomEvent) {
        if to != self.settings.node {
            self.publish(Message::Peer { room, to, event });
        }
    }

    pub(crate) fn publish_room(&mut self, room: RoomId, audience: Audience, event: RoomEvent) {
        match audience {
            Audience::Gateway(to) => self.publish_to(room, to, event),
            Audience::Everybody => {
                self.publish(Message::Room { room, speaker: Service::Gateway, event });
            }
        }
    }

    /// The connection of a session, if it has one here.
    pub(crate) fn conn(&self, id: SessionId) -> Option<ConnId> {
        self.sessions.get(&id)?.conn
    }

    /// The room of which a session holds a side here, and the side.
    pub(crate) fn seat(&self, id: SessionId) -> Option<(RoomId, Side)> {
        self.sessions.get(&id)?.seat
    }

    /// Whether the session's client has been told of a room, or is on its way back into one.
    pub(crate) fn is_in_room(&self, id: SessionId) -> bool {
        let seat = self.seat(id).and_then(|(room, side)| self.rooms.get(&room)?.seat(side));
        seat.is_some_and(|seat| seat.is_in_room())
    }

    /// Forgets a session, but for a stamp that its next one must exceed, and for what an older
    /// token would not say.
    pub(crate) fn forget(&mut self, now: UnixMillis, id: SessionId) {
        if let Some(mut session) = self.sessions.remove(&id) {
            self.stamps.remember(now, id, session.stamp);
            if let Some(memory) = session.take_memory() {
                self.remember(now, id, memory);
            }
        }
    }

    /// Remembers something of a session that is not here.
    pub(crate) fn remember(&mut self, now: UnixMillis, id: SessionId, memory: Box<Memory>) {
        self.memories.remember(id, memory, now + self.settings.end_memory());
    }
}
