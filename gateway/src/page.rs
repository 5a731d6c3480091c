//! The chat page: the files of `web/`, as they are, under headers that let them do as little as
//! possible.

use std::sync::LazyLock;

use axum::{
    Extension, Router,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH},
};
use schemas::codec::sha256;

use crate::rates::ClientPeer;

/// One file of `web/`.
struct Asset {
    path: &'static str,
    bytes: &'static [u8],
}

macro_rules! assets {
    ($($path:literal),* $(,)?) => {
        &[$(Asset { path: $path, bytes: include_bytes!(concat!("../../web/", $path)) }),*]
    };
}

/// Every file that is served: what is read in `web/` is what runs.
const ASSETS: &[Asset] = assets![
    "active-chat.js",
    "attention.js",
    "bytes.js",
    "channel-end.js",
    "channel.js",
    "clock.js",
    "connection-driver.js",
    "connection-machine.js",
    "conversation.js",
    "dial.js",
    "dom.js",
    "en.js",
    "facts.js",
    "goal.js",
    "handshake-timeout.js",
    "handshake.js",
    "i18n.js",
    "icon-new.svg",
    "icon.svg",
    "inbound.js",
    "index.html",
    "invite.js",
    "kept-time.js",
    "ko.js",
    "limits.js",
    "link.js",
    "liveness.js",
    "main.js",
    "noise.js",
    "outbound.js",
    "packet-cipher.js",
    "packet.js",
    "path.js",
    "protocol.js",
    "qr.js",
    "safety.js",
    "search.js",
    "session.js",
    "style.css",
    "timing.js",
    "turns.js",
    "typing.js",
    "ui-alerts.js",
    "ui-chat.js",
    "ui-composer.js",
    "ui-dialogs.js",
    "ui-end.js",
    "ui-start.js",
    "ui-wait.js",
    "words.js",
];

/// Only our own files, nothing inline, no eval, no frame, and no string ever becomes code (Trusted
/// Types).
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src 'self' data:; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// What a chat page has no need of.
const PERMISSIONS_POLICY: &str = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), \
    fullscreen=(), geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), \
    picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()";

const HEADERS: [(&str, &str); 10] = [
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("permissions-policy", PERMISSIONS_POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cross-origin-resource-policy", "same-origin"),
    ("origin-agent-cluster", "?1"),
    ("x-dns-prefetch-control", "off"),
];

/// Two years, as the preload list asks. Only under TLS: over plain HTTP browsers ignore it, and on
/// localhost it would hurt.
const STRICT_TRANSPORT_SECURITY: &str = "max-age=63072000; includeSubDomains";

/// The routes of the page. `/` is `index.html`.
pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    ENTITIES.iter().fold(Router::new(), |router, entity| {
        let router = match entity.path {
            "index.html" => router.route("/", get(move |peer, request| answer(entity, peer, request))),
            _ => router,
        };
        router.route(&format!("/{}", entity.path), get(move |peer, request| answer(entity, peer, request)))
    })
}

/// A file with what is said about it.
struct Entity {
    path: &'static str,
    bytes: &'static [u8],
    content_type: HeaderValue,
    etag: HeaderValue,
}

static ENTITIES: LazyLock<Vec<Entity>> = LazyLock::new(|| ASSETS.iter().map(Entity::of).collect());

impl Entity {
    #[expect(clippy::expect_used, reason = "base64url between quotes is a header value")]
    fn of(asset: &Asset) -> Self {
        let tag = URL_SAFE_NO_PAD.encode(&sha256(&[asset.bytes])[..16]);
        Self {
            path: asset.path,
            bytes: asset.bytes,
            content_type: HeaderValue::from_static(content_type(asset.path)),
            etag: HeaderValue::try_from(format!("\"{tag}\"")).expect("quoted base64url"),
        }
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

async fn answer(
    entity: &'static Entity,
    Extension(peer): Extension<ClientPeer>,
    request: Request,
) -> Response {
    let mut response = if is_known(request.headers(), &entity.etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let content_type = [(CONTENT_TYPE, entity.content_type.clone())];
        (content_type, Body::from(entity.bytes)).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(ETAG, entity.etag.clone());
    // Asked again each time: a mended page must reach everybody at once.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if peer.is_encrypted() {
        let name = http::header::STRICT_TRANSPORT_SECURITY;
        headers.insert(name, HeaderValue::from_static(STRICT_TRANSPORT_SECURITY));
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
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use tower::ServiceExt;

    use super::*;

    async fn fetch(path: &str, peer: ClientPeer, headers: &[(&str, &str)]) -> Response {
        let mut request = http::Request::get(path).extension(peer);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    fn files(directory: &Path, below: &str, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{below}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                files(&entry.path(), &format!("{path}/"), found);
            } else {
                found.insert(path);
            }
        }
    }

    /// What serves the reader of the source, not the visitor.
    fn is_not_for_visitors(path: &str) -> bool {
        path.ends_with(".md") || path.starts_with("tests/") || path.ends_with(".test.js")
    }

    #[test]
    fn every_file_of_the_page_is_served_and_no_other() {
        let mut found = BTreeSet::new();
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../web"), "", &mut found);
        found.retain(|path| !is_not_for_visitors(path));
        let served: BTreeSet<String> = ASSETS.iter().map(|asset| asset.path.into()).collect();
        assert_eq!(served, found, "the list in page.rs and the files in web/");
        assert!(served.iter().all(|path| content_type(path) != "application/octet-stream"));
    }

    #[tokio::test]
    async fn the_page_may_do_nothing_that_it_need_not() {
        let response = fetch("/", ClientPeer::plain([127, 0, 0, 1].into()), &[]).await;
        assert_eq!(response.status(), 200);
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!(header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(header("cache-control"), Some("no-cache"));
        let policy = header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
        assert!(!policy.contains("unsafe") && !policy.contains('*'));
        for (name, value) in HEADERS {
            assert_eq!(header(name), Some(value));
        }
        assert_eq!(header("strict-transport-security"), None, "not over plain HTTP");
        let response = fetch("/", ClientPeer::encrypted([127, 0, 0, 1].into()), &[]).await;
        assert_eq!(response.headers()["strict-transport-security"], STRICT_TRANSPORT_SECURITY);
    }

    #[tokio::test]
    async fn a_browser_that_has_the_file_is_not_sent_it_again() {
        let peer = || ClientPeer::plain([127, 0, 0, 1].into());
        let first = fetch("/index.html", peer(), &[]).await;
        let etag = first.headers()["etag"].to_str().unwrap().to_owned();
        assert!(etag.starts_with('"') && etag.len() == 24, "strong: {etag}");
        for known in [etag.clone(), format!("\"x\", W/{etag}"), "*".into()] {
            let again = fetch("/index.html", peer(), &[("if-none-match", &known)]).await;
            assert_eq!(again.status(), 304, "{known}");
            assert_eq!(again.headers()["etag"], etag.as_str());
            assert!(again.headers().contains_key("content-security-policy"));
        }
        assert_eq!(fetch("/index.html", peer(), &[("if-none-match", "\"x\"")]).await.status(), 200);
    }

    #[tokio::test]
    async fn only_the_files_of_the_page_are_found() {
        for path in ["/index.htm", "/../Cargo.toml", "/%2e%2e/Cargo.toml", "/README.md"] {
            assert_eq!(
                fetch(path, ClientPeer::plain([127, 0, 0, 1].into()), &[]).await.status(),
                404,
                "{path}"
            );
        }
    }
}
