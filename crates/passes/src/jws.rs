//! Signed JSON (RFC 7515, compact form) with Ed25519, read strictly: one algorithm, one type, no
//! header and no claim that is not known. A claim that is not understood could take away what the
//! others give.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::keys::PassKeys;

/// The one algorithm (RFC 8037).
const ALGORITHM: &str = "EdDSA";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
}

/// Why it is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Not such a text, of another type or algorithm, or with something that is not known.
    Unreadable,
    /// None of the keys has signed it.
    Forged,
}

/// Three parts, of which the first two are signed.
struct Parts<'a> {
    signed: &'a str,
    claims: Vec<u8>,
    signature: [u8; 64],
}

/// Signs these claims.
pub(crate) fn sign<T: Serialize>(kind: &str, claims: &T, key: &Ed25519KeyPair) -> Option<String> {
    let header = Header { alg: ALGORITHM.into(), typ: kind.into() };
    let part = |json: Vec<u8>| URL_SAFE_NO_PAD.encode(json);
    let header = part(serde_json::to_vec(&header).ok()?);
    let signed = format!("{header}.{}", part(serde_json::to_vec(claims).ok()?));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    Some(format!("{signed}.{signature}"))
}

/// The claims, if one of the keys has signed them.
pub(crate) fn verify<T: DeserializeOwned>(kind: &str, text: &str, keys: &PassKeys) -> Result<T, Fault> {
    let parts = parts(kind, text).ok_or(Fault::Unreadable)?;
    let claims = serde_json::from_slice(&parts.claims).map_err(|_| Fault::Unreadable)?;
    let signs = |key: &[u8; 32]| {
        UnparsedPublicKey::new(&ED25519, key).verify(parts.signed.as_bytes(), &parts.signature).is_ok()
    };
    if keys.all().any(signs) { Ok(claims) } else { Err(Fault::Forged) }
}

/// The claims, whoever has signed them.
pub(crate) fn read<T: DeserializeOwned>(kind: &str, text: &str) -> Option<T> {
    serde_json::from_slice(&parts(kind, text)?.claims).ok()
}

fn parts<'a>(kind: &str, text: &'a str) -> Option<Parts<'a>> {
    let (signed, signature) = text.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    if header.alg != ALGORITHM || header.typ != kind {
        return None;
    }
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    // serde would take an array for a struct as well.
    if claims.first() != Some(&b'{') {
        return None;
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?.try_into().ok()?;
    Some(Parts { signed, claims, signature })
}

/// Bytes as unpadded base64url, in one way only.
pub(crate) mod text {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    /// As text.
    pub(crate) fn of(bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Exactly `N` bytes.
    pub(crate) fn read<const N: usize>(text: &str) -> Option<[u8; N]> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
    }
}
