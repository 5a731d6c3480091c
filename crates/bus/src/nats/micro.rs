//! The NATS micro protocol (ADR-32): `nats micro ls`, `info` and `stats` show the nodes of a cluster. It tells what is in a heartbeat
//! anyway: kind, id, version.

use std::collections::HashMap;

use async_nats::{
    Client,
    service::{self, ServiceExt},
};
use futures_util::FutureExt;
use schemas::{NodeId, Service};
use tokio::time::timeout;

use super::FLUSH_TIMEOUT;

/// A node that answers `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS`; dropping it ends that.
pub(super) struct Answering(Option<service::Service>);

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(service) = self.0.take() {
            // Ends its task; that waits for nothing.
            let _ = service.stop().now_or_never();
        }
    }
}

/// Starts answering. `None` if the bus takes no subscription: whoever looks then does not see this node, and that is all.
pub(super) async fn answer(
    client: &Client,
    node: &NodeId,
    service: Service,
    version: &str,
) -> Option<Answering> {
    let metadata = HashMap::from([("node".to_owned(), node.as_str().to_owned())]);
    let starting = client
        .service_builder()
        .description(format!("cipher-chat {}", service.word()))
        .metadata(metadata)
        .start(format!("cipher-chat-{}", service.word()), version.to_owned());
    match timeout(FLUSH_TIMEOUT, starting).await {
        Ok(Ok(service)) => Some(Answering(Some(service))),
        Ok(Err(_)) | Err(_) => {
            tracing::warn!("this node does not answer the NATS micro protocol");
            None
        }
    }
}
