//! What waits for one client's socket: decisions only, no I/O.
//!
//! Whoever has something to say appends it. One writer at a time takes what is there and writes it outside the lock; what the socket
//! does not take goes back to the front, and the connection's own task goes on when the socket can take more.

use std::{collections::VecDeque, mem};

use schemas::CloseCode;

use super::buffers;
use crate::session::ToClient;

/// What may wait for a client that does not read, in bytes: a second of the largest byte rate. Beyond it the client is too slow.
pub(crate) const OUTBOX_BYTES: usize = 256 * 1024;

/// Whose frames a connection accepts: the first half of the room's id. A frame that is on its way while its room ends
/// does not fall into the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RoomKey(u64);

impl RoomKey {
    /// The key of a room.
    pub(crate) fn of(room: &schemas::RoomId) -> Self {
        let bytes = room.as_bytes();
        Self(u64::from_ne_bytes([
            bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7],
        ]))
    }
}

/// What waits for a socket.
#[derive(Default)]
pub(super) struct Outbox {
    /// WebSocket frames, complete but for a first one that the socket has taken in part.
    bytes: Vec<u8>,
    /// Control messages to be signed by the connection's task, each with the bytes that follow it.
    unsigned: Option<Box<VecDeque<(ToClient, Vec<u8>)>>>,
    writer: Writer,
    room: Option<RoomKey>,
    closing: Option<CloseCode>,
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
    /// The caller is to write: [`Outbox::start`].
    Write,
    /// Not accepted: another room's, or the connection is closing.
    Refused,
    /// The client is too slow: the caller is to close the connection.
    TooSlow,
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

    /// Appends a control message that has yet to be signed.
    pub(super) fn push_unsigned(&mut self, message: ToClient) {
        if self.closing.is_none() {
            self.unsigned.get_or_insert_default().push_back((message, Vec::new()));
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Push {
        if self.len() + bytes.len() > OUTBOX_BYTES {
            return Push::TooSlow;
        }
        if let Some((_, after)) = self.unsigned.as_mut().and_then(|unsigned| unsigned.back_mut()) {
            after.extend_from_slice(bytes);
            return Push::Waits;
        }
        if self.bytes.capacity() == 0 {
            self.bytes = buffers::spare();
        }
        self.bytes.extend_from_slice(bytes);
        if self.writer == Writer::Free { Push::Write } else { Push::Waits }
    }

    fn len(&self) -> usize {
        let after = self
            .unsigned
            .iter()
            .flat_map(|unsigned| unsigned.iter())
            .map(|(_, after)| after.len())
            .sum::<usize>();
        self.bytes.len() + after
    }

    /// Takes the turn to write without anything having to wait: the caller writes its own bytes.
    pub(super) fn start_directly(&mut self) -> bool {
        let free = self.writer == Writer::Free && self.bytes.is_empty() && self.unsigned.is_none();
        if free {
            self.writer = Writer::Busy;
        }
        free
    }

    /// Takes the turn to write what waits; `None` if nothing does, or it is somebody else's turn.
    pub(super) fn start(&mut self) -> Option<Vec<u8>> {
        if self.writer != Writer::Free || self.bytes.is_empty() {
            return None;
        }
        self.writer = Writer::Busy;
        Some(mem::take(&mut self.bytes))
    }

    /// Takes the turn to write even if no bytes wait: for a layer that keeps some of its own.
    pub(super) fn take_turn(&mut self) -> Option<Vec<u8>> {
        if self.writer != Writer::Free {
            return None;
        }
        self.writer = Writer::Busy;
        Some(mem::take(&mut self.bytes))
    }

    /// Whether no bytes wait that could be written now.
    pub(super) fn is_idle(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Hands the turn back. `rest` is what the socket did not take; then nobody writes until [`Outbox::unblock`].
    pub(super) fn finish(&mut self, rest: &[u8]) -> Written {
        if rest.is_empty() {
            self.writer = Writer::Free;
            return if self.bytes.is_empty() { Written::All } else { Written::MoreCame };
        }
        let mut bytes = buffers::spare();
        bytes.extend_from_slice(rest);
        bytes.extend_from_slice(&self.bytes);
        buffers::give_back(mem::replace(&mut self.bytes, bytes));
        self.writer = Writer::Blocked;
        Written::Blocked
    }

    /// The socket has more to take of what the caller keeps itself (sealed records): nobody writes until [`Outbox::unblock`].
    pub(super) fn block(&mut self) {
        self.writer = Writer::Blocked;
    }

    /// The socket can take more.
    pub(super) fn unblock(&mut self) {
        if self.writer == Writer::Blocked {
            self.writer = Writer::Free;
        }
    }

    /// Whether the socket has to become writable first.
    pub(super) fn is_blocked(&self) -> bool {
        self.writer == Writer::Blocked
    }

    /// Whether everything has been handed to the socket.
    pub(super) fn is_done(&self) -> bool {
        self.writer == Writer::Free && self.bytes.is_empty() && self.unsigned.is_none()
    }

    /// The oldest control message to be signed. It stays, so that what comes now goes behind it.
    pub(super) fn next_unsigned(&self) -> Option<ToClient> {
        self.unsigned.as_ref()?.front().map(|(message, _)| message.clone())
    }

    /// Replaces the oldest unsigned message by its bytes.
    pub(super) fn signed(&mut self, frame: &[u8]) {
        let Some(unsigned) = &mut self.unsigned else { return };
        let Some((_, after)) = unsigned.pop_front() else { return };
        if unsigned.is_empty() {
            self.unsigned = None;
        }
        if self.bytes.capacity() == 0 {
            self.bytes = buffers::spare();
        }
        self.bytes.extend_from_slice(frame);
        self.bytes.extend_from_slice(&after);
    }

    /// From now on frames of this room are accepted, or none.
    pub(super) fn set_room(&mut self, room: Option<RoomKey>) {
        self.room = room;
    }

    /// Says goodbye: nothing follows. Returns whether it is the first goodbye.
    pub(super) fn close(&mut self, code: CloseCode, frame: &[u8]) -> bool {
        if self.closing.is_some() {
            return false;
        }
        self.closing = Some(code);
        self.room = None;
        match self.unsigned.as_mut().and_then(|unsigned| unsigned.back_mut()) {
            Some((_, after)) => after.extend_from_slice(frame),
            None => self.bytes.extend_from_slice(frame),
        }
        true
    }

    /// Why the connection is closing, if it is.
    pub(super) fn closing(&self) -> Option<CloseCode> {
        self.closing
    }
}

/// How a turn of writing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// Nothing waits.
    All,
    /// More came meanwhile: write on.
    MoreCame,
    /// The socket is full.
    Blocked,
}

impl Drop for Outbox {
    fn drop(&mut self) {
        buffers::give_back(mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::RoomId;

    const ROOM: RoomKey = RoomKey(1);

    #[test]
    fn one_writes_and_the_others_append() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.push(b"one "), Push::Write);
        assert_eq!(outbox.start().unwrap(), b"one ");
        assert_eq!(outbox.push(b"two "), Push::Waits);
        assert_eq!(outbox.start(), None);
        assert_eq!(outbox.finish(b""), Written::MoreCame);
        assert_eq!(outbox.start().unwrap(), b"two ");
        assert_eq!(outbox.finish(b""), Written::All);
        assert!(outbox.is_done());
    }

    #[test]
    fn what_a_full_socket_left_goes_first_when_it_can_take_more() {
        let mut outbox = Outbox::default();
        assert!(outbox.start_directly());
        assert!(!outbox.start_directly());
        assert_eq!(outbox.push(b"later"), Push::Waits);
        assert_eq!(outbox.finish(b"rest "), Written::Blocked);
        assert_eq!(outbox.start(), None);
        assert!(outbox.is_blocked());
        outbox.unblock();
        assert_eq!(outbox.start().unwrap(), b"rest later");
    }

    #[test]
    fn only_frames_of_the_own_room_come_in() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.push_frames(ROOM, b"x"), Push::Refused);
        outbox.set_room(Some(ROOM));
        assert_eq!(outbox.push_frames(ROOM, b"x"), Push::Write);
        outbox.set_room(Some(RoomKey::of(&RoomId::from_bytes([9; 16]))));
        assert_eq!(outbox.push_frames(ROOM, b"x"), Push::Refused);
    }

