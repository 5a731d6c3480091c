//! The rules of sessions and rooms, one by one. A handful of gateways on a bus that carries
//! everything at once, unless told otherwise.

mod away;
mod chats;
mod claims;
mod ending;
mod grants;
mod meeting;
mod order;
mod outlooks;
mod passes;
mod presence;
mod replacing;
mod reporting;
mod resuming;
mod silence;
mod stamps;
mod tokens;
mod upkeep;
mod waiting;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use schemas::{
    BootId, CloseCode, NodeId, Origin, RoomId, Service, SessionId, Side, Stamp, Tag, UnixMillis,
    control::{Category, EndReason, ErrorCode, PeerState},
    criteria::{ChannelVersion, Criteria, MatchBy},
    event::{
        Attached, Attachment, Half, Heartbeat, MatchEvent, Presence, Report, RoomEvent, SessionAnswer,
        SessionEvent, Want, WantEvent,
    },
    lifetimes, limits,
    message::Message,
    outlook::Outlook,
    session::SessionState,
    token::{RoomHistory, TokenClaims},
};

use crate::{
    ClientCommand, ConnId, Effect, Route, SessionGrant, Sessions, Settings, TICK, TicketGrant, ToClient,
    Topology, Unsigned,
};
use grants::{fresh_token, newest, place, ticket, token};

const START: UnixMillis = UnixMillis(1_700_000_000_000);
const GRACE: Duration = lifetimes::GRACE;
const TOKEN_LIFE: Duration = Duration::from_secs(600);

/// One gateway, and everything that it has decided.
struct Gate {
    sessions: Sessions,
    boot: BootId,
    told: BTreeMap<ConnId, Vec<ToClient>>,
    routes: BTreeMap<ConnId, Route>,
    closed: BTreeMap<ConnId, CloseCode>,
    published: Vec<Message>,
    /// Where it believes the client's messages and its routes to stand: what was decided last.
    order: Vec<Effect>,
    is_connected: bool,
}

/// Gateways on one bus.
struct Cluster {
    now: UnixMillis,
    gates: Vec<Gate>,
    conns: u64,
    /// What the bus loses.
    lost: fn(&Message) -> bool,
}

/// A client with a connection.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Person {
    n: u8,
    gate: usize,
    conn: ConnId,
}

fn settings(n: usize, topology: Topology) -> Settings {
    Settings {
        node: node(n),
        boot: BootId(n as u64),
        grace: GRACE,
        token_life: TOKEN_LIFE,
        drain_spread: Duration::from_secs(5),
        waiting_per_network: 0,
        topology,
    }
}

fn node(n: usize) -> NodeId {
    format!("g{n}").parse().unwrap()
}

fn session(n: u8) -> SessionId {
    SessionId::from_random([n; 16])
}

fn anyone() -> Criteria {
    Criteria { by: MatchBy::Random(None), role: None, language: None, channel: ChannelVersion::CURRENT }
}

fn about(topic: &str) -> Criteria {
    Criteria {
        by: MatchBy::Random(Some(topic.parse().unwrap())),
        role: None,
        language: None,
        channel: ChannelVersion::CURRENT,
    }
}

