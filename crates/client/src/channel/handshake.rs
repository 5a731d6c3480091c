//! The handshake: commitment, Noise message 1, Noise message 2. The first of each that arrives is
//! final, and each is resent as the same stored bytes.
//!
//! ```text
//! b → a   commitment  SHA-256("cipher-chat.v1 commit" ‖ 0 ‖ Noise name ‖ 0 ‖ room ‖ e_b)
//! a → b   message 1   e_a (and a tag, with a psk)
//! b → a   message 2   e_b ‖ tag
//! a → b   any packet  `b` now knows that `a` has the keys
//! ```
//!
//! `b` commits to its key before it sees `a`'s key, so that nobody in between can search for keys
//! that give both sides the same safety code.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use snow::{Builder, HandshakeState, StatelessTransportState};
use zeroize::Zeroizing;

use super::crypto::{PrivateKey, Resolver, public_key, sha256};
use super::event::ChannelEnd;
use super::meeting::{Meeting, Psk, Side};
use super::message::{self, Step};
use super::safety::SafetyCode;

const LABEL: &[u8] = b"cipher-chat.v1";
const COMMIT_LABEL: &[u8] = b"cipher-chat.v1 commit";
const NAME_RANDOM: &str = "Noise_NN_25519_AESGCM_SHA256";
const NAME_INVITE: &str = "Noise_NNpsk0_25519_AESGCM_SHA256";
const MESSAGE_MAX: usize = 48;

/// What the two sides share after the handshake.
pub(super) struct Session {
    pub(super) transport: StatelessTransportState,
    pub(super) safety: SafetyCode,
}

/// What a handshake message led to.
pub(super) enum Progress {
    /// No honest peer sends it: this side does not expect it (a reflected message, or one that
    /// comes too early).
    Unexpected,
    /// A copy: send the stored answer.
    Reply(Vec<u8>),
    /// `a` sends message 1, and waits for message 2.
    Waits(Vec<u8>),
    /// `b` has keys, and sends message 2; the channel is secure once `a` has used them.
    Keys(Box<Session>, Vec<u8>),
    /// `a` has keys: the channel is secure, and a packet must say so at once.
    Secure(Box<Session>),
    /// Message 2 arrived again: the packet that acknowledged it was lost.
    AcknowledgeAgain,
}

/// One side of one handshake. It is kept after the handshake is finished, to answer copies with the
/// stored bytes.
pub(super) struct Handshake {
    side: Side,
    meeting: Meeting,
    room: [u8; 16],
    /// Gone once Noise has it.
    ephemeral: Option<PrivateKey>,
    /// `a`'s, between messages 1 and 2.
    noise: Option<Box<HandshakeState>>,
    commitment: Option<Vec<u8>>,
    message1: Option<Vec<u8>>,
    message2: Option<Vec<u8>>,
}

impl Handshake {
    pub(super) fn new(side: Side, meeting: Meeting, room: [u8; 16], ephemeral: PrivateKey) -> Self {
        let mut handshake = Self {
            side,
            meeting,
            room,
            ephemeral: None,
            noise: None,
            commitment: None,
            message1: None,
            message2: None,
        };
        // Any 32 bytes are an X25519 key. If they were refused there would be no key, and the
        // handshake would fail.
        if let (Side::B, Ok(public)) = (side, public_key(&ephemeral)) {
            handshake.commitment = Some(handshake.commit_to(&public).to_vec());
        }
        handshake.ephemeral = Some(ephemeral);
        handshake
    }

    /// The message whose answer this side waits for; it is resent until `answered`.
    pub(super) fn waiting(&self) -> Option<Vec<u8>> {
        let (step, body) = match self.side {
            Side::A => (Step::Message1, self.message1.as_deref()?),
            Side::B => match self.message2.as_deref() {
                Some(message2) => (Step::Message2, message2),
                None => (Step::Commitment, self.commitment.as_deref()?),
            },
        };
        Some(message::handshake(step, body))
    }

    /// Handles a handshake message of the other side.
    pub(super) fn receive(&mut self, step: Step, body: &[u8]) -> Result<Progress, ChannelEnd> {
        match (self.side, step) {
            (Side::A, Step::Commitment) => self.receive_commitment(body),
            (Side::B, Step::Message1) => self.receive_message1(body),
            (Side::A, Step::Message2) if self.message1.is_some() => self.receive_message2(body),
            _ => Ok(Progress::Unexpected),
        }
    }

    fn receive_commitment(&mut self, body: &[u8]) -> Result<Progress, ChannelEnd> {
        expect_len(body, 32)?;
        match &self.commitment {
            Some(first) if first != body => return Err(ChannelEnd::HandshakeChanged),
            Some(_) => return Ok(self.waiting().map_or(Progress::Unexpected, Progress::Reply)),
            None => self.commitment = Some(body.to_vec()),
        }
        let mut noise = self.build_noise(body)?;
        let message1 = write(&mut noise)?;
        let frame = message::handshake(Step::Message1, &message1);
        self.message1 = Some(message1);
        self.noise = Some(noise);
        Ok(Progress::Waits(frame))
    }

