//! Every session and room of this gateway, as one pure state machine: no I/O, no clock; randomness comes from a seed given at the start.
//!
//! Inputs are the methods; what they decide is queued as [`Effect`]s, to be carried out in order. Chat frames never come here: an
//! [`Effect::Route`] tells the relay path where a connection's frames go until the next one.

mod due;
mod effect;
mod ending;
mod expiring;
mod hearing;
mod knowledge;
mod resuming;
mod rooms;
mod round;
#[cfg(test)]
mod tests;
mod timers;
mod upkeep;
mod waiting;

use std::{cell::Cell, collections::BTreeMap, time::Duration};

use rand::{SeedableRng, rngs::StdRng};
use schemas::{
    BootId, CloseCode, NodeId, RoomId, SessionId, Side, Stamp, Tag, UnixMillis, WantId,
    control::{Category, ControlError, EndReason, ErrorCode, Find},
    event::{Attachment, Load, SessionEvent},
    limits,
    message::Message,
    nodes::Nodes,
    session::SessionState,
    token::{RoomHistory, TicketClaims, TokenClaims},
};

pub use self::effect::{ConnId, Effect, Route, SessionGrant, TicketGrant, ToClient, Unsigned};
pub use self::upkeep::TICK;
use self::{
    expiring::Expiring,
    rooms::Room,
    round::Round,
    timers::{Timer, Timers},
    waiting::Waiting,
};

/// Ended rooms that a gateway remembers: one token life of 300 ends a second, 16 MB.
const ENDED_ROOMS: usize = 200_000;
/// Deleted sessions that a gateway remembers: one token life of 150 a second in the whole cluster, 6 MB.
const REVOKED_SESSIONS: usize = 100_000;
/// Spent invites that a gateway remembers by itself, best effort: 4 MB.
const SPENT_INVITES: usize = 100_000;
/// Rooms that moved on, matches that came to nothing, and stamps ahead of the clock: all live for seconds.
const SHORT_LIVED: usize = 50_000;

/// What a gateway is told about itself.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its id on the bus.
    pub node: NodeId,
    /// This run of it.
    pub boot: BootId,
    /// How long a side may stay away.
    pub grace: Duration,
    /// The life of a token.
    pub token_life: Duration,
    /// `drain` spreads the clients' return over this time.
    pub drain_spread: Duration,
    /// What other gateways there are.
    pub topology: Topology,
}

/// What other gateways there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    /// There may be others on the same bus: clients of this one can go there when it is shut down.
    Cluster,
    /// This is the only one, as in `serve`: its rooms end with it.
    Standalone,
}

/// What a client asks, its ticket already verified.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Wait for a match.
    Find(Find),
    /// Stop waiting.
    Cancel,
    /// Back into a room.
    Resume(TicketClaims),
    /// End the chat.
    Leave,
    /// End the chat, if any, and wait for another person.
    Next(Find),
    /// End the chat and never meet again.
    Report(Category),
}

/// Whether the bus carries messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BusState {
    /// Not yet: nothing has begun here that would have to stand still.
    Awaited,
    Up,
    Down {
        since: UnixMillis,
    },
}

/// Which attachment of its session one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nth {
    /// The first that its token and this gateway know of. Nobody holds an older one, unless a token was used twice: it is said once.
    First,
    /// A gateway may hold an older one: it is repeated until that one must have heard.
    Later,
}

/// What became of a room that is not held here any more, and was not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Past {
    /// A match that came to nothing: whoever joins it is declined.
    Dissolved,
    /// Its people are elsewhere: a match that is told again is none of this gateway's business.
    MovedOn,
}

/// All sessions and rooms of one gateway.
pub struct Sessions {
    settings: Settings,
    /// Ordered, like all maps here: they are walked in parts and always in the same way, and have no moments in which they grow as a whole.
    /// Boxed, like the rooms: a third of such a map's places are empty.
    sessions: BTreeMap<SessionId, Box<Session>>,
    wants: BTreeMap<WantId, SessionId>,
    rooms: BTreeMap<RoomId, Box<Room>>,
    /// The rooms of people who are on other gateways.
    owners: BTreeMap<Tag, RoomId>,
    gateways: Nodes,
    /// Since when each gateway that has fallen silent may have missed what was said.
    silent: BTreeMap<NodeId, UnixMillis>,
    /// What was said of sessions since then is to be said again: a gateway that is back may have missed it.
    say_again_since: Option<UnixMillis>,
    ended: Expiring<RoomId, EndReason>,
    past: Expiring<RoomId, Past>,
    revoked: Expiring<SessionId, ()>,
    spent: Expiring<Tag, ()>,
    /// Stamps heard that are ahead of this gateway's clock: any other is below what the clock gives.
    ahead: Expiring<SessionId, Stamp>,
    timers: Timers,
    bus: BusState,
    /// Time during which graces stood still.
    frozen: Duration,
    thaw: UnixMillis,
    draining: bool,
    last_tick: Option<upkeep::Tick>,
    round: Round,
    next_repeat: UnixMillis,
    rng: StdRng,
    effects: Vec<Effect>,
    /// The load as it was counted last, until something changes.
    counted: Cell<Option<Load>>,
}