fn invited() -> Criteria {
    Criteria {
        by: MatchBy::Invite("AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap()),
        role: None,
        language: None,
        channel: ChannelVersion::CURRENT,
    }
}

impl Cluster {
    fn new(gates: usize) -> Self {
        Self::of(gates, Topology::Cluster)
    }

    fn of(gates: usize, topology: Topology) -> Self {
        let gate = |n| Gate {
            sessions: Sessions::new(settings(n, topology), [n as u8; 32]),
            boot: BootId(n as u64),
            told: BTreeMap::new(),
            routes: BTreeMap::new(),
            closed: BTreeMap::new(),
            published: Vec::new(),
            order: Vec::new(),
            is_connected: true,
        };
        let mut cluster =
            Self { now: START, gates: (0..gates).map(gate).collect(), conns: 0, lost: |_| false };
        cluster.pass(Duration::from_secs(2)); // all have heard of each other
        cluster.clear();
        cluster
    }

    /// A process that dies and comes back knows nothing.
    fn restart(&mut self, gate: usize) {
        let it = &mut self.gates[gate];
        it.boot = BootId(it.boot.0 + 100);
        let settings = Settings { boot: it.boot, ..settings(gate, Topology::Cluster) };
        it.sessions = Sessions::new(settings, [9; 32]);
        it.is_connected = true;
    }

    /// Lets a gateway decide, and the bus carry what it publishes.
    fn decide<T>(&mut self, gate: usize, decision: impl FnOnce(&mut Sessions, UnixMillis) -> T) -> T {
        let result = decision(&mut self.gates[gate].sessions, self.now);
        let mut mail = VecDeque::new();
        self.take_effects(gate, &mut mail);
        while let Some(message) = mail.pop_front() {
            for to in 0..self.gates.len() {
                if self.gates[to].is_connected && is_for(&message, to) {
                    self.gates[to].sessions.handle(self.now, &message);
                    self.take_effects(to, &mut mail);
                }
            }
        }
        result
    }

    fn take_effects(&mut self, gate: usize, mail: &mut VecDeque<Message>) {
        let it = &mut self.gates[gate];
        let mut held = BTreeSet::new();
        for effect in it.sessions.take_effects() {
            it.order.push(effect.clone());
            match effect {
                Effect::Send(conn, message) => {
                    if matches!(&message, ToClient::Unsigned(message) if message.opens_room()) {
                        held.insert(conn);
                    }
                    it.told.entry(conn).or_default().push(message);
                }
                Effect::Route(conn, route) => {
                    it.routes.insert(conn, route);
                }
                Effect::Close(conn, code) => {
                    it.closed.insert(conn, code);
                }
                Effect::Release(conn) => assert!(held.remove(&conn), "{conn:?} holds nothing"),
                Effect::Publish(message) => {
                    it.published.push(message.clone());
                    if it.is_connected && !(self.lost)(&message) {
                        mail.push_back(message);
                    }
                }
            }
        }
        assert!(held.is_empty(), "{held:?} wait for ever");
    }

    fn handle(&mut self, gate: usize, message: Message) {
        self.decide(gate, |sessions, now| sessions.handle(now, &message));
    }

    /// Lets time pass; every gateway that is connected publishes its heartbeat each second.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += TICK;
            for gate in 0..self.gates.len() {
                if (self.now.0 - START.0).is_multiple_of(1000) && self.gates[gate].is_connected {
                    self.beat(gate);
                }
                self.decide(gate, Sessions::tick);
            }
        }
    }

    fn beat(&mut self, gate: usize) {
        let beat = self.heartbeat(gate);
        for to in 0..self.gates.len() {
            if self.gates[to].is_connected {
                self.handle(to, beat.clone());
            }
        }
    }

    fn heartbeat(&self, gate: usize) -> Message {
        let Gate { boot, sessions, .. } = &self.gates[gate];
        let (load, names_itself) = (sessions.load(), sessions.names_itself());
        let heartbeat = Heartbeat { load, names_itself, ..Heartbeat::new(*boot, "") };
        Message::Heartbeat { service: Service::Gateway, from: node(gate), heartbeat }
    }

    fn secs(&mut self, secs: u64) {
        self.pass(Duration::from_secs(secs));
    }

    /// Forgets what has been published and sent so far.
    fn clear(&mut self) {
        for gate in &mut self.gates {
            gate.told.clear();
            gate.published.clear();
            gate.order.clear();
        }
    }

    fn connect(&mut self, gate: usize, n: u8) -> Person {
        self.connect_with(gate, &fresh_token(n), n)
    }

    fn connect_with(&mut self, gate: usize, claims: &TokenClaims, n: u8) -> Person {
        self.conns += 1;
        let conn = ConnId(self.conns);
        self.decide(gate, |sessions, now| sessions.connected(now, conn, claims));
        Person { n, gate, conn }
    }

    fn drop(&mut self, person: Person) {
        self.decide(person.gate, |sessions, now| sessions.disconnected(now, session(person.n), person.conn));
    }

    fn ask(&mut self, person: Person, command: ClientCommand) -> Result<(), ErrorCode> {
        let asked = self.decide(person.gate, |sessions, now| {
            sessions.command(now, session(person.n), person.conn, command)
        });
        asked.map_err(|error| error.code)
    }

    /// Takes what a client was told.
    fn told(&mut self, person: Person) -> Vec<ToClient> {
        self.gates[person.gate].told.remove(&person.conn).unwrap_or_default()
    }

    fn route(&self, person: Person) -> Route {
        self.gates[person.gate].routes.get(&person.conn).cloned().unwrap_or(Route::Nowhere)
    }

    fn closed(&self, person: Person) -> Option<CloseCode> {
        self.gates[person.gate].closed.get(&person.conn).copied()
    }

    /// Room events that a gateway has published, and to whom they went (everybody: `None`).
    fn room_events(&self, gate: usize) -> Vec<(Option<NodeId>, RoomEvent)> {
        let events = self.gates[gate].published.iter().filter_map(|message| match unnamed(message) {
            Message::Peer { to, event, .. } => Some((Some(to.clone()), event.clone())),
            Message::Room { event, .. } => Some((None, event.clone())),
            _ => None,
        });
        events.collect()
    }

    fn joined(&self, gate: usize) -> usize {
        let events = self.room_events(gate);
        events.iter().filter(|(_, event)| matches!(event, RoomEvent::Joined(_))).count()
    }

    fn locate(&self, gate: usize, n: u8) -> Option<SessionAnswer> {
        self.gates[gate].sessions.locate(session(n))
    }
}

/// A message without the name of its speaker.
fn unnamed(message: &Message) -> &Message {
    if let Message::Own { message, .. } = message { message } else { message }
}

fn is_for(message: &Message, gate: usize) -> bool {
    match unnamed(message) {
        Message::Peer { to, .. } | Message::Presence { to, .. } | Message::Match { to, .. } => {
            *to == node(gate)
        }
        Message::Room { .. } | Message::Session { .. } => true,
        _ => false,
    }
}

fn peer(room: RoomId, to: usize, event: RoomEvent) -> Message {
    Message::Peer { room, to: node(to), event }
}

/// Tokens aside: what a person would notice.
fn news(told: Vec<ToClient>) -> Vec<ToClient> {
    told.into_iter()
        .filter(|message| {
            !matches!(
                message,
                ToClient::Unsigned(Unsigned::Token(..)) | ToClient::Unsigned(Unsigned::Ready(_))
            )
        })
        .collect()
}

/// What a person was told of the other's presence.
fn seen(cluster: &mut Cluster, person: Person) -> Vec<PeerState> {
    let told = cluster.told(person);
    let states = told.iter().filter_map(|message| match message {
        ToClient::Peer(state) => Some(*state),
        _ => None,
    });
    states.collect()
}
