//! What is inside a packet: an acknowledgement, and messages, padded before they are sealed.
//!
//! ```text
//! acknowledged u64 ‖ count u8 ‖ count × (number u64 ‖ kind u8 ‖ length u16 ‖ body) ‖ zeros
//! ```

use zeroize::Zeroizing;

use super::limits::{MAX_FRAME, WINDOW_MESSAGES};
use super::message::{PACKET_HEADER, padded_len};

/// What sealing adds, bytes (AES-GCM's tag).
pub(super) const TAG: usize = 16;
const CONTENT_HEADER: usize = 8 + 1;
const ENTRY_HEADER: usize = 8 + 1 + 2;
/// Bytes of a packet that are not its messages.
const AROUND: usize = PACKET_HEADER + CONTENT_HEADER + TAG;

/// What kind of message an entry is; the value is its kind byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// UTF-8, 1 to 8192 bytes.
    Text = 1,
    /// One byte: 0 idle, 1 active.
    Typing = 2,
    /// Empty; the last message of its side.
    Bye = 3,
    /// The first message of `a`: the 32 bytes that it has committed to.
    Opening = 4,
    /// The first message of a helper: that it is one.
    Credential = 5,
    /// To another helper.
    Handover = 6,
    /// A text that answers an earlier message.
    Reply = 7,
    /// To an earlier message.
    Reaction = 8,
    /// A new text for an own text or reply.
    Edit = 9,
    /// Of an own text or reply.
    Delete = 10,
    /// How long messages are shown from here on.
    Timer = 11,
}

impl Kind {
    /// The kind with this byte; `None` if this version has none.
    pub(super) fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Text,
            2 => Self::Typing,
            3 => Self::Bye,
            4 => Self::Opening,
            5 => Self::Credential,
            6 => Self::Handover,
            7 => Self::Reply,
            8 => Self::Reaction,
            9 => Self::Edit,
            10 => Self::Delete,
            11 => Self::Timer,
            _ => return None,
        })
    }

    /// Whether it is shown as a text, whose delivery its sender is told of.
    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Reply)
    }
}

/// A numbered message inside a packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) number: u64,
    /// Kinds that this version does not know are numbered and acknowledged like all others.
    pub(super) kind: u8,
    pub(super) body: &'a [u8],
}

/// The size of the packet that a message of `body_len` bytes needs alone: its cost in the window.
pub(super) fn cost(body_len: usize) -> usize {
    padded_len(AROUND + ENTRY_HEADER + body_len).unwrap_or(MAX_FRAME)
}

/// Builds the content of one packet.
pub(super) struct Writer {
    content: Zeroizing<Vec<u8>>,
}

impl Writer {
    /// An empty content that acknowledges everything up to `acknowledged`.
    pub(super) fn new(acknowledged: u64) -> Self {
        // Room for the largest packet at once: a vector that grows would leave copies that are not
        // wiped.
        let mut content = Zeroizing::new(Vec::with_capacity(MAX_FRAME));
        content.extend_from_slice(&acknowledged.to_be_bytes());
        content.push(0);
        Self { content }
    }

    /// Adds a message if the largest packet has room for it.
    pub(super) fn push(&mut self, entry: &Entry<'_>) -> bool {
        let count = usize::from(self.content[8]);
        let len = PACKET_HEADER + self.content.len() + ENTRY_HEADER + entry.body.len() + TAG;
        if count == WINDOW_MESSAGES || len > MAX_FRAME {
            return false;
        }
        self.content.extend_from_slice(&entry.number.to_be_bytes());
        self.content.push(entry.kind);
        self.content.extend_from_slice(&(entry.body.len() as u16).to_be_bytes());
        self.content.extend_from_slice(entry.body);
        self.content[8] += 1;
        true
    }

    /// Whether it has no message.
    pub(super) fn is_empty(&self) -> bool {
        self.content[8] == 0
    }

    /// The content, padded so that its packet has one of the allowed sizes.
    pub(super) fn finish(mut self) -> Zeroizing<Vec<u8>> {
        let message = padded_len(PACKET_HEADER + self.content.len() + TAG).unwrap_or(MAX_FRAME);
        self.content.resize(message - PACKET_HEADER - TAG, 0);
        self.content
    }
}

/// Parses an authenticated content: what it acknowledges, and its messages. `None` if it is of the
/// wrong form.
pub(super) fn parse(content: &[u8]) -> Option<(u64, Vec<Entry<'_>>)> {
    let (acknowledged, rest) = content.split_first_chunk()?;
    let (&count, mut rest) = rest.split_first()?;
    if usize::from(count) > WINDOW_MESSAGES {
        return None;
    }
    let mut entries = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let (number, after) = rest.split_first_chunk()?;
        let (&kind, after) = after.split_first()?;
        let (length, after) = after.split_first_chunk()?;
        let (body, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(Entry { number: u64::from_be_bytes(*number), kind, body });
        rest = after;
    }
    let filled = rest.iter().all(|&byte| byte == 0);
    filled.then_some((u64::from_be_bytes(*acknowledged), entries))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::limits::MAX_TEXT;

    #[test]
    fn content_comes_back_as_it_was() {
        let entries = [Entry { number: 3, kind: 1, body: b"hello" }, Entry { number: 4, kind: 9, body: b"" }];
        let mut writer = Writer::new(77);
        assert!(entries.iter().all(|entry| writer.push(entry)));
        let content = writer.finish();
        assert_eq!(content.len(), 256 - 30);
        assert_eq!(parse(&content), Some((77, entries.into())));
    }

    #[test]
    fn the_longest_text_fits_and_the_largest_packet_is_filled_to_the_last_byte() {
        assert_eq!(cost(MAX_TEXT), 16384);
        assert_eq!(cost(0), 256);
        let room = MAX_FRAME - AROUND - ENTRY_HEADER;
        for (len, fits) in [(room, true), (room + 1, false)] {
            let mut writer = Writer::new(0);
            assert_eq!(writer.push(&Entry { number: 1, kind: 1, body: &vec![1; len] }), fits);
            assert!(writer.finish().len() <= MAX_FRAME - 30);
        }
    }

    #[test]
    fn a_packet_holds_at_most_a_window_of_messages() {
        let mut writer = Writer::new(0);
        let taken =
            (1..=100).take_while(|&number| writer.push(&Entry { number, kind: 3, body: b"" })).count();
        assert_eq!(taken, WINDOW_MESSAGES);
    }

    #[test]
    fn content_that_breaks_the_form_is_refused() {
        let mut writer = Writer::new(5);
        assert!(writer.push(&Entry { number: 1, kind: 1, body: b"x" }));
        let good = writer.finish();
        let with = |index: usize, byte: u8| {
            let mut bad = good.to_vec();
            bad[index] = byte;
            bad
        };
        let last = good.len() - 1;
        let bad = [
            vec![],
            good[..8].to_vec(),
            good[..20].to_vec(),
            with(last, 1),
            with(8, 0),
            with(8, 65),
            with(18, 255),
        ];
        for content in bad {
            assert_eq!(parse(&content), None);
        }
    }
}