/// A session that is attached here, or whose socket was lost while in a room.
struct Session {
    conn: Option<ConnId>,
    stamp: Stamp,
    /// When it began, in seconds since the Unix epoch.
    start: u64,
    /// Boxed: most have met nobody yet.
    history: Option<Box<RoomHistory>>,
    waiting: Option<Box<Waiting>>,
    seat: Option<(RoomId, Side)>,
    /// Whether its client may know of the room: not while the other half of the match has yet to come.
    shown: bool,
}

impl Session {
    /// The room that the client has been shown, or that waits for it.
    fn room_shown(&self) -> Option<RoomId> {
        self.seat.filter(|_| self.shown).map(|(room, _)| room)
    }

    fn state(&self) -> SessionState {
        if self.room_shown().is_some() {
            SessionState::Paired
        } else if self.waiting.is_some() || self.seat.is_some() {
            SessionState::Waiting
        } else {
            SessionState::Idle
        }
    }

    fn ends(&self) -> UnixMillis {
        UnixMillis::from_secs(self.start) + limits::SESSION_LIFE
    }
}

impl Sessions {
    /// No session yet.
    pub fn new(settings: Settings, seed: [u8; 32]) -> Self {
        Self {
            settings,
            sessions: BTreeMap::new(),
            wants: BTreeMap::new(),
            rooms: BTreeMap::new(),
            owners: BTreeMap::new(),
            gateways: Nodes::default(),
            silent: BTreeMap::new(),
            say_again_since: None,
            ended: Expiring::new(ENDED_ROOMS),
            past: Expiring::new(SHORT_LIVED),
            revoked: Expiring::new(REVOKED_SESSIONS),
            spent: Expiring::new(SPENT_INVITES),
            ahead: Expiring::new(SHORT_LIVED),
            timers: Timers::default(),
            bus: BusState::Up,
            frozen: Duration::ZERO,
            thaw: UnixMillis(0),
            draining: false,
            last_tick: None,
            round: Round::default(),
            next_repeat: UnixMillis(0),
            rng: StdRng::from_seed(seed),
            effects: Vec::new(),
            counted: Cell::new(None),
        }
    }

    /// Takes what has been decided since the last call, in order. Messages that open a room are
    /// released last.
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

    /// A client has connected with a valid session token. Whatever else is attached in the session's name is over.
    pub fn connected(&mut self, now: UnixMillis, conn: ConnId, claims: &TokenClaims) {
        let id = claims.sub;
        let heard = self.ahead.get(now, &id).copied().unwrap_or_default();
        let before = self.sessions.get(&id).map_or(Stamp::NONE, |session| session.stamp);
        let highest = claims.stamp.max(heard).max(before);
        let stamp = Stamp(now.0).max(highest.next());
        let attachment = if highest == Stamp::NONE { Nth::First } else { Nth::Later };
        self.detach(now, id, CloseCode::Replaced);
        let (seat, shown) =
            self.sessions.get(&id).map_or((None, false), |session| (session.seat, session.shown));
        let session = Session {
            conn: Some(conn),
            stamp,
            start: claims.start,
            history: (claims.history != RoomHistory::default()).then(|| Box::new(claims.history.clone())),
            waiting: None,
            seat,
            shown,
        };
        self.sessions.insert(id, Box::new(session));
        self.effects.push(Effect::Send(conn, ToClient::Unsigned(Unsigned::Ready(self.grant(id)))));
        self.attached(now, id, attachment);
    }

    /// A socket that was opened in the name of a session is gone.
    pub fn disconnected(&mut self, now: UnixMillis, id: SessionId, conn: ConnId) {
        if let Some(session) = self.sessions.get_mut(&id).filter(|session| session.conn == Some(conn)) {
            session.conn = None;
            self.counted.set(None);
            self.let_go(now, id);
        }
    }

    /// Closes the socket of a session, if it has one here, and lets go of what hung on it.
    fn detach(&mut self, now: UnixMillis, id: SessionId, code: CloseCode) {
        let Some(conn) = self.sessions.get_mut(&id).and_then(|session| session.conn.take()) else { return };
        self.effects.push(Effect::Route(conn, Route::Nowhere));
        self.effects.push(Effect::Close(conn, code));
        self.let_go(now, id);
    }

    /// A session without a socket: its want is withdrawn, its match dissolved, its seat kept for the grace.
    fn let_go(&mut self, now: UnixMillis, id: SessionId) {
        self.stop_waiting(now, id);
        self.leave_seat_empty(now, id);
        if self.sessions.get(&id).is_some_and(|session| session.seat.is_none()) {
            self.forget(now, id);
        }
    }

