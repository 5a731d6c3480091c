use super::{
    CONTROL_PAYLOAD_MAX, Opcode, close,
    header::{FIN, LENGTH_16, LENGTH_64},
};

/// Longest close reason in bytes: a control frame less the code.
pub const REASON_MAX: usize = CONTROL_PAYLOAD_MAX - 2;

/// Appends a text message. `text` may have any length; the limit is the reader's.
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_frame(out, Opcode::Text, text.as_bytes());
}

/// Appends a binary message.
#[inline]
pub fn put_binary(out: &mut Vec<u8>, payload: &[u8]) {
    put_frame(out, Opcode::Binary, payload);
}

/// Appends a ping. A payload above [`CONTROL_PAYLOAD_MAX`] is cut.
pub fn put_ping(out: &mut Vec<u8>, payload: &[u8]) {
    put_frame(out, Opcode::Ping, &payload[..payload.len().min(CONTROL_PAYLOAD_MAX)]);
}

/// Appends the answer to a ping, whose payload it repeats. A payload above [`CONTROL_PAYLOAD_MAX`]
/// is cut.
pub fn put_pong(out: &mut Vec<u8>, payload: &[u8]) {
    put_frame(out, Opcode::Pong, &payload[..payload.len().min(CONTROL_PAYLOAD_MAX)]);
}

/// Appends a close frame. A reason above [`REASON_MAX`] is cut after a whole character.
pub fn put_close(out: &mut Vec<u8>, code: u16, reason: &str) {
    debug_assert!(close::is_allowed(code), "close code {code} must not be sent");
    let reason = &reason.as_bytes()[..reason.floor_char_boundary(REASON_MAX)];
    let mut payload = [0; CONTROL_PAYLOAD_MAX];
    payload[..2].copy_from_slice(&code.to_be_bytes());
    payload[2..2 + reason.len()].copy_from_slice(reason);
    put_frame(out, Opcode::Close, &payload[..2 + reason.len()]);
}

/// Appends the answer to a client's close frame: the code it gave, or none (RFC 6455, 5.5.1).
pub fn put_close_reply(out: &mut Vec<u8>, received: Option<u16>) {
    match received {
        Some(code) => put_close(out, code, ""),
        None => put_frame(out, Opcode::Close, &[]),
    }
}

/// Appends one whole, unmasked frame. For control opcodes the payload must not exceed
/// [`CONTROL_PAYLOAD_MAX`].
#[inline]
pub fn put_frame(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    debug_assert!(!opcode.is_control() || payload.len() <= CONTROL_PAYLOAD_MAX, "control frame too long");
    const LONGEST_HEADER: usize = 10;
    out.reserve(LONGEST_HEADER + payload.len());
    let first = FIN | opcode as u8;
    // Arrays of fixed size: each arm is a store or two instead of a copy of unknown length.
    match payload.len() {
        short @ 0..=125 => out.extend_from_slice(&[first, short as u8]),
        medium @ 126..=0xffff => {
            let [a, b] = (medium as u16).to_be_bytes();
            out.extend_from_slice(&[first, LENGTH_16, a, b]);
        }
        long => {
            out.extend_from_slice(&[first, LENGTH_64]);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}
