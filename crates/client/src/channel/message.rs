//! The visible form of a binary message: version, kind, and a length that reveals only its size
//! class.

use super::limits::{self, HANDSHAKE_FRAME, MAX_FRAME, MIN_FRAME};

/// First byte of every binary message.
pub(super) const VERSION: u8 = limits::VERSION as u8;
/// A packet's version, kind, epoch and number, before its ciphertext.
pub(super) const PACKET_HEADER: usize = 2 + 4 + 8;
/// A handshake message's version, kind and length, before its body.
const HANDSHAKE_HEADER: usize = 2 + 2;
const KIND_PACKET: u8 = 3;

/// The two messages of the handshake; the value is the kind byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Step {
    /// `a`'s Noise message 1.
    Message1 = 1,
    /// `b`'s Noise message 2.
    Message2 = 2,
}

/// The parts of a binary message; nothing in it is authenticated yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ChannelMessage<'a> {
    Handshake { step: Step, body: &'a [u8] },
    Packet { epoch: u32, number: u64, ciphertext: &'a [u8] },
}

/// The smallest of 256, 512, 1024, … 16384 that holds `len` bytes; `None` beyond.
pub(super) fn padded_len(len: usize) -> Option<usize> {
    let padded = len.max(MIN_FRAME).next_power_of_two();
    (padded <= MAX_FRAME).then_some(padded)
}

/// Parses a binary message. `None` for what no honest peer sends: another version or kind, a length
/// that is no size class, padding that is not zero.
pub(super) fn parse(message: &[u8]) -> Option<ChannelMessage<'_>> {
    if padded_len(message.len()) != Some(message.len()) {
        return None;
    }
    let (&[version, kind], rest) = message.split_first_chunk()?;
    if version != VERSION {
        return None;
    }
    let step = match kind {
        1 => Step::Message1,
        2 => Step::Message2,
        KIND_PACKET => {
            let (epoch, rest) = rest.split_first_chunk()?;
            let (number, ciphertext) = rest.split_first_chunk()?;
            let (epoch, number) = (u32::from_be_bytes(*epoch), u64::from_be_bytes(*number));
            return Some(ChannelMessage::Packet { epoch, number, ciphertext });
        }
        _ => return None,
    };
    if message.len() != HANDSHAKE_FRAME {
        return None;
    }
    let (length, rest) = rest.split_first_chunk()?;
    let (body, filler) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    filler.iter().all(|&byte| byte == 0).then_some(ChannelMessage::Handshake { step, body })
}

/// The binary message of a handshake step. `body` is at most 1264 bytes.
pub(super) fn handshake(step: Step, body: &[u8]) -> Vec<u8> {
    debug_assert!(HANDSHAKE_HEADER + body.len() <= HANDSHAKE_FRAME, "a handshake body is at most 1264 bytes");
    let mut message = Vec::with_capacity(HANDSHAKE_FRAME);
    message.extend_from_slice(&[VERSION, step as u8]);
    message.extend_from_slice(&(body.len() as u16).to_be_bytes());
    message.extend_from_slice(body);
    message.resize(HANDSHAKE_FRAME, 0);
    message
}

/// The header of packet `number`; the ciphertext goes after it, and is bound to it.
pub(super) fn packet_header(epoch: u32, number: u64) -> [u8; PACKET_HEADER] {
    let mut header = [0; PACKET_HEADER];
    header[0] = VERSION;
    header[1] = KIND_PACKET;
    header[2..6].copy_from_slice(&epoch.to_be_bytes());
    header[6..].copy_from_slice(&number.to_be_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_padded_to_the_next_size_class() {
        let classes = [(0, 256), (256, 256), (257, 512), (4096, 4096), (8193, 16384), (16384, 16384)];
        for (len, class) in classes {
            assert_eq!(padded_len(len), Some(class));
        }
        assert_eq!(padded_len(16385), None);
    }

    #[test]
    fn a_handshake_message_comes_back_as_it_was() {
        let message = handshake(Step::Message2, &[7; 48]);
        assert_eq!(message.len(), 2048);
        assert_eq!(parse(&message), Some(ChannelMessage::Handshake { step: Step::Message2, body: &[7; 48] }));
    }

    #[test]
    fn what_no_honest_peer_sends_is_not_a_frame() {
        let good = handshake(Step::Message1, &[1; 32]);
        let with = |index: usize, byte: u8| {
            let mut bad = good.clone();
            bad[index] = byte;
            bad
        };
        let mut large = good.clone();
        large.resize(4096, 0);
        let bad = [
            vec![],
            vec![1],
            good[..2047].to_vec(),
            good[..256].to_vec(),
            [&good[..], &[0]].concat(),
            large,
            with(0, 0),
            with(0, 1),
            with(0, 3),
            with(1, 0),
            with(1, 4),
            with(2, 8),
            with(3, 33 - 2),
            with(2047, 1),
        ];
        for message in bad {
            assert_eq!(parse(&message), None, "{:?}", message.get(..5));
        }
    }

    #[test]
    fn any_size_class_can_be_a_packet() {
        for class in [256, 512, 1024, 2048, 4096, 8192, 16384] {
            let mut message = packet_header(0x0304, 0x0102).to_vec();
            message.resize(class, 9);
            let expected =
                ChannelMessage::Packet { epoch: 0x0304, number: 0x0102, ciphertext: &vec![9; class - 14] };
            assert_eq!(parse(&message), Some(expected));
        }
    }
}
