//! The room that a session is in.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use super::{auth::Caller, responses::NeedsToken};
use crate::{
    node::Node,
    problem::{Problem, ProblemBody},
};

/// Ends the chat and keeps the session.
#[utoipa::path(delete, path = "/v1/rooms/current", tag = "rooms", security(("token" = [])),
    responses(
        (status = 204, description = "The chat is over, for both people"),
        NeedsToken,
        (status = 404, body = ProblemBody, content_type = "application/problem+json",
            description = "The session is in no room"),
    ))]
pub(super) async fn leave(
    State(node): State<Arc<Node>>,
    Caller(claims): Caller,
) -> Result<StatusCode, Problem> {
    node.leave(claims.sub).await.map(|()| StatusCode::NO_CONTENT).map_err(|_| Problem::NoRoom)
}
