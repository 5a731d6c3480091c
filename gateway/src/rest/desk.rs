//! What the operator sets for the helper's screen.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::node::Node;

/// What the helper's screen is to offer.
#[derive(Serialize, ToSchema)]
pub(super) struct DeskOffer {
    /// How many chats one helper may have at once: the screen opens no more.
    #[schema(example = 3, minimum = 1, maximum = 9)]
    chats: u8,
    /// Plain texts that a helper can choose from, of 1000 characters at most; empty if the operator
    /// has written none.
    answers: Vec<String>,
}

/// Tells how many chats a helper may have at once, and the operator's ready answers.
///
/// For the screen `/desk`, before there is a session: it needs no token, so anybody can read it.
#[utoipa::path(get, path = "/v1/desk", tag = "status", security(()),
    responses((status = 200, description = "What the operator has set", body = DeskOffer)))]
pub(super) async fn show(State(node): State<Arc<Node>>) -> Json<DeskOffer> {
    let desk = &node.config().desk;
    Json(DeskOffer { chats: desk.chats.get(), answers: desk.answers.texts().to_vec() })
}
