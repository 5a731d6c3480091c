//! The public HTTP interface: sessions over REST, the upgrade to a WebSocket, and the page. What is
//! said in a handler's annotations is what `GET /v1/openapi.json` tells, and `schemas/openapi.json`
//! holds.

mod admission;
mod auth;
mod body;
mod cors;
mod desk;
mod guard;
mod openapi;
mod origin;
mod passes;
mod responses;
mod rooms;
mod sessions;
mod state;
mod status;
mod transparency;
mod ws;

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use self::{body::BODY_BYTES, openapi::openapi_json, state::AppState};
use serving::problem::CommonProblem;

use crate::page;

/// Everything that clients are served. Requests need a [`crate::rates::ClientPeer`] among their
/// extensions.
pub fn router(state: AppState) -> Router {
    let (api, _) = api().split_for_parts();
    let api = api.route("/v1/openapi.json", axum::routing::get(openapi::serve));
    api.merge(page::router(&state.node.config().frame_ancestors))
        .fallback(async || CommonProblem::NotFound)
        .method_not_allowed_fallback(async || CommonProblem::Method)
        .layer(from_fn(guard::in_time))
        .layer(from_fn_with_state(state.clone(), cors::answer))
        .layer(from_fn(guard::without_panic))
        .layer(from_fn_with_state(state.clone(), guard::finish))
        .with_state(state)
}

/// The routes that the description knows.
fn api() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(sessions::create))
        .routes(routes!(admission::challenge))
        .routes(routes!(sessions::show, sessions::delete))
        .routes(routes!(sessions::renew))
        .routes(routes!(rooms::leave))
        .routes(routes!(status::show))
        .routes(routes!(desk::show))
        .routes(routes!(passes::revoked))
        .routes(routes!(transparency::show))
        .routes(routes!(ws::upgrade))
}

#[cfg(test)]
mod tests;
