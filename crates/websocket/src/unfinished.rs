use super::{
    FrameEnd, Limits, Opcode, Violation,
    header::{self, Header, Parsed},
    utf8,
};

/// What the reads so far left half done: the start of a frame, a fragmented message in progress, or
/// both.
#[derive(Debug, Default)]
pub(super) struct Unfinished {
    /// The start of a frame as it came, masked; empty when the last read ended with a whole frame.
    pub(super) frame: Vec<u8>,
    /// How long `frame` must be before it tells more.
    pub(super) frame_needs: usize,
    /// What a fragmented message is, while one is in progress.
    pub(super) kind: Option<Kind>,
    /// Its fragments so far, unmasked.
    pub(super) message: Vec<u8>,
    /// When it was begun, as far as somebody has asked: see
    /// [`Decoder::unfinished_since`](super::Decoder::unfinished_since).
    pub(super) since: Option<u32>,
    /// How many bytes of a text message are known to be sound; may reach into `frame`.
    checked: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Text,
    Binary,
}

impl Kind {
    pub(super) fn limit(self, limits: Limits) -> usize {
        match self {
            Self::Text => limits.text as usize,
            Self::Binary => limits.binary as usize,
        }
    }

    pub(super) fn opcode(self) -> Opcode {
        match self {
            Self::Text => Opcode::Text,
            Self::Binary => Opcode::Binary,
        }
    }
}

impl Unfinished {
    /// Heap that it takes, in bytes.
    pub(super) fn held(&self) -> usize {
        size_of::<Self>() + self.frame.capacity() + self.message.capacity()
    }

    pub(super) fn begin_frame(&mut self, bytes: &[u8], needs: usize) -> Result<(), Violation> {
        self.frame = bytes.to_vec();
        self.frame_needs = needs;
        self.check_text()
    }

    /// Takes from `input` what the frame still needs, or all; returns how much that was.
    pub(super) fn extend_frame(&mut self, input: &[u8]) -> usize {
        let taken = input.len().min(self.frame_needs.saturating_sub(self.frame.len()));
        append(&mut self.frame, &input[..taken], self.frame_needs);
        taken
    }

    /// Refuses text that cannot become valid any more, instead of waiting for the rest of it.
    pub(super) fn check_text(&mut self) -> Result<(), Violation> {
        let Parsed::Header(header) = header::parse(&self.frame)? else { return Ok(()) };
        let kind = match header.opcode {
            Opcode::Text => Some(Kind::Text),
            Opcode::Continuation => self.kind,
            _ => None,
        };
        if kind == Some(Kind::Text) {
            let payload = &self.frame[header.size..];
            self.checked = utf8::check_unfinished(&self.message, payload, header.key, self.checked)?;
        }
        Ok(())
    }

    /// Adds a fragment that was admitted. Returns what the message is when it is whole.
    pub(super) fn join(
        &mut self,
        header: &Header,
        payload: &[u8],
        limits: Limits,
    ) -> Result<Option<Kind>, Violation> {
        let first = if header.opcode == Opcode::Text { Kind::Text } else { Kind::Binary };
        let kind = *self.kind.get_or_insert(first);
        append(&mut self.message, payload, kind.limit(limits));
        if kind == Kind::Text {
            self.checked += utf8::valid_prefix(&self.message[self.checked..])?;
        }
        Ok((header.end == FrameEnd::Final).then_some(kind))
    }
}

/// Appends with amortised growth that never passes `most` bytes. What a header announces is not
/// reserved at once, or a few bytes from a client would make us hold 64 KiB.
fn append(buffer: &mut Vec<u8>, bytes: &[u8], most: usize) {
    let needed = buffer.len() + bytes.len();
    if needed > buffer.capacity() {
        let capacity = (2 * buffer.capacity()).min(most).max(needed);
        buffer.reserve_exact(capacity - buffer.len());
    }
    buffer.extend_from_slice(bytes);
}
