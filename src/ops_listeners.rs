//! The ops listeners of a process, while they are served.

use std::{sync::Arc, time::Duration};

use axum::Router;
use schemas::NodeId;
use serving::{
    listener::{self, Door, ListenerConfig},
    refusal::{Refusal, Seldom},
    watchers,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Serves `router` at these doors, on `tasks`, until `stop`.
///
/// # Errors
/// If a listener does not tell its address.
pub fn open(
    doors: Vec<Door>,
    router: &Router,
    node: &NodeId,
    request_wait: Duration,
    (tasks, stop): (&TaskTracker, &CancellationToken),
) -> anyhow::Result<()> {
    let seldom = Seldom::new();
    let refused = Arc::new(move |refusal: Refusal| {
        let cause = refusal.word();
        seldom.say(|times| tracing::debug!(cause, times, "refused on the ops listener"));
    });
    let admit = watchers::admit();
    for Door { listening, tls } in doors {
        let (ops, node) = (listening.address()?, node.as_str());
        tracing::info!(event = "node.started", %ops, node, "health and metrics");
        let (admit, refused) = (admit.clone(), refused.clone());
        let config = ListenerConfig { tls, request_wait, admit, proxies: None, refused };
        tasks.spawn(listener::serve(listening, router.clone(), config, tasks.clone(), stop.clone()));
    }
    Ok(())
}
