//! The handshake: Noise message 1, Noise message 2, and the opening. Noise NN with X25519, and
//! ML-KEM-768 in its payloads; both secrets are in every key.
//!
//! ```text
//! a → b   message 1   e_a ‖ ek ‖ c (and a tag, with a psk)
//! b → a   message 2   e_b ‖ ct ‖ tag
//! a → b   a packet with the opening, n_a: `b` now knows that `a` has the keys
//!
//! c = SHA-256("cipher-chat.v2 commit" ‖ 0 ‖ Noise name ‖ 0 ‖ room ‖ n_a)
//! ```
//!
//! `a` commits to a nonce that the safety code depends on before it sees anything of `b`, and shows
//! it only after `b` has fixed its key and its ciphertext. So nobody in between can search for
//! values that give both sides the same code.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use snow::{Builder, HandshakeState};
use zeroize::{Zeroize, Zeroizing};

use super::crypto::{Key, PrivateKey, Resolver, derive, sha256, wipe_stack};
use super::epochs::{Receiving, Sending};
use super::event::ChannelEnd;
use super::kem::{CIPHERTEXT, Encapsulation, KEY, KeyPair, Part, Secrets};
use super::meeting::{Meeting, Psk, Side};
use super::message::{self, Step};
use super::safety::SafetyCode;

const LABEL: &[u8] = b"cipher-chat.v2";
const COMMIT_LABEL: &[u8] = b"cipher-chat.v2 commit";
const KEYS_LABEL: &[u8] = b"cipher-chat.v2 keys";
const NAME_RANDOM: &str = "Noise_NN_25519_AESGCM_SHA256";
const NAME_INVITE: &str = "Noise_NNpsk0_25519_AESGCM_SHA256";
/// A public key of X25519, bytes.
const PUBLIC: usize = 32;
const TAG: usize = 16;
/// The commitment, and what it commits to, bytes.
const NONCE: usize = 32;
const PAYLOAD1: usize = KEY + NONCE;
const MESSAGE2: usize = PUBLIC + CIPHERTEXT + TAG;
const MESSAGE_MAX: usize = PUBLIC + PAYLOAD1 + TAG;

/// The keys of both directions.
pub(super) struct Session {
    pub(super) sending: Sending,
    pub(super) receiving: Receiving,
    /// The handshake hash: what both sides have seen alike. It is not secret.
    pub(super) transcript: [u8; 32],
}

/// What a handshake message led to.
pub(super) enum Progress {
    /// No honest peer sends it: this side does not expect it (a reflected message, or one that
    /// comes too early).
    Unexpected,
    /// A copy of message 1: `b` may send message 2 again.
    Reply(Vec<u8>),
    /// `b` has keys, and sends message 2; the channel is secure once the opening has come.
    Keys(Box<Session>, Vec<u8>),
    /// `a` has keys: the channel is secure, and its first message opens the commitment.
    Secure(Box<Session>, SafetyCode, Key),
    /// A copy of message 2: `b` has not received the opening.
    OpenAgain,
}

/// One side of one handshake. It is kept after the handshake is finished, to answer copies.
pub(super) struct Handshake {
    stage: Stage,
    /// The first message of the peer that was accepted.
    accepted: Option<Vec<u8>>,
    /// This side's message, which answers copies or waits for its answer.
    said: Option<(Step, Vec<u8>)>,
}

enum Stage {
    /// `a` has sent message 1.
    Asked { noise: Box<HandshakeState>, keys: KeyPair, nonce: Key },
    /// `b` waits for message 1.
    Listening { meeting: Meeting, room: [u8; 16], ephemeral: PrivateKey, encapsulation: Encapsulation },
    /// `b` waits for the opening.
    Answered { name: &'static str, room: [u8; 16], hash: [u8; 32], commitment: [u8; NONCE] },
    /// Nothing secret is left.
    Finished(Side),
}

impl Handshake {
    pub(super) fn new(meeting: Meeting, room: [u8; 16], secrets: Secrets) -> Result<Self, ChannelEnd> {
        let Secrets { ephemeral, part } = secrets;
        let (stage, said) = match part {
            Part::A { keys, nonce } => {
                let mut noise = build_noise(Side::A, &meeting, &room, ephemeral)?;
                let commitment = commit(name(&meeting), &room, &nonce[..]);
                let payload = [&keys.encapsulation[..], &commitment].concat();
                let message1 = write(&mut noise, &payload)?;
                (Stage::Asked { noise, keys, nonce }, Some((Step::Message1, message1)))
            }
            Part::B(encapsulation) => (Stage::Listening { meeting, room, ephemeral, encapsulation }, None),
        };
        wipe_stack();
        Ok(Self { stage, accepted: None, said })
    }

