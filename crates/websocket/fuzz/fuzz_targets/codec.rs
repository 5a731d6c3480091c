//! `cargo fuzz run codec`, in `crates/websocket/`. The first byte of the input says how to cut the
//! rest into reads. Whatever the bytes are: no panic, bounded memory, and the cut changes nothing
//! that is heard.
#![no_main]

use websocket::{CONTROL_PAYLOAD_MAX, Decoder, Event, Limits, REASON_MAX, Violation};
use libfuzzer_sys::fuzz_target;

/// Small, so that the fuzzer reaches and passes them with short inputs.
const LIMITS: Limits = Limits { binary: 400, text: 200 };
/// The boxed state, a frame header, and a control frame within a message.
const OVERHEAD: usize = 256;

fuzz_target!(|input: &[u8]| {
    let Some((&piece, bytes)) = input.split_first() else { return };
    let at_once = hear(bytes, bytes.len().max(1));
    assert_eq!(at_once, hear(bytes, usize::from(piece).max(1)));
    assert_eq!(at_once, hear(bytes, 1));
});

/// Decodes `bytes` in reads of `piece`. Events are flattened into one string of bytes, to compare.
fn hear(bytes: &[u8], piece: usize) -> (Vec<u8>, Option<Violation>) {
    let mut decoder = Decoder::default();
    let (mut heard, mut violation) = (Vec::new(), None);
    for read in bytes.chunks(piece) {
        let mut buffer = read.to_vec();
        let mut incoming = decoder.read(&mut buffer, LIMITS);
        loop {
            match incoming.next_event() {
                Ok(Some(event)) => {
                    assert_eq!(violation, None, "an event after a violation");
                    note(event, &mut heard);
                }
                Ok(None) => break,
                Err(fault) => assert_eq!(violation.replace(fault), None, "a second violation"),
            }
        }
        assert!(incoming.frames() as usize <= bytes.len() / 6);
        assert!(decoder.held() <= 2 * LIMITS.binary as usize + OVERHEAD);
    }
    (heard, violation)
}

fn note(event: Event<'_>, heard: &mut Vec<u8>) {
    let (kind, payload, longest) = match event {
        Event::Binary(bytes) => (b'b', bytes, LIMITS.binary as usize),
        Event::Text(text) => (b't', text.as_bytes(), LIMITS.text as usize),
        Event::Ping(payload) => (b'p', payload, CONTROL_PAYLOAD_MAX),
        Event::Pong => (b'q', &[][..], 0),
        Event::Close { code, reason } => {
            heard.extend(code.unwrap_or(0).to_be_bytes());
            (b'c', reason.as_bytes(), REASON_MAX)
        }
    };
    assert!(payload.len() <= longest);
    heard.push(kind);
    heard.extend((payload.len() as u32).to_be_bytes());
    heard.extend(payload);
}
