//! The gateway as one thing: the sessions' state machine behind one lock, and everything that
//! carries out what it decides.
//!
//! The lock is held for a decision and for queueing its effects (so that they keep their order),
//! never across a write, a signature or a wait. Chat frames pass without it.

mod control;
mod crowd;
mod effects;
mod host;
pub mod locate;
mod networks;
pub(crate) mod outboxes;
mod passes;
mod readiness;
mod transparency;
pub(crate) mod who_is_there;

use std::{
    collections::HashMap,
    sync::{
        Arc, Once,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use ::passes::Door;
use bus::{Bus, Clock};
use health::Health;
use parking_lot::Mutex;
use schemas::{
    CloseCode, Service, SessionId, UnixMillis,
    event::{Load, SyncAnswer},
    limits,
    token::{RoomHistory, TokenClaims},
};
use session::{ConnId, Effect, Sessions, Settings, ToClient};
use tokio::sync::Notify;

use self::{crowd::Crowd, transparency::Published, who_is_there::WhoIsThere};
use crate::{
    config::Config,
    journeys::Journeys,
    metrics::Metrics,
    origin_keys::OriginKeys,
    origins::Exchange,
    rates::Rates,
    refusals::Refusals,
    reported_origins::ReportedOrigins,
    routes::Routes,
    token::Tokens,
    ws::{
        connection::{Connection, Target},
        keepalive::KeepAlive,
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
    refusals: Refusals,
    proxy_hint: Once,
    health: Health,
    keep_alive: KeepAlive,
    routes: Routes,
    hub: Mutex<Hub>,
    origins: Mutex<OriginKeys>,
    exchange: Mutex<Exchange>,
    reported: Mutex<ReportedOrigins>,
    crowd: Mutex<Crowd>,
    who_is_there: Mutex<WhoIsThere>,
    started: UnixMillis,
    published: Mutex<Published>,
    /// Who waits, for traces. Taken under the lock of the hub, too, and never the other way round.
    journeys: Mutex<Journeys>,
    conns: AtomicU64,
    /// For helpers; without keys there is none. Nothing else is locked while it is.
    door: Option<Mutex<Door>>,
    draining: AtomicBool,
    synced: AtomicBool,
    ask_again: Notify,
}

/// The sessions, and the connections by the names that the sessions use.
struct Hub {
    sessions: Sessions,
    conns: HashMap<ConnId, Arc<Connection>>,
}

impl Hub {
    /// Tells of chats that end now what their connections have counted, so that what silence costs
    /// stands in the next token. Adds what follows from that.
    fn judge_ended(&mut self, now: UnixMillis, effects: &mut Vec<Effect>) {
        let ended = effects.iter().filter_map(|effect| match effect {
            Effect::Send(conn, ToClient::Ended(_)) => self.conns.get(conn),
            _ => None,
        });
        let ended: Vec<_> = ended.map(|it| (it.session(), it.id(), it.traffic())).collect();
        for (session, conn, traffic) in ended {
            self.sessions.note_traffic(now, session, conn, traffic);
        }
        effects.extend(self.sessions.take_effects());
    }
}

impl Node {
    /// A gateway that nobody uses yet.
    pub fn new(config: Config, bus: Bus, clock: Clock, metrics: Metrics) -> Self {
        let settings = Settings {
            node: config.node.clone(),
            boot: config.boot,
            grace: config.lifetimes.grace,
            token_life: config.lifetimes.token_life,
            drain_spread: config.drain_spread,
            waiting_per_network: config.waiting_per_address,
            topology: config.topology,
        };
        let hub = Hub { sessions: Sessions::new(settings, rand::random()), conns: HashMap::new() };
        let health = Health::new(bus.clone(), clock.now());
        let lifetimes = config.lifetimes;
        let tokens = Tokens::new(bus.clone(), clock, lifetimes.token_life, lifetimes.key_rotation);
        let door = passes::door(&config, clock.now());
        Self {
            tokens: tokens.doubting(health.clock_doubted()),
            rates: Rates::new(&config),
            health,
            keep_alive: KeepAlive::new(config.heartbeat, config.pong_wait),
            routes: Routes::default(),
            hub: Mutex::new(hub),
            origins: Mutex::default(),
            exchange: Mutex::default(),
            reported: Mutex::default(),
            crowd: Mutex::default(),
            who_is_there: Mutex::default(),
            started: clock.now(),
            published: Mutex::new(Published::new(clock.now())),
            journeys: Mutex::default(),
            conns: AtomicU64::new(0),
            door,
            draining: AtomicBool::new(false),
            synced: AtomicBool::new(false),
            ask_again: Notify::new(),
            config,
            clock,
            bus: bus.with_role(Service::Gateway),
            refusals: Refusals::new(metrics.http_refusals.clone()),
            proxy_hint: Once::new(),
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

    /// The keys by which it makes origins of addresses.
    pub(crate) fn origins(&self) -> &Mutex<OriginKeys> {
        &self.origins
    }

    /// What it has heard of others' such keys.
    pub(crate) fn exchange(&self) -> &Mutex<Exchange> {
        &self.exchange
    }

    /// Its counters.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Whom it has not served.
    pub(crate) fn refusals(&self) -> &Refusals {
        &self.refusals
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

    /// Who waits, if there are traces at all.
    fn with_journeys<T>(&self, change: impl FnOnce(&mut Journeys) -> T) -> Option<T> {
        spans::are_kept().then(|| change(&mut self.journeys.lock()))
    }

    /// What it sees of itself and the other nodes.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Whether it is going away.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    pub(crate) fn is_synced(&self) -> bool {
        self.synced.load(Relaxed)
    }

    pub(crate) fn set_synced(&self) {
        self.health.begin();
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
        let mut effects = hub.sessions.take_effects();
        hub.judge_ended(self.clock.now(), &mut effects);
        self.carry_out_all(&hub, effects);
        result
    }

    /// A client has connected: its session is attached here.
    pub(crate) fn connected(&self, connection: &Arc<Connection>, claims: &TokenClaims) {
        self.metrics.connections_opened.inc();
        let mut hub = self.hub.lock();
        hub.conns.insert(connection.id(), connection.clone());
        hub.sessions.connected(self.clock.now(), connection.id(), claims);
        if self.is_taken_back(claims.pass.as_ref()) {
            // It slipped in behind the list that takes its pass back.
            hub.sessions.revoke(self.clock.now(), claims.sub);
        }
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
        let (id, session) = (connection.id(), connection.session());
        self.with_journeys(|journeys| journeys.end_with(session, id));
        hub.sessions.note_traffic(self.clock.now(), session, id, connection.traffic());
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

    /// Whether the session has been deleted.
    pub fn is_revoked(&self, session: SessionId) -> bool {
        self.hub.lock().sessions.is_revoked(self.clock.now(), session)
    }

    /// Spends the proof of a puzzle, here at once and everywhere within a second. `false` if it was
    /// spent before.
    pub(crate) fn spend(&self, puzzle: SessionId) -> bool {
        self.decide(|sessions, now| {
            let is_new = !sessions.is_revoked(now, puzzle);
            if is_new {
                sessions.revoke(now, puzzle);
            }
            is_new
        })
    }

    /// What a new token of a session is to say of its past, if its present one says this.
    pub fn united_history(&self, claims: TokenClaims) -> RoomHistory {
        self.hub.lock().sessions.united_history(self.clock.now(), claims)
    }

    /// Ends a session for good, here and everywhere.
    pub fn revoke(&self, session: SessionId) {
        self.decide(|sessions, now| sessions.revoke(now, session));
    }

    /// What this gateway and all others that it hears carried at some time in the last minutes.
    pub fn crowd(&self) -> Load {
        self.crowd.lock().at(self.clock.now(), || self.hub.lock().sessions.cluster_load())
    }

    /// What this gateway carries.
    pub(crate) fn load(&self) -> Load {
        let load = self.hub.lock().sessions.load();
        self.metrics.waiting.set(i64::from(load.waiting));
        self.metrics.chatting.set(i64::from(load.chatting));
        self.metrics.connections.set(i64::from(self.rates.open_connections()));
        load
    }

    /// Stops being ready and tells every client when to come back.
    pub(crate) fn start_draining(&self) {
        self.draining.store(true, Relaxed);
        self.decide(Sessions::drain);
    }

    /// Closes what remains.
    pub(crate) fn close_all(&self) {
        for connection in self.connections() {
            connection.close(CloseCode::Restart);
        }
    }

    /// All connections that there are now.
    pub(crate) fn connections(&self) -> Vec<Arc<Connection>> {
        self.hub.lock().conns.values().cloned().collect()
    }

    /// Whether a client is still here.
    pub(crate) fn is_empty(&self) -> bool {
        self.hub.lock().conns.is_empty()
    }

    /// What a starting node has missed: keys, and what the sessions know.
    pub(crate) fn sync_answers(&self) -> Vec<SyncAnswer> {
        let keys = self.tokens.known_keys();
        let keys = keys
            .chunks(limits::KEY_BATCH)
            .map(|keys| SyncAnswer { keys: keys.to_vec(), ..SyncAnswer::default() });
        keys.chain(self.hub.lock().sessions.sync_answers(self.clock.now())).collect()
    }
}
