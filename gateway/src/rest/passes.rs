//! What clients are told of passes that the operator has taken back.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serving::problem::CommonProblem;

use crate::{node::Node, problem::ProblemBody};

/// Tells which passes of helpers the operator has taken back.
///
/// The list is signed with the key of the passes, with its time: whoever knows that key need not
/// believe this server. It needs no token.
#[utoipa::path(get, path = "/v1/passes/revoked", tag = "status", security(()),
    responses(
        (status = 200, description = "The signed list, a compact JWS", body = String, content_type = "text/plain"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json",
            description = "There is no list here"),
    ))]
pub(super) async fn revoked(State(node): State<Arc<Node>>) -> Response {
    match node.revoked_passes() {
        // Who has an old list does not know who was revoked since.
        Some(list) => {
            let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")];
            (headers, list).into_response()
        }
        None => CommonProblem::NotFound.into_response(),
    }
}
