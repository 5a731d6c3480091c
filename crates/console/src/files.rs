//! The files of `console/`, as they are, under headers that let them do as little as possible.

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};

/// Only our own files, nothing inline, no eval, no frame, and no string ever becomes code (Trusted
/// Types).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// What the page has no need of.
const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), serial=(), hid=()";

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        /// Every file, by its path.
        pub(crate) const FILES: &[(&str, &[u8])] = &[
            $(($path, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../console/", $path)))),*
        ];
    };
}

files! {
    "index.html",
    "console.css",
    "console.js",
    "charts.js",
    "orders.js",
    "table.js",
    "icon.svg",
    "vendor/uplot.js",
    "vendor/uplot.css",
}

/// The routes of the page. `/` is `index.html`.
pub(crate) fn router() -> Router {
    FILES.iter().fold(Router::new(), |router, (path, bytes)| {
        let answer = move || async move { file(path, bytes) };
        let router = if *path == "index.html" { router.route("/", get(answer)) } else { router };
        router.route(&format!("/console/{path}"), get(answer))
    })
}

fn file(path: &'static str, bytes: &'static [u8]) -> Response {
    let headers = [(CONTENT_TYPE, content_type(path)), (CONTENT_SECURITY_POLICY, POLICY)];
    let more = [
        ("permissions-policy", PERMISSIONS),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-embedder-policy", "require-corp"),
    ];
    (headers, more, bytes).into_response()
}

pub(crate) fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
