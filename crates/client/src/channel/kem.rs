//! ML-KEM-768 (FIPS 203) on aws-lc-rs, and the random values of one handshake.
//!
//! `a` has a key pair and a nonce, `b` encapsulates. AWS-LC draws the randomness of ML-KEM by
//! itself and takes none from outside; so tests with fixed values bring an expanded key, or a
//! ciphertext with its secret.

use std::fmt;

use aws_lc_rs::kem::{Ciphertext, DecapsulationKey, EncapsulationKey, ML_KEM_768};
use rand::CryptoRng;
use zeroize::Zeroizing;

use super::crypto::{Key, PrivateKey};
use super::meeting::Side;

/// An encapsulation key, bytes.
pub(super) const KEY: usize = 1184;
/// A ciphertext, bytes.
pub(super) const CIPHERTEXT: usize = 1088;
/// An expanded decapsulation key, bytes.
const EXPANDED: usize = 2400;
/// Where the encapsulation key begins in it (FIPS 203, algorithm 16: after 384 bytes for each of
/// the three polynomials).
const KEY_AT: usize = 3 * 384;

/// ML-KEM refused a key, a ciphertext, or to work at all.
#[derive(Debug)]
pub(super) struct Refused;

/// The random values of one side in one room. Each is used once.
pub struct Secrets {
    /// X25519.
    pub(super) ephemeral: PrivateKey,
    pub(super) part: Part,
}

/// What only one of the two sides needs.
pub(super) enum Part {
    A { keys: KeyPair, nonce: Key },
    B(Encapsulation),
}

/// A key pair of ML-KEM-768 for one decapsulation.
pub(super) struct KeyPair {
    decapsulation: DecapsulationKey,
    pub(super) encapsulation: Vec<u8>,
}

/// How `b` comes to a ciphertext and a secret.
pub(super) enum Encapsulation {
    /// With fresh randomness, for the key of `a`.
    Fresh,
    /// As it was given, whatever the key.
    Given { ciphertext: Vec<u8>, secret: Key },
}

impl Secrets {
    /// Fresh values. `None` if AWS-LC cannot make a key, which would mean that it has no
    /// randomness.
    pub(super) fn draw(side: Side, rng: &mut impl CryptoRng) -> Option<Self> {
        let mut ephemeral = Key::default();
        rng.fill_bytes(&mut ephemeral[..]);
        let part = match side {
            Side::A => {
                let mut nonce = Key::default();
                rng.fill_bytes(&mut nonce[..]);
                Part::A { keys: KeyPair::generate().ok()?, nonce }
            }
            Side::B => Part::B(Encapsulation::Fresh),
        };
        Some(Self { ephemeral, part })
    }

    /// Fixed values of `a`, for tests: `expanded` is the decapsulation key of FIPS 203, 2400 bytes.
    #[doc(hidden)]
    #[must_use]
    pub fn fixed_a(ephemeral: [u8; 32], expanded: &[u8], nonce: [u8; 32]) -> Option<Self> {
        let keys = KeyPair::from_expanded(expanded).ok()?;
        Some(Self { ephemeral: key(ephemeral), part: Part::A { keys, nonce: key(nonce) } })
    }

    /// Fixed values of `b`, for tests: the ciphertext that it answers with, and its secret.
    #[doc(hidden)]
    #[must_use]
    pub fn fixed_b(ephemeral: [u8; 32], ciphertext: Vec<u8>, secret: [u8; 32]) -> Self {
        let given = Encapsulation::Given { ciphertext, secret: key(secret) };
        Self { ephemeral: key(ephemeral), part: Part::B(given) }
    }
}

fn key(bytes: [u8; 32]) -> Key {
    Box::new(Zeroizing::new(bytes))
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl KeyPair {
    fn generate() -> Result<Self, Refused> {
        let decapsulation = DecapsulationKey::generate(&ML_KEM_768).map_err(|_| Refused)?;
        let encapsulation = decapsulation.encapsulation_key().map_err(|_| Refused)?;
        let encapsulation = encapsulation.key_bytes().map_err(|_| Refused)?.as_ref().to_vec();
        Ok(Self { decapsulation, encapsulation })
    }

    pub(super) fn from_expanded(expanded: &[u8]) -> Result<Self, Refused> {
        if expanded.len() != EXPANDED {
            return Err(Refused);
        }
        let decapsulation = DecapsulationKey::new(&ML_KEM_768, expanded).map_err(|_| Refused)?;
        Ok(Self { decapsulation, encapsulation: expanded[KEY_AT..][..KEY].to_vec() })
    }

    /// The secret in `ciphertext`. A wrong ciphertext of the right length gives a secret that
    /// nobody else has (implicit rejection). A key serves once.
    pub(super) fn decapsulate(self, ciphertext: &[u8]) -> Result<Key, Refused> {
        let secret = self.decapsulation.decapsulate(Ciphertext::from(ciphertext)).map_err(|_| Refused)?;
        let mut copy = Key::default();
        copy.copy_from_slice(secret.as_ref().get(..32).ok_or(Refused)?);
        Ok(copy)
    }
}

impl Encapsulation {
    /// A ciphertext for `key`, and the secret in it. Refuses a key of the wrong length when it is
    /// imported, and one with a coefficient beyond the modulus when it is used.
    pub(super) fn perform(self, key: &[u8]) -> Result<(Vec<u8>, Key), Refused> {
        match self {
            Self::Given { ciphertext, secret } => Ok((ciphertext, secret)),
            Self::Fresh => {
                let key = EncapsulationKey::new(&ML_KEM_768, key).map_err(|_| Refused)?;
                let (ciphertext, secret) = key.encapsulate().map_err(|_| Refused)?;
                let mut copy = Key::default();
                copy.copy_from_slice(secret.as_ref().get(..32).ok_or(Refused)?);
                Ok((ciphertext.as_ref().to_vec(), copy))
            }
        }
    }
}
