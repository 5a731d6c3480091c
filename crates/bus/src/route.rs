//! Where frames go.

use std::fmt;

use schemas::{NodeId, RoomId};

/// Where the frames of one room go. Small, because each connection whose peer is on another gateway
/// has one. The subject is written again for each message; that costs a hundredth of sending the
/// message. Cheap to clone.
#[derive(Clone)]
pub struct FrameRoute {
    /// The room.
    pub room: RoomId,
    /// The gateway that holds the other side.
    pub to: NodeId,
}

/// Shows nothing: a room's id is known only to its two sides.
impl fmt::Debug for FrameRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FrameRoute(…)")
    }
}
