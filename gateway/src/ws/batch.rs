//! The chat frames of one read on their way to the other side: one write, or one message on the
//! bus.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bus::{FrameRoute, PublishError};
use bytes::Bytes;
use schemas::{RoomId, frame};
use tokio::time::timeout;

use super::{
    buffers,
    connection::{Connection, Delivered, Target},
    host::Host,
};

/// Reading pauses at most this long for a bus that is full; then the frames are dropped.
const BUS_WAIT: Duration = Duration::from_secs(1);

/// Frames go in one message up to this many bytes; a larger frame goes alone. With its protocol
/// line it then fits into the 64 KiB that async-nats reads at once, which is else moved to a larger
/// place.
pub(super) const TOGETHER_BYTES: usize = 60 * 1024;

/// Collects the frames of one read. The target is looked up once for all of them.
pub(crate) struct Batch {
    target: Option<Target>,
    bytes: Vec<u8>,
    frames: u32,
    /// Frames that have been sent, or dropped.
    sent: u32,
    unsent: Unsent,
}

impl Batch {
    /// Begins behind what has not been sent yet.
    pub(crate) fn behind(unsent: Option<Box<Unsent>>) -> Self {
        let unsent = unsent.map(|unsent| *unsent).unwrap_or_default();
        Self { target: None, bytes: buffers::relay(), frames: 0, sent: 0, unsent }
    }

    /// Takes a frame.
    #[inline]
    pub(crate) fn put(&mut self, host: &impl Host, connection: &Connection, payload: &[u8]) {
        if self.frames > 0 && self.bytes.len() + frame::LENGTH_BYTES + payload.len() > TOGETHER_BYTES {
            self.send(host);
        }
        match self.target.get_or_insert_with(|| connection.target()) {
            Target::Nowhere => {}
            Target::Local { .. } => websocket::put_binary(&mut self.bytes, payload),
            Target::Remote(remote) => {
                if self.bytes.is_empty() {
                    frame::put_header(&mut self.bytes, remote.side, remote.stamp);
                }
                frame::put_frame(&mut self.bytes, payload);
            }
        }
        self.frames += 1;
    }

    /// Sends what has been collected. The next frame looks the target up again.
    pub(crate) fn send(&mut self, host: &impl Host) {
        let Some(target) = self.target.take() else { return };
        let frames = std::mem::take(&mut self.frames);
        self.sent += frames;
        match target {
            Target::Nowhere => host.metrics().relayed(frames, false),
            Target::Local { peer, room } => {
                let delivered = peer.upgrade().map_or(Delivered::No, |peer| peer.deliver(room, &self.bytes));
                host.metrics().relayed(frames, delivered != Delivered::No);
            }
            Target::Remote(remote) => {
                let part =
                    Part { room: remote.route.room, frames, payload: Bytes::copy_from_slice(&self.bytes) };
                let publish = |payload| host.bus().publish_frames(&remote.route, payload);
                let sent = self.unsent.send_or_keep(part, publish);
                host.metrics().relayed(sent.relayed, true);
                host.metrics().relayed(sent.dropped, false);
            }
        }
        self.bytes.fill(0);
        self.bytes.clear();
    }

    /// Sends the last of it. Returns how many frames there were, and what the bus has no room for
    /// now.
    pub(crate) fn finish(mut self, host: &impl Host) -> (u32, Option<Box<Unsent>>) {
        self.send(host);
        let unsent = std::mem::take(&mut self.unsent);
        (self.sent, (!unsent.parts.is_empty()).then(|| Box::new(unsent)))
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        buffers::give_back_relay(std::mem::take(&mut self.bytes));
    }
}

/// Frames that the bus has no room for now, in order: at most what two reads have brought.
#[derive(Debug, Default)]
pub(crate) struct Unsent {
    parts: VecDeque<Part>,
}

/// One message on the bus.
#[derive(Debug)]
struct Part {
    room: RoomId,
    payload: Bytes,
    frames: u32,
}

/// What became of frames: how many went their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sent {
    relayed: u32,
    dropped: u32,
}

impl Sent {
    fn of(frames: u32, result: Result<(), PublishError>) -> Self {
        match result {
            Ok(()) => Self { relayed: frames, dropped: 0 },
            Err(_) => Self { relayed: 0, dropped: frames },
        }
    }
}

impl Unsent {
    /// Publishes a message, unless earlier ones wait: none may overtake them.
    fn send_or_keep(&mut self, part: Part, publish: impl FnOnce(Bytes) -> Result<(), PublishError>) -> Sent {
        if self.parts.is_empty() {
            let result = publish(part.payload.clone());
            if result != Err(PublishError::Full) {
                return Sent::of(part.frames, result);
            }
        }
        self.parts.push_back(part);
        Sent::default()
    }

    /// Publishes the first of what waits, unless the bus is full again. What belongs to a room that
    /// the sender has left is dropped.
    fn send_first(
        &mut self,
        target: &Target,
        publish: impl FnOnce(&FrameRoute, Bytes) -> Result<(), PublishError>,
    ) -> Sent {
        let Some(part) = self.parts.pop_front() else { return Sent::default() };
        let result = match target {
            Target::Remote(remote) if remote.route.room == part.room => {
                publish(&remote.route, part.payload.clone())
            }
            _ => Err(PublishError::Down),
        };
        if result == Err(PublishError::Full) {
            self.parts.push_front(part);
            return Sent::default();
        }
        Sent::of(part.frames, result)
    }

    fn frames(&self) -> u32 {
        self.parts.iter().map(|part| part.frames).sum()
    }
}

/// Sends what the bus had no room for as soon as it has, and drops what is left after a while.
pub(super) async fn send_later(host: Arc<impl Host>, connection: Arc<Connection>, mut unsent: Box<Unsent>) {
    let sending = async {
        while let Some(first) = unsent.parts.front() {
            let permit = host.bus().reserve_frames(first.payload.len()).await;
            let sent = unsent.send_first(&connection.target(), |route, payload| {
                host.bus().publish_frames_with(permit, route, payload)
            });
            host.metrics().relayed(sent.relayed, true);
            host.metrics().relayed(sent.dropped, false);
        }
    };
    // Too late: the ends send again.
    let _ = timeout(BUS_WAIT, sending).await;
    host.metrics().relayed(unsent.frames(), false);
}

#[cfg(test)]
mod tests;
