//! What a gateway does when the operator's orders change.

use std::sync::Arc;

use schemas::control::ServerMessage;
use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;

use crate::node::Node;

/// Connections that are told of an order before other tasks have their turn.
const TOLD_PER_TURN: usize = 64;

/// Carries out the operator's orders each time that they change.
pub(crate) async fn follow_orders(node: Arc<Node>, shutdown: CancellationToken) {
    let mut rules = node.config().orders.rules();
    let follow = async {
        // What was in force before anybody had connected everybody is told after `ready`.
        let mut before = rules.borrow_and_update().clone();
        node.obey_list(before.revoked_passes.as_deref());
        while rules.changed().await.is_ok() {
            let now = rules.borrow_and_update().clone();
            if now.revoked_passes != before.revoked_passes {
                node.obey_list(now.revoked_passes.as_deref());
            }
            let is_same = now.service == before.service;
            before = now;
            if is_same {
                continue;
            }
            let message = ServerMessage::Service(before.service.clone());
            for part in node.connections().chunks(TOLD_PER_TURN) {
                part.iter().for_each(|connection| connection.send(&message));
                yield_now().await;
            }
        }
    };
    shutdown.run_until_cancelled(follow).await;
}
