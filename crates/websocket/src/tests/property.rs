use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;

/// Small, so that random input reaches and passes them.
const NARROW: Limits = Limits { binary: 700, text: 300 };

/// One thing said by a well-behaved client, and where to cut it if it may be cut.
#[derive(Clone, Debug)]
struct Utterance {
    said: Said,
    cuts: Vec<Index>,
    /// A ping to put after the first fragment.
    interruption: Option<Vec<u8>>,
    key: [u8; 4],
}

fn utterance() -> impl Strategy<Value = Utterance> {
    let said = prop_oneof![
        4 => vec(any::<u8>(), 0..=700).prop_map(Said::Binary),
        2 => "\\PC{0,75}".prop_map(Said::Text),
        1 => vec(any::<u8>(), 0..=125).prop_map(Said::Ping),
        1 => Just(Said::Pong),
    ];
    let interruption = proptest::option::of(vec(any::<u8>(), 0..=125));
    (said, vec(any::<Index>(), 0..4), interruption, any::<[u8; 4]>())
        .prop_map(|(said, cuts, interruption, key)| Utterance { said, cuts, interruption, key })
}

impl Utterance {
    /// Appends the frames, and what a decoder should make of them; returns how many frames.
    fn put(&self, bytes: &mut Vec<u8>, expected: &mut Vec<Said>) -> u32 {
        let (opcode, payload) = match &self.said {
            Said::Ping(payload) => return self.put_one(bytes, expected, Opcode::Ping, payload),
            Said::Pong => return self.put_one(bytes, expected, Opcode::Pong, b"any"),
            Said::Close(code, reason) => {
                let code = code.map(u16::to_be_bytes);
                let payload = [code.as_ref().map_or(&[][..], |code| &code[..]), reason.as_bytes()].concat();
                return self.put_one(bytes, expected, Opcode::Close, &payload);
            }
            Said::Binary(payload) => (Opcode::Binary, &payload[..]),
            Said::Text(text) => (Opcode::Text, text.as_bytes()),
        };
        let mut ends: Vec<usize> = self.cuts.iter().map(|cut| cut.index(payload.len() + 1)).collect();
        ends.sort_unstable();
        ends.push(payload.len());
        let (mut start, mut frames) = (0, 0);
        for (nth, end) in ends.iter().copied().enumerate() {
            let opcode = if nth == 0 { opcode } else { Opcode::Continuation };
            let more = if nth + 1 == ends.len() { FrameEnd::Final } else { FrameEnd::More };
            client::put_frame(bytes, opcode, more, self.key, &payload[start..end]);
            frames += 1;
            start = end;
            if let (FrameEnd::More, 0, Some(ping)) = (more, nth, &self.interruption) {
                client::put_frame(bytes, Opcode::Ping, FrameEnd::Final, self.key, ping);
                expected.push(Said::Ping(ping.clone()));
                frames += 1;
            }
        }
        expected.push(self.said.clone());
        frames
    }

    fn put_one(&self, bytes: &mut Vec<u8>, expected: &mut Vec<Said>, opcode: Opcode, payload: &[u8]) -> u32 {
        client::put_frame(bytes, opcode, FrameEnd::Final, self.key, payload);
        expected.push(self.said.clone());
        1
    }
}

/// Cuts `bytes` into reads of these sizes, over and over. Never holds more than it may on the way.
fn hear_in_pieces(decoder: &mut Decoder, bytes: &[u8], sizes: &[usize]) -> Heard {
    const OVERHEAD: usize = 256; // The boxed state, a frame header, and a control frame within a message.
    let mut heard = Heard::default();
    let mut sizes = sizes.iter().copied().cycle();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (piece, later) = rest.split_at(sizes.next().unwrap_or(usize::MAX).min(rest.len()));
        heard.read(decoder, piece, NARROW);
        let most = 2 * NARROW.binary.max(NARROW.text) as usize + OVERHEAD;
        assert!(decoder.held() <= most, "{} bytes held", decoder.held());
        rest = later;
    }
    heard
}

/// Bytes that look like frames often enough to get past the first header.
fn nearly_frames() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => proptest::sample::select(vec![0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8a]),
        1 => any::<u8>(),
    ];
    let short =
        (first.clone(), any::<[u8; 4]>(), vec(any::<u8>(), 0..126)).prop_map(|(first, key, payload)| {
            [&[first, 0x80 | payload.len() as u8], &key[..], &payload].concat()
        });
    let medium = (first, any::<[u8; 4]>(), vec(prop_oneof![Just(b'x'), any::<u8>()], 100..400)).prop_map(
        |(first, key, payload)| {
            let [a, b] = (payload.len() as u16).to_be_bytes();
            [&[first, 0xfe, a, b], &key[..], &payload].concat()
        },
    );
    let piece = prop_oneof![6 => short, 3 => medium, 1 => vec(any::<u8>(), 0..20)];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_a_client_says_is_heard_however_it_is_fragmented_and_cut(
        utterances in vec(utterance(), 0..12),
        sizes in vec(1..400_usize, 1..8),
    ) {
        let (mut bytes, mut expected, mut frames) = (Vec::new(), Vec::new(), 0);
        for utterance in &utterances {
            frames += utterance.put(&mut bytes, &mut expected);
        }
        let mut decoder = Decoder::default();
        let heard = hear_in_pieces(&mut decoder, &bytes, &sizes);
        prop_assert_eq!(heard, Heard { said: expected, violation: None, frames });
        prop_assert_eq!(decoder.held(), 0);
    }

    #[test]
    fn any_bytes_mean_the_same_however_they_are_cut(bytes in nearly_frames(), sizes in vec(1..100_usize, 1..8)) {
        let at_once = hear_in_pieces(&mut Decoder::default(), &bytes, &[usize::MAX]);
        let cut = hear_in_pieces(&mut Decoder::default(), &bytes, &sizes);
        prop_assert_eq!(&at_once, &cut);
        for said in &at_once.said {
            match said {
                Said::Binary(bytes) => prop_assert!(bytes.len() <= NARROW.binary as usize),
                Said::Text(text) => prop_assert!(text.len() <= NARROW.text as usize),
                Said::Ping(payload) => prop_assert!(payload.len() <= 125),
                Said::Pong | Said::Close(..) => {}
            }
        }
    }

    #[test]
    fn pure_noise_is_survived(bytes in vec(any::<u8>(), 0..2000), sizes in vec(1..100_usize, 1..8)) {
        let at_once = hear_in_pieces(&mut Decoder::default(), &bytes, &[usize::MAX]);
        prop_assert_eq!(at_once, hear_in_pieces(&mut Decoder::default(), &bytes, &sizes));
    }
}
