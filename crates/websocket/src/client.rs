//! The client's half of the framing, as tests, benchmarks and fuzzing need it: masked frames out,
//! server frames in. Nothing is checked, so that it can also write what no client should.

use super::{
    FrameEnd, Opcode,
    header::{FIN, LENGTH_16, LENGTH_64, MASKED},
    mask::unmask,
};

/// Appends one masked frame.
pub fn put_frame(out: &mut Vec<u8>, opcode: Opcode, end: FrameEnd, key: [u8; 4], payload: &[u8]) {
    let fin = if end == FrameEnd::Final { FIN } else { 0 };
    out.push(fin | opcode as u8);
    match payload.len() {
        short @ 0..=125 => out.push(MASKED | short as u8),
        medium @ 126..=0xffff => {
            out.push(MASKED | LENGTH_16);
            out.extend_from_slice(&(medium as u16).to_be_bytes());
        }
        long => {
            out.push(MASKED | LENGTH_64);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&key);
    let start = out.len();
    out.extend_from_slice(payload);
    unmask(&mut out[start..], key);
}

/// One frame as a server sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFrame {
    /// First header byte: FIN, reserved bits, opcode.
    pub first: u8,
    /// Second header byte's top bit; a server must never set it.
    pub masked: bool,
    /// The payload, copied.
    pub payload: Vec<u8>,
}

/// Takes the first frame off `bytes`, which are left at the one after it; `None` while it is
/// incomplete.
pub fn take_frame(bytes: &mut &[u8]) -> Option<ServerFrame> {
    let (&[first, second], rest) = bytes.split_first_chunk()?;
    let (length, rest) = match second & !MASKED {
        LENGTH_16 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        LENGTH_64 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::try_from(u64::from_be_bytes(*length)).ok()?, rest)
        }
        short => (usize::from(short), rest),
    };
    let (payload, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    Some(ServerFrame { first, masked: second & MASKED != 0, payload: payload.to_vec() })
}
