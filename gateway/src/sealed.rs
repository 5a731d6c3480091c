//! What one gateway tells another so that whoever carries it does not learn it: X25519 (RFC 7748)
//! with a key of its own for each message, HKDF-SHA-256 (RFC 5869), AES-256-GCM.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{self, EphemeralPrivateKey, PrivateKey, UnparsedPublicKey, X25519},
    error::Unspecified,
    hkdf::{HKDF_SHA256, Salt},
    rand::SystemRandom,
};
use schemas::NodeId;
use zeroize::Zeroizing;

/// What the keys are derived for: nothing else is.
const DOMAIN: &[u8] = b"cipher-chat.v1 origin";

/// A public key of X25519.
pub type PublicKey = [u8; 32];

/// A key to which others seal. It is made for one question, and never leaves the process.
pub struct Recipient {
    private: PrivateKey,
    public: PublicKey,
}

/// A message for one gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Made for this message alone.
    pub ephemeral: PublicKey,
    /// The message, and what shows that it was not changed.
    pub bytes: Vec<u8>,
}

/// Who has sealed a message, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Parties<'a> {
    /// The gateway that seals.
    pub from: &'a NodeId,
    /// The gateway that opens.
    pub to: &'a NodeId,
}

impl Parties<'_> {
    /// No id of a node has a zero byte.
    fn authenticated(&self) -> Aad<Vec<u8>> {
        Aad::from([self.from.as_str(), self.to.as_str()].join("\0").into_bytes())
    }
}

impl Recipient {
    /// With a new key.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub fn new() -> Result<Self, Unspecified> {
        let private = PrivateKey::generate(&X25519)?;
        let public = public_of(private.compute_public_key()?.as_ref())?;
        Ok(Self { private, public })
    }

    /// To what others seal.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// Opens a message that was sealed to this key.
    ///
    /// # Errors
    /// If it was not, or not by and for these two, or was changed.
    pub fn open(&self, sealed: &Sealed, parties: Parties<'_>) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let theirs = UnparsedPublicKey::new(&X25519, sealed.ephemeral);
        let key = agreement::agree(&self.private, theirs, Unspecified, |secret| {
            derive(secret, &sealed.ephemeral, &self.public)
        })?;
        let mut bytes = Zeroizing::new(sealed.bytes.clone());
        let length = key.open_in_place(nonce(), parties.authenticated(), &mut bytes)?.len();
        bytes.truncate(length);
        Ok(bytes)
    }
}

/// Seals a message.
///
/// # Errors
/// If the public key is none, or the system gives no random bytes.
pub fn seal(to: &PublicKey, plain: &[u8], parties: Parties<'_>) -> Result<Sealed, Unspecified> {
    let own = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new())?;
    let ephemeral = public_of(own.compute_public_key()?.as_ref())?;
    let theirs = UnparsedPublicKey::new(&X25519, *to);
    let key = agreement::agree_ephemeral(own, theirs, Unspecified, |secret| derive(secret, &ephemeral, to))?;
    let mut bytes = plain.to_vec();
    key.seal_in_place_append_tag(nonce(), parties.authenticated(), &mut bytes)?;
    Ok(Sealed { ephemeral, bytes })
}

fn derive(secret: &[u8], ephemeral: &PublicKey, to: &PublicKey) -> Result<LessSafeKey, Unspecified> {
    let info = [ephemeral.as_slice(), to.as_slice()];
    let derived = Salt::new(HKDF_SHA256, DOMAIN).extract(secret);
    Ok(LessSafeKey::new(UnboundKey::from(derived.expand(&info, &AES_256_GCM)?)))
}

/// A key seals one message.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

fn public_of(bytes: &[u8]) -> Result<PublicKey, Unspecified> {
    bytes.try_into().map_err(|_| Unspecified)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> NodeId {
        name.parse().unwrap()
    }

    #[test]
    fn only_the_recipient_opens_a_message_and_only_as_it_was_sealed() {
        let (g1, g2, g3) = (node("g1"), node("g2"), node("g3"));
        let parties = Parties { from: &g1, to: &g2 };
        let (one, other) = (Recipient::new().unwrap(), Recipient::new().unwrap());
        let sealed = seal(&one.public(), b"a key", parties).unwrap();
        assert_eq!(**one.open(&sealed, parties).unwrap(), *b"a key");
        assert!(!sealed.bytes.windows(5).any(|window| window == b"a key"));
        assert!(other.open(&sealed, parties).is_err(), "somebody else");
        assert!(one.open(&sealed, Parties { from: &g3, to: &g2 }).is_err(), "of another gateway");
        assert!(one.open(&sealed, Parties { from: &g1, to: &g3 }).is_err(), "for another gateway");
        for n in 0..sealed.bytes.len() {
            let mut changed = sealed.clone();
            changed.bytes[n] ^= 1;
            assert!(one.open(&changed, parties).is_err());
        }
        let again = seal(&one.public(), b"a key", parties).unwrap();
        assert!(again.ephemeral != sealed.ephemeral && again.bytes != sealed.bytes);
    }

    #[test]
    fn a_public_key_without_a_secret_is_refused() {
        let (g1, g2) = (node("g1"), node("g2"));
        assert!(seal(&[0; 32], b"a key", Parties { from: &g1, to: &g2 }).is_err());
    }
}
