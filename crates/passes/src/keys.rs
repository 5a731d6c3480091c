//! The keys that sign passes. The operator has the private half; gateways and clients know the
//! public ones. It is not the key that signs orders: who may do the one cannot do the other.

use std::{fs, io, path::Path};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::STANDARD};
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer, pem::PemObject};
use zeroize::Zeroizing;

use crate::jws::text;

/// The public half of a key that signs passes (Ed25519).
pub type PassKey = [u8; 32];

/// Most public keys at a time: the one in use, the one before and the next, of two operators. Each
/// costs a check of every pass that it has not signed.
pub const KEYS: usize = 8;

/// Most bytes of a file of keys: [`KEYS`] with room for words between them.
const FILE_BYTES: u64 = 16 * 1024;

/// How a public key of Ed25519 begins as an SPKI (RFC 8410); the 32 bytes of the key follow.
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The operator's public keys, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassKeys(Vec<PassKey>);

/// Why a file cannot be used. Nothing of its content is told.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read or written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Not such a key.
    #[error("it holds no private key of Ed25519 (PEM, PKCS #8), as `cipher-chat pki` writes passes.key")]
    Private,
    /// Not such keys.
    #[error("it holds no public key of Ed25519 (PEM, SPKI), as `cipher-chat pki` writes passes.pub")]
    Public,
    /// More than any use needs.
    #[error("it holds more than {KEYS} keys")]
    Many,
    /// More than keys take.
    #[error("it is larger than {FILE_BYTES} bytes")]
    Large,
}

impl PassKeys {
    /// These keys, each once; `None` if there is none, or more than [`KEYS`].
    pub fn new(keys: impl IntoIterator<Item = PassKey>) -> Option<Self> {
        let mut distinct: Vec<PassKey> = Vec::new();
        for key in keys {
            if !distinct.contains(&key) {
                distinct.push(key);
            }
        }
        (1..=KEYS).contains(&distinct.len()).then_some(Self(distinct))
    }

    /// The public half of this key alone.
    pub fn of(pair: &Ed25519KeyPair) -> Self {
        Self(vec![public(pair)])
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &PassKey> {
        self.0.iter()
    }

    /// One public key as text: base64url of its 32 bytes, without padding.
    pub fn parse(key: &str) -> Option<Self> {
        text::read(key).map(|key| Self(vec![key]))
    }

    /// The keys of a file: one PEM block (SPKI) for each.
    ///
    /// # Errors
    /// If the file cannot be read, or holds anything else, or too many.
    pub fn from_file(path: &Path) -> Result<Self, KeyFileError> {
        Self::from_pem(&read(path)?)
    }

    fn from_pem(pem: &[u8]) -> Result<Self, KeyFileError> {
        let mut keys = Vec::new();
        for spki in SubjectPublicKeyInfoDer::pem_slice_iter(pem) {
            let spki = spki.map_err(|_| KeyFileError::Public)?;
            let key = spki.strip_prefix(&SPKI).and_then(|key| key.try_into().ok());
            keys.push(key.ok_or(KeyFileError::Public)?);
        }
        if keys.is_empty() {
            return Err(KeyFileError::Public);
        }
        Self::new(keys).ok_or(KeyFileError::Many)
    }
}

/// The public half of this key.
pub(crate) fn public(pair: &Ed25519KeyPair) -> PassKey {
    let mut key = [0; 32];
    // A public key of Ed25519 has 32 bytes.
    key.copy_from_slice(pair.public_key().as_ref());
    key
}

/// The operator's private key.
///
/// # Errors
/// If the file cannot be read, or holds no such key.
pub fn private_key(path: &Path) -> Result<Ed25519KeyPair, KeyFileError> {
    let pem = read(path)?;
    let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).map_err(|_| KeyFileError::Private)?;
    Ed25519KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| KeyFileError::Private)
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    if fs::metadata(path)?.len() > FILE_BYTES {
        return Err(KeyFileError::Large);
    }
    Ok(Zeroizing::new(fs::read(path)?))
}

/// A new key: the private half (PEM, PKCS #8) and the public one (PEM, SPKI), as `cipher-chat pki`
/// writes them. `None` if there is no randomness.
pub fn generate() -> Option<(Zeroizing<String>, String)> {
    let pair = Ed25519KeyPair::generate().ok()?;
    let pkcs8 = pair.to_pkcs8v1().ok()?;
    let secret = Zeroizing::new(STANDARD.encode(pkcs8.as_ref()));
    let private = Zeroizing::new(pem("PRIVATE KEY", &secret));
    let shown = STANDARD.encode([&SPKI[..], &public(&pair)].concat());
    Some((private, pem("PUBLIC KEY", &shown)))
}

fn pem(label: &str, base64: &str) -> String {
    // PEM has at most 64 characters to a line (RFC 7468), and a key takes more.
    let (first, rest) = base64.split_at(base64.len().min(64));
    let rest = if rest.is_empty() { String::new() } else { format!("{rest}\n") };
    format!("-----BEGIN {label}-----\n{first}\n{rest}-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(seed: u8) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
    }

    fn shown(key: PassKey) -> String {
        pem("PUBLIC KEY", &STANDARD.encode([&SPKI[..], &key].concat()))
    }

    #[test]
    fn a_new_key_is_read_back_and_both_halves_belong_together() {
        let (private, public_half) = generate().unwrap();
        let file = std::env::temp_dir().join(format!("passes-{}.key", std::process::id()));
        fs::write(&file, private.as_bytes()).unwrap();
        let read = private_key(&file);
        fs::remove_file(&file).unwrap();
        let read = read.unwrap();
        assert_eq!(PassKeys::from_pem(public_half.as_bytes()).unwrap(), PassKeys::of(&read));
        assert!(matches!(private_key(Path::new("/nowhere/passes.key")), Err(KeyFileError::Io(_))));
    }

    #[test]
    fn a_file_holds_one_key_or_a_few_and_nothing_else() {
        let keys: Vec<_> = (0..=KEYS).map(|seed| public(&pair(u8::try_from(seed).unwrap()))).collect();
        let file = |keys: &[PassKey]| keys.iter().copied().map(shown).collect::<String>();
        let read = PassKeys::from_pem(file(&keys[..KEYS]).as_bytes()).unwrap();
        assert!(read.all().eq(&keys[..KEYS]));
        assert!(matches!(PassKeys::from_pem(file(&keys).as_bytes()), Err(KeyFileError::Many)));
        assert!(matches!(PassKeys::from_pem(b""), Err(KeyFileError::Public)));
        let other = pem("PUBLIC KEY", &STANDARD.encode([&SPKI[..], &[0; 33]].concat()));
        assert!(matches!(PassKeys::from_pem(other.as_bytes()), Err(KeyFileError::Public)));
        assert_eq!(PassKeys::new([[1; 32], [1; 32]]), PassKeys::new([[1; 32]]));
        assert_eq!(PassKeys::parse(&text::of(&[1; 32])), PassKeys::new([[1; 32]]));
        assert_eq!(PassKeys::parse(&text::of(&[1; 31])), None);
    }
}
