//! The link that a helper gets: where the desk is, the secret, and usually the pass.

use std::fmt;

use aws_lc_rs::{
    hkdf::{HKDF_SHA256, KeyType, Salt},
    signature::Ed25519KeyPair,
};
use zeroize::Zeroizing;

use crate::{
    jws::text,
    keys::{PassKey, public},
    pass::PASS_BYTES,
};

/// What the helper's key is derived with: nothing else is.
const SALT: &[u8] = b"cipher-chat.v2 pass";

/// The path of the desk.
const DESK: &str = "/desk#";

/// What a helper keeps to themselves: 32 random bytes, as 43 characters of base64url. Its `Debug`
/// does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<[u8; 32]>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// A new one.
    pub fn generate() -> Self {
        Self(Zeroizing::new(rand::random()))
    }

    /// From its 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// As it stands in a link.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(text::of(&*self.0))
    }

    /// The helper's key: its seed is HKDF-SHA256 (RFC 5869) of the secret, with the salt
    /// `cipher-chat.v2 pass` and no info.
    #[expect(clippy::expect_used, reason = "neither can fail for 32 bytes")]
    pub fn key(&self) -> Ed25519KeyPair {
        let mut seed = Zeroizing::new([0; 32]);
        let derived = Salt::new(HKDF_SHA256, SALT).extract(&*self.0);
        derived.expand(&[], Seed).and_then(|okm| okm.fill(&mut *seed)).expect("HKDF gives 32 bytes");
        Ed25519KeyPair::from_seed_unchecked(&*seed).expect("a seed has 32 bytes")
    }

    /// The public half of that key, which a pass names.
    pub fn public(&self) -> PassKey {
        public(&self.key())
    }
}

/// The length of a seed of Ed25519.
struct Seed;

impl KeyType for Seed {
    fn len(&self) -> usize {
        32
    }
}

/// What stands after `#` in a helper's link: `<secret>`, or `<secret>.<pass>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The secret.
    pub secret: Secret,
    /// The pass, as text; whoever has the link without it is asked for it.
    pub pass: Option<String>,
}

/// Not the link of a helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a helper's link is https://HOST/desk#SECRET.PASS, or the same without .PASS")]
pub struct LinkError;

impl Link {
    /// The whole link of a server at this base, such as `https://chat.example`.
    pub fn at(&self, base: &str) -> Zeroizing<String> {
        let pass = self.pass.as_deref().map(|pass| format!(".{pass}")).unwrap_or_default();
        let base = base.trim_end_matches('/');
        Zeroizing::new(format!("{base}{DESK}{}{pass}", *self.secret.text()))
    }

    /// Reads a link, or what stands after its `#`. Whether the pass is one is not asked.
    ///
    /// # Errors
    /// If it is not of this form.
    pub fn parse(link: &str) -> Result<Self, LinkError> {
        let fragment = link.trim().rsplit('#').next().unwrap_or_default();
        let (secret, pass) = match fragment.split_once('.') {
            Some((secret, pass)) if !pass.is_empty() && pass.len() <= PASS_BYTES => (secret, Some(pass)),
            Some(_) => return Err(LinkError),
            None => (fragment, None),
        };
        let secret = Secret::from_bytes(text::read(secret).ok_or(LinkError)?);
        Ok(Self { secret, pass: pass.map(str::to_owned) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_read_back_with_and_without_its_pass() {
        let secret = Secret::from_bytes([7; 32]);
        for pass in [None, Some("a.b.c".to_owned())] {
            let link = Link { secret: secret.clone(), pass };
            for base in ["https://chat.example", "https://chat.example/"] {
                let text = link.at(base);
                assert!(text.starts_with("https://chat.example/desk#"), "{}", *text);
                assert_eq!(Link::parse(&text).as_ref(), Ok(&link));
                assert_eq!(Link::parse(text.split_once('#').unwrap().1).as_ref(), Ok(&link));
            }
        }
        let short = &secret.text()[1..];
        for wrong in ["", "#", "https://chat.example/desk", short, &format!("{}.", *secret.text())] {
            assert_eq!(Link::parse(wrong), Err(LinkError), "{wrong}");
        }
    }

    #[test]
    fn nothing_that_is_logged_shows_a_secret() {
        let link = Link { secret: Secret::from_bytes([7; 32]), pass: None };
        assert!(!format!("{link:?}").contains(&*link.secret.text()));
    }
}
