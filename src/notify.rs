//! What systemd is told of a node (`Type=notify`): that clients can come, that certificates are
//! being read again, that it is about to end, and now and then that it is alive. Without systemd,
//! nobody is told.

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Of the time after which systemd takes the process for dead: how often it is told within it.
const BEATS: u32 = 3;

/// Clients can come.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Files are read again; [`ready`] follows.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "no time for systemd"),
    }
}

/// The process ends in order, which takes as long as the drain.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells that the process is alive, as long as its tasks run, if systemd wants to know
/// (`WatchdogSec`).
pub async fn stay_alive(stop: CancellationToken) {
    let Some(wait) = sd_notify::watchdog_enabled().filter(|wait| !wait.is_zero()) else { return };
    let mut beats = interval(wait / BEATS);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(beats.tick()).await.is_some() {
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(event = "process.systemd", %error, "systemd cannot be told how this process is");
    }
}
