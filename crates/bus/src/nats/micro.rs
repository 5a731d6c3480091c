//! The NATS micro protocol (ADR-32): `nats micro ls`, `info` and `stats` show the nodes of a
//! cluster. It shows only what a heartbeat contains anyway: role, id, version.

use std::collections::HashMap;

use async_nats::{
    Client,
    service::{self, ServiceExt},
};
use futures_util::FutureExt;
use schemas::{NodeId, Service};
use tokio::time::timeout;

use super::options::FLUSH_TIMEOUT;

/// Answers `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS` for this node, until it is dropped.
pub(super) struct MicroService(Option<service::Service>);

impl Drop for MicroService {
    fn drop(&mut self) {
        if let Some(service) = self.0.take() {
            // Ends its task, without waiting for it.
            let _ = service.stop().now_or_never();
        }
    }
}

/// Starts to answer. `None` if the bus takes no subscription; then an operator does not see this
/// node, and nothing else changes.
pub(super) async fn start(
    client: &Client,
    node: &NodeId,
    service: Service,
    version: &str,
) -> Option<MicroService> {
    let metadata = HashMap::from([("node".to_owned(), node.as_str().to_owned())]);
    let starting = client
        .service_builder()
        .description(format!("cipher-chat {}", service.word()))
        .metadata(metadata)
        .start(format!("cipher-chat-{}", service.word()), version.to_owned());
    match timeout(FLUSH_TIMEOUT, starting).await {
        Ok(Ok(service)) => Some(MicroService(Some(service))),
        Ok(Err(_)) | Err(_) => {
            tracing::warn!("cannot answer the NATS micro protocol; `nats micro ls` does not show this node");
            None
        }
    }
}
