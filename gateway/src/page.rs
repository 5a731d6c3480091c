//! The chat page: the files of `web/`, as they are, under headers that let them do as little as
//! possible. `build.rs` compresses them.

use std::sync::LazyLock;

use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, VARY},
};

use self::{
    encoding::Encoding,
    framed::{EMBEDDED, Framed},
};

mod encoding;
mod framed;

/// One file of `web/`, as it is and compressed.
struct Asset {
    path: &'static str,
    /// Of the file as it is, in base64.
    sha256: &'static str,
    identity: &'static [u8],
    brotli: &'static [u8],
    gzip: &'static [u8],
}

/// Every file that is served: what is read in `web/` is what runs. Made by `build.rs`.
const ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Only our own files, nothing inline but the import maps, no eval, no frame, and no string ever
/// becomes code (Trusted Types).
const CONTENT_SECURITY_POLICY: &str = concat!(
    "default-src 'none'; script-src 'self' 'sha256-",
    env!("PAGE_IMPORT_MAP_SHA256"),
    "' 'sha256-",
    env!("DESK_IMPORT_MAP_SHA256"),
    "'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; manifest-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
     trusted-types 'none'"
);

/// What a chat page has no need of.
const PERMISSIONS_POLICY: &str = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), \
    fullscreen=(), geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), \
    picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()";

const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// What browsers heed in a document alone. With each module they would be a fifth of all that a
/// phone has to load.
const DOCUMENT_HEADERS: [(&str, &str); 4] = [
    ("permissions-policy", PERMISSIONS_POLICY),
    ("cross-origin-opener-policy", "same-origin"),
    ("origin-agent-cluster", "?1"),
    ("x-dns-prefetch-control", "off"),
];

/// A browser keeps nothing of the page: a file in its cache would tell who looks at the machine
/// that somebody chatted here. It is also why a mended page reaches everybody at once. What it
/// costs is little: the whole page has some 90 KB compressed.
const KEPT: &str = "no-store";

/// The document, which has the screens of the whole page.
const INDEX: &str = "index.html";

/// `index.html` as it is in `web/`, before `build.rs` completes it.
pub const INDEX_SOURCE: &str = include_str!("../../web/index.html");

/// A file of the page, as it is served.
#[derive(Clone, Copy, Debug)]
pub struct PageFile {
    /// Below the server's address.
    pub path: &'static str,
    /// What it holds.
    pub bytes: &'static [u8],
}

/// Every file of the page that this program serves.
pub fn files() -> impl Iterator<Item = PageFile> {
    ASSETS.iter().map(|asset| PageFile { path: asset.path, bytes: asset.identity })
}

/// What is said about a file in headers, as far as it decides what a browser does with it.
pub fn headers(path: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let of_document = if path.ends_with(".html") { &DOCUMENT_HEADERS[..] } else { &[] };
    [("content-type", content_type(path))].into_iter().chain(HEADERS).chain(of_document.iter().copied())
}

/// Where the documents are, besides under their names, each with its file: the start, how to check
/// what is served, and the helper's screen.
pub const DOCUMENT_PATHS: [(&str, &str); 3] = [("/", INDEX), ("/verify", INDEX), ("/desk", "desk.html")];

/// The routes of the page.
///
/// Pages of `frame_ancestors` may frame [`EMBEDDED`], which is there only for them.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(frame_ancestors: &[String]) -> Router<S> {
    let framed = Framed::by(frame_ancestors);
    ENTITIES.iter().fold(Router::new(), |mut router, entity| {
        if let (Some(framed), INDEX) = (framed.clone(), entity.path) {
            let embedded = move |request| async move { framed.let_in(answer(entity, request).await) };
            router = router.route(EMBEDDED, get(embedded));
        }
        for (path, _) in DOCUMENT_PATHS.into_iter().filter(|(_, file)| *file == entity.path) {
            router = router.route(path, get(move |request| answer(entity, request)));
        }
        router.route(&format!("/{}", entity.path), get(move |request| answer(entity, request)))
    })
}

/// A file with what is said about it.
struct Entity {
    path: &'static str,
    content_type: HeaderValue,
    identity: Representation,
    brotli: Option<Representation>,
    gzip: Option<Representation>,
}

/// A file in one encoding.
struct Representation {
    encoding: Encoding,
    bytes: &'static [u8],
    etag: HeaderValue,
}

static ENTITIES: LazyLock<Vec<Entity>> = LazyLock::new(|| ASSETS.iter().map(Entity::of).collect());

impl Entity {
    fn of(asset: &Asset) -> Self {
        // What gets no smaller is sent as it is.
        let smaller = |encoding, bytes: &'static [u8]| {
            (bytes.len() < asset.identity.len()).then(|| Representation::of(asset, encoding, bytes))
        };
        Self {
            path: asset.path,
            content_type: HeaderValue::from_static(content_type(asset.path)),
            identity: Representation::of(asset, Encoding::Identity, asset.identity),
            brotli: smaller(Encoding::Brotli, asset.brotli),
            gzip: smaller(Encoding::Gzip, asset.gzip),
        }
    }

    fn for_client(&self, headers: &HeaderMap) -> &Representation {
        let compressed = match Encoding::accepted(headers) {
            Encoding::Brotli => self.brotli.as_ref(),
            Encoding::Gzip => self.gzip.as_ref(),
            Encoding::Identity => None,
        };
        compressed.unwrap_or(&self.identity)
    }
}

impl Representation {
    /// The tag is the digest of the file as it is: whoever has the source can compare. RFC 9110,
    /// section 8.8.3.3: each encoding has a tag of its own.
    #[expect(clippy::expect_used, reason = "base64 between quotes is a header value")]
    fn of(asset: &Asset, encoding: Encoding, bytes: &'static [u8]) -> Self {
        let suffix = encoding.name().map_or(String::new(), |name| format!("-{name}"));
        let etag = format!("\"{}{suffix}\"", asset.sha256);
        Self { encoding, bytes, etag: HeaderValue::try_from(etag).expect("quoted base64") }
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

async fn answer(entity: &'static Entity, request: Request) -> Response {
    let found = entity.for_client(request.headers());
    let mut response = if is_known(request.headers(), &found.etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let content_type = [(CONTENT_TYPE, entity.content_type.clone())];
        (content_type, Body::from(found.bytes)).into_response()
    };
    let status = response.status();
    let headers = response.headers_mut();
    if let (Some(name), StatusCode::OK) = (found.encoding.name(), status) {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    headers.insert(ETAG, found.etag.clone());
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(KEPT));
    for (name, value) in self::headers(entity.path) {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// RFC 9110, section 13.1.2: a weak comparison with each tag of the list.
fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let lines = headers.get_all(IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == etag.as_bytes())
}

#[cfg(test)]
mod tests;
