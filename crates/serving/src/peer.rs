//! Who is at the other end of a connection.

use std::{net::IpAddr, sync::Arc};

use parking_lot::Mutex;

/// Who is at the other end of a connection, and what
/// [`ListenerConfig::admit`](crate::listener::ListenerConfig::admit) gave it. In the extensions of
/// each of its requests.
#[derive(Debug)]
pub struct Peer<G> {
    address: IpAddr,
    transport: Transport,
    guard: Arc<Mutex<Option<G>>>,
}

impl<G> Clone for Peer<G> {
    fn clone(&self) -> Self {
        let Self { address, transport, guard } = self;
        Self { address: *address, transport: *transport, guard: guard.clone() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Plain,
    Encrypted,
}

impl<G> Peer<G> {
    /// Over plain TCP.
    pub fn plain(address: IpAddr) -> Self {
        Self { address: address.to_canonical(), transport: Transport::Plain, guard: Arc::default() }
    }

    /// Over TLS.
    pub fn encrypted(address: IpAddr) -> Self {
        Self { transport: Transport::Encrypted, ..Self::plain(address) }
    }

    /// The address at the other end of the socket.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Whether TLS ends here.
    pub fn is_encrypted(&self) -> bool {
        self.transport == Transport::Encrypted
    }

    /// Takes the connection's guard, for a WebSocket that outlives its HTTP. `None` if it was taken
    /// before.
    pub fn take_guard(&self) -> Option<G> {
        self.guard.lock().take()
    }

    pub(crate) fn with_guard(self, guard: G) -> Self {
        Self { guard: Arc::new(Mutex::new(Some(guard))), ..self }
    }
}
