//! The half of a connection that others may touch: whoever has a frame for the client writes it to its socket directly.

use std::{
    io,
    sync::{
        Weak,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use bus::FrameRoute;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use schemas::{CloseCode, RoomId, Side, Stamp, control::ServerMessage};
use tokio::net::tcp::OwnedWriteHalf;

use super::{
    buffers, codec,
    outbox::{Outbox, Push, RoomKey, Written},
    tls::Tls,
};
use crate::session::{ConnId, ToClient};

/// A WebSocket connection as its peers, the sessions and the keep-alive see it.
pub(crate) struct Connection {
    id: ConnId,
    socket: OwnedWriteHalf,
    tls: Option<Box<Mutex<Tls>>>,
    out: Mutex<Outbox>,
    target: Mutex<Target>,
    /// Wakes the connection's own task.
    owner: AtomicWaker,
    /// The keep-alive's tick at which something was last heard.
    heard: AtomicU32,
}

/// Where the frames of a connection go.
#[derive(Clone, Default)]
pub(crate) enum Target {
    /// Nowhere: outside a room, or while the peer is away.
    #[default]
    Nowhere,
    /// To a connection of this process.
    Local { peer: Weak<Connection>, room: RoomKey },
    /// Over the bus.
    Remote { route: FrameRoute, room: RoomId, side: Side, stamp: Stamp },
}

/// What became of frames for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// They are in its outbox, or in its socket.
    Yes,
    /// It is in another room by now, or gone.
    No,
}

impl Connection {
    pub(super) fn new(id: ConnId, socket: OwnedWriteHalf, tls: Option<Tls>, tick: u32) -> Self {
        Self {
            id,
            socket,
            tls: tls.map(|tls| Box::new(Mutex::new(tls))),
            out: Mutex::default(),
            target: Mutex::default(),
            owner: AtomicWaker::new(),
            heard: AtomicU32::new(tick),
        }
    }

    /// Its name in this process.
    pub(crate) fn id(&self) -> ConnId {
        self.id
    }

    /// Hands frames of a room to the client: already WebSocket frames, as many as there are. Never waits.
    pub(crate) fn deliver(&self, room: RoomKey, frames: &[u8]) -> Delivered {
        let mut out = self.out.lock();
        if !out.accepts(room) {
            return Delivered::No;
        }
        if self.tls.is_none() && out.start_directly() {
            drop(out);
            self.write_directly(frames);
            return Delivered::Yes;
        }
        let push = out.push_frames(room, frames);
        drop(out);
        self.pushed(push)
    }

    /// Puts frames of a room into the outbox without writing them: for the bus, which brings many at once. [`Self::flush`] follows.
    pub(crate) fn append(&self, room: RoomKey, frames: &[u8]) -> Delivered {
        match self.out.lock().push_frames(room, frames) {
            Push::Refused => Delivered::No,
            Push::TooSlow => self.pushed(Push::TooSlow),
            Push::Waits | Push::Write => Delivered::Yes,
        }
    }

    /// Sends a control message.
    pub(crate) fn send(&self, message: &ServerMessage) {
        let mut frame = buffers::spare();
        codec::put_text(&mut frame, &message.json());
        self.push(&frame);
        buffers::give_back(frame);
    }

    /// Queues a control message that the connection's own task is to sign.
    pub(crate) fn send_unsigned(&self, message: ToClient) {
        self.out.lock().push_unsigned(message);
        self.owner.wake();
    }

    /// Sends a WebSocket frame of the server.
    pub(super) fn push(&self, frame: &[u8]) {
        let push = self.out.lock().push(frame);
        self.pushed(push);
    }

    fn pushed(&self, push: Push) -> Delivered {
        match push {
            Push::Waits => {}
            Push::Write => self.flush(),
            Push::Refused => return Delivered::No,
            Push::TooSlow => {
                self.close(CloseCode::SlowConsumer);
                return Delivered::No;
            }
        }
        Delivered::Yes
    }

    /// Sends a close frame; nothing follows it.
    pub(crate) fn close(&self, code: CloseCode) {
        let mut frame = Vec::with_capacity(64);
        codec::put_close(&mut frame, code.code(), code.reason());
        self.close_with(code, &frame);
    }

    /// Answers the client's close frame.
    pub(super) fn close_reply(&self, received: Option<u16>) {
        let mut frame = Vec::with_capacity(8);
        codec::put_close_reply(&mut frame, received);
        self.close_with(CloseCode::Normal, &frame);
    }

    fn close_with(&self, code: CloseCode, frame: &[u8]) {
        if self.out.lock().close(code, frame) {
            *self.target.lock() = Target::Nowhere;
            self.flush();
            self.owner.wake();
        }
    }

    /// Why it is closing, if it is.
    pub(crate) fn closing(&self) -> Option<CloseCode> {
        self.out.lock().closing()
    }

    /// Where its frames go.
    pub(super) fn target(&self) -> Target {
        self.target.lock().clone()
    }

    /// Sets where its frames go, and whose it accepts. Returns where they went.
    pub(crate) fn set_target(&self, target: Target) -> Target {
        let room = match &target {
            Target::Nowhere => None,
            Target::Local { room, .. } => Some(*room),
            Target::Remote { room, .. } => Some(RoomKey::of(room)),
        };
        let before = std::mem::replace(&mut *self.target.lock(), target);
        self.out.lock().set_room(room);
        before
    }

    /// Notes that the client lives. `tick` is the keep-alive's.
    pub(super) fn hear(&self, tick: u32) {
        if self.heard.load(Relaxed) != tick {
            self.heard.store(tick, Relaxed);
        }
    }

    /// The keep-alive's tick at which something was last heard.
    pub(super) fn heard(&self) -> u32 {
        self.heard.load(Relaxed)
    }

    /// Writes what waits, as far as the socket takes it. The lock is not held meanwhile.
    pub(crate) fn flush(&self) {
        if let Some(tls) = &self.tls {
            return self.flush_sealed(tls);
        }
        loop {
            let Some(bytes) = self.out.lock().start() else { return };
            let taken = self.write(&bytes);
            let written = self.out.lock().finish(&bytes[taken..]);
            buffers::give_back(bytes);
            if !self.goes_on(written) {
                return;
            }
        }
    }

    fn write_directly(&self, bytes: &[u8]) {
        let taken = self.write(bytes);
        let written = self.out.lock().finish(&bytes[taken..]);
        if self.goes_on(written) {
            self.flush();
        }
    }

    fn goes_on(&self, written: Written) -> bool {
        if written == Written::Blocked {
            self.owner.wake();
        }
        written == Written::MoreCame
    }

    /// The same with a TLS layer: what the socket does not take of the sealed records waits there.
    fn flush_sealed(&self, tls: &Mutex<Tls>) {
        loop {
            let sealed = {
                let mut out = self.out.lock();
                let mut tls = tls.lock();
                if out.is_idle() && tls.waiting() == 0 {
                    return;
                }
                let Some(bytes) = out.take_turn() else { return };
                let fault = tls.seal(&bytes).is_err();
                buffers::give_back(bytes);
                if fault {
                    out.finish(b"");
                    return; // the reading half hears of it
                }
                tls.take_sealed()
            };
            let taken = self.write(&sealed);
            let written = if taken == sealed.len() {
                self.out.lock().finish(b"")
            } else {
                tls.lock().put_back(sealed[taken..].to_vec());
                self.out.lock().block();
                Written::Blocked
            };
            if !self.goes_on(written) {
                return;
            }
        }
    }

    /// Writes until the socket is full. A broken socket takes everything: its reading half will hear of it.
    fn write(&self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while taken < bytes.len() {
            match self.socket.try_write(&bytes[taken..]) {
                Ok(count) => taken += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return bytes.len(),
            }
        }
        taken
    }

    /// Opens sealed bytes; see [`Tls::open`]. A plain connection has none.
    pub(super) fn open(&self, sealed: &[u8], plain: &mut [u8]) -> io::Result<(usize, usize)> {
        let Some(tls) = &self.tls else { return Ok((0, 0)) };
        let mut tls = tls.lock();
        let opened = tls.open(sealed, plain)?;
        let answers = tls.waiting() > 0;
        drop(tls);
        if answers {
            self.flush();
        }
        Ok(opened)
    }

    /// Whether the connection has a TLS layer.
    pub(super) fn is_sealed(&self) -> bool {
        self.tls.is_some()
    }

    /// Goes on writing when the socket can take more. For the connection's own task, which is woken for whatever comes next.
    pub(super) fn poll_writing(&self, cx: &mut Context<'_>) {
        self.owner.register(cx.waker());
        while self.out.lock().is_blocked() {
            match self.socket.as_ref().poll_write_ready(cx) {
                Poll::Pending => return,
                Poll::Ready(_) => self.out.lock().unblock(),
            }
            self.flush();
        }
    }

    /// Signs and sends the control messages that wait for it. For the connection's own task.
    pub(super) fn sign_all(&self, mut sign: impl FnMut(ToClient) -> ServerMessage) {
        loop {
            let Some(message) = self.out.lock().next_unsigned() else { return };
            let mut frame = buffers::spare();
            codec::put_text(&mut frame, &sign(message).json());
            self.out.lock().signed(&frame);
            buffers::give_back(frame);
            self.flush();
        }
    }

    /// Whether the socket has taken everything.
    pub(super) fn is_flushed(&self) -> bool {
        self.out.lock().is_done()
    }

    /// Ends the TLS layer and the sending half of the socket: after this the client reads the end.
    pub(super) fn shut_down(&self) {
        if let Some(tls) = &self.tls {
            let _ = tls.lock().say_goodbye(); // a client that is gone needs none
            self.flush_sealed(tls);
        }
        let _ = socket2::SockRef::from(self.socket.as_ref()).shutdown(std::net::Shutdown::Write);
    }
}
