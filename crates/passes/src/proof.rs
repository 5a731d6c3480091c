//! The proof that whoever opens a session is the helper that the pass names.
//!
//! It is for one host and one pass, and for a minute: who overhears one can neither use it
//! elsewhere nor later, and a server takes each one once.

use std::time::Duration;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use schemas::{UnixMillis, codec::sha256};

use crate::{jws::text, link::Secret, pass::Believed};

/// What is signed begins with this: nothing else that is signed does.
const DOMAIN: &[u8] = b"cipher-chat.v2 pass session\0";

/// Bytes of a proof: the time, 16 random bytes, the signature.
pub const PROOF_BYTES: usize = 8 + 16 + 64;

/// How long a proof counts, before and after the time that it names: the helper's clock may be
/// wrong by as much.
pub const PROOF_LIFE: Duration = Duration::from_secs(60);

/// Longest host with its port, in bytes: a name of 253 (RFC 1035), a colon and five digits.
pub const HOST_BYTES: usize = 259;

/// A proof for one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionProof {
    time: UnixMillis,
    random: [u8; 16],
    signature: [u8; 64],
}

/// Why a proof is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Not a proof.
    #[error("it is not a proof of a pass")]
    Unreadable,
    /// Made too long ago, or with a clock that is ahead.
    #[error("the proof of the pass is older or newer than {} s", PROOF_LIFE.as_secs())]
    Stale,
    /// For another host or pass, or not made with the key of the pass.
    #[error("the proof is not for this pass at this host")]
    Forged,
}

impl SessionProof {
    /// Makes one for the pass of this secret, at the host of the URL that was opened: in lower
    /// case, with its port unless that is the scheme's own (`location.host` of a page).
    pub fn new(secret: &Secret, pass: &str, host: &str, now: UnixMillis, random: [u8; 16]) -> Self {
        let mut proof = Self { time: now, random, signature: [0; 64] };
        let signature = secret.key().sign(&proof.statement(host, pass));
        proof.signature.copy_from_slice(signature.as_ref());
        proof
    }

    /// As it stands in JSON: base64url without padding.
    pub fn text(&self) -> String {
        text::of(&[&self.time.0.to_be_bytes()[..], &self.random, &self.signature].concat())
    }

    /// Reads a proof.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(proof: &str) -> Result<Self, ProofError> {
        let bytes: [u8; PROOF_BYTES] = text::read(proof).ok_or(ProofError::Unreadable)?;
        let (time, rest) = bytes.split_first_chunk().ok_or(ProofError::Unreadable)?;
        let (random, rest) = rest.split_first_chunk().ok_or(ProofError::Unreadable)?;
        let signature = rest.try_into().map_err(|_| ProofError::Unreadable)?;
        Ok(Self { time: UnixMillis(u64::from_be_bytes(*time)), random: *random, signature })
    }

    /// Whether it is the proof for this pass at one of these hosts, now. `pass` is the text of
    /// `believed`. That it was not used before is for the caller to see to.
    ///
    /// # Errors
    /// With the first fault.
    pub fn check<'a>(
        &self,
        believed: &Believed,
        pass: &str,
        hosts: impl IntoIterator<Item = &'a str>,
        now: UnixMillis,
    ) -> Result<(), ProofError> {
        if now.since(self.time) > PROOF_LIFE || self.time.since(now) > PROOF_LIFE {
            return Err(ProofError::Stale);
        }
        let key = UnparsedPublicKey::new(&ED25519, &believed.pass().key);
        let is_for = |host: &str| key.verify(&self.statement(host, pass), &self.signature).is_ok();
        if hosts.into_iter().any(is_for) { Ok(()) } else { Err(ProofError::Forged) }
    }

    /// Until when it has to be remembered that it was used.
    pub fn ends(&self) -> UnixMillis {
        self.time + PROOF_LIFE
    }

    /// What tells it from every other proof of the same pass.
    pub const fn random(&self) -> &[u8; 16] {
        &self.random
    }

    /// What is signed.
    fn statement(&self, host: &str, pass: &str) -> Vec<u8> {
        // What is longer is no host, and no server has it.
        let host = &host.as_bytes()[..host.len().min(HOST_BYTES)];
        let length = u16::try_from(host.len()).unwrap_or(u16::MAX).to_be_bytes();
        let pass = sha256(&[pass.as_bytes()]);
        [DOMAIN, &length, host, &pass[..], &self.time.0.to_be_bytes(), &self.random].concat()
    }
}

#[cfg(test)]
mod tests;
