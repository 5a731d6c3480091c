//! The server's side of TLS (1.2 and 1.3) for very many connections: rustls shakes hands, derives
//! every key, and seals and opens each record.
//!
//! It would also keep 3.5 KB for an idle connection: a state for the handshake, buffers and queues.
//! This crate does without them what remains to be done after the handshake: it finds records,
//! counts them, and acts on alerts and key updates. For that it uses an interface of rustls that
//! its authors made for the kernel's TLS ([`rustls::kernel`]), and it is compared with rustls's own
//! connection by tests and by a fuzz target.
//!
//! An [`Acceptor`] lets clients in. A [`TlsStream`] is a byte stream; [taken
//! apart](TlsStream::into_parts) it leaves [`Records`], for whoever reads and writes records
//! directly: an [`Opener`] of what the client sends and a [`SharedSealer`] of what it receives.

pub mod buffer;
mod handshake;
mod keys;
mod opener;
mod records;
mod sealer;
mod stream;
mod turns;
mod wire;

use std::{fmt, io, sync::Arc};

use rustls::{
    ServerConfig,
    server::{NoServerSessionStorage, ProducesTickets},
};
use tokio::io::{AsyncRead, AsyncWrite};

use self::turns::TURNS;
pub use self::{
    opener::{End, Opener},
    records::Records,
    sealer::SharedSealer,
    stream::{Parts, TlsStream},
};

/// Lets clients in.
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
    /// With this configuration, but for what would outlive a connection or come before its
    /// handshake is over: no session is stored, no ticket issued, no early data taken. Nothing
    /// links two connections.
    pub fn new(mut config: ServerConfig) -> Self {
        config.send_tls13_tickets = 0;
        Self::of(config)
    }

    /// For clients that make themselves known anyhow: each connection gets one of these tickets, by
    /// which the next ones can be resumed. A ticket may be used again, for a proxy opens
    /// connections side by side. It opens whatever the client's certificate has opened: who makes
    /// the tickets sees to it that no ticket is taken whose certificate would not be.
    pub fn with_tickets(mut config: ServerConfig, tickets: Arc<dyn ProducesTickets>) -> Self {
        config.send_tls13_tickets = 1;
        config.ticketer = tickets;
        Self::of(config)
    }

    fn of(mut config: ServerConfig) -> Self {
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.max_tls13_tickets = 0;
        config.max_early_data_size = 0;
        // The record layer is ours after the handshake.
        config.enable_secret_extraction = true;
        Self { config: Arc::new(config) }
    }

    /// Lets a client in.
    ///
    /// # Errors
    /// If the connection breaks, or the client breaks TLS or may not come in. It has been told why
    /// then.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, socket: S) -> io::Result<TlsStream<S>> {
        handshake::accept(self.config.clone(), &TURNS, socket).await
    }
}

#[cfg(test)]
mod tests;
