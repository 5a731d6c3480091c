//! A second, plain writing of the handshake, straight from `docs/protocol.md`: no snow, no state
//! machine, and another ML-KEM.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{agreement, hkdf, hmac};
use ml_kem::{B32, DecapsulationKey, KeyExport, MlKem768, Seed};
use zeroize::Zeroizing;

use crate::channel::crypto::{public_key, sha256};

/// What both sides draw at random.
pub(super) struct Drawn {
    pub(super) private_a: [u8; 32],
    pub(super) private_b: [u8; 32],
    /// FIPS 203's d and z: the seed of `a`'s key.
    pub(super) seed: [u8; 64],
    /// FIPS 203's m: the randomness of `b`'s encapsulation.
    pub(super) message: [u8; 32],
    pub(super) nonce: [u8; 32],
}

/// ML-KEM-768 with given randomness.
pub(super) struct Kem {
    /// The decapsulation key as FIPS 203 writes it.
    pub(super) expanded: Vec<u8>,
    pub(super) encapsulation_key: Vec<u8>,
    pub(super) ciphertext: Vec<u8>,
    pub(super) secret: [u8; 32],
}

/// Everything that comes up in one handshake, in bytes; the steps of Noise in their order.
pub(super) struct Transcript {
    pub(super) public_a: [u8; 32],
    pub(super) public_b: [u8; 32],
    pub(super) kem: Kem,
    pub(super) commitment: [u8; 32],
    pub(super) prologue: Vec<u8>,
    pub(super) message1: Vec<u8>,
    pub(super) message2: Vec<u8>,
    pub(super) shared_secret: [u8; 32],
    /// Each value of Noise's symmetric state, after the step that the name tells.
    pub(super) steps: Vec<(&'static str, [u8; 32])>,
    pub(super) hash: [u8; 32],
    pub(super) noise_a_to_b: [u8; 32],
    pub(super) noise_b_to_a: [u8; 32],
    pub(super) key_a_to_b: [u8; 32],
    pub(super) key_b_to_a: [u8; 32],
}

/// Noise's symmetric state: chaining key, hash, and once there is one, a key whose every use here
/// has number 0.
struct Symmetric {
    ck: [u8; 32],
    h: [u8; 32],
    k: Option<[u8; 32]>,
    steps: Vec<(&'static str, [u8; 32])>,
}

impl Symmetric {
    fn mix_hash(&mut self, step: &'static str, data: &[u8]) {
        self.h = sha256(&[&self.h, data]);
        self.steps.push((step, self.h));
    }

