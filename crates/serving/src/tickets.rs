//! Tickets by which a client with a certificate resumes its TLS session, so that a proxy need not
//! prove for each of its connections who it is.
//!
//! A resumed session shows no certificate again: rustls takes the one that is sealed in the ticket.
//! A ticket must therefore open nothing that its certificate would not open now:
//! - Each acceptor has keys of its own. When the certificate, the authority or the accepted names
//!   are read again there is a new acceptor, and no ticket of the one before can be opened.
//! - When a certificate ends that was let in, no ticket is taken any more until all are gone that
//!   may come from it. In that time everybody shakes hands in full.
//! - Keys are replaced, and forgotten with what they sealed.

use std::{collections::BTreeSet, fmt, sync::Arc};

use parking_lot::Mutex;
use rustls::{
    crypto::aws_lc_rs::Ticketer, pki_types::CertificateDer, server::ProducesTickets,
    time_provider::TimeProvider,
};
use x509_parser::parse_x509_certificate;

/// How long a key seals tickets, in seconds. For as long again it opens them. Long enough for a
/// proxy that opens a connection now and then, and short for a key that opens recorded tickets.
const TURN: u64 = 30 * 60;
/// No ticket is older than this.
const MOST_AGE: u64 = 2 * TURN;
/// For so long after the end of a certificate no ticket is taken. The last that can come from it
/// was sealed when the handshake was over that had begun before the end: far less than [`MOST_AGE`]
/// later.
const PAUSE: u64 = 2 * MOST_AGE;

/// The tickets of one acceptor.
pub(crate) struct Tickets {
    time: Arc<dyn TimeProvider>,
    keys: Mutex<Keys>,
    /// When the certificates end that were let in, in seconds since the Unix epoch. Few: whoever is
    /// let in has them from our authority, and those that ended long ago are dropped.
    ends: Mutex<BTreeSet<u64>>,
}

/// `None` where the system has had no random numbers: then there are no tickets.
struct Keys {
    current: Option<Key>,
    previous: Option<Key>,
}

struct Key {
    key: Arc<dyn ProducesTickets>,
    since: u64,
}

impl Key {
    fn new(since: u64) -> Option<Self> {
        Some(Self { key: Ticketer::new().ok()?, since })
    }

    /// Whether it is younger than this. A clock that was set back ends it.
    fn is_within(&self, span: u64, now: u64) -> bool {
        now.checked_sub(self.since).is_some_and(|age| age < span)
    }
}

impl Keys {
    /// Replaces the key that seals if its time is over, and forgets the one whose tickets are.
    fn turn(&mut self, now: u64) {
        if !self.current.as_ref().is_some_and(|key| key.is_within(TURN, now)) {
            self.previous = std::mem::replace(&mut self.current, Key::new(now));
        }
        self.previous.take_if(|key| !key.is_within(MOST_AGE, now));
    }
}

impl Tickets {
    pub(crate) fn new(time: Arc<dyn TimeProvider>) -> Self {
        let now = time.current_time().map_or(0, |now| now.as_secs());
        let keys = Keys { current: Key::new(now), previous: None };
        Self { time, keys: Mutex::new(keys), ends: Mutex::default() }
    }

    /// A client with this chain was let in.
    pub(crate) fn let_in<'a>(&self, chain: impl IntoIterator<Item = &'a CertificateDer<'a>>, now: u64) {
        let mut ends = self.ends.lock();
        *ends = ends.split_off(&now.saturating_sub(PAUSE));
        ends.extend(chain.into_iter().map(|certificate| end(certificate).unwrap_or(now)));
    }

    /// The time, unless a certificate has ended of which there may be tickets.
    fn open_time(&self) -> Option<u64> {
        let now = self.time.current_time()?.as_secs();
        let ends = self.ends.lock();
        let is_over = ends.range(now.saturating_sub(PAUSE)..=now).next().is_some();
        (!is_over).then_some(now)
    }
}

/// When a certificate ends. `None` if that cannot be read.
fn end(certificate: &CertificateDer<'_>) -> Option<u64> {
    let (_, parsed) = parse_x509_certificate(certificate).ok()?;
    // Before the epoch is over, too.
    Some(u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or(0))
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        u32::try_from(TURN).unwrap_or(u32::MAX)
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let now = self.time.current_time()?.as_secs();
        let mut keys = self.keys.lock();
        keys.turn(now);
        keys.current.as_ref()?.key.encrypt(plain)
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let now = self.open_time()?;
        let mut keys = self.keys.lock();
        keys.turn(now);
        [&keys.current, &keys.previous].into_iter().flatten().find_map(|key| key.key.decrypt(ticket))
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tickets").finish_non_exhaustive()
    }
}
