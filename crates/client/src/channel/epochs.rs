//! Keys that move on. Each direction has a key for each epoch, made from the one before; the old
//! one is erased.
//!
//! A sender enters the next epoch only when the peer has acknowledged a message that was first sent
//! in the current one. That proves that the receiver is in it, so the receiver is never more than
//! one epoch behind, and never has to derive more than one key for a packet, however many were
//! lost, and whatever number a forged one bears.

use aws_lc_rs::aead::{Aad, LessSafeKey};
use zeroize::Zeroizing;

use super::crypto::{Key, cipher, derive, nonce};
use super::limits::EPOCH_PACKETS;
use super::message::{PACKET_HEADER, packet_header};
use super::packet::TAG;

const LABEL: &[u8] = b"cipher-chat.v2 epoch";

/// There is no further epoch, or AWS-LC refused to work.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spent;

/// The key of one direction in one epoch.
struct EpochKey {
    epoch: u32,
    key: Key,
    cipher: LessSafeKey,
}

impl EpochKey {
    fn new(epoch: u32, key: Key) -> Option<Self> {
        let cipher = cipher(&key)?;
        Some(Self { epoch, key, cipher })
    }

    /// K(e+1) = HKDF-SHA256(salt "cipher-chat.v2 epoch", input K(e), no info).
    fn next(&self) -> Option<Self> {
        let mut key = Key::default();
        derive(LABEL, &self.key[..], &[], &mut key[..]).ok()?;
        Self::new(self.epoch.checked_add(1)?, key)
    }
}

/// The direction from this side to the peer.
pub(super) struct Sending {
    current: EpochKey,
    /// Packets made in this epoch.
    packets: u64,
    /// The highest message number that was in a packet when this epoch began: what is above it was
    /// first sent in this epoch.
    sent_before: u64,
}

impl Sending {
    pub(super) fn new(key: Key) -> Option<Self> {
        Some(Self { current: EpochKey::new(0, key)?, packets: 0, sent_before: 0 })
    }

    /// Enters the next epoch before a packet is made, if it is time: `acknowledged` is the highest
    /// message number that the peer has acknowledged, `sent` the highest that was in a packet.
    pub(super) fn move_on(&mut self, acknowledged: u64, sent: u64) -> Result<(), Spent> {
        if self.packets >= EPOCH_PACKETS && acknowledged > self.sent_before {
            self.current = self.current.next().ok_or(Spent)?;
            self.packets = 0;
            self.sent_before = sent;
        }
        Ok(())
    }

    /// The whole packet `number` around `content`.
    pub(super) fn seal(&mut self, number: u64, content: &[u8]) -> Result<Vec<u8>, Spent> {
        self.packets += 1;
        let header = packet_header(self.current.epoch, number);
        let mut packet = Vec::with_capacity(PACKET_HEADER + content.len() + TAG);
        packet.extend_from_slice(&header);
        packet.extend_from_slice(content);
        let sealed = self.current.cipher.seal_in_place_separate_tag(
            nonce(number),
            Aad::from(header),
            &mut packet[PACKET_HEADER..],
        );
        match sealed {
            Ok(tag) => packet.extend_from_slice(tag.as_ref()),
            Err(_) => {
                packet[PACKET_HEADER..].fill(0);
                return Err(Spent);
            }
        }
        Ok(packet)
    }

    #[cfg(test)]
    pub(super) fn epoch(&self) -> u32 {
        self.current.epoch
    }
}

/// The direction from the peer to this side.
pub(super) struct Receiving {
    /// Of the epoch before: packets that were overtaken.
    previous: Option<LessSafeKey>,
    current: EpochKey,
}

/// Why a packet was not opened. Nothing has changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unopened {
    /// Of an epoch whose key is gone, or that no honest peer can be in.
    Epoch,
    /// It does not authenticate.
    Forged,
}

impl Receiving {
    pub(super) fn new(key: Key) -> Option<Self> {
        Some(Self { previous: None, current: EpochKey::new(0, key)? })
    }

    /// Whether a packet of `epoch` can be opened at all.
    pub(super) fn knows(&self, epoch: u32) -> bool {
        let current = self.current.epoch;
        epoch == current || epoch.checked_add(1) == Some(current) || current.checked_add(1) == Some(epoch)
    }

    /// Opens a packet. The first one of the next epoch that opens moves this side on.
    pub(super) fn open(
        &mut self,
        epoch: u32,
        number: u64,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        if !self.knows(epoch) {
            return Err(Unopened::Epoch);
        }
        if epoch == self.current.epoch {
            return open_with(&self.current.cipher, epoch, number, ciphertext);
        }
        if epoch < self.current.epoch {
            let previous = self.previous.as_ref().ok_or(Unopened::Epoch)?;
            return open_with(previous, epoch, number, ciphertext);
        }
        let next = self.current.next().ok_or(Unopened::Forged)?;
        let content = open_with(&next.cipher, epoch, number, ciphertext)?;
        self.previous = Some(std::mem::replace(&mut self.current, next).cipher);
        Ok(content)
    }

    #[cfg(test)]
    pub(super) fn epoch(&self) -> u32 {
        self.current.epoch
    }
}

fn open_with(
    cipher: &LessSafeKey,
    epoch: u32,
    number: u64,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Unopened> {
    let len = ciphertext.len().checked_sub(TAG).ok_or(Unopened::Forged)?;
    let (text, tag) = ciphertext.split_at(len);
    let mut content = Zeroizing::new(vec![0; len]);
    let header = Aad::from(packet_header(epoch, number));
    cipher
        .open_separate_gather(nonce(number), header, text, tag, &mut content)
        .map_err(|_| Unopened::Forged)?;
    Ok(content)
}
