//! What waits for one client's socket: decisions only, no I/O.
//!
//! Whoever has something to say appends it. One writer at a time takes what is there and writes it
//! outside the lock; what the socket does not take goes back to the front, and the connection's own
//! task goes on when the socket can take more.

use std::{collections::VecDeque, mem, num::NonZeroU64};

use schemas::CloseCode;
use session::Unsigned;

use super::buffers;

/// What may wait for a client that does not read, in bytes: a second of the largest byte rate.
/// Beyond it the client is too slow.
pub(crate) const OUTBOX_BYTES: usize = 256 * 1024;
/// What a control message counts while it waits for its signature: a `token` with a full memory and
/// a ticket is not longer.
const SIGNED_BYTES: usize = 3 * 1024;

/// The room whose frames a connection accepts: a frame that is on its way while its room ends does
/// not fall into the next one. It is the first half of the room's id with its last bit set: never
/// zero, so that an `Option` of it takes no more memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RoomKey(NonZeroU64);

impl RoomKey {
    /// The key of a room.
    pub(crate) fn of(room: &schemas::RoomId) -> Self {
        let bytes = room.as_bytes();
        let half = u64::from_ne_bytes([
            bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7],
        ]);
        Self(NonZeroU64::MIN | half)
    }

    /// All of it but the last bit.
    pub(crate) fn bits(self) -> u64 {
        self.0.get() & !1
    }
}

/// What waits for a socket.
#[derive(Default)]
pub(super) struct Outbox {
    /// WebSocket frames, of which the first `sent` bytes are gone.
    bytes: Vec<u8>,
    sent: usize,
    unsigned: Option<Box<UnsignedQueue>>,
    writer: Writer,
    room: Option<RoomKey>,
    closing: Option<CloseCode>,
}

/// Control messages to be signed by the connection's task.
#[derive(Default)]
struct UnsignedQueue {
    /// Each with the bytes that follow it.
    messages: VecDeque<(Unsigned, Vec<u8>)>,
    /// One of them opens a room whose routes are not set yet: none is signed before
    /// [`Outbox::release`].
    held: bool,
}

/// Who may write to the socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Writer {
    /// Whoever comes.
    #[default]
    Free,
    /// Somebody is writing.
    Busy,
    /// Nobody until the socket can take more.
    Blocked,
}

/// What became of bytes for the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Push {
    /// They wait; somebody will write them.
    Waits,
    /// They are the first: the caller is to see that they are written ([`Outbox::start`]).
    First,
    /// Not accepted: another room's, or the connection is closing.
    Refused,
    /// The client is too slow: the caller is to close the connection.
    TooSlow,
}

/// A turn of writing. To be handed back with [`Outbox::finish`].
#[derive(Debug, PartialEq)]
pub(super) struct WriteTurn {
    /// What is to be written...
    pub(super) bytes: Vec<u8>,
    /// ...from here on. The writer moves it.
    pub(super) sent: usize,
}

/// What a turn of writing has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Socket {
    /// It has taken everything.
    Open,
    /// It takes no more for now.
    Full,
}

/// How a turn of writing has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// Nothing waits.
    All,
    /// More came meanwhile: write on.
    MoreCame,
    /// The socket is full: the connection's task is to wait for it.
    Blocked,
    /// Nothing waits, and nothing will: the connection's task is to know.
    Closed,
}

/// What the connection's own task is to do for its outbox.
#[derive(Debug, PartialEq)]
pub(super) enum OutboxTask {
    /// Nothing.
    None,
    /// Sign the oldest unsigned message: [`Outbox::signed`]. It stays, so that what comes now goes
    /// behind it.
    Sign(Unsigned),
    /// Write.
    Write,
    /// Wait until the socket can take more: [`Outbox::unblock`].
    AwaitSocket,
}

