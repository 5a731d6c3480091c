//! What the handlers share.

use std::sync::Arc;

use axum::extract::FromRef;
use tokio_util::task::TaskTracker;

use crate::node::Node;

/// What the handlers share.
#[derive(Clone)]
pub struct AppState {
    /// The gateway.
    pub node: Arc<Node>,
    /// Where WebSockets run once they are open, so that shutdown can wait for them.
    pub tasks: TaskTracker,
}

impl FromRef<AppState> for Arc<Node> {
    fn from_ref(state: &AppState) -> Self {
        Self::clone(&state.node)
    }
}
