//! The gateway as one thing: the sessions' state machine behind one lock, and everything that carries out what it decides.
//!
//! The lock is held for a decision and for queueing its effects (so that they keep their order), never across a write, a signature or
//! a wait. Chat frames pass without it.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bus::{Bus, Clock, FrameRoute, Status};
use parking_lot::Mutex;
use schemas::{
    CloseCode, SessionId, Stamp, UnixMillis,
    control::{
        ClientMessage, ControlError, ErrorCode, Find, FindBy, Limits, PeerState, Place, ServerMessage,
    },
    event::{Load, SessionAnswer, SyncAnswer},
    limits,
    message::{Answer, Message},
    session::SessionState,
    time::millis,
    token::TokenClaims,
};
use tokio::sync::Notify;

use crate::{
    config::Config,
    metrics::Metrics,
    rates::Rates,
    routes::Routes,
    session::{ConnId, Effect, Request, Route, Sessions, Settings, TicketGrant, ToClient},
    token::{Refused, Tokens},
    ws::{
        connection::{Connection, Remote, Target},
        keepalive::KeepAlive,
        outbox::RoomKey,
    },
};

/// One gateway.
pub struct Node {
    config: Config,
    clock: Clock,
    bus: Bus,
    tokens: Tokens,
    rates: Rates,
    metrics: Metrics,
    keep_alive: KeepAlive,
    routes: Routes,
    hub: Mutex<Hub>,
    conns: AtomicU64,
    draining: AtomicBool,
    synced: AtomicBool,
    ask_again: Notify,
}

/// The sessions, and the connections by the names that the sessions use.
struct Hub {
    sessions: Sessions,
    conns: HashMap<ConnId, Arc<Connection>>,
}

impl Node {
    /// A gateway that nobody uses yet.
    pub fn new(config: Config, bus: Bus, clock: Clock, metrics: Metrics) -> Self {
        let settings = Settings {
            node: config.node.clone(),
            boot: config.boot,
            grace: config.grace,
            token_life: config.token_life,
            drain_spread: config.drain_spread,
            company: config.company,
        };
        let hub = Hub { sessions: Sessions::new(settings, rand::random()), conns: HashMap::new() };
        Self {
            tokens: Tokens::new(clock, config.token_life, config.key_rotation),
            rates: Rates::new(&config),
            keep_alive: KeepAlive::new(config.heartbeat, config.pong_wait),
            routes: Routes::default(),
            hub: Mutex::new(hub),
            conns: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            synced: AtomicBool::new(false),
            ask_again: Notify::new(),
            config,
            clock,
            bus,
            metrics,
        }
    }

    /// What it was told.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Its clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Its place on the bus.
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Its keys, and those of others.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Its limits.
    pub fn rates(&self) -> &Rates {
        &self.rates
    }

