//! What every command does to its process before anything else, and the signals that end it.

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

/// No core dump, which would hold what memory holds; and as many sockets as the system allows.
fn prepare() {
    if let Err(error) = rlimit::setrlimit(rlimit::Resource::CORE, 0, 0) {
        tracing::warn!(%error, "core dumps stay on");
    }
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(files) => tracing::debug!(files, "open files"),
        Err(error) => tracing::warn!(%error, "the limit of open files stays as it is"),
    }
    // One provider for all: rustls, the NATS client, tokens.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        tracing::debug!("a crypto provider was installed before");
    }
}

/// SIGTERM and SIGINT, which end a process in order once it listens for them.
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// From now on the two no longer end the process by themselves.
    ///
    /// # Errors
    /// If the system does not let it listen.
    pub fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Resolves at the next of them.
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
/// If the system does not let it listen.
pub async fn stop_signal() -> anyhow::Result<()> {
    StopSignals::listen()?.next().await;
    Ok(())
}
