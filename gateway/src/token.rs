//! Session tokens and room tickets (RFC 7519): what this gateway signs, and what it believes.
//!
//! Verification is jsonwebtoken's (27 µs, 25 of them Ed25519). Signing is not, for it wants the
//! private key exported and parses it again for each signature (12.6 µs): a token is put together
//! here (RFC 7515, section 3.1) and signed with the key as it was made (7.2 µs).

mod keys;
mod signing_key;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bus::{Bus, Clock};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use parking_lot::{Mutex, RwLock};
use schemas::{
    KeyId, SessionId, UnixMillis, limits,
    token::{PUZZLE_AUDIENCE, PuzzleClaims, ROOM_AUDIENCE, SESSION_AUDIENCE, TicketClaims, TokenClaims},
};
use serde::de::DeserializeOwned;
use session::{SessionGrant, TicketGrant};

pub use self::keys::KEY_SETTLE;
use self::{keys::end_of_key, signing_key::SigningKey};
use crate::keyring::KeyRing;

/// Longest token that is looked at, in bytes. The longest of ours, with every tag, is below 1.5
/// KiB.
pub const TOKEN_BYTES: usize = 4 * 1024;

/// Signs and verifies. One for the whole gateway.
#[derive(Debug)]
pub struct Tokens {
    /// In the name of its node keys are announced, and it tells which announcements are believed.
    bus: Bus,
    clock: Clock,
    token_life: Duration,
    key_rotation: Duration,
    session: Validation,
    ticket: Validation,
    puzzle: Validation,
    keys: RwLock<Keys>,
    clock_doubted: Arc<AtomicBool>,
    /// When refused announcements were logged last.
    warned: Mutex<UnixMillis>,
}

#[derive(Debug)]
struct Keys {
    ring: KeyRing,
    signing: Arc<SigningKey>,
    /// Made, announced, and not yet signing.
    next: Option<Arc<SigningKey>>,
    /// Whether the first key's announcement has been flushed.
    announced: bool,
    others: PeerKeys,
}

/// What is known of the other gateways' keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PeerKeys {
    /// Nothing has been learned yet.
    NotAsked,
    /// All of them.
    Known,
    /// Those until the bus went down: a key that is not among them may be new.
    Stale,
}

/// A session token that was just signed. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued {
    /// The token.
    pub token: String,
    /// When it ends, in seconds since the Unix epoch.
    pub expires_at: u64,
    /// In how many seconds.
    pub expires_in: u64,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issued(for {} s)", self.expires_in)
    }
}

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token of ours, not for this, or somebody else's.
    #[error("the token is not valid")]
    Invalid,
    /// It was, until its end.
    #[error("the token has expired")]
    Expired,
    /// Signed with a key that this gateway does not know, and it has not heard all yet; or it
    /// cannot sign an answer yet. Try again.
    #[error("the signing keys are not known yet")]
    KeysUnknown,
    /// This gateway's clock is wrong, or has not been compared yet: it can judge no token. Another
    /// gateway can.
    #[error("the clock of this node is in doubt")]
    ClockDoubted,
}

impl Tokens {
    /// Makes the first signing key. It signs after [`Tokens::first_key_announced`].
    pub fn new(bus: Bus, clock: Clock, token_life: Duration, key_rotation: Duration) -> Self {
        let now = clock.now();
        let mut ring = KeyRing::new(key_rotation + token_life);
        let signing = Arc::new(SigningKey::generate(now));
        let end = end_of_key(now, &signing, token_life, key_rotation);
        ring.own(now, signing.announce(&bus, end));
        let keys = Keys { ring, signing, next: None, announced: false, others: PeerKeys::NotAsked };
        Self {
            bus,
            clock,
            token_life,
            key_rotation,
            session: validation(SESSION_AUDIENCE),
            ticket: validation(ROOM_AUDIENCE),
            puzzle: validation(PUZZLE_AUDIENCE),
            keys: RwLock::new(keys),
            clock_doubted: Arc::default(),
            warned: Mutex::default(),
        }
    }

    /// Whether tokens can be issued and every token judged: the keys are known, and the clock is
    /// not in doubt.
    pub fn is_ready(&self) -> bool {
        self.knows_keys() && !self.clock_doubted.load(Relaxed)
    }

    /// Whether the own key is announced and the others' keys are known.
    pub fn knows_keys(&self) -> bool {
        let keys = self.keys.read();
        keys.announced && keys.others != PeerKeys::NotAsked
    }

    /// Signs a session token, and says when it ends. Only to be
    /// asked once [`Tokens::is_ready`] has been true, or for a token that was verified here: both
    /// mean that the key has been announced.
    pub fn issue_session(&self, grant: SessionGrant) -> Issued {
        let iat = self.clock.now().as_secs();
        let last = grant.start.saturating_add(limits::SESSION_LIFE.as_secs());
        let pass_end = grant.pass.as_ref().map_or(u64::MAX, |pass| pass.exp);
        let exp = (iat + self.token_life.as_secs()).min(last).min(pass_end);
        let claims = TokenClaims {
            sub: grant.session,
            aud: SESSION_AUDIENCE.into(),
            iat,
            exp,
            jti: uuid::Builder::from_random_bytes(rand::random()).into_uuid().to_string(),
            start: grant.start,
            stamp: grant.stamp,
            pass: grant.pass,
            history: grant.history,
        };
        let token = self.signing_key().sign(&claims);
        Issued { token, expires_at: exp, expires_in: exp.saturating_sub(iat) }
    }

