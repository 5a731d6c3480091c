//! The half of a connection that others may touch: whoever has a frame for the client writes it to
//! its socket directly.

mod writing;

use std::{
    sync::{
        Weak,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use bus::FrameRoute;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use records::Records;
use schemas::{
    CloseCode, SessionId, Side, Stamp, UnixMillis,
    control::{ControlError, ServerMessage},
};
use session::{ConnId, Traffic, Unsigned};
use tokio::net::TcpStream;

use super::{
    buffers,
    last_heard::LastHeard,
    outbox::{Outbox, Push, RoomKey},
    socket::Reader,
    traffic::TrafficCounter,
};
use crate::origin_keys::ClientNetwork;

/// A WebSocket connection as its peers, the sessions and the keep-alive see it.
pub(crate) struct Connection {
    id: ConnId,
    session: SessionId,
    network: ClientNetwork,
    socket: TcpStream,
    tls: Option<Box<Records>>,
    out: Mutex<Outbox>,
    target: Mutex<Target>,
    /// Wakes the connection's own task.
    owner: AtomicWaker,
    heard: LastHeard,
    traffic: TrafficCounter,
    /// When the client asked to be matched, or to come back into a room, as [`low_millis`]; 0 if it
    /// has not. Of four bytes, for which there is room beside what is counted.
    waiting_since: AtomicU32,
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
    Remote(Remote),
}

/// The way to a peer on another gateway.
#[derive(Clone)]
pub(crate) struct Remote {
    pub(crate) route: FrameRoute,
    pub(crate) side: Side,
    pub(crate) stamp: Stamp,
}

/// Since when a client has been waiting, if it has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitingSince(u32);

/// What became of frames for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// They are in its outbox, or in its socket.
    Yes,
    /// The same, and they are the first there: [`Connection::flush`] is to follow.
    First,
    /// It is in another room by now, or gone.
    No,
}

impl Connection {
    pub(super) fn new(
        id: ConnId,
        session: SessionId,
        network: ClientNetwork,
        socket: TcpStream,
        tls: Option<Box<Records>>,
        tick: u32,
    ) -> Self {
        Self {
            id,
            session,
            network,
            socket,
            tls,
            out: Mutex::default(),
            target: Mutex::default(),
            owner: AtomicWaker::new(),
            heard: LastHeard::new(tick),
            traffic: TrafficCounter::default(),
            waiting_since: AtomicU32::default(),
        }
    }

    /// Its name in this process.
    pub(crate) fn id(&self) -> ConnId {
        self.id
    }

    /// The session in whose name it was opened.
    pub(crate) fn session(&self) -> SessionId {
        self.session
    }

    /// Where the client comes from.
    pub(crate) fn network(&self) -> ClientNetwork {
        self.network
    }

    /// Hands frames of a room to the client: already WebSocket frames, as many as there are. Never
    /// waits.
    pub(crate) fn deliver(&self, room: RoomKey, frames: &[u8]) -> Delivered {
        let mut out = self.out.lock();
        if out.accepts(room) && out.start_directly() {
            drop(out);
            self.traffic.received();
            self.write_directly(frames);
            return Delivered::Yes;
        }
        drop(out);
        let delivered = self.append(room, frames);
        if delivered == Delivered::First {
            self.flush();
        }
        delivered
    }

    /// Puts frames of a room into the outbox without writing them: for the bus, which brings many
    /// at once.
    pub(crate) fn append(&self, room: RoomKey, frames: &[u8]) -> Delivered {
        let mut push = self.out.lock().push_frames(room, frames);
        if push == Push::TooSlow {
            // Only a client whose socket is full is slow: what came in one turn may be more than
            // the outbox holds.
            self.flush();
            push = self.out.lock().push_frames(room, frames);
        }
        if matches!(push, Push::First | Push::Waits) {
            self.traffic.received();
        }
        self.pushed(push)
    }

    /// A read has brought so many frames of the client.
    pub(super) fn note_sent(&self, frames: u32) {
        self.traffic.sent(frames);
    }

    /// What has passed since its chat began.
    pub(crate) fn traffic(&self) -> Traffic {
        self.traffic.read()
    }

    /// How many bytes wait for its socket.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.out.lock().len()
    }

    /// A chat begins.
    pub(crate) fn start_chat(&self) {
        self.traffic.reset();
    }

    /// The client asks to be matched, or to come back into a room. Returns since when it waited
    /// before.
    pub(crate) fn start_waiting(&self, now: UnixMillis) -> WaitingSince {
        WaitingSince(self.waiting_since.swap(low_millis(now).max(1), Relaxed))
    }

    /// What it asked for was refused: it waits for what it asked before, if anything.
    pub(crate) fn go_on_waiting(&self, since: WaitingSince) {
        self.waiting_since.store(since.0, Relaxed);
    }

    /// It has what it asked for: for how long it has been waiting, if it asked on this connection.
    pub(crate) fn stop_waiting(&self, now: UnixMillis) -> Option<Duration> {
        let since = self.waiting_since.swap(0, Relaxed);
        (since > 0).then(|| Duration::from_millis(low_millis(now).wrapping_sub(since).into()))
    }

    /// Sends a control message. The connection's own task writes it: this is called under locks.
    pub(crate) fn send(&self, message: &ServerMessage) {
        let mut frame = buffers::spare();
        websocket::put_text(&mut frame, &message.json());
        let push = self.out.lock().push(&frame);
        buffers::give_back(frame);
        if self.pushed(push) == Delivered::First {
            self.owner.wake();
        }
    }

    /// Tells the client that what it asked for is refused, or came to nothing.
    pub(crate) fn send_error(&self, error: ControlError) {
        self.send(&ServerMessage::Error { code: error.code, message: error.message });
    }

    /// Queues a control message that the connection's own task is to sign. One that opens a room
    /// waits for [`Connection::release`].
    pub(crate) fn send_unsigned(&self, message: Unsigned) {
        let push = self.out.lock().push_unsigned(message);
        self.pushed(push);
        self.owner.wake();
    }

    /// What was queued to open a room may leave.
    pub(crate) fn release(&self) {
        self.out.lock().release();
        self.owner.wake();
    }

    /// Queues a frame of the server. For the connection's own task, which looks after the outbox
    /// after each read.
    pub(super) fn reply(&self, frame: &[u8]) {
        let push = self.out.lock().push(frame);
        self.pushed(push);
    }

    /// Sends a ping.
    pub(super) fn ping(&self) {
        let mut ping = buffers::spare();
        websocket::put_ping(&mut ping, b"");
        let push = self.out.lock().push(&ping);
        buffers::give_back(ping);
        if self.pushed(push) == Delivered::First {
            self.flush();
        }
    }

    fn pushed(&self, push: Push) -> Delivered {
        match push {
            Push::Waits => Delivered::Yes,
            Push::First => Delivered::First,
            Push::Refused => Delivered::No,
            Push::TooSlow => {
                self.close(CloseCode::SlowConsumer);
                Delivered::No
            }
        }
    }

    /// Sends a close frame; nothing follows it. The connection's own task writes it.
    pub(crate) fn close(&self, code: CloseCode) {
        let mut frame = Vec::with_capacity(64);
        websocket::put_close(&mut frame, code.code(), code.reason());
        self.close_with(code, &frame);
    }

    /// Answers the client's close frame.
    pub(super) fn close_reply(&self, received: Option<u16>) {
        let mut frame = Vec::with_capacity(8);
        websocket::put_close_reply(&mut frame, received);
        self.close_with(CloseCode::Normal, &frame);
    }

    fn close_with(&self, code: CloseCode, frame: &[u8]) {
        if self.out.lock().close(code, frame) {
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
            Target::Remote(remote) => Some(RoomKey::of(&remote.route.room)),
        };
        let before = std::mem::replace(&mut *self.target.lock(), target);
        self.out.lock().set_room(room);
        before
    }

    /// When something last came from the client.
    pub(super) fn heard(&self) -> &LastHeard {
        &self.heard
    }

    /// Reads its socket. For the connection's own task.
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader(&self.socket)
    }

    /// Its TLS layer, if it has one.
    pub(super) fn tls(&self) -> Option<&Records> {
        self.tls.as_deref()
    }
}

/// The lower half of a time. It comes again after seven weeks; no session lasts so long.
const fn low_millis(time: UnixMillis) -> u32 {
    let [.., a, b, c, d] = time.0.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}