    fn mix_key(&mut self, steps: [&'static str; 2], material: &[u8]) {
        let [ck, k] = noise_hkdf(&self.ck, material);
        (self.ck, self.k) = (ck, Some(k));
        self.steps.extend([(steps[0], ck), (steps[1], k)]);
    }

    fn mix_psk(&mut self, psk: &[u8; 32]) {
        let [ck, t, k] = noise_hkdf(&self.ck, psk);
        self.ck = ck;
        self.steps.extend([("ck after psk", ck), ("t of psk", t), ("k after psk", k)]);
        self.mix_hash("h after psk", &t);
        self.k = Some(k);
    }

    fn seal(&mut self, step: &'static str, payload: &[u8]) -> Vec<u8> {
        let sealed = self.k.map_or_else(|| payload.to_vec(), |k| seal(&k, 0, &self.h, payload));
        self.mix_hash(step, &sealed);
        sealed
    }
}

pub(super) fn kem(seed: &[u8; 64], message: &[u8; 32]) -> Kem {
    let key = DecapsulationKey::<MlKem768>::from_seed(Seed::from(*seed));
    let (ciphertext, secret) = key.encapsulation_key().encapsulate_deterministic(&B32::from(*message));
    #[expect(deprecated, reason = "the form of FIPS 203, which AWS-LC takes")]
    let expanded = ml_kem::ExpandedKeyEncoding::to_expanded_bytes(&key).to_vec();
    Kem {
        expanded,
        encapsulation_key: key.encapsulation_key().to_bytes().to_vec(),
        ciphertext: ciphertext.to_vec(),
        secret: secret.as_slice().try_into().unwrap(),
    }
}

pub(super) fn name(psk: Option<&[u8; 32]>) -> &'static str {
    if psk.is_some() { "Noise_NNpsk0_25519_AESGCM_SHA256" } else { "Noise_NN_25519_AESGCM_SHA256" }
}

pub(super) fn handshake(psk: Option<&[u8; 32]>, room: &[u8; 16], drawn: &Drawn) -> Transcript {
    let public = |private: &[u8; 32]| public_key(&Box::new(Zeroizing::new(*private))).unwrap();
    let (public_a, public_b) = (public(&drawn.private_a), public(&drawn.private_b));
    let kem = kem(&drawn.seed, &drawn.message);
    let name = name(psk);
    let commitment = sha256(&[b"cipher-chat.v2 commit\0", name.as_bytes(), &[0], room, &drawn.nonce]);
    let prologue = [b"cipher-chat.v2\0", &room[..]].concat();

    let mut h = [0; 32];
    h[..name.len()].copy_from_slice(name.as_bytes());
    let mut state = Symmetric { ck: h, h, k: None, steps: vec![("h and ck at first", h)] };
    state.mix_hash("h after prologue", &prologue);

    if let Some(psk) = psk {
        state.mix_psk(psk);
    }
    state.mix_hash("h after e_a", &public_a);
    if psk.is_some() {
        state.mix_key(["ck after e_a", "k after e_a"], &public_a);
    }
    let payload1 = [&kem.encapsulation_key[..], &commitment].concat();
    let message1 = [&public_a[..], &state.seal("h after message 1", &payload1)].concat();

    state.mix_hash("h after e_b", &public_b);
    if psk.is_some() {
        state.mix_key(["ck after e_b", "k after e_b"], &public_b);
    }
    let shared_secret = diffie_hellman(&drawn.private_a, &public_b);
    assert_eq!(shared_secret, diffie_hellman(&drawn.private_b, &public_a));
    state.mix_key(["ck after dh", "k after dh"], &shared_secret);
    let message2 = [&public_b[..], &state.seal("h after message 2", &kem.ciphertext)].concat();

    let [noise_a_to_b, noise_b_to_a] = noise_hkdf(&state.ck, &[]);
    let hash = state.h;
    let input = [noise_a_to_b, noise_b_to_a, kem.secret].concat();
    let keys = hkdf(b"cipher-chat.v2 keys", &input, &hash, 64);
    Transcript {
        public_a,
        public_b,
        kem,
        commitment,
        prologue,
        message1,
        message2,
        shared_secret,
        steps: state.steps,
        hash,
        noise_a_to_b,
        noise_b_to_a,
        key_a_to_b: keys[..32].try_into().unwrap(),
        key_b_to_a: keys[32..].try_into().unwrap(),
    }
}

/// The key of the next epoch.
pub(super) fn next_epoch(key: &[u8; 32]) -> [u8; 32] {
    hkdf(b"cipher-chat.v2 epoch", key, &[], 32).try_into().unwrap()
}

/// A whole packet of the largest or any other size, with this content.
pub(super) fn packet(key: &[u8; 32], epoch: u32, number: u64, content: &[u8]) -> Vec<u8> {
    let header = [&[2, 3], &epoch.to_be_bytes()[..], &number.to_be_bytes()].concat();
    let sealed = seal(key, number, &header, content);
    [header, sealed].concat()
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
fn noise_hkdf<const N: usize>(ck: &[u8; 32], material: &[u8]) -> [[u8; 32]; N] {
    let out = hkdf(ck, material, &[], 32 * N);
    let temporary = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, ck), material);
    let first = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, temporary.as_ref()), &[1]);
    assert_eq!(first.as_ref(), &out[..32], "as the Noise specification writes it");
    std::array::from_fn(|i| out[32 * i..][..32].try_into().unwrap())
}

fn hkdf(salt: &[u8], input: &[u8], info: &[u8], len: usize) -> Vec<u8> {
    struct Len(usize);
    impl hkdf::KeyType for Len {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut out = vec![0; len];
    let info = [info];
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(input);
    extracted.expand(&info, Len(len)).unwrap().fill(&mut out).unwrap();
    out
}
