//! Chat frames between two gateways:
//! `side (1) ‖ stamp (8, big-endian) ‖ (length (4, big-endian) ‖ frame)*`.
//! The frames are the client's bytes, unchanged and unread.

use crate::{Side, Stamp, limits};

/// Bytes before the first frame.
pub const HEADER_BYTES: usize = 9;
/// Bytes before each frame.
pub const LENGTH_BYTES: usize = 4;

/// Begins a message of frames with the sender's side and stamp.
pub fn put_header(out: &mut Vec<u8>, side: Side, stamp: Stamp) {
    out.push(match side {
        Side::A => b'a',
        Side::B => b'b',
    });
    out.extend_from_slice(&stamp.0.to_be_bytes());
}

/// Appends one frame. The caller respects [`limits::FRAME_BYTES`] and [`limits::BUS_FRAMES_BYTES`].
pub fn put_frame(out: &mut Vec<u8>, frame: &[u8]) {
    // A frame is at most 64 KiB, so the cast is exact.
    out.extend_from_slice(&(frame.len() as u32).to_be_bytes());
    out.extend_from_slice(frame);
}

/// A checked message of frames.
#[derive(Clone, Copy)]
pub struct Frames<'a> {
    /// The sender's side.
    pub side: Side,
    /// The stamp of the sender's attachment.
    pub stamp: Stamp,
    body: &'a [u8],
}

impl<'a> Frames<'a> {
    /// Checks a whole message, so that none of its frames is relayed if any part of it is wrong.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() > limits::BUS_FRAMES_BYTES {
            return None;
        }
        let (&side, rest) = bytes.split_first()?;
        let side = match side {
            b'a' => Side::A,
            b'b' => Side::B,
            _ => return None,
        };
        let (stamp, body) = rest.split_first_chunk()?;
        let frames = Self { side, stamp: Stamp(u64::from_be_bytes(*stamp)), body };
        let mut left = body;
        while !left.is_empty() {
            let (frame, rest) = split(left)?;
            if frame.len() > limits::FRAME_BYTES {
                return None;
            }
            left = rest;
        }
        Some(frames)
    }

    /// The frames, in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut left = self.body;
        std::iter::from_fn(move || {
            let (frame, rest) = split(left)?;
            left = rest;
            Some(frame)
        })
    }
}

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn frames_come_out_as_they_went_in(frames: Vec<Vec<u8>>, stamp: u64) {
            let mut bytes = Vec::new();
            put_header(&mut bytes, Side::B, Stamp(stamp));
            for frame in &frames {
                put_frame(&mut bytes, frame);
            }
            let parsed = Frames::parse(&bytes).unwrap();
            prop_assert_eq!((parsed.side, parsed.stamp), (Side::B, Stamp(stamp)));
            prop_assert!(parsed.iter().eq(frames.iter().map(Vec::as_slice)));
        }

        #[test]
        fn a_truncated_message_is_refused_whole(frame: Vec<u8>, cut in 1usize..12) {
            let mut bytes = Vec::new();
            put_header(&mut bytes, Side::A, Stamp(1));
            put_frame(&mut bytes, &frame);
            let kept = bytes.len().saturating_sub(cut);
            prop_assume!(kept != HEADER_BYTES);
            prop_assert!(Frames::parse(&bytes[..kept]).is_none());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            if let Some(frames) = Frames::parse(&bytes) {
                frames.iter().for_each(drop);
            }
        }
    }

    #[test]
    fn a_frame_beyond_the_limit_is_refused() {
        let mut bytes = Vec::new();
        put_header(&mut bytes, Side::A, Stamp(1));
        put_frame(&mut bytes, &vec![0; limits::FRAME_BYTES]);
        assert!(Frames::parse(&bytes).is_some());
        bytes.truncate(HEADER_BYTES);
        put_frame(&mut bytes, &vec![0; limits::FRAME_BYTES + 1]);
        assert!(Frames::parse(&bytes).is_none());
    }
}
