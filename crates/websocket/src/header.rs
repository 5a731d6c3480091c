use super::{CONTROL_PAYLOAD_MAX, Violation};

/// What a frame is (RFC 6455, 11.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// A further fragment of the message in progress.
    Continuation = 0,
    /// UTF-8 text, or its first fragment.
    Text = 1,
    /// Bytes, or their first fragment.
    Binary = 2,
    /// The last frame of its sender.
    Close = 8,
    /// To be answered with a pong of the same payload.
    Ping = 9,
    /// Answers a ping, or comes unasked as a sign of life.
    Pong = 10,
}

impl Opcode {
    /// Close, ping and pong: whole in one short frame, allowed between fragments.
    #[must_use]
    pub const fn is_control(self) -> bool {
        self as u8 >= Self::Close as u8
    }
}

/// Whether a frame ends its message (the FIN bit).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameEnd {
    /// The message ends here.
    Final,
    /// Continuation frames follow.
    More,
}

/// The header of a masked frame, its length not yet held against any limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) opcode: Opcode,
    pub(super) end: FrameEnd,
    pub(super) key: [u8; 4],
    /// Bytes that the header itself takes: 6 to 14.
    pub(super) size: usize,
    /// Bytes of payload that it announces.
    pub(super) payload: u64,
}

#[derive(Debug)]
pub(super) enum Parsed {
    Header(Header),
    /// The header is cut off; that many bytes of it would tell more.
    Needs(usize),
}

/// The header and payload length of a masked binary message in one frame of up to 64 KiB, if
/// `bytes` begin with it. A short way for nearly all of the traffic: what it takes, [`parse`] would
/// accept with the same result, only slower.
#[inline]
pub(super) fn parse_whole_binary(bytes: &[u8]) -> Option<(usize, usize, [u8; 4])> {
    match *bytes {
        [FIN_BINARY, MASKED_16, a, b, k0, k1, k2, k3, ..] => {
            let length = u16::from_be_bytes([a, b]);
            (length >= u16::from(LENGTH_16)).then_some((8, usize::from(length), [k0, k1, k2, k3]))
        }
        [FIN_BINARY, length @ MASKED..MASKED_16, k0, k1, k2, k3, ..] => {
            Some((6, usize::from(length - MASKED), [k0, k1, k2, k3]))
        }
        _ => None,
    }
}

pub(super) const FIN: u8 = 0x80;
pub(super) const MASKED: u8 = 0x80;
const RESERVED: u8 = 0x70;
/// Second header byte, without the mask bit: the length follows in 2 or in 8 bytes.
pub(super) const LENGTH_16: u8 = 126;
pub(super) const LENGTH_64: u8 = 127;
const FIN_BINARY: u8 = FIN | Opcode::Binary as u8;
const MASKED_16: u8 = MASKED | LENGTH_16;

/// Reads the header at the start of `bytes` and refuses what no client may send (RFC 6455, 5.2 and
/// 5.5).
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, Violation> {
    let &[first, second, ref rest @ ..] = bytes else { return Ok(Parsed::Needs(2)) };
    if first & RESERVED != 0 {
        return Err(Violation::ReservedBit);
    }
    let opcode = match first & 0x0f {
        0 => Opcode::Continuation,
        1 => Opcode::Text,
        2 => Opcode::Binary,
        8 => Opcode::Close,
        9 => Opcode::Ping,
        10 => Opcode::Pong,
        _ => return Err(Violation::UnknownOpcode),
    };
    let end = if first & FIN != 0 { FrameEnd::Final } else { FrameEnd::More };
    if second & MASKED == 0 {
        return Err(Violation::Unmasked);
    }
    let length = second & !MASKED;
    if opcode.is_control() {
        if end == FrameEnd::More {
            return Err(Violation::FragmentedControl);
        }
        if usize::from(length) > CONTROL_PAYLOAD_MAX {
            return Err(Violation::LongControl);
        }
    }
    let (size, payload, key) = match length {
        LENGTH_16 => {
            let &[a, b, k0, k1, k2, k3, ..] = rest else { return Ok(Parsed::Needs(8)) };
            (8, u64::from(u16::from_be_bytes([a, b])), [k0, k1, k2, k3])
        }
        LENGTH_64 => {
            let &[a, b, c, d, e, f, g, h, k0, k1, k2, k3, ..] = rest else { return Ok(Parsed::Needs(14)) };
            (14, u64::from_be_bytes([a, b, c, d, e, f, g, h]), [k0, k1, k2, k3])
        }
        short => {
            let &[k0, k1, k2, k3, ..] = rest else { return Ok(Parsed::Needs(6)) };
            (6, u64::from(short), [k0, k1, k2, k3])
        }
    };
    let minimal = match length {
        LENGTH_16 => payload >= u64::from(LENGTH_16),
        LENGTH_64 => payload > u64::from(u16::MAX) && payload >> 63 == 0,
        _ => true,
    };
    if !minimal {
        return Err(Violation::IllFormedLength);
    }
    Ok(Parsed::Header(Header { opcode, end, key, size, payload }))
}