    fn receive_message1(&mut self, body: &[u8]) -> Result<Progress, ChannelEnd> {
        expect_len(body, self.message1_len())?;
        match &self.message1 {
            Some(first) if first != body => return Err(ChannelEnd::HandshakeChanged),
            Some(_) => return Ok(self.waiting().map_or(Progress::Unexpected, Progress::Reply)),
            None => self.message1 = Some(body.to_vec()),
        }
        let commitment = self.commitment.clone().ok_or(ChannelEnd::HandshakeRefused)?;
        let mut noise = self.build_noise(&commitment)?;
        read(&mut noise, body)?;
        let message2 = write(&mut noise)?;
        let reply = message::handshake(Step::Message2, &message2);
        self.message2 = Some(message2);
        Ok(Progress::Keys(finish(noise)?, reply))
    }

    fn receive_message2(&mut self, body: &[u8]) -> Result<Progress, ChannelEnd> {
        expect_len(body, MESSAGE_MAX)?;
        match &self.message2 {
            Some(first) if first != body => return Err(ChannelEnd::HandshakeChanged),
            Some(_) => return Ok(Progress::AcknowledgeAgain),
            None => self.message2 = Some(body.to_vec()),
        }
        let promised = self.commitment.as_deref().ok_or(ChannelEnd::HandshakeRefused)?;
        verify_slices_are_equal(&self.commit_to(&body[..32]), promised)
            .map_err(|_| ChannelEnd::CommitmentBroken)?;
        let mut noise = self.noise.take().ok_or(ChannelEnd::HandshakeRefused)?;
        read(&mut noise, body)?;
        Ok(Progress::Secure(finish(noise)?))
    }

    fn commit_to(&self, public_b: &[u8]) -> [u8; 32] {
        sha256(&[COMMIT_LABEL, &[0], self.name().as_bytes(), &[0], &self.room, public_b])
    }

    fn name(&self) -> &'static str {
        match self.meeting {
            Meeting::Random => NAME_RANDOM,
            Meeting::Invite(_) => NAME_INVITE,
        }
    }

    /// An ephemeral key, and a tag if the psk has already made a key.
    fn message1_len(&self) -> usize {
        match self.meeting {
            Meeting::Random => 32,
            Meeting::Invite(_) => 48,
        }
    }

    fn build_noise(&mut self, commitment: &[u8]) -> Result<Box<HandshakeState>, ChannelEnd> {
        let ephemeral = self.ephemeral.take().ok_or(ChannelEnd::HandshakeRefused)?;
        let prologue = [LABEL, &[0], &self.room, commitment].concat();
        let params = self.name().parse().map_err(refused)?;
        let mut builder = Builder::with_resolver(params, Box::new(Resolver { ephemeral }));
        builder = builder.prologue(&prologue).map_err(refused)?;
        if let Meeting::Invite(Psk(psk)) = &self.meeting {
            builder = builder.psk(0, psk).map_err(refused)?;
        }
        let noise = match self.side {
            Side::A => builder.build_initiator(),
            Side::B => builder.build_responder(),
        };
        noise.map(Box::new).map_err(refused)
    }
}

fn expect_len(body: &[u8], len: usize) -> Result<(), ChannelEnd> {
    if body.len() == len { Ok(()) } else { Err(ChannelEnd::HandshakeLength) }
}

fn write(noise: &mut HandshakeState) -> Result<Vec<u8>, ChannelEnd> {
    let mut message = vec![0; MESSAGE_MAX];
    let len = noise.write_message(&[], &mut message).map_err(refused)?;
    message.truncate(len);
    Ok(message)
}

fn read(noise: &mut HandshakeState, message: &[u8]) -> Result<(), ChannelEnd> {
    let mut payload = Zeroizing::new([0; MESSAGE_MAX]);
    noise.read_message(message, &mut payload[..]).map_err(refused)?;
    Ok(())
}

fn finish(noise: Box<HandshakeState>) -> Result<Box<Session>, ChannelEnd> {
    let safety = SafetyCode::of(noise.get_handshake_hash());
    let transport = noise.into_stateless_transport_mode().map_err(refused)?;
    Ok(Box::new(Session { transport, safety }))
}

/// Only the all-zero shared secret has a reason of its own. Every other error means different keys,
/// a different psk or a different room.
fn refused(error: snow::Error) -> ChannelEnd {
    match error {
        snow::Error::Dh => ChannelEnd::WeakKey,
        _ => ChannelEnd::HandshakeRefused,
    }
}