    /// A client asks for something. Of a connection that has been replaced nothing is heard.
    ///
    /// # Errors
    /// What the client is to be told; nothing has changed then.
    pub fn request(
        &mut self,
        now: UnixMillis,
        id: SessionId,
        conn: ConnId,
        request: Request,
    ) -> Result<(), ControlError> {
        if !self.is_attached(id, conn) {
            return Ok(());
        }
        match request {
            Request::Find(_) if self.in_room(id) => {
                Err(refuse(ErrorCode::InRoom, "leave the room first, or say next"))
            }
            Request::Find(find) => self.find(now, id, find),
            Request::Cancel => {
                self.stop_waiting(now, id);
                Ok(())
            }
            Request::Resume(ticket) => self.resume(now, id, &ticket),
            Request::Leave => self.leave_room(now, id, EndReason::Left),
            Request::Report(_) => self.leave_room(now, id, EndReason::Reported),
            Request::Next(find) => {
                self.check_find(now, &find)?;
                if self.in_room(id) {
                    self.leave_room(now, id, EndReason::Left)?;
                }
                self.find(now, id, find)
            }
        }
    }

    /// Ends a session for good, here and everywhere.
    pub fn revoke(&mut self, now: UnixMillis, id: SessionId) {
        let remaining = self.settings.token_life + limits::LEEWAY;
        self.session_revoked(now, id, remaining);
        self.repeat_session_event(now, id, SessionEvent::Revoked { remaining });
    }

    /// Whether the session has been deleted.
    pub fn is_revoked(&self, now: UnixMillis, id: SessionId) -> bool {
        self.revoked.get(now, &id).is_some()
    }

    /// The owner leaves this room over REST, wherever the session is attached.
    pub fn leave_remotely(&mut self, now: UnixMillis, id: SessionId, room: RoomId) {
        if self.rooms.contains_key(&room) {
            self.end_room(now, room, EndReason::Left);
        } else {
            self.remember_end(now, room, EndReason::Left);
            self.repeat_session_event(now, id, SessionEvent::Left(room));
        }
    }

    /// Whether this is the session's connection: none that has been replaced, and the session is not over.
    pub fn is_attached(&self, id: SessionId, conn: ConnId) -> bool {
        self.sessions.get(&id).is_some_and(|session| session.conn == Some(conn))
    }

    fn grant(&self, id: SessionId) -> SessionGrant {
        let session = &self.sessions[&id];
        SessionGrant {
            session: id,
            start: session.start,
            stamp: session.stamp,
            history: session.history.as_deref().cloned().unwrap_or_default(),
        }
    }

    fn send(&mut self, id: SessionId, message: ToClient) {
        if let Some(conn) = self.sessions.get(&id).and_then(|session| session.conn) {
            self.effects.push(Effect::Send(conn, message));
        }
    }

    fn publish(&mut self, message: Message) {
        self.effects.push(Effect::Publish(message));
    }

    /// A session has a new stamp: everybody hears of it, and what it is good for ends with it.
    fn attached(&mut self, now: UnixMillis, id: SessionId, attachment: Nth) {
        let Some(session) = self.sessions.get(&id) else { return };
        let (stamp, ends) = (session.stamp, session.ends());
        match attachment {
            Nth::First => self.say_attached_once(id, stamp),
            Nth::Later => self.say_attached(now, id, stamp, 0),
        }
        self.timers.at(ends.min(now + self.settings.token_life / 2), Timer::Session(id, stamp));
    }

    /// Forgets a session, but for a stamp that its next one must exceed.
    fn forget(&mut self, now: UnixMillis, id: SessionId) {
        if let Some(session) = self.sessions.remove(&id) {
            self.remember_stamp(now, id, session.stamp);
        }
    }

    /// A stamp behind this gateway's clock, which never goes back, is below whatever comes next, and needs no remembering.
    fn remember_stamp(&mut self, now: UnixMillis, id: SessionId, stamp: Stamp) {
        if stamp.0 >= now.0 {
            self.ahead.remember_greatest(id, stamp, UnixMillis(stamp.0) + Duration::from_millis(1));
        }
    }

    fn attachment(&self, id: SessionId, side: Side) -> Attachment {
        let stamp = self.sessions.get(&id).map_or(Stamp::NONE, |session| session.stamp);
        Attachment { side, stamp, node: self.settings.node.clone(), owner: id.tag() }
    }

    fn draw_want_id(&mut self) -> WantId {
        WantId::from_bytes(rand::Rng::random(&mut self.rng))
    }
}

fn refuse(code: ErrorCode, message: &str) -> ControlError {
    ControlError::new(code, message)
}

fn invite_spent() -> ControlError {
    refuse(ErrorCode::InviteSpent, "the two people of this invite have met")
}
