//! `framing` follows the case groups of the Autobahn test suite; `property` holds for whatever a
//! client may send; `writing` is the other direction.

mod framing;
mod property;
mod writing;

use super::{Decoder, Event, FrameEnd, Limits, Opcode, Violation, client};

const LIMITS: Limits = Limits { binary: 65_536, text: 65_536 };
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// An event that outlives the buffer it was read from.
#[derive(Clone, Debug, PartialEq)]
enum Said {
    Binary(Vec<u8>),
    Text(String),
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>, String),
}

impl From<Event<'_>> for Said {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Binary(bytes) => Self::Binary(bytes.to_vec()),
            Event::Text(text) => Self::Text(text.to_owned()),
            Event::Ping(payload) => Self::Ping(payload.to_vec()),
            Event::Pong => Self::Pong,
            Event::Close { code, reason } => Self::Close(code, reason.to_owned()),
        }
    }
}

/// All that came of some input.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    said: Vec<Said>,
    violation: Option<Violation>,
    frames: u32,
}

impl Heard {
    fn read(&mut self, decoder: &mut Decoder, bytes: &[u8], limits: Limits) {
        let mut buffer = bytes.to_vec();
        let mut incoming = decoder.read(&mut buffer, limits);
        loop {
            match incoming.next_event() {
                Ok(Some(event)) => self.said.push(event.into()),
                Ok(None) => break,
                Err(violation) => assert_eq!(self.violation.replace(violation), None, "told twice"),
            }
        }
        self.frames += incoming.frames();
        if self.violation.is_some() {
            // Whether the refused frame was counted depends on whether all of it had come.
            self.frames = 0;
        }
    }
}

/// Decodes `bytes` in one read and again octet by octet, and insists that both came to the same.
fn hear(bytes: &[u8]) -> Heard {
    let [mut at_once, mut chopped] = [Heard::default(), Heard::default()];
    at_once.read(&mut Decoder::default(), bytes, LIMITS);
    let mut decoder = Decoder::default();
    for byte in bytes {
        chopped.read(&mut decoder, &[*byte], LIMITS);
    }
    assert_eq!(at_once, chopped);
    at_once
}

fn said(bytes: &[u8]) -> Vec<Said> {
    let heard = hear(bytes);
    assert_eq!(heard.violation, None);
    heard.said
}

fn refused(bytes: &[u8]) -> Violation {
    hear(bytes).violation.expect("a violation")
}

/// A whole message in one frame.
fn whole(opcode: Opcode, payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(opcode, FrameEnd::Final, payload)
}

fn frame(opcode: Opcode, end: FrameEnd, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    client::put_frame(&mut bytes, opcode, end, KEY, payload.as_ref());
    bytes
}

/// A close frame with this code and reason.
fn close(code: u16, reason: impl AsRef<[u8]>) -> Vec<u8> {
    whole(Opcode::Close, [&code.to_be_bytes(), reason.as_ref()].concat())
}
