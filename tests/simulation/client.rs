//! People: what they want, what they are sent, and what their clients do by themselves.

use std::collections::{BTreeMap, VecDeque};

use rand::{Rng, rngs::StdRng, seq::IndexedRandom};
use schemas::{
    CloseCode, RoomId, SessionId, Side, Stamp, UnixMillis,
    control::{ErrorCode, PeerState},
    criteria::Criteria,
    token::{ROOM_AUDIENCE, RoomHistory, SESSION_AUDIENCE, TicketClaims, TokenClaims},
};
use session::{ClientCommand, ConnId, SessionGrant, TicketGrant, ToClient, Unsigned};

use super::world::{End, Event, Frame, Machine, World};

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
    pub(super) fn new(rng: &mut StdRng, now: UnixMillis) -> Self {
        let session = SessionId::from_random(rng.random());
        let grant = SessionGrant {
            session,
            start: now.as_secs(),
            stamp: Stamp::NONE,
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
        let node = match running.choose(&mut self.rng) {
            Some(node) => *node,
            None => return self.connect_later(client, 1_000),
        };
        let stale = !self.calm && self.profile.stale && self.rng.random_bool(0.3);
        let it = &self.clients[client];
        let grant = if stale { it.grants.choose(&mut self.rng) } else { it.grants.last() };
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
            let pause = self.rng.random_range(1..=longest);
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

    /// Something of a gateway has reached its client.
    pub(super) fn take_from_gateway(&mut self, conn: ConnId, heard: Heard) {
        let Some(socket) = self.sockets.get(&conn).filter(|socket| socket.client_end == End::Open) else {
            return;
        };
        let client = socket.client;
        match heard {
            Heard::Message(message) => self.take_message(client, conn, *message),
            Heard::Frame(frame) => self.take_frame(client, conn, frame),
            Heard::Refused(request, code) => self.take_refusal(client, conn, *request, code),
            Heard::Closed(code) => self.take_close(client, conn, code),
        }
    }

    fn take_message(&mut self, client: usize, conn: ConnId, message: ToClient) {
        self.say(|_| format!("client {client} hears on {conn:?}: {message:?}"));
        self.check_heard(client, conn, &message);
        let pause = self.rng.random_range(0..4_000);
        let it = &mut self.clients[client];
        let is_main = it.main == Some(conn);
        let Some(tab) = it.tabs.get_mut(&conn) else { return };
        match message {
            ToClient::Unsigned(Unsigned::Ready(grant)) => {
                tab.phase = Phase::Idle;
                it.grants.push(grant);
                self.ask(client, conn);
            }
            ToClient::Waiting => (tab.phase, tab.waits_for) = (Phase::Waiting, tab.asked.pop_front()),
            ToClient::Unsigned(Unsigned::Paired(ticket)) | ToClient::Unsigned(Unsigned::Resumed(ticket)) => {
                let peer = PeerState::Online;
                tab.phase = Phase::Room { room: ticket.room, side: ticket.side, peer };
                tab.newest = Stamp::NONE;
                if is_main {
                    it.ticket = Some(ticket);
                    it.criteria = None;
                }
            }
            ToClient::Peer(state) => {
                if let Phase::Room { peer, .. } = &mut tab.phase {
                    *peer = state;
                }
            }
            ToClient::Ended(_) => {
                tab.phase = Phase::Idle;
                if is_main {
                    it.set_aside_ticket();
                }
            }
            ToClient::Unsigned(Unsigned::Token(grant, ticket)) => {
                it.grants.push(grant);
                if is_main && ticket.is_some() {
                    it.ticket = ticket;
                }
            }
            ToClient::Drain { .. } => self.after(pause, Event::Client(client, Todo::Move)),
            // There is no other: its invite is spent.
            ToClient::Error(_) => {
                tab.phase = Phase::Idle;
                it.criteria = None;
            }
        }
    }

    fn take_refusal(&mut self, client: usize, conn: ConnId, command: ClientCommand, code: ErrorCode) {
        self.say(|_| format!("client {client} is refused on {conn:?}: {code:?}"));
        if let (ClientCommand::Find(_) | ClientCommand::Next(_), Some(tab)) =
            (&command, self.clients[client].tabs.get_mut(&conn))
        {
            tab.asked.pop_front();
        }
        match (command, code) {
            (ClientCommand::Find(_) | ClientCommand::Resume(_), ErrorCode::Unavailable)
                if !std::mem::replace(&mut self.clients[client].asking, true) =>
            {
                let pause = self.rng.random_range(500..1_500);
                self.after(pause, Event::Client(client, Todo::Ask(conn)));
            }
            (_, ErrorCode::InviteSpent) => self.clients[client].criteria = None,
            _ => {}
        }
    }

    fn take_close(&mut self, client: usize, conn: ConnId, code: Option<CloseCode>) {
        self.say(|_| format!("client {client} sees {conn:?} closed: {code:?}"));
        if let Some(socket) = self.sockets.get_mut(&conn) {
            socket.client_end = End::Closed;
        }
        if self.clients[client].tabs.remove(&conn).is_none() {
            return;
        }
        if code == Some(CloseCode::SessionOver) {
            return self.begin_anew(client);
        }
        let it = &mut self.clients[client];
        if it.main != Some(conn) {
            return;
        }
        // If an older connection goes on instead, it becomes the current one; otherwise the page
        // opens another.
        it.main = it.tabs.keys().next_back().copied();
        let (session, older) = (it.session, it.main.and_then(|main| it.tabs.get(&main)).map(|tab| tab.phase));
        if let (Some(Phase::Room { room, .. }), None) = (older, code) {
            // The newer one's gateway has crashed, and may have been the last that knew of an end.
            // Where nobody knows of it, the older connection and its partner are still in the room.
            self.ledger.forget_end(session, room);
        }
        match self.clients[client].main {
            Some(main) => self.ask(client, main),
            None if code == Some(CloseCode::Replaced) => self.connect_later(client, 10_000),
            None => self.connect_later(client, 2_000),
        }
    }

    /// Opens a new session after one that is over.
    fn begin_anew(&mut self, client: usize) {
        for conn in self.clients[client].tabs.keys().copied().collect::<Vec<_>>() {
            self.abandon(conn);
        }
        let presence = self.clients[client].presence;
        let now = self.true_time();
        let newcomer = Client::new(&mut self.rng, now);
        self.clients[client] = Client { presence, ..newcomer };
        self.connect_later(client, 2_000);
    }

    /// The client's end of a connection is lost. Its gateway notices that at once, after a while,
    /// or when it receives no pong.
    pub(super) fn abandon(&mut self, conn: ConnId) {
        let pause = match self.rng.random_range(0..3) {
            0 => self.rng.random_range(1..10),
            1 => self.rng.random_range(10..5_000),
            _ => self.rng.random_range(5_000..35_000),
        };
        let Some(socket) = self.sockets.get_mut(&conn) else { return };
        socket.client_end = End::Closed;
        let client = socket.client;
        self.say(|_| format!("{conn:?} of client {client} breaks; noticed in {pause} ms"));
        self.clients[client].tabs.remove(&conn);
        if self.clients[client].main == Some(conn) {
            self.clients[client].main = None;
        }
        self.after(pause, Event::Lost(conn));
    }

    /// Sends a chat frame, if the client is in a room.
    pub(super) fn chat(&mut self, client: usize, conn: ConnId) {
        let Some(tab) = self.clients[client].tabs.get_mut(&conn) else { return };
        let Phase::Room { room, .. } = tab.phase else { return };
        tab.sent += 1;
        let frame = Frame { room, conn, number: tab.sent };
        self.send_up(conn, Said::Frame(frame));
    }

    fn take_frame(&mut self, client: usize, conn: ConnId, frame: Frame) {
        let sender = &self.sockets[&frame.conn];
        let (from, stamp) = (sender.client, sender.stamp);
        let Some(tab) = self.clients[client].tabs.get_mut(&conn) else { return };
        let (phase, newest) = (tab.phase, tab.newest);
        tab.newest = newest.max(stamp);
        tab.received += 1;
        self.ledger.tally.frames += 1;
        let inside = matches!(phase, Phase::Room { room, .. } if room == frame.room);
        self.expect(inside, || format!("{conn:?} is in {phase:?} and was sent {frame:?}"));
        self.expect(from != client, || format!("client {client} was sent its own {frame:?}"));
        self.expect(newest <= stamp, || format!("{conn:?} was sent {frame:?} of an older attachment"));
    }
}
