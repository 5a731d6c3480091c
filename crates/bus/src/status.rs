//! Whether the bus works, and why it refuses something.

/// Whether the bus is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Connected. A local bus always is, until it is drained.
    Up,
    /// Not connected: what is published is dropped.
    Down,
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
