//! The two sides, and how they met.

use std::fmt;

use zeroize::Zeroizing;

use super::crypto::Key;

/// Which side of the room this is, as the server said in `paired`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The Noise initiator: it sends the first message.
    A,
    /// The Noise responder.
    B,
}

/// How the two met; both must have met in the same way.
#[derive(Clone, Debug)]
pub enum Meeting {
    /// Matched by the server: nothing is known about the peer.
    Random,
    /// Both know the same invite.
    Invite(Psk),
}

/// A Noise pre-shared key, wiped when dropped, and erased after the handshake. [`crate::invite`]
/// derives it.
#[derive(Clone)]
pub struct Psk(pub(super) Key);

impl Psk {
    /// A key of 32 bytes that only these two people know.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(Box::new(Zeroizing::new(key)))
    }
}

impl fmt::Debug for Psk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Psk(…)")
    }
}
