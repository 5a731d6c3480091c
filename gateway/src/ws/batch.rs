//! The chat frames of one read on their way to the other side: one write, or one message on the bus.

use bytes::Bytes;
use schemas::{frame, limits};

use super::{
    buffers, codec,
    connection::{Connection, Delivered, Target},
};
use crate::node::Node;

/// Collects the frames of one read. The target is looked up once.
pub(super) struct Batch {
    target: Option<Target>,
    bytes: Vec<u8>,
    frames: u32,
}

/// Frames that the bus has no room for now.
pub(super) struct Unsent {
    pub(super) route: bus::FrameRoute,
    pub(super) payload: Bytes,
    pub(super) frames: u32,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self { target: None, bytes: buffers::relay(), frames: 0 }
    }

    /// Takes a frame. Returns what has to be sent before it would fit.
    pub(super) fn put(&mut self, node: &Node, connection: &Connection, payload: &[u8]) -> Option<Unsent> {
        let unsent = if self.bytes.len() + frame::LENGTH_BYTES + payload.len() > limits::BUS_FRAMES_BYTES {
            self.send(node)
        } else {
            None
        };
        match self.target.get_or_insert_with(|| connection.target()) {
            Target::Nowhere => node.metrics().relayed(1, false),
            Target::Local { .. } => codec::put_binary(&mut self.bytes, payload),
            Target::Remote { side, stamp, .. } => {
                if self.bytes.is_empty() {
                    frame::put_header(&mut self.bytes, *side, *stamp);
                }
                frame::put_frame(&mut self.bytes, payload);
            }
        }
        self.frames += 1;
        unsent
    }

    /// Sends what has been collected. The next frame looks the target up again.
    pub(super) fn send(&mut self, node: &Node) -> Option<Unsent> {
        let frames = std::mem::take(&mut self.frames);
        let target = self.target.take()?;
        if self.bytes.is_empty() {
            return None;
        }
        let mut unsent = None;
        match target {
            Target::Nowhere => {}
            Target::Local { peer, room } => {
                let delivered = peer.upgrade().map_or(Delivered::No, |peer| peer.deliver(room, &self.bytes));
                node.metrics().relayed(frames, delivered == Delivered::Yes);
            }
            Target::Remote { route, .. } => {
                let payload = Bytes::copy_from_slice(&self.bytes);
                match node.bus().publish_frames(&route, payload.clone()) {
                    Ok(()) => node.metrics().relayed(frames, true),
                    Err(bus::PublishError::Full) => unsent = Some(Unsent { route, payload, frames }),
                    Err(_) => node.metrics().relayed(frames, false),
                }
            }
        }
        self.bytes.fill(0);
        self.bytes.clear();
        unsent
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        buffers::give_back_relay(std::mem::take(&mut self.bytes));
    }
}
