//! How what waits in the outbox reaches the socket, and how the connection ends.

use std::{
    io,
    task::{Context, Poll, ready},
    time::Duration,
};

use records::SharedSealer;
use schemas::{CloseCode, control::ServerMessage};
use session::Unsigned;

use super::{
    super::{
        buffers,
        outbox::{OutboxTask, Socket, WriteTurn, Written},
    },
    Connection,
};

impl Connection {
    /// Writes what waits, as far as the socket takes it. No lock of the outbox is held meanwhile.
    pub(crate) fn flush(&self) {
        loop {
            // Asked first: what the other half leaves there later it writes itself, or whoever has
            // the turn finds it.
            let sealed = self.has_sealed();
            let turn = if sealed { self.out.lock().start_anyway() } else { self.out.lock().start() };
            let Some(mut turn) = turn else { return };
            let (sent, socket) = self.write(&turn.bytes[turn.sent..]);
            turn.sent += sent;
            if !self.finish(turn, socket) {
                return;
            }
        }
    }

    pub(super) fn write_directly(&self, frames: &[u8]) {
        let (sent, socket) = self.write(frames);
        let mut rest = Vec::new();
        if sent < frames.len() {
            rest = buffers::spare();
            rest.extend_from_slice(&frames[sent..]);
        }
        if self.finish(WriteTurn { bytes: rest, sent: 0 }, socket) {
            self.flush();
        }
    }

    /// Ends a turn; whether there is more to write.
    fn finish(&self, turn: WriteTurn, socket: Socket) -> bool {
        let written = self.out.lock().finish(turn, socket);
        match written {
            Written::All => return self.has_sealed(),
            Written::MoreCame => return true,
            Written::Blocked | Written::Closed => self.owner.wake(),
        }
        written == Written::Closed && self.has_sealed()
    }

    fn has_sealed(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.sealer.waits())
    }

    /// Writes until the socket is full. Returns how many of these bytes need not be given again.
    fn write(&self, bytes: &[u8]) -> (usize, Socket) {
        if let Some(tls) = &self.tls {
            return self.write_sealed(&tls.sealer, bytes);
        }
        let sent = self.write_socket(bytes);
        (sent, if sent == bytes.len() { Socket::Open } else { Socket::Full })
    }

    /// The same with a TLS layer. A little is sealed at a time: sealed bytes cannot be taken back,
    /// and wait beyond the outbox's limit.
    fn write_sealed(&self, sealer: &SharedSealer, bytes: &[u8]) -> (usize, Socket) {
        let mut sent = 0;
        loop {
            let (taken, sealed) = sealer.seal(&bytes[sent..]);
            sent += taken;
            let written = self.write_socket(&sealed);
            if written < sealed.len() {
                sealer.put_back(sealed, written);
                return (sent, Socket::Full);
            }
            if sent == bytes.len() && !sealer.waits() {
                return (sent, Socket::Open);
            }
        }
    }

    /// A broken socket takes everything: its reading half will hear of it.
    fn write_socket(&self, bytes: &[u8]) -> usize {
        // Mostly it has room. Tokio, which is asked only if it has not, would first look up what it
        // last heard of that: memory that was long not used, where there are many connections.
        let socket = socket2::SockRef::from(&self.socket);
        let mut taken = if bytes.is_empty() { 0 } else { socket.send(bytes).unwrap_or(0) };
        while taken < bytes.len() {
            match self.socket.try_write(&bytes[taken..]) {
                Ok(count) if count > 0 => taken += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Ok(_) | Err(_) => return bytes.len(),
            }
        }
        taken
    }

    /// Signs, writes, and waits for the socket to take more, as far as there is something to do.
    /// For the connection's own task, which is woken for whatever comes next. Returns why the
    /// connection is closing, if it is.
    pub(in crate::ws) fn poll_tasks(
        &self,
        cx: &mut Context<'_>,
        mut sign: impl FnMut(Unsigned) -> ServerMessage,
    ) -> Option<CloseCode> {
        // First of all: whatever others queue from here on wakes the task.
        self.owner.register(cx.waker());
        loop {
            let (task, closing) = {
                let out = self.out.lock();
                (out.next_task(), out.closing())
            };
            match task {
                OutboxTask::None => return closing,
                OutboxTask::Sign(message) => {
                    let mut frame = buffers::spare();
                    websocket::put_text(&mut frame, &sign(message).json());
                    self.out.lock().signed(&frame);
                    buffers::give_back(frame);
                }
                OutboxTask::Write => self.flush(),
                OutboxTask::AwaitSocket => {
                    if self.poll_writable(cx).is_pending() {
                        return closing;
                    }
                    self.flush();
                }
            }
        }
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        // A fault counts as room: writing will meet it.
        let _ = ready!(self.socket.poll_write_ready(cx));
        self.out.lock().unblock();
        Poll::Ready(())
    }

    /// Whether the socket has taken everything.
    pub(in crate::ws) fn is_flushed(&self) -> bool {
        self.out.lock().is_done()
    }

    /// At the end: what a client has not read, and does not read, the kernel need not keep for it
    /// either. (It would for a minute or more.)
    pub(in crate::ws) fn forget_unread(&self) {
        if !self.is_flushed() {
            // Of a client that is gone already, an error.
            let _ = socket2::SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
        }
    }

    /// Ends the TLS layer and the sending half of the socket: after this the client reads the end.
    pub(in crate::ws) fn shut_down(&self) {
        if let Some(tls) = &self.tls {
            tls.sealer.close();
            self.flush();
        }
        // Of a client that is gone already, an error.
        let _ = socket2::SockRef::from(&self.socket).shutdown(std::net::Shutdown::Write);
    }
}
