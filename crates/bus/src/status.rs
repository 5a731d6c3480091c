//! Whether the bus works, and why it refuses something.

/// Whether the bus is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Connected. A local bus always is, until it is drained.
    Up,
    /// Not connected: what is published is dropped.
    Down,
}

/// How full the bus is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queued {
    /// Bytes of all that waits for the server.
    pub bytes: usize,
    /// Bytes of frames among them.
    pub frame_bytes: usize,
}

/// Why a message was not published. The message is dropped, and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The bus is down, or has been drained.
    #[error("the bus is down")]
    Down,
    /// [`QUEUED_BYTES`](crate::QUEUED_BYTES) are waiting for the server, or
    /// [`QUEUED_FRAMES_BYTES`](crate::QUEUED_FRAMES_BYTES) of frames; see
    /// [`Bus::writable`](crate::Bus::writable) and
    /// [`Bus::reserve_frames`](crate::Bus::reserve_frames).
    #[error("too much is queued for the bus")]
    Full,
    /// Larger than a message may be.
    #[error("the message is larger than the bus allows")]
    TooLarge,
}

/// Why there is no subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// The bus has been drained.
    #[error("the bus has been drained")]
    Drained,
    /// The bus did not take the subscription in time.
    #[error("the bus is too busy to subscribe")]
    Busy,
}

/// Why a bus that is connected does not carry what it should. An operator has to change the
/// configuration of the NATS servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BusFault {
    /// Messages would be refused, and with each the connection would be lost.
    #[error("NATS takes messages of {allowed} bytes and {needed} are needed: raise max_payload")]
    MaxPayload {
        /// The server's `max_payload`.
        allowed: usize,
        /// [`NEEDED_PAYLOAD`](crate::NEEDED_PAYLOAD).
        needed: usize,
    },
    /// The server has refused the last question of what was missed, or its answers. So what this
    /// node knows may be too little, and nothing else would show that.
    #[error("NATS refuses this node's question of what it missed: check its permissions")]
    SyncRefused,
}
