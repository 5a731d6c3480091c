//! The private half of a signing key.

use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bus::Bus;
use schemas::{
    KeyId, UnixMillis,
    announcement::{Announcement, statement},
};
use serde::Serialize;

/// The private half of a key, parsed once; never exported.
pub(super) struct SigningKey {
    pub(super) pair: Ed25519KeyPair,
    pub(super) public: [u8; 32],
    /// The encoded header and the point after it: the same for every token.
    header: String,
    pub(super) made: UnixMillis,
}

impl SigningKey {
    #[expect(
        clippy::expect_used,
        reason = "fails only without history or a random source: nothing can be served then"
    )]
    pub(super) fn generate(now: UnixMillis) -> Self {
        let pair = Ed25519KeyPair::generate().expect("a random source");
        let public = pair.public_key().as_ref().try_into().expect("an Ed25519 public key has 32 bytes");
        let kid = KeyId::of_public(&public).text();
        let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#)) + ".";
        Self { pair, public, header, made: now }
    }

    /// Announces it in the name of this node, which vouches for it if it has a certificate.
    #[expect(clippy::expect_used, reason = "an Ed25519 signature has 64 bytes")]
    pub(super) fn announce(&self, bus: &Bus, not_after: UnixMillis) -> Announcement {
        let node = bus.node().clone();
        let statement = statement(&KeyId::of_public(&self.public), not_after, &node);
        let possession = self.pair.sign(&statement).as_ref().try_into().expect("64 bytes");
        let proof = bus.vouch(&statement);
        Announcement { public: self.public, not_after, node, possession, proof }
    }

    pub(super) fn sign<T: Serialize>(&self, claims: &T) -> String {
        // Cannot fail: the claims have string keys and no fallible Serialize. Were it wrong, the
        // token would verify nowhere.
        let claims = serde_json::to_vec(claims).unwrap_or_default();
        let mut token = String::with_capacity(self.header.len() + claims.len() * 4 / 3 + 96);
        token.push_str(&self.header);
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = self.pair.sign(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        token
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("made", &self.made).finish_non_exhaustive()
    }
}