    /// Its counters.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(crate) fn routes(&self) -> &Routes {
        &self.routes
    }

    pub(crate) fn keep_alive(&self) -> &KeepAlive {
        &self.keep_alive
    }

    pub(crate) fn next_conn(&self) -> ConnId {
        ConnId(self.conns.fetch_add(1, Relaxed))
    }

    /// Whether clients may be sent here: the bus is up, the keys of others are known, and it is not going away.
    pub fn ready(&self) -> bool {
        *self.bus.status().borrow() == Status::Up
            && self.is_synced()
            && self.tokens.is_ready()
            && !self.is_draining()
    }

    /// Whether it is going away.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    pub(crate) fn is_synced(&self) -> bool {
        self.synced.load(Relaxed)
    }

    pub(crate) fn set_synced(&self) {
        self.synced.store(true, Relaxed);
        self.tokens.set_synced(true);
    }

    /// Messages may have been missed: others are asked again what they know.
    pub(crate) fn ask_again(&self) {
        self.ask_again.notify_one();
    }

    /// Resolves when others are to be asked again.
    pub(crate) async fn asked_again(&self) {
        self.ask_again.notified().await;
    }

    /// Lets the sessions decide something, and carries it out.
    pub(crate) fn decide<T>(&self, decision: impl FnOnce(&mut Sessions, UnixMillis) -> T) -> T {
        let mut hub = self.hub.lock();
        let result = decision(&mut hub.sessions, self.clock.now());
        let effects = hub.sessions.take_effects();
        self.carry_out_all(&hub, effects);
        result
    }

    /// In order, but for the news that the other side is back: who hears it may speak at once, so the way is opened before.
    fn carry_out_all(&self, hub: &Hub, effects: Vec<Effect>) {
        let mut news = Vec::new();
        for effect in effects {
            match effect {
                Effect::Send(conn, ToClient::Peer(PeerState::Online)) => news.push(conn),
                Effect::Send(conn, _) | Effect::Close(conn, _) if news.contains(&conn) => {
                    news.drain(..).for_each(|conn| self.tell_online(hub, conn));
                    self.carry_out(hub, effect);
                }
                effect => self.carry_out(hub, effect),
            }
        }
        news.into_iter().for_each(|conn| self.tell_online(hub, conn));
    }

    fn tell_online(&self, hub: &Hub, conn: ConnId) {
        self.carry_out(hub, Effect::Send(conn, ToClient::Peer(PeerState::Online)));
    }

    fn carry_out(&self, hub: &Hub, effect: Effect) {
        match effect {
            Effect::Publish(message) => {
                // Counted by the bus, and said again by its owner if it matters.
                let _ = self.bus.publish(&message);
            }
            Effect::Send(conn, message) => {
                if let Some(connection) = hub.conns.get(&conn) {
                    self.send(connection, message);
                }
            }
            Effect::Close(conn, code) => {
                if let Some(connection) = hub.conns.get(&conn) {
                    connection.close(code);
                }
            }
            Effect::Route(conn, route) => {
                if let Some(connection) = hub.conns.get(&conn) {
                    self.route(hub, connection, route);
                }
            }
        }
    }

    fn send(&self, connection: &Connection, message: ToClient) {
        match message {
            ToClient::Waiting => connection.send(&ServerMessage::Waiting),
            ToClient::Peer(state) => connection.send(&ServerMessage::Peer { state }),
            ToClient::Ended(reason) => {
                self.metrics.ended(reason);
                connection.send(&ServerMessage::Ended { reason });
            }
            ToClient::Drain { reconnect_in_ms } => connection.send(&ServerMessage::Drain { reconnect_in_ms }),
            ToClient::InviteSpent => {
                let error =
                    ControlError::new(ErrorCode::InviteSpent, "the two people of this invite have met");
                connection.send(&ServerMessage::Error { code: error.code, message: error.message });
            }
            ToClient::Ready(_) | ToClient::Paired(_) | ToClient::Resumed(_) | ToClient::Token(..) => {
                connection.send_unsigned(message);
            }
        }
    }

    fn route(&self, hub: &Hub, connection: &Arc<Connection>, route: Route) {
        let target = match route {
            Route::Nowhere => Target::Nowhere,
            Route::Local { room, peer } => match hub.conns.get(&peer) {
                Some(peer) => Target::Local { peer: Arc::downgrade(peer), room: RoomKey::of(&room) },
                None => Target::Nowhere,
            },
            Route::Remote { room, side, stamp, node, fence } => {
                self.routes.open(room, side, connection, fence);
                Target::Remote(Arc::new(Remote { route: FrameRoute { room, to: node }, side, stamp }))
            }
        };
        let goes_on = match &target {
            Target::Remote(remote) => Some((remote.route.room, remote.side)),
            _ => None,
        };
        if let Target::Remote(before) = connection.set_target(target)
            && goes_on != Some((before.route.room, before.side))
        {
            self.routes.close(before.route.room, before.side, connection);
        }
    }

    /// Signs what only this gateway can sign. Runs on the connection's own task.
    pub(crate) fn sign(&self, message: ToClient) -> ServerMessage {
        // Who hears of a room may speak in it at once: what was decided with it has been carried out before, the routes too.
        drop(self.hub.lock());
        let place = |grant: TicketGrant| Place {
            room: grant.room,
            side: grant.side,
            ticket: self.tokens.issue_ticket(grant),
        };
        match message {
            ToClient::Ready(grant) => {
                let session = grant.session;
                let (token, expires_at) = self.tokens.issue_session(grant);
                let heartbeat_ms = millis(self.config.heartbeat);
                ServerMessage::Ready { session, token, expires_at, limits: self.limits(), heartbeat_ms }
            }
            ToClient::Paired(grant) => ServerMessage::Paired(place(grant)),
            ToClient::Resumed(grant) => ServerMessage::Resumed(place(grant)),
            ToClient::Token(grant, ticket) => {
                let (token, expires_at) = self.tokens.issue_session(grant);
                ServerMessage::Token {
                    token,
                    ticket: ticket.map(|grant| self.tokens.issue_ticket(grant)),
                    expires_at,
                }
            }
            ToClient::Waiting => ServerMessage::Waiting,
            ToClient::Peer(state) => ServerMessage::Peer { state },
            ToClient::Ended(reason) => ServerMessage::Ended { reason },
            ToClient::Drain { reconnect_in_ms } => ServerMessage::Drain { reconnect_in_ms },
            ToClient::InviteSpent => {
                ServerMessage::Error { code: ErrorCode::InviteSpent, message: "the invite is spent".into() }
            }
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            frame_bytes: limits::FRAME_BYTES as u64,
            control_bytes: limits::CONTROL_BYTES as u64,
            frame_rate: u64::from(self.config.rates.frame),
            byte_rate: u64::from(self.config.rates.byte),
            topic_chars: limits::TOPIC_CHARS as u64,
        }
    }

    /// A client has connected: its session is attached here.
    pub(crate) fn connected(&self, connection: &Arc<Connection>, claims: &TokenClaims) {
        self.metrics.connections_opened.inc();
        let mut hub = self.hub.lock();
        hub.conns.insert(connection.id(), connection.clone());
        hub.sessions.connected(self.clock.now(), connection.id(), claims);
        let effects = hub.sessions.take_effects();
        self.carry_out_all(&hub, effects);
        if self.is_draining() {
            // It slipped in behind the `drain` that the others have heard.
            connection.close(CloseCode::Restart);
        }
    }

    /// A connection is over.
    pub(crate) fn disconnected(&self, connection: &Arc<Connection>) {
        self.metrics.connections_closed.inc();
        if let Some(code) = connection.closing() {
            self.metrics.closed(code);
        }
        let mut hub = self.hub.lock();
        hub.sessions.disconnected(self.clock.now(), connection.session(), connection.id());
        let effects = hub.sessions.take_effects();
        self.carry_out_all(&hub, effects);
        hub.conns.remove(&connection.id());
        drop(hub);
        // After the last effect that could route it: nothing leads here any more.
        if let Target::Remote(remote) = connection.set_target(Target::Nowhere) {
            self.routes.close(remote.route.room, remote.side, connection);
        }
    }

    /// Acts on a control message. A refusal has been sent to the client.
    ///
    /// # Errors
    /// If it was refused.
    pub(crate) fn control(&self, connection: &Connection, text: &str) -> Result<(), ErrorCode> {
        let result = ClientMessage::parse(text).and_then(|message| self.act(connection, message));
        result.map_err(|error| {
            self.metrics.refused(error.code);
            connection.send(&ServerMessage::Error { code: error.code, message: error.message });
            error.code
        })
    }

    fn act(&self, connection: &Connection, message: ClientMessage) -> Result<(), ControlError> {
        if message == ClientMessage::Ping {
            connection.send(&ServerMessage::Pong);
            return Ok(());
        }
        let session = connection.session();
        if !self.hub.lock().sessions.is_attached(session, connection.id()) {
            return Ok(());
        }
        self.rates.find(session).map_err(|exceeded| {
            ControlError::new(
                ErrorCode::Rate,
                format_args!("too many requests; try again in {} s", exceeded.retry_after.as_secs().max(1)),
            )
        })?;
        let request = match message {
            ClientMessage::Find(find) => Request::Find(self.offered(find)?),
            ClientMessage::Next(find) => Request::Next(self.offered(find)?),
            ClientMessage::Resume(ticket) => {
                let ticket =
                    self.tokens.verify_ticket(&ticket, session).map_err(|refused| match refused {
                        Refused::KeysUnknown => {
                            ControlError::new(ErrorCode::Unavailable, "the keys are not known yet; try again")
                        }
                        _ => ControlError::new(
                            ErrorCode::BadTicket,
                            "this ticket does not open a room for this session",
                        ),
                    })?;
                Request::Resume(ticket)
            }
            ClientMessage::Cancel => Request::Cancel,
            ClientMessage::Leave => Request::Leave,
            ClientMessage::Report(category) => Request::Report(category),
            ClientMessage::Ping => return Ok(()),
        };
        let category = if let Request::Report(category) = request { Some(category) } else { None };
        self.decide(|sessions, now| sessions.request(now, session, connection.id(), request))?;
        if let Some(category) = category {
            self.metrics.reported(category);
        }
        Ok(())
    }

    /// Refuses what the operator does not offer.
    fn offered(&self, find: Find) -> Result<Find, ControlError> {
        let refuse = |code, message| Err(ControlError::new(code, message));
        match &find.by {
            FindBy::Random(_) if !self.config.matching.random => {
                refuse(ErrorCode::MatchingNotOffered, "only people with an invite meet here")
            }
            FindBy::Invite(_) if !self.config.matching.invite => {
                refuse(ErrorCode::MatchingNotOffered, "invites are not offered here")
            }
            FindBy::Random(Some(topic)) if !self.config.offers(topic) => {
                refuse(ErrorCode::TopicNotOffered, "this topic is not offered here")
            }
            _ => Ok(find),
        }
    }

    /// Whether the session has been deleted.
    pub fn is_revoked(&self, session: SessionId) -> bool {
        self.hub.lock().sessions.is_revoked(self.clock.now(), session)
    }

    /// Ends a session for good, here and everywhere.
    pub fn revoke(&self, session: SessionId) {
        self.decide(|sessions, now| sessions.revoke(now, session));
    }

    /// What this gateway and all others that it hears carry.
    pub fn crowd(&self) -> Load {
        self.hub.lock().sessions.crowd()
    }

    /// What this gateway carries.
    pub(crate) fn load(&self) -> Load {
        let load = self.hub.lock().sessions.load();
        self.metrics.waiting.set(i64::from(load.waiting));
        self.metrics.chatting.set(i64::from(load.chatting));
        load
    }

    /// Stops being ready and tells every client when to come back.
    pub(crate) fn start_draining(&self) {
        self.draining.store(true, Relaxed);
        self.decide(Sessions::drain);
    }

    /// Closes what remains.
    pub(crate) fn close_all(&self) {
        let connections: Vec<_> = self.hub.lock().conns.values().cloned().collect();
        for connection in connections {
            connection.close(CloseCode::Restart);
        }
    }

    /// Whether a client is still here.
    pub(crate) fn is_empty(&self) -> bool {
        self.hub.lock().conns.is_empty()
    }

    /// What a starting node has missed: keys, and what the sessions know.
    pub(crate) fn sync_answers(&self) -> Vec<SyncAnswer> {
        let keys = self.tokens.known_keys();
        let keys = keys
            .chunks(limits::BATCH)
            .map(|keys| SyncAnswer { keys: keys.to_vec(), ..SyncAnswer::default() });
        keys.chain(self.hub.lock().sessions.sync_answers(self.clock.now())).collect()
    }

    /// Where a session is and what it does: known here at once, else asked on the bus. Silence means that it is nowhere.
    pub async fn where_is(&self, session: SessionId) -> SessionAnswer {
        let here = self.hub.lock().sessions.locate(session);
        if let Some(here) = here.as_ref().filter(|here| here.connected) {
            return here.clone();
        }
        let mut best = here;
        let deadline = tokio::time::Instant::now() + ASK_PATIENCE;
        if let Ok(mut answers) = self.bus.ask(Message::Ask { session }) {
            while let Ok(Some(answer)) = tokio::time::timeout_at(deadline, answers.next()).await {
                let Answer::Session(answer) = answer else { continue };
                if best
                    .as_ref()
                    .is_none_or(|best| (best.stamp, best.connected) < (answer.stamp, answer.connected))
                {
                    best = Some(answer);
                }
                if best.as_ref().is_some_and(|best| best.connected) {
                    break;
                }
            }
        }
        best.unwrap_or(SessionAnswer {
            state: SessionState::Idle,
            connected: false,
            stamp: Stamp::NONE,
            room: None,
        })
    }

    /// Ends the chat of a session, wherever it is.
    ///
    /// # Errors
    /// If it is in none.
    pub async fn leave(&self, session: SessionId) -> Result<(), NoRoom> {
        let room = self.where_is(session).await.room.ok_or(NoRoom)?;
        self.decide(|sessions, now| sessions.leave_remotely(now, session, room));
        Ok(())
    }
}

/// How long the bus is asked where a session is.
const ASK_PATIENCE: Duration = Duration::from_millis(500);

/// The session is in no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this session is in no room")]
pub struct NoRoom;
