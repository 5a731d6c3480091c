//! The outbox for benchmarks.

use schemas::RoomId;

use super::outbox::{Outbox, Push, RoomKey, Socket, WriteTurn};

/// The outbox of a client in a room.
pub struct OpenOutbox {
    outbox: Outbox,
    room: RoomKey,
}

impl OpenOutbox {
    /// An empty one.
    pub fn new(room: RoomId) -> Self {
        let (mut outbox, room) = (Outbox::default(), RoomKey::of(&room));
        outbox.set_room(Some(room));
        Self { outbox, room }
    }

    /// Appends frames. Whether they were taken.
    pub fn push(&mut self, frames: &[u8]) -> bool {
        matches!(self.outbox.push_frames(self.room, frames), Push::First | Push::Waits)
    }

    /// Writes to a socket that takes so many bytes now, and is ready again afterwards. How many it
    /// took.
    pub fn write(&mut self, takes: usize) -> usize {
        let Some(mut turn) = self.outbox.start() else { return 0 };
        let taken = takes.min(turn.bytes.len() - turn.sent);
        turn.sent += taken;
        let socket = if turn.sent == turn.bytes.len() { Socket::Open } else { Socket::Full };
        self.outbox.finish(turn, socket);
        self.outbox.unblock();
        taken
    }

    /// Takes the turn to write and gives it back: what frames cost that go past an empty outbox
    /// into the socket.
    pub fn pass(&mut self) -> bool {
        let direct = self.outbox.accepts(self.room) && self.outbox.start_directly();
        if direct {
            self.outbox.finish(WriteTurn { bytes: Vec::new(), sent: 0 }, Socket::Open);
        }
        direct
    }
}
