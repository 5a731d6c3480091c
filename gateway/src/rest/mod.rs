//! The public HTTP interface: sessions over REST, the upgrade to a WebSocket, and the page. What is said in a handler's annotations is
//! what `GET /v1/openapi.json` tells, and `schemas/openapi.json` holds.

mod auth;
mod body;
mod cors;
mod guard;
mod openapi;
mod origin;
mod rooms;
mod sessions;
mod status;
mod ws;

use std::sync::Arc;

use axum::{
    Router,
    extract::FromRef,
    middleware::{from_fn, from_fn_with_state},
};
use tokio_util::task::TaskTracker;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use self::{body::BODY_BYTES, openapi::openapi_json};
use crate::{node::Node, page, problem::Problem};

/// What the handlers share.
#[derive(Clone)]
pub struct Edge {
    /// The gateway.
    pub node: Arc<Node>,
    /// Where WebSockets run once they are open, so that shutdown can wait for them.
    pub tasks: TaskTracker,
}

impl FromRef<Edge> for Arc<Node> {
    fn from_ref(edge: &Edge) -> Self {
        Self::clone(&edge.node)
    }
}

/// Everything that clients are served. Requests need a [`crate::listener::Peer`] among their extensions.
pub fn router(edge: Edge) -> Router {
    let (api, _) = api().split_for_parts();
    let api =
        api.route("/v1/openapi.json", axum::routing::get(openapi::serve)).layer(from_fn(guard::api_headers));
    api.merge(page::router())
        .fallback(async || Problem::NotFound)
        .method_not_allowed_fallback(async || Problem::Method)
        .layer(from_fn(guard::in_time))
        .layer(from_fn_with_state(edge.clone(), cors::answer))
        .layer(from_fn(guard::without_panic))
        .with_state(edge)
}

/// The routes that the description knows.
fn api() -> OpenApiRouter<Edge> {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(sessions::create))
        .routes(routes!(sessions::show, sessions::delete))
        .routes(routes!(sessions::renew))
        .routes(routes!(rooms::leave))
        .routes(routes!(status::show))
        .routes(routes!(ws::upgrade))
}

#[cfg(test)]
mod tests;
