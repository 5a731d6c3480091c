//! The signals that ask the program to end.

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM, SIGHUP (the window was closed) and SIGINT. In raw mode Ctrl-C is a key and sends none
/// of them.
pub(super) struct Stop([Signal; 3]);

impl Stop {
    /// Listens for the signals. From now on they no longer end the process by themselves.
    ///
    /// # Errors
    /// If the system refuses the handlers.
    pub(super) fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self([
            listen(SignalKind::terminate())?,
            listen(SignalKind::hangup())?,
            listen(SignalKind::interrupt())?,
        ]))
    }

    /// Resolves at the next of these signals. Nothing is lost if the future is dropped.
    pub(super) async fn asked(&mut self) {
        let Self([terminate, hangup, interrupt]) = self;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}
