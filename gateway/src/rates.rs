//! How often, how much, and how many at once. Each rate is sustained, with a burst of [`BURST`]
//! times as much; 0 turns one off. They hold per gateway. Memory is bounded whatever clients do.

mod connections;
mod keyed;
mod meter;
mod networks;
mod queue;

use std::{net::IpAddr, sync::Arc, time::Duration};

use governor::clock::{Clock, MonotonicClock};
use schemas::SessionId;
use serving::refusal::Refusal;
use tokio_util::sync::CancellationToken;

use self::{connections::Connections, keyed::Keyed, meter::MeterLimits, networks::ByAddress};
pub use self::{
    connections::{ConnectionGuard, TooManyConnections},
    keyed::{BURST, Exceeded},
    meter::Meter,
};
use crate::{
    address::{Address, Hasher},
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
    session: Option<ByAddress<C>>,
    opaque_of_address: Option<ByAddress<C>>,
    opaque: Keyed<(), C>,
    connect: Option<ByAddress<C>>,
    challenge: Option<ByAddress<C>>,
    attach: Keyed<SessionId, C>,
    find: Keyed<SessionId, C>,
    request: Keyed<SessionId, C>,
    connections: Arc<Connections>,
    meter: Arc<MeterLimits<C>>,
}

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
            session: ByAddress::new("session", rates.session, &clock),
            opaque_of_address: ByAddress::new("null-session", tenth(rates.opaque_session), &clock),
            opaque: Keyed::new("null-sessions", rates.opaque_session, &clock),
            connect: ByAddress::new("connect", rates.connect, &clock),
            // For each session one puzzle, and another for each that came to nothing.
            challenge: ByAddress::new("challenge", rates.session.saturating_mul(2), &clock),
            attach: Keyed::new("attach", attachments, &clock),
            find: Keyed::new("find", rates.find, &clock),
            request: Keyed::new("request", REQUESTS_PER_MINUTE, &clock),
            connections: Arc::new(Connections::new(
                config.connections.unwrap_or(u32::MAX),
                config.connections_per_address,
            )),
            meter: Arc::new(MeterLimits::new(rates.frame, rates.byte, &clock)),
        }
    }

    /// What is kept of an address.
    pub fn address(&self, address: IpAddr) -> Address {
        self.hasher.hash(address)
    }

    /// A new session is asked for.
    ///
    /// # Errors
    /// If this address has asked too often.
    pub fn session(&self, address: &Address) -> Result<(), Exceeded> {
        self.session.as_ref().map_or(Ok(()), |rate| rate.check(address))
    }

    /// A page without an origin asks for a new session.
    ///
    /// # Errors
    /// If this address, or all addresses together, have asked too often in this way.
    pub fn opaque_session(&self, address: &Address) -> Result<(), Exceeded> {
        self.opaque_of_address.as_ref().map_or(Ok(()), |rate| rate.check(address))?;
        self.opaque.check(&())
    }

    /// A puzzle is asked for.
    ///
    /// # Errors
    /// If this address has asked too often.
    pub fn challenge(&self, address: &Address) -> Result<(), Exceeded> {
        self.challenge.as_ref().map_or(Ok(()), |rate| rate.check(address))
    }

    /// How much of the puzzles that it may ask for an address has had lately, from 0 to 1.
    pub fn challenge_load(&self, address: &Address) -> f64 {
        self.challenge.as_ref().map_or(0.0, |rate| rate.fill(address))
    }

    /// An upgrade without a valid token is asked for.
    ///
    /// # Errors
    /// If this address has asked too often.
    pub fn connect(&self, address: &Address) -> Result<(), Exceeded> {
        self.connect.as_ref().map_or(Ok(()), |rate| rate.check(address))
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

    /// Counts one more socket until the guard is dropped; of this address, if it is the client's.
    ///
    /// # Errors
    /// If there are as many as may be, in all or of this address.
    pub fn connection(&self, address: Option<&Address>) -> Result<ConnectionGuard, Refusal> {
        self.connections.enter(address)
    }

    /// How many sockets are open.
    pub fn open_connections(&self) -> u32 {
        self.connections.open()
    }

    /// The meter of a new connection's frames and bytes.
    pub fn meter(&self) -> Meter<C> {
        Meter::new(Arc::clone(&self.meter))
    }

    /// Forgets what has recovered.
    pub fn sweep(&self) {
        let by_address = [&self.session, &self.opaque_of_address, &self.connect, &self.challenge];
        by_address.into_iter().flatten().for_each(ByAddress::sweep);
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

/// What one address may have of a rate for all together; nothing is off that was not turned off.
fn tenth(rate: u32) -> u32 {
    rate.div_ceil(10)
}

/// Who is at the other end of a client's connection.
pub type ClientPeer = serving::listener::Peer<ConnectionGuard>;

#[cfg(test)]
mod tests;
