//! People: what they want, what they are sent, and what their clients do by themselves.

mod hearing;

use std::collections::{BTreeMap, VecDeque};

use rand::{Rng, seq::IndexedRandom};
use schemas::{
    CloseCode, RoomId, SessionId, Side, Stamp, UnixMillis,
    control::{ErrorCode, PeerState},
    criteria::Criteria,
    token::{ROOM_AUDIENCE, RoomHistory, SESSION_AUDIENCE, TicketClaims, TokenClaims},
};
use session::{ClientCommand, ConnId, SessionGrant, TicketGrant, ToClient};

use super::{
    dice::Dice,
    things::{End, Event, Frame, Machine},
    world::World,
};

/// What a client sends to its gateway.
pub(super) enum Said {
    Hello(Box<TokenClaims>),
    Command(Box<ClientCommand>),
    Frame(Frame),
}

/// What a client receives from its gateway.
pub(super) enum Heard {
    Message(Box<ToClient>),
    Refused(Box<ClientCommand>, ErrorCode),
    Frame(Frame),
    Closed(Option<CloseCode>),
}

/// What a client does later.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Todo {
    Connect,
    /// Connect although a connection is open.
    Move,
    /// Repeat a refused message.
    Ask(ConnId),
}

/// A person with one session.
pub(super) struct Client {
    pub(super) session: SessionId,
    pub(super) grants: Vec<SessionGrant>,
    pub(super) ticket: Option<TicketGrant>,
    /// Tickets that are no longer valid.
    pub(super) old_tickets: Vec<TicketGrant>,
    /// The criteria of its `find`.
    pub(super) criteria: Option<Criteria>,
    /// The connection that counts.
    pub(super) main: Option<ConnId>,
    pub(super) tabs: BTreeMap<ConnId, Tab>,
    /// Whether it has closed its page for good.
    pub(super) presence: Presence,
    /// What this person decides by chance.
    pub(super) dice: Dice,
    /// How long what they say, and hear, takes.
    pub(super) wire: Dice,
    connecting: bool,
    asking: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Here,
    Gone,
}

/// What one connection has received.
#[derive(Clone, Debug)]
pub(super) struct Tab {
    pub(super) phase: Phase,
    /// The criteria with which it is waiting.
    pub(super) waits_for: Option<Criteria>,
    /// The criteria of a `find` that is not answered yet.
    pub(super) asked: VecDeque<Criteria>,
    pub(super) sent: u64,
    /// The newest attachment of which a frame was received, in this room.
    newest: Stamp,
    pub(super) received: u64,
}

