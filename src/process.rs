//! How every command prepares its process, and the signals that stop it.

use std::{future::Future, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
};

use crate::{FAILED, fail};

/// How long a process that ends waits for tasks that block a thread.
const LAST_TASKS: Duration = Duration::from_secs(1);

/// Prepares the process and runs a command to its end.
pub fn run(command: impl Future<Output = ExitCode>) -> ExitCode {
    prepare();
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(command);
            // A name that is being looked up would be waited for, however long that takes.
            runtime.shutdown_timeout(LAST_TASKS);
            code
        }
        Err(error) => fail(&anyhow::Error::new(error).context("cannot start"), FAILED),
    }
}

/// Turns core dumps off, which would contain secrets from memory, and allows as many sockets as the
/// system does.
fn prepare() {
    if let Err(error) = rlimit::setrlimit(rlimit::Resource::CORE, 0, 0) {
        tracing::warn!(
            event = "process.core-dumps",
            %error,
            "cannot turn core dumps off; a crash may write secrets to disk"
        );
    }
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(files) => tracing::debug!(files, "open files"),
        Err(error) => {
            tracing::warn!(
                event = "process.open-files",
                %error,
                "cannot raise the limit of open files; it bounds the number of connections"
            );
        }
    }
    // One provider for rustls, the NATS client and tokens.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        tracing::debug!("a crypto provider is already installed");
    }
}

/// The signals that a node is sent: it is asked to stop in order by SIGTERM and SIGINT, and to read
/// files again by SIGHUP. No other signal ends it, which would cut the chats of its clients.
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
    /// SIGHUP, which asks for certificates to be read again.
    hangup: Signal,
    reload: Arc<Notify>,
    /// SIGUSR1 and SIGUSR2, which mean nothing here.
    user: [Signal; 2],
}

impl StopSignals {
    /// Listens for the signals. From now on they no longer end the process by themselves.
    ///
    /// # Errors
    /// If the system refuses the handlers.
    pub fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: listen(SignalKind::hangup())?,
            reload: Arc::default(),
            user: [listen(SignalKind::user_defined1())?, listen(SignalKind::user_defined2())?],
        })
    }

    /// Is notified when SIGHUP asks for files to be read again. (As long as somebody waits for
    /// [`next`](Self::next).)
    pub fn reload(&self) -> Arc<Notify> {
        self.reload.clone()
    }

    /// Resolves at the next signal that asks for the end.
    pub async fn next(&mut self) {
        let [user1, user2] = &mut self.user;
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => self.reload.notify_one(),
                _ = user1.recv() => ignored("SIGUSR1"),
                _ = user2.recv() => ignored("SIGUSR2"),
            }
        }
    }
}

fn ignored(signal: &'static str) {
    tracing::info!(event = "process.signal-ignored", "{signal} means nothing here and is ignored");
}

/// Resolves when a tool is asked to end: at SIGTERM, SIGINT, or SIGHUP (its terminal is gone).
///
/// # Errors
/// If the system refuses the handlers.
pub async fn stop_signal() -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup()).context("cannot listen for signals")?;
    let mut stop = StopSignals::listen()?;
    tokio::select! {
        () = stop.next() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}
