//! Invites: one secret, carried by a link that its server never sees in full, from which two things
//! are derived.
//!
//! The *code* is what both send in `find`: the server learns it, to match the two. The *psk* is
//! part of the handshake: the server cannot derive it from the code. Specified in
//! `docs/protocol.md`.

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
const SECRET_CHARACTERS: usize = 22;
/// A host name has at most 253 characters, and a link little more: what is longer is not one.
const LINK_MAX: usize = 512;

/// A secret of 128 random bits. It works once; whoever has it can pose as either side.
#[derive(Clone, PartialEq, Eq)]
pub struct Invite {
    secret: Zeroizing<[u8; 16]>,
}

/// An invite, and where it is to be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteLink {
    /// Scheme, host and perhaps port of the server, without a slash at the end:
    /// `https://chat.example`.
    pub origin: String,
    /// What comes after the `#`.
    pub invite: Invite,
}

/// Why something is not an invite link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Not `https://host/#…` (or `http://`, for a server on the same machine).
    #[error("an invite link looks like https://host/#secret")]
    Form,
    /// What comes after the `#` is not 128 bits of base64url.
    #[error("the secret of an invite link is 22 characters of base64url")]
    Secret,
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
    pub fn parse(characters: &str) -> Result<Self, LinkError> {
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

impl InviteLink {
    /// Reads `https://host/#secret`, with blanks around it, as people paste it.
    ///
    /// # Errors
    /// [`LinkError`] for anything else: a path, a query, a user name or another scheme are refused,
    /// since this link decides which server is trusted with the meeting.
    pub fn parse(link: &str) -> Result<Self, LinkError> {
        let link = link.trim();
        if link.len() > LINK_MAX {
            return Err(LinkError::Form);
        }
        let (page, secret) = link.split_once('#').ok_or(LinkError::Form)?;
        let (scheme, rest) = page.split_once("://").ok_or(LinkError::Form)?;
        let host = rest.strip_suffix('/').unwrap_or(rest);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        if !matches!(scheme, "https" | "http") || host.is_empty() || !host.chars().all(plain) {
            return Err(LinkError::Form);
        }
        Ok(Self { origin: format!("{scheme}://{host}"), invite: Invite::parse(secret)? })
    }
}

/// The link to hand over, secret included.
impl fmt::Display for InviteLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(&self.invite.secret[..]));
        write!(f, "{}/#{}", self.origin, &*secret)
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

    const LINK: &str = "https://chat.example/#AAECAwQFBgcICQoLDA0ODw";

    #[test]
    fn a_link_comes_back_as_it_was() {
        let link = InviteLink::parse(&format!("  {LINK}\n")).unwrap();
        assert_eq!(link.origin, "https://chat.example");
        assert_eq!(link.invite, Invite::from_secret(std::array::from_fn(|i| i as u8)));
        assert_eq!(link.to_string(), LINK);
        assert_eq!(format!("{link:?}"), "InviteLink { origin: \"https://chat.example\", invite: Invite(…) }");
    }

    #[test]
    fn a_port_and_an_address_are_hosts_too() {
        for origin in ["http://127.0.0.1:8080", "https://[::1]:8443", "https://chat.example"] {
            let link = InviteLink::parse(&format!("{origin}#AAECAwQFBgcICQoLDA0ODw")).unwrap();
            assert_eq!(link.origin, origin);
        }
    }

    #[test]
    fn anything_else_is_not_a_link() {
        let secret = "AAECAwQFBgcICQoLDA0ODw";
        for page in
            ["ftp://host/", "https://", "https:///", "https://user@host/", "https://host/path", "host/"]
        {
            assert_eq!(InviteLink::parse(&format!("{page}#{secret}")), Err(LinkError::Form), "{page}");
        }
        assert_eq!(InviteLink::parse("https://host/"), Err(LinkError::Form));
        assert_eq!(
            InviteLink::parse(&format!("https://{}/#{secret}", "h".repeat(600))),
            Err(LinkError::Form)
        );
        for secret in [
            "",
            "AAECAwQFBgcICQoLDA0OD",
            "AAECAwQFBgcICQoLDA0ODx",
            "AAECAwQFBgcICQoLDA0ODw=",
            "AAECAwQFBgcICQoLDA0O+w",
        ] {
            assert_eq!(
                InviteLink::parse(&format!("https://host/#{secret}")),
                Err(LinkError::Secret),
                "{secret}"
            );
        }
    }

    #[test]
    fn code_and_psk_say_nothing_of_each_other() {
        let invite = Invite::from_secret([1; 16]);
        let other = Invite::from_secret([2; 16]);
        assert_eq!(invite.code().len(), 22);
        assert_ne!(invite.code(), other.code());
        assert_ne!(invite.code(), URL_SAFE_NO_PAD.encode([1; 16]));
    }
}
