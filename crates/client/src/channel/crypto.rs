//! Noise's primitives on aws-lc-rs, so that the whole program has one crypto provider, and keys
//! that are wiped.

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{agreement, digest, hkdf};
use snow::Error;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::CryptoResolver;
use snow::types::{Cipher, Dh, Hash, Random};
use zeroize::Zeroizing;

/// A secret on the heap, so that a value that moves leaves no copy behind; wiped when dropped.
pub(super) type Key = Box<Zeroizing<[u8; 32]>>;

/// A private X25519 key, as drawn (clamped where it is used, RFC 7748).
pub(super) type PrivateKey = Key;

const TAG: usize = 16;

/// SHA-256 of the parts, one after the other.
pub(super) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// HKDF-SHA256 (RFC 5869). Fills `out`, which is far shorter than the 8160 bytes that it can give.
pub(super) fn derive(salt: &[u8], input: &[u8], info: &[u8], out: &mut [u8]) -> Result<(), Error> {
    struct Len(usize);
    impl hkdf::KeyType for Len {
        fn len(&self) -> usize {
            self.0
        }
    }
    let pseudorandom = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(input);
    let info = [info];
    let expanded = pseudorandom.expand(&info, Len(out.len())).map_err(|_| Error::Input)?;
    expanded.fill(out).map_err(|_| Error::Input)
}

/// What the deepest computation of the handshake leaves on the stack, in bytes, and some more.
const STACK: usize = 64 * 1024;

/// Overwrites the part of the stack that is free now, where functions that have returned left their
/// temporary values: snow and AWS-LC wipe what they allocate, or have it wiped, but not all that
/// they copied on the stack.
#[inline(never)]
pub(super) fn wipe_stack() {
    let mut free = [0_u8; STACK];
    // Without this the array, which nobody reads, would be optimised away.
    std::hint::black_box(&mut free);
}

/// AES-256-GCM with the key of one direction and epoch.
pub(super) fn cipher(key: &[u8; 32]) -> Option<LessSafeKey> {
    UnboundKey::new(&aead::AES_256_GCM, key).ok().map(LessSafeKey::new)
}

/// 4 zero bytes, then the big-endian number (Noise, section 12.4).
pub(super) fn nonce(number: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

/// The public key of `private`.
pub(super) fn public_key(private: &PrivateKey) -> Result<[u8; 32], Error> {
    let key =
        agreement::PrivateKey::from_private_key(&agreement::X25519, &private[..]).map_err(|_| Error::Dh)?;
    let public = key.compute_public_key().map_err(|_| Error::Dh)?;
    public.as_ref().try_into().map_err(|_| Error::Dh)
}

/// Gives snow its primitives, and as its only randomness the ephemeral key that was drawn (and
/// committed to) before.
pub(super) struct Resolver {
    pub(super) ephemeral: PrivateKey,
}

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(OneKey(Some(self.ephemeral.clone()))))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        matches!(choice, DHChoice::Curve25519).then(|| Box::new(X25519::default()) as Box<dyn Dh>)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        matches!(choice, HashChoice::SHA256).then(|| Box::new(Sha256::default()) as Box<dyn Hash>)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        matches!(choice, CipherChoice::AESGCM).then(|| Box::new(AesGcm::default()) as Box<dyn Cipher>)
    }
}

/// "Randomness" that yields one key, once: a second ephemeral key in the same room would break the
/// commitment.
struct OneKey(Option<PrivateKey>);

impl Random for OneKey {
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
        let key = self.0.take().ok_or(Error::Rng)?;
        if dest.len() != key.len() {
            return Err(Error::Rng);
        }
        dest.copy_from_slice(&key[..]);
        Ok(())
    }
}

#[derive(Default)]
struct X25519 {
    private: PrivateKey,
    public: [u8; 32],
}

impl Dh for X25519 {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        32
    }

    fn priv_len(&self) -> usize {
        32
    }

    fn set(&mut self, private: &[u8]) {
        self.private.copy_from_slice(private);
        // Any 32 bytes are an X25519 key. If they were refused, the zero public key would only make
        // the handshake fail.
        self.public = public_key(&self.private).unwrap_or_default();
    }

    fn generate(&mut self, rng: &mut dyn Random) -> Result<(), Error> {
        rng.try_fill_bytes(&mut self.private[..])?;
        self.public = public_key(&self.private)?;
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        &self.public
    }

    fn privkey(&self) -> &[u8] {
        &self.private[..]
    }

    /// Refuses an all-zero result (a peer key of small order), as RFC 7748, section 6.1 advises.
    fn dh(&self, public: &[u8], out: &mut [u8]) -> Result<(), Error> {
        let (Some(public), Some(out)) = (public.get(..32), out.get_mut(..32)) else {
            return Err(Error::Input);
        };
        let private = agreement::PrivateKey::from_private_key(&agreement::X25519, &self.private[..])
            .map_err(|_| Error::Dh)?;
        let public = agreement::UnparsedPublicKey::new(&agreement::X25519, public);
        agreement::agree(&private, public, Error::Dh, |secret| {
            if secret.len() != out.len() || secret.iter().all(|&byte| byte == 0) {
                return Err(Error::Dh);
            }
            out.copy_from_slice(secret);
            Ok(())
        })
    }
}

struct Sha256 {
    context: digest::Context,
}

impl Default for Sha256 {
    fn default() -> Self {
        Self { context: digest::Context::new(&digest::SHA256) }
    }
}

impl Hash for Sha256 {
    fn name(&self) -> &'static str {
        "SHA256"
    }

    fn block_len(&self) -> usize {
        64
    }

    fn hash_len(&self) -> usize {
        32
    }

    fn reset(&mut self) {
        *self = Self::default();
    }

    fn input(&mut self, data: &[u8]) {
        self.context.update(data);
    }

    fn result(&mut self, out: &mut [u8]) {
        let context = std::mem::take(self).context;
        out[..32].copy_from_slice(context.finish().as_ref());
    }
}

#[derive(Default)]
struct AesGcm {
    key: Option<LessSafeKey>,
}

impl Cipher for AesGcm {
    fn name(&self) -> &'static str {
        "AESGCM"
    }

    fn set(&mut self, key: &[u8; 32]) {
        self.key = cipher(key);
    }

    fn encrypt(&self, nonce: u64, ad: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        let (text, rest) = out.split_at_mut(plaintext.len());
        text.copy_from_slice(plaintext);
        let sealed = self
            .key
            .as_ref()
            .and_then(|key| key.seal_in_place_separate_tag(self::nonce(nonce), Aad::from(ad), text).ok());
        match sealed {
            Some(tag) => rest[..TAG].copy_from_slice(tag.as_ref()),
            // The trait has no error here. It cannot fail (32-byte key, short text); if it did,
            // nothing leaks.
            None => text.fill(0),
        }
        plaintext.len() + TAG
    }

    fn decrypt(&self, nonce: u64, ad: &[u8], ciphertext: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        let len = ciphertext.len().checked_sub(TAG).ok_or(Error::Decrypt)?;
        let (text, tag) = ciphertext.split_at(len);
        let out = out.get_mut(..len).ok_or(Error::Decrypt)?;
        let key = self.key.as_ref().ok_or(Error::Decrypt)?;
        key.open_separate_gather(self::nonce(nonce), Aad::from(ad), text, tag, out)
            .map_err(|_| Error::Decrypt)?;
        Ok(len)
    }
}
