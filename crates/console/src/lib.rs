//! The console: a page on the ops listener that shows a cluster as `cipher-chat top` does.
//!
//! The page is a folder of files that contain nothing of the cluster, so whoever reaches the
//! listener may load them. What they ask for is guarded as the metrics are.

mod files;
mod watching;

#[cfg(test)]
mod tests;

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::header::CONTENT_TYPE;
use serving::problem::CommonProblem;

pub use self::watching::{Lasting, OpenSource, Watching};

/// The files of the page, for anybody: `/`, and what it loads.
pub fn page() -> Router {
    files::router()
}

/// The page and what it asks for, if there is a cluster to show.
pub fn routers(watching: Option<Watching>) -> (Router, Router) {
    watching.map_or_else(Default::default, |watching| (page(), data(watching)))
}

/// What the page asks for, for whoever may see metrics.
pub fn data(watching: Watching) -> Router {
    Router::new().route("/overview", get(overview)).with_state(watching)
}

async fn overview(State(watching): State<Watching>) -> Result<Response, CommonProblem> {
    let report = watching.report().map_err(|fault| {
        tracing::error!(event = "console.failed", %fault, "the cluster cannot be watched");
        CommonProblem::Internal
    })?;
    Ok(([(CONTENT_TYPE, "application/json")], axum::Json(report)).into_response())
}
