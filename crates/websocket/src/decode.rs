use std::{mem, ops::Range};

use super::{
    FrameEnd, Opcode, Violation, close,
    header::{self, Header, Parsed},
    mask::unmask,
    unfinished::{Kind, Unfinished},
};

/// The longest messages that a connection accepts, in bytes of payload over all fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Binary messages: the peer's.
    pub binary: u32,
    /// Text messages: control.
    pub text: u32,
}

/// What a client said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A whole binary message.
    Binary(&'a [u8]),
    /// A whole text message.
    Text(&'a str),
    /// To be answered with [`put_pong`](super::put_pong), in order with everything else.
    Ping(&'a [u8]),
    /// A sign of life.
    Pong,
    /// The client says nothing after this; what it sends nevertheless is dropped.
    Close {
        /// Why, a code that is allowed on the wire; `None` when the frame was empty.
        code: Option<u16>,
        /// Up to [`REASON_MAX`](super::REASON_MAX) bytes from the client, not to be trusted or
        /// logged.
        reason: &'a str,
    },
}

/// What a connection keeps between two reads: two words, and nothing on the heap unless a frame or
/// message is half received. Then it holds at most twice what came of it, and never more than twice
/// the limit of one message.
#[derive(Debug, Default)]
pub struct Decoder {
    unfinished: Option<Box<Unfinished>>,
    phase: Phase,
}

#[derive(Debug, Default, PartialEq)]
enum Phase {
    #[default]
    Open,
    /// A close frame or a violation came: whatever follows is dropped unread.
    Ended,
}

impl Decoder {
    /// Takes what one read of the socket brought. The events must be asked for until there are
    /// none: that is what keeps an incomplete frame for the next read. Stopping earlier is for
    /// connections about to be dropped.
    #[inline]
    pub fn read<'a>(&'a mut self, input: &'a mut [u8], limits: Limits) -> Incoming<'a> {
        let at = if self.phase == Phase::Open { 0 } else { input.len() };
        Incoming { decoder: self, input, at, limits, frames: 0, reassembled: Vec::new() }
    }

    /// Bytes of heap that unfinished input takes at the moment; 0 while nothing is half received.
    #[must_use]
    pub fn held(&self) -> usize {
        self.unfinished.as_deref().map_or(0, Unfinished::held)
    }

    /// Since when the message in progress is half received, on the caller's own clock; `None` while
    /// none is. It began `now` if this was not asked since its first bytes came: to be asked after
    /// each read.
    pub fn unfinished_since(&mut self, now: u32) -> Option<u32> {
        self.unfinished.as_mut().map(|unfinished| *unfinished.since.get_or_insert(now))
    }

    fn stop(&mut self) {
        self.phase = Phase::Ended;
        self.unfinished = None;
    }
}

/// The events of one read, in order. Each borrows this value and must be dealt with before the
/// next.
#[derive(Debug)]
#[must_use = "an incomplete frame is kept only by asking for events until there are none"]
pub struct Incoming<'a> {
    decoder: &'a mut Decoder,
    input: &'a mut [u8],
    /// How much of `input` has been dealt with.
    at: usize,
    limits: Limits,
    frames: u32,
    /// What several reads or frames brought, for as long as an event lends it out.
    reassembled: Vec<u8>,
}

/// An unmasked payload: a range of bytes of its source.
struct Payload {
    opcode: Opcode,
    source: PayloadSource,
    start: usize,
    end: usize,
}

enum PayloadSource {
    /// What this read brought.
    Input,
    /// What several reads or frames brought.
    Reassembled,
}

impl Incoming<'_> {
    /// The next event; `None` when all input is dealt with.
    ///
    /// # Errors
    /// The client broke the protocol: the connection is to be closed with the code of the
    /// [`Violation`]. All input after that, in this read or a later one, is dropped unread.
    #[inline]
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, Violation> {
        if let Some(message) = self.take_whole_binary() {
            return Ok(Some(Event::Binary(&self.input[message])));
        }
        self.next_of_any_kind()
    }

    #[inline(never)]
    fn next_of_any_kind(&mut self) -> Result<Option<Event<'_>>, Violation> {
        let payload = match self.next_payload() {
            Ok(Some(payload)) => payload,
            Ok(None) => return Ok(None),
            Err(violation) => {
                self.decoder.stop();
                self.at = self.input.len();
                return Err(violation);
            }
        };
        let bytes = match payload.source {
            PayloadSource::Input => &self.input[payload.start..payload.end],
            PayloadSource::Reassembled => &self.reassembled[payload.start..payload.end],
        };
        let event = match payload.opcode {
            Opcode::Binary | Opcode::Continuation => return Ok(Some(Event::Binary(bytes))),
            Opcode::Ping => return Ok(Some(Event::Ping(bytes))),
            Opcode::Pong => return Ok(Some(Event::Pong)),
            Opcode::Text => str::from_utf8(bytes).map(Event::Text).map_err(|_| Violation::InvalidUtf8),
            Opcode::Close => close::parse(bytes).map(|(code, reason)| Event::Close { code, reason }),
        };
        if !matches!(event, Ok(Event::Text(_))) {
            self.decoder.stop();
            self.at = self.input.len();
        }
        event.map(Some)
    }

    /// How many frames were completed so far, control frames and fragments included: what rate
    /// limits count.
    #[inline]
    #[must_use]
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// The short way for a binary message that is all there in one frame; `None` for everything
    /// else.
    #[inline]
    fn take_whole_binary(&mut self) -> Option<Range<usize>> {
        if self.decoder.unfinished.is_some() {
            return None;
        }
        let rest = self.input.get_mut(self.at..)?;
        let (size, length, key) = header::parse_whole_binary(rest)?;
        let payload = rest.get_mut(size..size + length)?;
        if length > self.limits.binary as usize {
            return None;
        }
        unmask(payload, key);
        let start = self.at + size;
        self.at = start + length;
        self.frames += 1;
        Some(start..self.at)
    }

    fn next_payload(&mut self) -> Result<Option<Payload>, Violation> {
        loop {
            let half_a_frame = self.decoder.unfinished.as_deref().is_some_and(|it| !it.frame.is_empty());
            let found = if half_a_frame { self.finish_frame()? } else { self.take_frame()? };
            let Some((header, payload)) = found else { return Ok(None) };
            self.frames += 1;
            if header.end == FrameEnd::Final && header.opcode != Opcode::Continuation {
                return Ok(Some(payload));
            }
            if let Some(message) = self.join_fragment(&header, &payload)? {
                return Ok(Some(message));
            }
        }
    }

    /// The frame at the head of the input, unmasked where it lies; what is there of an incomplete
    /// one is kept.
    fn take_frame(&mut self) -> Result<Option<(Header, Payload)>, Violation> {
        let rest = &mut self.input[self.at..];
        match examine(rest, self.decoder.unfinished.as_deref(), self.limits)? {
            Head::Whole(header, frame) => {
                unmask(&mut rest[header.size..frame], header.key);
                let (start, end) = (self.at + header.size, self.at + frame);
                self.at = end;
                Ok(Some((
                    header,
                    Payload { opcode: header.opcode, source: PayloadSource::Input, start, end },
                )))
            }
            Head::Needs(_) if rest.is_empty() => Ok(None),
            Head::Needs(size) => {
                self.at += rest.len();
                self.decoder.unfinished.get_or_insert_default().begin_frame(rest, size)?;
                Ok(None)
            }
        }
    }

    /// Completes the frame that earlier reads began; takes no more from the input than that.
    #[inline(never)]
    fn finish_frame(&mut self) -> Result<Option<(Header, Payload)>, Violation> {
        loop {
            let Some(unfinished) = self.decoder.unfinished.as_deref_mut() else { return Ok(None) };
            self.at += unfinished.extend_frame(&self.input[self.at..]);
            if unfinished.frame.len() < unfinished.frame_needs {
                unfinished.check_text()?;
                return Ok(None);
            }
            match examine(&unfinished.frame, Some(unfinished), self.limits)? {
                Head::Needs(size) => unfinished.frame_needs = size,
                Head::Whole(header, end) => {
                    self.reassembled = mem::take(&mut unfinished.frame);
                    if unfinished.kind.is_none() {
                        self.decoder.unfinished = None;
                    }
                    unmask(&mut self.reassembled[header.size..end], header.key);
                    let payload = Payload {
                        opcode: header.opcode,
                        source: PayloadSource::Reassembled,
                        start: header.size,
                        end,
                    };
                    return Ok(Some((header, payload)));
                }
            }
        }
    }

    /// Adds a fragment to its message, and lends the message out when that was the last.
    #[inline(never)]
    fn join_fragment(&mut self, header: &Header, fragment: &Payload) -> Result<Option<Payload>, Violation> {
        let bytes = match fragment.source {
            PayloadSource::Input => &self.input[fragment.start..fragment.end],
            PayloadSource::Reassembled => &self.reassembled[fragment.start..fragment.end],
        };
        let unfinished = self.decoder.unfinished.get_or_insert_default();
        let Some(kind) = unfinished.join(header, bytes, self.limits)? else { return Ok(None) };
        self.reassembled = mem::take(&mut unfinished.message);
        self.decoder.unfinished = None;
        Ok(Some(Payload {
            opcode: kind.opcode(),
            source: PayloadSource::Reassembled,
            start: 0,
            end: self.reassembled.len(),
        }))
    }
}