    #[test]
    fn bytes_wait_behind_an_unsigned_message() {
        let mut outbox = Outbox::default();
        outbox.set_room(Some(ROOM));
        outbox.push(b"first ");
        outbox.push_unsigned(ToClient::Waiting);
        assert_eq!(outbox.push_frames(ROOM, b"frame "), Push::Waits);
        assert_eq!(outbox.start().unwrap(), b"first ");
        outbox.finish(b"");
        assert!(!outbox.is_done() && !outbox.start_directly());
        assert_eq!(outbox.next_unsigned(), Some(ToClient::Waiting));
        outbox.signed(b"message ");
        assert_eq!(outbox.next_unsigned(), None);
        assert_eq!(outbox.start().unwrap(), b"message frame ");
    }

    #[test]
    fn whoever_does_not_read_is_too_slow_at_the_limit() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.push(&vec![0; OUTBOX_BYTES]), Push::Write);
        assert_eq!(outbox.push(b"x"), Push::TooSlow);
    }

    #[test]
    fn nothing_follows_a_goodbye() {
        let mut outbox = Outbox::default();
        outbox.set_room(Some(ROOM));
        outbox.push_unsigned(ToClient::Waiting);
        assert!(outbox.close(CloseCode::Replaced, b"bye"));
        assert!(!outbox.close(CloseCode::Normal, b"again"));
        assert_eq!((outbox.push(b"x"), outbox.push_frames(ROOM, b"x")), (Push::Refused, Push::Refused));
        outbox.push_unsigned(ToClient::Waiting);
        outbox.signed(b"message ");
        assert_eq!(outbox.start().unwrap(), b"message bye");
        assert_eq!(outbox.closing(), Some(CloseCode::Replaced));
    }
}