    /// Signs a room ticket; as long-lived as a session token made now.
    pub fn issue_ticket(&self, grant: TicketGrant) -> String {
        let iat = self.clock.now().as_secs();
        let TicketGrant { session, room, side, stamp } = grant;
        let exp = iat + self.token_life.as_secs();
        let claims = TicketClaims { sub: session, aud: ROOM_AUDIENCE.into(), iat, exp, room, side, stamp };
        self.signing_key().sign(&claims)
    }

    /// Signs a puzzle of admission by work. `key` is the SHA-256 of what its solution derives.
    pub fn issue_puzzle(&self, id: SessionId, key: &[u8], life: Duration) -> Issued {
        let iat = self.clock.now().as_secs();
        let (exp, key) = (iat + life.as_secs(), URL_SAFE_NO_PAD.encode(key));
        let claims = PuzzleClaims { sub: id, aud: PUZZLE_AUDIENCE.into(), iat, exp, key };
        Issued { token: self.signing_key().sign(&claims), expires_at: exp, expires_in: life.as_secs() }
    }

    /// Verifies what a gateway signed of a puzzle.
    ///
    /// # Errors
    /// If it is not to be believed, or cannot be judged yet.
    pub fn verify_puzzle(&self, signature: &str) -> Result<PuzzleClaims, TokenError> {
        let claims: PuzzleClaims = self.verify(signature, &self.puzzle)?;
        self.in_time(claims.iat, claims.exp).map(|()| claims)
    }

    /// Verifies a session token.
    ///
    /// # Errors
    /// If it is not to be believed, or cannot be judged yet.
    pub fn verify_session(&self, token: &str) -> Result<TokenClaims, TokenError> {
        let claims: TokenClaims = self.verify(token, &self.session)?;
        let last = claims.start.saturating_add(limits::SESSION_LIFE.as_secs());
        // A session that begins in the future would last longer than any, and a stamp from far
        // ahead would lock it out everywhere.
        let is_ahead = self.is_ahead(claims.start) || claims.stamp.is_ahead_of(self.clock.now());
        if claims.exp > last || is_ahead {
            return Err(TokenError::Invalid);
        }
        self.in_time(claims.iat, claims.exp).map(|()| claims)
    }

    /// Verifies a room ticket that `session` brings.
    ///
    /// # Errors
    /// If it is not to be believed, is another session's, or cannot be judged yet.
    pub fn verify_ticket(&self, token: &str, session: SessionId) -> Result<TicketClaims, TokenError> {
        let claims: TicketClaims = self.verify(token, &self.ticket)?;
        if claims.sub != session || claims.stamp.is_ahead_of(self.clock.now()) {
            return Err(TokenError::Invalid);
        }
        self.in_time(claims.iat, claims.exp).map(|()| claims)
    }

    fn verify<T: DeserializeOwned>(&self, token: &str, validation: &Validation) -> Result<T, TokenError> {
        if token.len() > TOKEN_BYTES {
            return Err(TokenError::Invalid);
        }
        if self.clock_doubted.load(Relaxed) {
            return Err(TokenError::ClockDoubted);
        }
        // The header says which key; which algorithm is not for it to say.
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
        let kid = header.kid.and_then(|kid| kid.parse().ok()).ok_or(TokenError::Invalid)?;
        let key = self.decoding_key(&kid)?;
        let data = jsonwebtoken::decode(token, &key, validation).map_err(|_| TokenError::Invalid)?;
        Ok(data.claims)
    }

    fn decoding_key(&self, kid: &KeyId) -> Result<DecodingKey, TokenError> {
        let keys = self.keys.read();
        let known = keys.ring.get(self.clock.now(), kid).map(|public| DecodingKey::from_ed_der(public));
        match known {
            Some(key) if keys.announced => Ok(key),
            None if keys.announced && keys.others == PeerKeys::Known => Err(TokenError::Invalid),
            _ => Err(TokenError::KeysUnknown),
        }
    }

    /// A token from the future means that one of two clocks is wrong. If it is this one, tokens
    /// that have expired would be believed here, so neither is.
    fn in_time(&self, iat: u64, exp: u64) -> Result<(), TokenError> {
        let now = self.clock.now();
        if self.is_ahead(iat) {
            Err(TokenError::Invalid)
        } else if now > UnixMillis::from_secs(exp) + limits::LEEWAY {
            Err(TokenError::Expired)
        } else {
            Ok(())
        }
    }

    fn is_ahead(&self, seconds: u64) -> bool {
        UnixMillis::from_secs(seconds) > self.clock.now() + limits::LEEWAY
    }

    /// The same, with what tells whether this node's clock is in doubt. Then no token is judged or
    /// issued here.
    pub fn doubting(self, clock_doubted: Arc<AtomicBool>) -> Self {
        Self { clock_doubted, ..self }
    }

    fn signing_key(&self) -> Arc<SigningKey> {
        Arc::clone(&self.keys.read().signing)
    }
}

/// The algorithm and the audience are ours to say. The times are compared with this process's own
/// clock, not with jsonwebtoken's.
fn validation(audience: &str) -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "aud", "sub"]);
    validation.validate_exp = false;
    validation
}

#[cfg(test)]
mod tests;
