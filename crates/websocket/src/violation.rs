use schemas::CloseCode;

/// How a client broke the rules of framing. The connection is beyond repair: send a close frame
/// with [`close_code`](Self::close_code) and read no further frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A client must mask every frame (RFC 6455, 5.1).
    #[error("frame is not masked")]
    Unmasked,
    /// A reserved bit is set though no extension was negotiated (5.2).
    #[error("reserved bit is set")]
    ReservedBit,
    /// An opcode that the RFC does not define (5.2).
    #[error("unknown opcode")]
    UnknownOpcode,
    /// A control frame without the FIN bit (5.5).
    #[error("control frame is fragmented")]
    FragmentedControl,
    /// A control frame of more than 125 bytes (5.5).
    #[error("control frame is longer than 125 bytes")]
    LongControl,
    /// A continuation frame while no message is in progress (5.4).
    #[error("continuation of nothing")]
    StrayContinuation,
    /// A text or binary frame inside a fragmented message (5.4).
    #[error("new message inside a fragmented one")]
    InterleavedMessage,
    /// A payload length that a shorter form could carry, or a 64-bit one with its top bit set
    /// (5.2).
    #[error("payload length is ill-formed")]
    IllFormedLength,
    /// A close payload of one byte: half a code (5.5.1).
    #[error("close payload is one byte")]
    HalfCloseCode,
    /// A close code that must not be on the wire (7.4).
    #[error("close code is not allowed")]
    BadCloseCode,
    /// A text message or close reason that is not UTF-8 (8.1).
    #[error("text is not UTF-8")]
    InvalidUtf8,
    /// A message longer than the [`Limits`](super::Limits).
    #[error("message is too large")]
    TooLarge,
}

impl Violation {
    /// What to tell the client: 1002 and 1007 as in RFC 6455, 7.4.1, and 4104 for a message over
    /// the limit.
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::InvalidUtf8 => CloseCode::InvalidText,
            Self::TooLarge => CloseCode::TooLarge,
            Self::Unmasked
            | Self::ReservedBit
            | Self::UnknownOpcode
            | Self::FragmentedControl
            | Self::LongControl
            | Self::StrayContinuation
            | Self::InterleavedMessage
            | Self::IllFormedLength
            | Self::HalfCloseCode
            | Self::BadCloseCode => CloseCode::Protocol,
        }
    }
}
