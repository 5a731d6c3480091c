//! How often, how much, and how many at once. Each rate is sustained, with a burst of [`BURST`]
//! times as much; 0 turns one off. They hold per gateway. Memory is bounded whatever clients do.

mod keyed;
mod meter;

use std::{net::IpAddr, sync::Arc, time::Duration};

use dashmap::DashMap;
use governor::clock::{Clock, MonotonicClock};
use schemas::SessionId;
use tokio_util::sync::CancellationToken;

use self::{keyed::Keyed, meter::MeterLimits};
pub use self::{
    keyed::{BURST, Exceeded},
    meter::Meter,
};
use crate::{
    address::{AddressKey, Hasher},
    config::Config,
};

/// Authenticated REST calls per session and minute: a client needs a handful, for renewal and
/// leaving.
pub(crate) const REQUESTS_PER_MINUTE: u32 = 60;

/// Upgrades with a valid token per session and minute, so that a hall full of people behind one
/// address can resume at once.
pub(crate) const ATTACHMENTS_PER_MINUTE: u32 = 20;

/// How often what has recovered is forgotten. A bucket refills in four minutes.
const SWEEP: Duration = Duration::from_secs(30);

/// Every rate and bound of one gateway.
pub struct Rates<C: Clock = MonotonicClock> {
    hasher: Hasher,
    session: Keyed<AddressKey, C>,
    connect: Keyed<AddressKey, C>,
    attach: Keyed<SessionId, C>,
    find: Keyed<SessionId, C>,
    request: Keyed<SessionId, C>,
    connections: Arc<Connections>,
    meter: Arc<MeterLimits<C>>,
}

/// As many sockets from one address as may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many connections from this address")]
pub struct TooManyConnections;

impl Rates<MonotonicClock> {
    /// The rates of a configuration.
    pub fn new(config: &Config) -> Self {
        Self::with_clock(config, MonotonicClock)
    }
}

impl<C: Clock + Clone> Rates<C> {
    /// The rates of a configuration, by another clock.
    pub fn with_clock(config: &Config, clock: C) -> Self {
        let rates = &config.rates;
        // Both are of the one option: who turns it off wants upgrades not to be counted at all.
        let attachments = if rates.connect == 0 { 0 } else { ATTACHMENTS_PER_MINUTE };
        Self {
            hasher: Hasher::random(),
            session: Keyed::new("session", rates.session, &clock),
            connect: Keyed::new("connect", rates.connect, &clock),
            attach: Keyed::new("attach", attachments, &clock),
            find: Keyed::new("find", rates.find, &clock),
            request: Keyed::new("request", REQUESTS_PER_MINUTE, &clock),
            connections: Arc::new(Connections { most: config.connections_per_address, live: DashMap::new() }),
            meter: Arc::new(MeterLimits::new(rates.frame, rates.byte, &clock)),
        }
    }

    /// What is kept of an address.
    pub fn address(&self, address: IpAddr) -> AddressKey {
        self.hasher.key(address)
    }

    /// A new session is asked for.
    ///
    /// # Errors
    /// If this address has asked too often.
    pub fn session(&self, address: AddressKey) -> Result<(), Exceeded> {
        self.session.check(&address)
    }

    /// An upgrade without a valid token is asked for.
    ///
    /// # Errors
    /// If this address has asked too often.
    pub fn connect(&self, address: AddressKey) -> Result<(), Exceeded> {
        self.connect.check(&address)
    }

    /// An upgrade with a valid token is asked for.
    ///
    /// # Errors
    /// If this session has asked too often.
    pub fn attach(&self, session: SessionId) -> Result<(), Exceeded> {
        self.attach.check(&session)
    }

    /// A `find`, `next`, `resume`, `cancel`, `leave` or `report` is asked for.
    ///
    /// # Errors
    /// If this session has asked too often.
    pub fn find(&self, session: SessionId) -> Result<(), Exceeded> {
        self.find.check(&session)
    }

    /// An authenticated REST call.
    ///
    /// # Errors
    /// If this session has called too often.
    pub fn request(&self, session: SessionId) -> Result<(), Exceeded> {
        self.request.check(&session)
    }

    /// Counts one more socket of an address, until the guard is dropped.
    ///
    /// # Errors
    /// If the address has as many as may be.
    pub fn connection(&self, address: AddressKey) -> Result<ConnectionGuard, TooManyConnections> {
        self.connections.enter(address)
    }

    /// The meter of a new connection's frames and bytes.
    pub fn meter(&self) -> Meter<C> {
        Meter::new(Arc::clone(&self.meter))
    }

    /// Forgets what has recovered.
    pub fn sweep(&self) {
        self.session.sweep();
        self.connect.sweep();
        self.attach.sweep();
        self.find.sweep();
        self.request.sweep();
    }

    /// Sweeps now and then, until shutdown.
    pub async fn run(&self, shutdown: CancellationToken) {
        while shutdown.run_until_cancelled(tokio::time::sleep(SWEEP)).await.is_some() {
            self.sweep();
        }
    }
}

impl<C: Clock> std::fmt::Debug for Rates<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rates").finish_non_exhaustive()
    }
}

/// Live sockets by address: never more entries than sockets.
struct Connections {
    /// Per address; 0 is no bound.
    most: u32,
    live: DashMap<AddressKey, u32>,
}

impl Connections {
    fn enter(self: &Arc<Self>, address: AddressKey) -> Result<ConnectionGuard, TooManyConnections> {
        if self.most == 0 {
            return Ok(ConnectionGuard(None));
        }
        let mut live = self.live.entry(address).or_default();
        if *live >= self.most {
            return Err(TooManyConnections);
        }
        *live += 1;
        Ok(ConnectionGuard(Some((Arc::clone(self), address))))
    }
}

/// Who is at the other end of a client's connection. A connection that is not counted against its
/// address has no guard.
pub type ClientPeer = serving::listener::Peer<Option<ConnectionGuard>>;

/// One live socket among those of its address, counted until this is dropped.
pub struct ConnectionGuard(Option<(Arc<Connections>, AddressKey)>);

impl ConnectionGuard {
    /// Whether it counts for this address, or none is counted.
    pub fn is_of(&self, address: AddressKey) -> bool {
        self.0.as_ref().is_none_or(|(_, own)| *own == address)
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let Some((connections, address)) = self.0.take() else { return };
        connections.live.remove_if_mut(&address, |_, live| {
            *live -= 1;
            *live == 0
        });
    }
}

impl std::fmt::Debug for ConnectionGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConnectionGuard")
    }
}

#[cfg(test)]
mod tests;
