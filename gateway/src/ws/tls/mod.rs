//! TLS below HTTP and the relay path: rustls shakes hands; after it a connection keeps its keys, and no buffer.
//!
//! [`handshake`] lets clients in; [`records`] is what is left of it: an [`opener`] of what clients say and a [`sealer`] of what they hear.
//! [`stream`] is that as a byte stream. The relay path uses the records directly.

mod handshake;
mod opener;
mod records;
mod sealer;
mod stream;

use std::{fmt, io, sync::Arc};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};

pub use self::stream::TlsStream;
pub(crate) use self::{records::Records, sealer::SharedSealer, stream::Parts};

/// Speaks TLS with clients.
#[derive(Clone)]
pub struct Acceptor {
    config: Arc<ServerConfig>,
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor").finish_non_exhaustive()
    }
}

impl Acceptor {
    /// With this configuration, but for what would outlive a connection or come before its handshake is over: no session is stored, no
    /// ticket issued, no early data taken. Nothing links two connections.
    pub fn new(mut config: ServerConfig) -> Self {
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        // The record layer is ours after the handshake; see [`records`].
        config.enable_secret_extraction = true;
        Self { config: Arc::new(config) }
    }

    /// Lets a client in.
    ///
    /// # Errors
    /// If the connection breaks, or the client breaks TLS or may not come in. It has been told why then.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, socket: S) -> io::Result<TlsStream<S>> {
        handshake::accept(self.config.clone(), socket).await
    }
}

#[cfg(test)]
mod tests;