    /// The message whose answer this side waits for, as long as it waits.
    pub(super) fn waiting(&self) -> Option<Vec<u8>> {
        let (step, body) = self.said.as_ref()?;
        Some(message::handshake(*step, body))
    }

    /// Handles a handshake message of the other side.
    pub(super) fn receive(&mut self, step: Step, body: &[u8]) -> Result<Progress, ChannelEnd> {
        let progress = match (self.side(), step) {
            (Side::B, Step::Message1) => self.receive_message1(body),
            (Side::A, Step::Message2) => self.receive_message2(body),
            _ => Ok(Progress::Unexpected),
        };
        wipe_stack();
        progress
    }

    /// The first message of a secured `a` arrived at `b`: the safety code, if it is the opening of
    /// the commitment.
    pub(super) fn open(&mut self, nonce: &[u8]) -> Result<SafetyCode, ChannelEnd> {
        let Stage::Answered { name, room, hash, commitment } = &self.stage else {
            return Err(ChannelEnd::Malformed);
        };
        if nonce.len() != NONCE || verify_slices_are_equal(&commit(name, room, nonce), commitment).is_err() {
            return Err(ChannelEnd::CommitmentBroken);
        }
        let safety = SafetyCode::of(hash, nonce);
        self.stage = Stage::Finished(Side::B);
        Ok(safety)
    }

    /// The handshake hash, which is not secret, while `b` waits for the opening.
    #[cfg(test)]
    pub(super) fn hash(&self) -> Option<[u8; 32]> {
        match &self.stage {
            Stage::Answered { hash, .. } => Some(*hash),
            _ => None,
        }
    }

    /// Whether nothing secret is left.
    #[cfg(test)]
    pub(super) fn is_finished(&self) -> bool {
        matches!(self.stage, Stage::Finished(_))
    }

    pub(super) fn side(&self) -> Side {
        match self.stage {
            Stage::Asked { .. } => Side::A,
            Stage::Listening { .. } | Stage::Answered { .. } => Side::B,
            Stage::Finished(side) => side,
        }
    }

    fn receive_message1(&mut self, body: &[u8]) -> Result<Progress, ChannelEnd> {
        if let Some(first) = &self.accepted {
            expect_len(body, first.len())?;
            let copy = first == body;
            return match self.waiting().filter(|_| copy) {
                Some(message2) => Ok(Progress::Reply(message2)),
                None => Err(ChannelEnd::HandshakeChanged),
            };
        }
        let Stage::Listening { meeting, room, ephemeral, encapsulation } =
            std::mem::replace(&mut self.stage, Stage::Finished(Side::B))
        else {
            return Ok(Progress::Unexpected);
        };
        expect_len(body, message1_len(&meeting))?;
        let mut noise = build_noise(Side::B, &meeting, &room, ephemeral)?;
        let payload = read(&mut noise, body)?;
        let (key, commitment) = payload.split_first_chunk::<KEY>().ok_or(ChannelEnd::HandshakeLength)?;
        let commitment: [u8; NONCE] = commitment.try_into().map_err(|_| ChannelEnd::HandshakeLength)?;
        let (ciphertext, secret) = encapsulation.perform(key).map_err(|_| ChannelEnd::HandshakeRefused)?;
        let message2 = write(&mut noise, &ciphertext)?;
        let (session, hash) = finish(noise, Side::B, &secret)?;
        self.stage = Stage::Answered { name: name(&meeting), room, hash, commitment };
        self.accepted = Some(body.to_vec());
        let reply = message::handshake(Step::Message2, &message2);
        self.said = Some((Step::Message2, message2));
        Ok(Progress::Keys(session, reply))
    }

    fn receive_message2(&mut self, body: &[u8]) -> Result<Progress, ChannelEnd> {
        if let Some(first) = &self.accepted {
            return if first == body { Ok(Progress::OpenAgain) } else { Err(ChannelEnd::HandshakeChanged) };
        }
        let Stage::Asked { mut noise, keys, nonce } =
            std::mem::replace(&mut self.stage, Stage::Finished(Side::A))
        else {
            return Ok(Progress::Unexpected);
        };
        expect_len(body, MESSAGE2)?;
        let ciphertext = read(&mut noise, body)?;
        let secret = keys.decapsulate(&ciphertext).map_err(|_| ChannelEnd::HandshakeRefused)?;
        let (session, hash) = finish(noise, Side::A, &secret)?;
        self.accepted = Some(body.to_vec());
        self.said = None;
        Ok(Progress::Secure(session, SafetyCode::of(&hash, &nonce[..]), nonce))
    }
}

fn name(meeting: &Meeting) -> &'static str {
    match meeting {
        Meeting::Random => NAME_RANDOM,
        Meeting::Invite(_) => NAME_INVITE,
    }
}

