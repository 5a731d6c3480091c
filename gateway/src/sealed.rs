//! What one gateway tells another so that whoever carries it does not learn it: X25519 (RFC 7748)
//! with a key of its own for each message, HKDF-SHA-256 (RFC 5869), AES-256-GCM.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{self, EphemeralPrivateKey, PrivateKey, UnparsedPublicKey, X25519},
    error::Unspecified,
    hkdf::{HKDF_SHA256, Salt},
    rand::SystemRandom,
};
use zeroize::Zeroizing;

/// What the keys are derived for: nothing else is.
const DOMAIN: &[u8] = b"cipher-chat.v1 origin";

/// A public key of X25519.
pub(crate) type PublicKey = [u8; 32];

/// The key of a gateway to which others seal. It is made at the start and never leaves the process.
pub(crate) struct Recipient {
    private: PrivateKey,
    public: PublicKey,
}

/// A message for one gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// Made for this message alone.
    pub(crate) ephemeral: PublicKey,
    pub(crate) bytes: Vec<u8>,
}

impl Recipient {
    /// With a new key.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub(crate) fn new() -> Result<Self, Unspecified> {
        let private = PrivateKey::generate(&X25519)?;
        let public = public_of(private.compute_public_key()?.as_ref())?;
        Ok(Self { private, public })
    }

    /// To what others seal.
    pub(crate) fn public(&self) -> PublicKey {
        self.public
    }

    /// Opens a message that was sealed to this key, with the same `about`.
    ///
    /// # Errors
    /// If it was not, or was changed.
    pub(crate) fn open(&self, sealed: &Sealed, about: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let theirs = UnparsedPublicKey::new(&X25519, sealed.ephemeral);
        let key = agreement::agree(&self.private, theirs, Unspecified, |secret| {
            derive(secret, &sealed.ephemeral, &self.public)
        })?;
        let mut bytes = Zeroizing::new(sealed.bytes.clone());
        let length = key.open_in_place(nonce(), Aad::from(about), &mut bytes)?.len();
        bytes.truncate(length);
        Ok(bytes)
    }
}

/// Seals a message to a gateway. `about` is not secret, and has to be the same when it is opened.
///
/// # Errors
/// If the public key is none, or the system gives no random bytes.
pub(crate) fn seal(to: &PublicKey, plain: &[u8], about: &[u8]) -> Result<Sealed, Unspecified> {
    let own = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new())?;
    let ephemeral = public_of(own.compute_public_key()?.as_ref())?;
    let theirs = UnparsedPublicKey::new(&X25519, *to);
    let key = agreement::agree_ephemeral(own, theirs, Unspecified, |secret| derive(secret, &ephemeral, to))?;
    let mut bytes = plain.to_vec();
    key.seal_in_place_append_tag(nonce(), Aad::from(about), &mut bytes)?;
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

    #[test]
    fn only_the_recipient_opens_a_message_and_only_as_it_was_sealed() {
        let (one, other) = (Recipient::new().unwrap(), Recipient::new().unwrap());
        let sealed = seal(&one.public(), b"a key", b"from g1 to g2").unwrap();
        assert_eq!(**one.open(&sealed, b"from g1 to g2").unwrap(), *b"a key");
        assert!(!sealed.bytes.windows(5).any(|window| window == b"a key"));
        assert!(other.open(&sealed, b"from g1 to g2").is_err(), "somebody else");
        assert!(one.open(&sealed, b"from g3 to g2").is_err(), "about something else");
        for n in 0..sealed.bytes.len() {
            let mut changed = sealed.clone();
            changed.bytes[n] ^= 1;
            assert!(one.open(&changed, b"from g1 to g2").is_err());
        }
        let again = seal(&one.public(), b"a key", b"from g1 to g2").unwrap();
        assert!(again.ephemeral != sealed.ephemeral && again.bytes != sealed.bytes);
    }

    #[test]
    fn a_public_key_without_a_secret_is_refused() {
        assert!(seal(&[0; 32], b"a key", b"").is_err());
    }
}