impl Outbox {
    /// Appends bytes of the server itself.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Push {
        if self.closing.is_some() { Push::Refused } else { self.append(bytes) }
    }

    /// Appends frames of a room.
    pub(super) fn push_frames(&mut self, room: RoomKey, frames: &[u8]) -> Push {
        if self.accepts(room) { self.append(frames) } else { Push::Refused }
    }

    /// Whether frames of this room may come now.
    pub(super) fn accepts(&self, room: RoomKey) -> bool {
        self.room == Some(room) && self.closing.is_none()
    }

    /// Appends a control message that has yet to be signed. One that opens a room is held until
    /// [`Outbox::release`].
    pub(super) fn push_unsigned(&mut self, message: Unsigned) -> Push {
        if self.closing.is_some() {
            return Push::Refused;
        }
        if self.len() + SIGNED_BYTES > OUTBOX_BYTES {
            return Push::TooSlow;
        }
        let unsigned = self.unsigned.get_or_insert_default();
        unsigned.held |= message.opens_room();
        unsigned.messages.push_back((message, Vec::new()));
        Push::Waits
    }

    /// All that has been queued may be signed.
    pub(super) fn release(&mut self) {
        if let Some(unsigned) = &mut self.unsigned {
            unsigned.held = false;
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Push {
        if self.len() + bytes.len() > OUTBOX_BYTES {
            return Push::TooSlow;
        }
        if let Some((_, after)) = self.unsigned.as_mut().and_then(|unsigned| unsigned.messages.back_mut()) {
            after.extend_from_slice(bytes);
            return Push::Waits;
        }
        let first = self.writer == Writer::Free && self.bytes.is_empty();
        self.queue(bytes);
        if first { Push::First } else { Push::Waits }
    }

    fn queue(&mut self, bytes: &[u8]) {
        if self.bytes.capacity() == 0 {
            self.bytes = buffers::spare();
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// How many bytes wait, as far as is known before they are signed.
    pub(super) fn len(&self) -> usize {
        let unsigned = self.unsigned.iter().flat_map(|unsigned| unsigned.messages.iter());
        let unsigned: usize = unsigned.map(|(_, after)| SIGNED_BYTES + after.len()).sum();
        self.bytes.len() - self.sent + unsigned
    }

    /// Takes the turn to write if nothing waits: the caller writes its own bytes.
    pub(super) fn start_directly(&mut self) -> bool {
        let free = self.writer == Writer::Free && self.bytes.is_empty() && self.unsigned.is_none();
        if free {
            self.writer = Writer::Busy;
        }
        free
    }

    /// Takes the turn to write what waits; `None` if nothing does, or it is somebody else's turn.
    pub(super) fn start(&mut self) -> Option<WriteTurn> {
        if self.bytes.is_empty() { None } else { self.start_anyway() }
    }

    /// The same even if nothing waits: for a layer below that keeps bytes of its own.
    pub(super) fn start_anyway(&mut self) -> Option<WriteTurn> {
        if self.writer != Writer::Free {
            return None;
        }
        self.writer = Writer::Busy;
        Some(WriteTurn { bytes: mem::take(&mut self.bytes), sent: mem::take(&mut self.sent) })
    }

    /// Ends a turn. What was not written goes before what came meanwhile; if the socket is full
    /// nobody writes until [`Outbox::unblock`].
    pub(super) fn finish(&mut self, turn: WriteTurn, socket: Socket) -> Written {
        let WriteTurn { bytes, sent } = turn;
        if sent == bytes.len() {
            buffers::give_back(bytes);
        } else {
            let came = mem::replace(&mut self.bytes, bytes);
            self.sent = sent;
            self.close_up();
            self.bytes.extend_from_slice(&came);
            buffers::give_back(came);
        }
        if socket == Socket::Full {
            self.writer = Writer::Blocked;
            return Written::Blocked;
        }
        self.writer = Writer::Free;
        if !self.bytes.is_empty() {
            Written::MoreCame
        } else if self.closing.is_some() {
            Written::Closed
        } else {
            Written::All
        }
    }

    /// Moves what waits over what is gone, once that is the larger part: each byte moves once on
    /// average, and little lies idle.
    fn close_up(&mut self) {
        let rest = self.bytes.len() - self.sent;
        if self.sent >= rest {
            self.bytes.copy_within(self.sent.., 0);
            self.bytes[rest..].fill(0);
            self.bytes.truncate(rest);
            self.sent = 0;
        }
    }

    /// The socket can take more.
    pub(super) fn unblock(&mut self) {
        if self.writer == Writer::Blocked {
            self.writer = Writer::Free;
        }
    }

    /// What the connection's own task is to do next.
    pub(super) fn next_task(&self) -> OutboxTask {
        let unsigned = self.unsigned.as_ref().filter(|unsigned| !unsigned.held);
        if let Some((message, _)) = unsigned.and_then(|unsigned| unsigned.messages.front()) {
            return OutboxTask::Sign(message.clone());
        }
        match self.writer {
            Writer::Free if !self.bytes.is_empty() => OutboxTask::Write,
            Writer::Free | Writer::Busy => OutboxTask::None,
            Writer::Blocked => OutboxTask::AwaitSocket,
        }
    }

    /// Replaces the oldest unsigned message by its bytes.
    pub(super) fn signed(&mut self, frame: &[u8]) {
        let Some(unsigned) = &mut self.unsigned else { return };
        let Some((_, after)) = unsigned.messages.pop_front() else { return };
        if unsigned.messages.is_empty() {
            self.unsigned = None;
        }
        self.queue(frame);
        self.queue(&after);
    }

    /// From now on frames of this room are accepted, or none.
    pub(super) fn set_room(&mut self, room: Option<RoomKey>) {
        self.room = room;
    }

    /// Appends the last frame: nothing follows. Returns whether nothing was the last before.
    pub(super) fn close(&mut self, code: CloseCode, frame: &[u8]) -> bool {
        if self.closing.is_some() {
            return false;
        }
        self.closing = Some(code);
        self.room = None;
        match self.unsigned.as_mut().and_then(|unsigned| unsigned.messages.back_mut()) {
            Some((_, after)) => after.extend_from_slice(frame),
            None => self.queue(frame),
        }
        true
    }

    /// Why the connection is closing, if it is.
    pub(super) fn closing(&self) -> Option<CloseCode> {
        self.closing
    }

    /// Whether everything has been handed to the socket.
    pub(super) fn is_done(&self) -> bool {
        self.writer == Writer::Free && self.bytes.is_empty() && self.unsigned.is_none()
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        buffers::give_back(mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests;
