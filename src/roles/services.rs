//! How the services of a process run beside each other, and how they end.

use std::future::Future;

use anyhow::Context;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::memory;

/// The services of a process, while they run.
pub(super) type Running = JoinSet<anyhow::Result<()>>;

/// Runs a service; its failure names it.
pub(super) async fn service<E: std::error::Error + Send + Sync + 'static>(
    name: &'static str,
    running: impl Future<Output = Result<(), E>>,
) -> anyhow::Result<()> {
    running.await.with_context(|| format!("the {name} failed"))
}

/// A service has ended although nobody asked it to.
pub(super) fn ended_early(
    ended: Option<Result<anyhow::Result<()>, tokio::task::JoinError>>,
) -> anyhow::Result<()> {
    match ended {
        Some(Ok(result)) => result.and_then(|()| anyhow::bail!("a service ended early")),
        Some(Err(panic)) => Err(panic).context("a service failed"),
        None => Ok(()),
    }
}

/// Waits for all services; the first failure is told.
pub(super) async fn finish(services: &mut Running) -> anyhow::Result<()> {
    let mut first = Ok(());
    while let Some(ended) = services.join_next().await {
        let result = ended.context("a service failed").and_then(|result| result);
        first = first.and(result);
    }
    first
}

/// How many connections have come and gone.
pub(super) fn connections_moved(metrics: &gateway::metrics::Metrics) -> u64 {
    metrics.connections_opened.get() + metrics.connections_closed.get()
}

/// How many batches of frames have been on their way. When a flood of them is over, the allocator
/// keeps much of what it has needed ([`wipe::keep_ready`]).
pub(super) fn frames_moved(metrics: &gateway::metrics::Metrics) -> u64 {
    /// In frames: a few of the largest, as long as they are under way, take as much as a connection
    /// that comes does for a moment, and many are small.
    const BATCH: u64 = 64;
    metrics.frames_relayed.get() / BATCH
}

/// Gives memory back after the rushes of a process. In `serve` they are those of its connections
/// and frames, whatever else follows from them.
pub(super) async fn give_back<M>(
    metrics: M,
    moved: fn(&M) -> u64,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    stop.run_until_cancelled(memory::give_back_after_rushes(|| moved(&metrics))).await;
    Ok(())
}
