//! A second, plain writing of the handshake, straight from `docs/protocol.md`: no snow, no state
//! machine.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{agreement, hkdf, hmac};

use crate::channel::crypto::{public_key, sha256};

/// Everything that comes up in one handshake, in bytes.
pub(super) struct Transcript {
    pub(super) public_a: [u8; 32],
    pub(super) public_b: [u8; 32],
    pub(super) commitment: [u8; 32],
    pub(super) prologue: Vec<u8>,
    pub(super) message1: Vec<u8>,
    pub(super) message2: Vec<u8>,
    pub(super) shared_secret: [u8; 32],
    pub(super) hash: [u8; 32],
    pub(super) key_a_to_b: [u8; 32],
    pub(super) key_b_to_a: [u8; 32],
}

/// Noise's symmetric state: chaining key, hash, and once there is one, a key whose every use here
/// has number 0.
struct Symmetric {
    ck: [u8; 32],
    h: [u8; 32],
    k: Option<[u8; 32]>,
}

impl Symmetric {
    fn mix_hash(&mut self, data: &[u8]) {
        self.h = sha256(&[&self.h, data]);
    }

    fn mix_key(&mut self, material: &[u8]) {
        let [ck, k] = hkdf(&self.ck, material);
        (self.ck, self.k) = (ck, Some(k));
    }

    fn mix_key_and_hash(&mut self, material: &[u8]) {
        let [ck, h, k] = hkdf(&self.ck, material);
        self.ck = ck;
        self.mix_hash(&h);
        self.k = Some(k);
    }

    /// The encryption of an empty payload.
    fn seal_nothing(&mut self) -> Vec<u8> {
        let sealed = self.k.map(|k| seal(&k, 0, &self.h, &[])).unwrap_or_default();
        self.mix_hash(&sealed);
        sealed
    }
}

pub(super) fn handshake(
    psk: Option<&[u8; 32]>,
    room: &[u8; 16],
    private_a: &[u8; 32],
    private_b: &[u8; 32],
) -> Transcript {
    let name =
        if psk.is_some() { "Noise_NNpsk0_25519_AESGCM_SHA256" } else { "Noise_NN_25519_AESGCM_SHA256" };
    let public_a = public_key(&(*private_a).into()).unwrap();
    let public_b = public_key(&(*private_b).into()).unwrap();
    let commitment = sha256(&[b"cipher-chat.v1 commit\0", name.as_bytes(), &[0], room, &public_b]);
    let prologue = [b"cipher-chat.v1\0", &room[..], &commitment].concat();

    let mut h = [0; 32];
    h[..name.len()].copy_from_slice(name.as_bytes());
    let mut state = Symmetric { ck: h, h, k: None };
    state.mix_hash(&prologue);

    if let Some(psk) = psk {
        state.mix_key_and_hash(psk);
    }
    state.mix_hash(&public_a);
    if psk.is_some() {
        state.mix_key(&public_a);
    }
    let message1 = [&public_a[..], &state.seal_nothing()].concat();

    state.mix_hash(&public_b);
    if psk.is_some() {
        state.mix_key(&public_b);
    }
    let shared_secret = diffie_hellman(private_a, &public_b);
    assert_eq!(shared_secret, diffie_hellman(private_b, &public_a));
    state.mix_key(&shared_secret);
    let message2 = [&public_b[..], &state.seal_nothing()].concat();

    let [key_a_to_b, key_b_to_a] = hkdf(&state.ck, &[]);
    let hash = state.h;
    Transcript {
        public_a,
        public_b,
        commitment,
        prologue,
        message1,
        message2,
        shared_secret,
        hash,
        key_a_to_b,
        key_b_to_a,
    }
}

/// AES-256-GCM; the nonce is four zero bytes and the number.
pub(super) fn seal(key: &[u8; 32], number: u64, associated: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap());
    let mut sealed = plain.to_vec();
    let nonce = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(nonce, Aad::from(associated), &mut sealed).unwrap();
    sealed
}

fn diffie_hellman(private: &[u8; 32], public: &[u8; 32]) -> [u8; 32] {
    let private = agreement::PrivateKey::from_private_key(&agreement::X25519, private).unwrap();
    let public = agreement::UnparsedPublicKey::new(&agreement::X25519, public);
    agreement::agree(&private, public, (), |secret| Ok(secret.try_into().unwrap())).unwrap()
}

/// Noise's HKDF is RFC 5869's with the chaining key as salt and no info.
fn hkdf<const N: usize>(ck: &[u8; 32], material: &[u8]) -> [[u8; 32]; N] {
    struct Len(usize);
    impl hkdf::KeyType for Len {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut out = vec![0; 32 * N];
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, ck).extract(material);
    prk.expand(&[], Len(32 * N)).unwrap().fill(&mut out).unwrap();
    let temporary = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, ck), material);
    let first = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, temporary.as_ref()), &[1]);
    assert_eq!(first.as_ref(), &out[..32], "as the Noise specification writes it");
    std::array::from_fn(|i| out[32 * i..][..32].try_into().unwrap())
}
