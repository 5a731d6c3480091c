//! How every command prepares its process, and the signals that stop it.

use std::{future::Future, process::ExitCode};

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{FAILED, fail};

/// Prepares the process and runs a command to its end.
pub fn run(command: impl Future<Output = ExitCode>) -> ExitCode {
    prepare();
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(command),
        Err(error) => fail(&anyhow::Error::new(error).context("cannot start"), FAILED),
    }
}

/// Turns core dumps off, which would contain secrets from memory, and allows as many sockets as the
/// system does.
fn prepare() {
    if let Err(error) = rlimit::setrlimit(rlimit::Resource::CORE, 0, 0) {
        tracing::warn!(%error, "cannot turn core dumps off; a crash may write secrets to disk");
    }
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(files) => tracing::debug!(files, "open files"),
        Err(error) => {
            tracing::warn!(%error, "cannot raise the limit of open files; it bounds the number of connections")
        }
    }
    // One provider for rustls, the NATS client and tokens.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        tracing::debug!("a crypto provider is already installed");
    }
}

/// SIGTERM and SIGINT, by which a process is asked to stop in order.
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Listens for the signals. From now on they no longer end the process by themselves.
    ///
    /// # Errors
    /// If the system refuses the handlers.
    pub fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Resolves at the next of these signals.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Resolves at SIGTERM or SIGINT.
///
/// # Errors
/// If the system refuses the handlers.
pub async fn stop_signal() -> anyhow::Result<()> {
    StopSignals::listen()?.next().await;
    Ok(())
}