enum Head {
    /// The frame is all there, so long in all.
    Whole(Header, usize),
    /// It has to be that long before more can be said.
    Needs(usize),
}

/// Looks at the frame at the start of `bytes`, and refuses one that does not belong here or is too
/// large before its payload has come.
fn examine(bytes: &[u8], unfinished: Option<&Unfinished>, limits: Limits) -> Result<Head, Violation> {
    let header = match header::parse(bytes)? {
        Parsed::Header(header) => header,
        Parsed::Needs(size) => return Ok(Head::Needs(size)),
    };
    admit(&header, unfinished, limits)?;
    // Fits: what was admitted is within a u32.
    let frame = header.size + header.payload as usize;
    Ok(if frame <= bytes.len() { Head::Whole(header, frame) } else { Head::Needs(frame) })
}

fn admit(header: &Header, unfinished: Option<&Unfinished>, limits: Limits) -> Result<(), Violation> {
    let (in_progress, so_far) = match unfinished {
        Some(unfinished) => (unfinished.kind, unfinished.message.len()),
        None => (None, 0),
    };
    let kind = match (header.opcode, in_progress) {
        (Opcode::Binary, None) => Kind::Binary,
        (Opcode::Text, None) => Kind::Text,
        (Opcode::Continuation, Some(kind)) => kind,
        (Opcode::Continuation, None) => return Err(Violation::StrayContinuation),
        (Opcode::Text | Opcode::Binary, Some(_)) => return Err(Violation::InterleavedMessage),
        (Opcode::Close | Opcode::Ping | Opcode::Pong, _) => return Ok(()),
    };
    // No overflow: what came before is within the limit, and a length never has its top bit set.
    if so_far as u64 + header.payload > kind.limit(limits) as u64 {
        return Err(Violation::TooLarge);
    }
    Ok(())
}
