//! The secret, and what is derived from it.

use std::fmt;

use aws_lc_rs::hkdf;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::CryptoRng;
use zeroize::Zeroizing;

use crate::channel::Psk;

const CODE_LABEL: &[u8] = b"cipher-chat.v1 invite code";
const PSK_LABEL: &[u8] = b"cipher-chat.v1 invite psk";
/// Characters of 16 bytes in base64url without padding.
pub(super) const SECRET_CHARACTERS: usize = 22;

/// A secret of 128 random bits. It works once; whoever has it can pose as either side.
#[derive(Clone, PartialEq, Eq)]
pub struct Invite {
    pub(super) secret: Zeroizing<[u8; 16]>,
}

/// Why something is not an invite. No message repeats what was given: nearly right, it is still
/// nearly the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Not `https://host/#…` (or `http://`, for a server on the same machine).
    #[error("an invite link looks like https://host/#secret")]
    Form,
    /// What comes after the `#` is not 128 bits of base64url.
    #[error("the secret of an invite link is 22 characters of base64url, or twelve words")]
    Secret,
    /// Another number of words than twelve.
    #[error("an invite has twelve words, and these are {0}")]
    WordCount(usize),
    /// The word with this number, counted from 1, is not on the list.
    #[error("word {0} of the invite is not on the list of words")]
    UnknownWord(usize),
    /// The words do not fit together.
    #[error("a word of the invite is wrong, or the words are in another order")]
    Checksum,
}

impl Invite {
    /// A new invite.
    #[must_use]
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut secret = Zeroizing::new([0; 16]);
        rng.fill_bytes(&mut secret[..]);
        Self { secret }
    }

    /// The invite of a secret.
    #[must_use]
    pub fn from_secret(secret: [u8; 16]) -> Self {
        Self { secret: Zeroizing::new(secret) }
    }

    /// Reads the 22 characters after the `#` of a link.
    ///
    /// # Errors
    /// [`LinkError::Secret`] if they are not exactly the base64url form of 16 bytes.
    pub(super) fn from_characters(characters: &str) -> Result<Self, LinkError> {
        // Four spare bits are left at the end; the engine refuses any but zeros, so that a secret
        // has one form.
        let mut bytes = Zeroizing::new([0; 18]);
        if characters.len() != SECRET_CHARACTERS {
            return Err(LinkError::Secret);
        }
        match URL_SAFE_NO_PAD.decode_slice(characters, &mut bytes[..]) {
            Ok(16) => {
                let mut secret = Zeroizing::new([0; 16]);
                secret.copy_from_slice(&bytes[..16]);
                Ok(Self { secret })
            }
            _ => Err(LinkError::Secret),
        }
    }

    /// The 22 characters after the `#` of a link.
    pub(super) fn characters(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(&self.secret[..]))
    }

    /// What both send in `find`: 22 characters of base64url, 128 bits that the server may know.
    #[must_use]
    pub fn code(&self) -> String {
        let mut code = [0; 16];
        self.derive(CODE_LABEL, &mut code);
        URL_SAFE_NO_PAD.encode(code)
    }

    /// The pre-shared key of the handshake, which the server cannot know.
    #[must_use]
    pub fn psk(&self) -> Psk {
        let mut psk = [0; 32];
        self.derive(PSK_LABEL, &mut psk);
        Psk::new(psk)
    }

    /// HKDF-SHA256 without salt (RFC 5869).
    fn derive(&self, label: &[u8], out: &mut [u8]) {
        struct Len(usize);
        impl hkdf::KeyType for Len {
            fn len(&self) -> usize {
                self.0
            }
        }
        let key = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(&self.secret[..]);
        let filled = key.expand(&[label], Len(out.len())).and_then(|material| material.fill(out));
        debug_assert!(filled.is_ok(), "HKDF-SHA256 gives up to 8160 bytes");
    }
}

impl fmt::Debug for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Invite(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_psk_say_nothing_of_each_other() {
        let invite = Invite::from_secret([1; 16]);
        let other = Invite::from_secret([2; 16]);
        assert_eq!(invite.code().len(), 22);
        assert_ne!(invite.code(), other.code());
        assert_ne!(invite.code(), URL_SAFE_NO_PAD.encode([1; 16]));
    }
}