impl Tab {
    fn new() -> Self {
        Self {
            phase: Phase::Opening,
            waits_for: None,
            asked: VecDeque::new(),
            sent: 0,
            newest: Stamp::NONE,
            received: 0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
    Opening,
    Idle,
    Waiting,
    Room { room: RoomId, side: Side, peer: PeerState },
}

impl Client {
    pub(super) fn new(mut dice: Dice, wire: Dice, now: UnixMillis) -> Self {
        let session = SessionId::from_random(dice.random());
        let grant = SessionGrant {
            session,
            start: now.as_secs(),
            stamp: Stamp::NONE,
            pass: None,
            history: RoomHistory::default(),
        };
        Self {
            session,
            grants: vec![grant],
            ticket: None,
            old_tickets: Vec::new(),
            criteria: None,
            main: None,
            tabs: BTreeMap::new(),
            presence: Presence::Here,
            dice,
            wire,
            connecting: false,
            asking: false,
        }
    }

    pub(super) fn phase(&self) -> Option<Phase> {
        self.main.and_then(|main| self.tabs.get(&main)).map(|tab| tab.phase)
    }

    pub(super) fn waits_for(&self) -> Option<&Criteria> {
        self.tabs.get(&self.main?)?.waits_for.as_ref()
    }

    fn set_aside_ticket(&mut self) {
        self.old_tickets.extend(self.ticket.take());
    }
}

fn claims(grant: &SessionGrant) -> TokenClaims {
    TokenClaims {
        sub: grant.session,
        aud: SESSION_AUDIENCE.into(),
        iat: 0,
        exp: u64::MAX,
        jti: String::new(),
        start: grant.start,
        stamp: grant.stamp,
        pass: grant.pass.clone(),
        history: grant.history.clone(),
    }
}

pub(super) fn ticket_claims(grant: &TicketGrant) -> TicketClaims {
    TicketClaims {
        sub: grant.session,
        aud: ROOM_AUDIENCE.into(),
        iat: 0,
        exp: u64::MAX,
        room: grant.room,
        side: grant.side,
        stamp: grant.stamp,
    }
}

impl World {
    pub(super) fn do_client(&mut self, client: usize, todo: Todo) {
        let it = &mut self.clients[client];
        match todo {
            _ if it.presence == Presence::Gone => {}
            Todo::Connect => {
                it.connecting = false;
                if it.main.is_none() {
                    self.connect(client);
                }
            }
            Todo::Move => self.connect(client),
            Todo::Ask(conn) => {
                it.asking = false;
                self.ask(client, conn);
            }
        }
    }

    /// Opens a connection to some gateway, with the newest token or, in some stories, an older one.
    pub(super) fn connect(&mut self, client: usize) {
        let running: Vec<_> = self
            .gateways()
            .into_iter()
            .filter(
                |node| matches!(&self.nodes[*node].machine, Machine::Gateway(gateway) if !gateway.draining),
            )
            .collect();
        let node = match running.choose(&mut self.clients[client].dice) {
            Some(node) => *node,
            None => return self.connect_later(client, 1_000),
        };
        let it = &mut self.clients[client];
        let stale = !self.calm && self.profile.stale && it.dice.random_bool(0.3);
        let grant = if stale { it.grants.choose(&mut it.dice) } else { it.grants.last() };
        let Some(grant) = grant.cloned() else { return };
        let conn = self.open_socket(client, node, grant.stamp);
        self.say(|world| {
            format!("client {client} connects to {} as {conn:?} with {:?}", world.name(node), grant.stamp)
        });
        let it = &mut self.clients[client];
        it.main = Some(conn);
        it.tabs.insert(conn, Tab::new());
        self.send_up(conn, Said::Hello(Box::new(claims(&grant))));
    }

    pub(super) fn connect_later(&mut self, client: usize, longest: u64) {
        if !self.clients[client].connecting {
            self.clients[client].connecting = true;
            let pause = self.clients[client].dice.random_range(1..=longest);
            self.after(pause, Event::Client(client, Todo::Connect));
        }
    }

    pub(super) fn send_command(&mut self, conn: ConnId, command: ClientCommand) {
        self.say(|_| format!("{conn:?} asks: {command:?}"));
        if let ClientCommand::Find(find) | ClientCommand::Next(find) = &command {
            let client = self.sockets[&conn].client;
            let tab = self.clients[client].tabs.get_mut(&conn);
            tab.into_iter().for_each(|tab| tab.asked.push_back(find.clone()));
        }
        self.send_up(conn, Said::Command(Box::new(command)));
    }

    /// Sends the first message of a new connection: `resume` or `find`.
    fn ask(&mut self, client: usize, conn: ConnId) {
        let it = &self.clients[client];
        let idle = it.tabs.get(&conn).is_some_and(|tab| tab.phase == Phase::Idle);
        if it.main != Some(conn) || !idle {
            return;
        }
        if let Some(ticket) = it.ticket {
            self.send_command(conn, ClientCommand::Resume(ticket_claims(&ticket)));
        } else if let Some(find) = it.criteria.clone() {
            self.send_command(conn, ClientCommand::Find(find));
        }
    }

    /// The client's end of a connection is lost. Its gateway notices that at once, after a while,
    /// or when it receives no pong.
    pub(super) fn abandon(&mut self, conn: ConnId) {
        let Some(socket) = self.sockets.get_mut(&conn) else { return };
        socket.client_end = End::Closed;
        let client = socket.client;
        let wire = &mut self.clients[client].wire;
        let pause = match wire.random_range(0..3) {
            0 => wire.random_range(1..10),
            1 => wire.random_range(10..5_000),
            _ => wire.random_range(5_000..35_000),
        };
        self.say(|_| format!("{conn:?} of client {client} breaks; noticed in {pause} ms"));
        self.clients[client].tabs.remove(&conn);
        if self.clients[client].main == Some(conn) {
            self.clients[client].main = None;
        }
        self.after(pause, Event::Lost(conn));
    }

    /// Sends a chat frame, if the client is in a room and has not asked for somebody else: nothing in a
    /// frame tells its room, and behind `next` it would be one for whoever comes next.
    pub(super) fn chat(&mut self, client: usize, conn: ConnId) {
        let Some(tab) = self.clients[client].tabs.get_mut(&conn).filter(|tab| tab.asked.is_empty()) else {
            return;
        };
        let Phase::Room { room, .. } = tab.phase else { return };
        tab.sent += 1;
        let frame = Frame { room, conn, number: tab.sent };
        self.send_up(conn, Said::Frame(frame));
    }
}
