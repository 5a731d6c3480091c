//! What every command does to its process before anything else, and the signals that end it.

use std::{future::Future, process::ExitCode};

use anyhow::Context;

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

/// Resolves at SIGTERM or SIGINT.
pub async fn stop_signal() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupt = tokio::signal::ctrl_c() => interrupt.context("cannot listen for signals")?,
    }
    Ok(())
}