/// A psk has made a key before the payload, so that there is a tag.
fn message1_len(meeting: &Meeting) -> usize {
    match meeting {
        Meeting::Random => PUBLIC + PAYLOAD1,
        Meeting::Invite(_) => PUBLIC + PAYLOAD1 + TAG,
    }
}

fn commit(name: &str, room: &[u8; 16], nonce: &[u8]) -> [u8; 32] {
    sha256(&[COMMIT_LABEL, &[0], name.as_bytes(), &[0], room, nonce])
}

fn build_noise(
    side: Side,
    meeting: &Meeting,
    room: &[u8; 16],
    ephemeral: PrivateKey,
) -> Result<Box<HandshakeState>, ChannelEnd> {
    let prologue = [LABEL, &[0], room].concat();
    let params = name(meeting).parse().map_err(refused)?;
    let mut builder = Builder::with_resolver(params, Box::new(Resolver { ephemeral }));
    builder = builder.prologue(&prologue).map_err(refused)?;
    if let Meeting::Invite(Psk(psk)) = meeting {
        builder = builder.psk(0, psk).map_err(refused)?;
    }
    let noise = match side {
        Side::A => builder.build_initiator(),
        Side::B => builder.build_responder(),
    };
    noise.map(Box::new).map_err(refused)
}

fn expect_len(body: &[u8], len: usize) -> Result<(), ChannelEnd> {
    if body.len() == len { Ok(()) } else { Err(ChannelEnd::HandshakeLength) }
}

fn write(noise: &mut HandshakeState, payload: &[u8]) -> Result<Vec<u8>, ChannelEnd> {
    let mut message = vec![0; MESSAGE_MAX];
    let len = noise.write_message(payload, &mut message).map_err(refused)?;
    message.truncate(len);
    Ok(message)
}

fn read(noise: &mut HandshakeState, message: &[u8]) -> Result<Vec<u8>, ChannelEnd> {
    let mut payload = vec![0; MESSAGE_MAX];
    let len = noise.read_message(message, &mut payload).map_err(refused)?;
    payload.truncate(len);
    Ok(payload)
}

/// The keys of both directions, from both secrets, and the handshake hash. Noise's own keys serve
/// nothing else.
fn finish(
    mut noise: Box<HandshakeState>,
    side: Side,
    secret: &Key,
) -> Result<(Box<Session>, [u8; 32]), ChannelEnd> {
    // snow does not check it by itself.
    if !noise.is_handshake_finished() {
        return Err(ChannelEnd::HandshakeRefused);
    }
    let hash: [u8; 32] = noise.get_handshake_hash().try_into().map_err(|_| ChannelEnd::HandshakeRefused)?;
    let mut input = Zeroizing::new([0; 96]);
    let (mut a_to_b, mut b_to_a) = noise.dangerously_get_raw_split();
    input[..32].copy_from_slice(&a_to_b);
    input[32..64].copy_from_slice(&b_to_a);
    input[64..].copy_from_slice(&secret[..]);
    a_to_b.zeroize();
    b_to_a.zeroize();
    let mut keys = Zeroizing::new([0; 64]);
    derive(KEYS_LABEL, &input[..], &hash, &mut keys[..]).map_err(|_| ChannelEnd::HandshakeRefused)?;
    let key = |at: usize| {
        let mut key = Key::default();
        key.copy_from_slice(&keys[at..][..32]);
        key
    };
    let (sending, receiving) = match side {
        Side::A => (key(0), key(32)),
        Side::B => (key(32), key(0)),
    };
    let sending = Sending::new(sending).ok_or(ChannelEnd::HandshakeRefused)?;
    let receiving = Receiving::new(receiving).ok_or(ChannelEnd::HandshakeRefused)?;
    Ok((Box::new(Session { sending, receiving, transcript: hash }), hash))
}

/// Only the all-zero shared secret has a reason of its own. Every other error means different keys,
/// a different psk or a different room.
fn refused(error: snow::Error) -> ChannelEnd {
    match error {
        snow::Error::Dh => ChannelEnd::WeakKey,
        _ => ChannelEnd::HandshakeRefused,
    }
}
