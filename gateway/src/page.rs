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
    header::{
        CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY as CONTENT_SECURITY_POLICY_NAME,
        CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, VARY, X_FRAME_OPTIONS,
    },
};

use self::encoding::Encoding;

mod encoding;

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

/// Only our own files, nothing inline but the import map, no eval, no frame, and no string ever
/// becomes code (Trusted Types).
const CONTENT_SECURITY_POLICY: &str = concat!(
    "default-src 'none'; script-src 'self' 'sha256-",
    env!("PAGE_IMPORT_MAP_SHA256"),
    "'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; manifest-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
     trusted-types 'none'"
);

/// Who may frame the page, in [`CONTENT_SECURITY_POLICY`].
const NOBODY_FRAMES: &str = "frame-ancestors 'none'";

/// Where the page is that may be framed by those whom the operator names.
const EMBEDDED: &str = "/embed";

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

/// Where `index.html` is, besides under its name: the start, and how to check what is served.
pub const INDEX_PATHS: [&str; 2] = ["/", "/verify"];

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
        let others = if entity.path == INDEX { &INDEX_PATHS[..] } else { &[] };
        for path in others {
            router = router.route(path, get(move |request| answer(entity, request)));
        }
        router.route(&format!("/{}", entity.path), get(move |request| answer(entity, request)))
    })
}

/// What the document says to those who may frame it.
#[derive(Clone)]
struct Framed(HeaderValue);

impl Framed {
    /// `None` if nobody may. The configuration has checked that each is an origin and nothing more.
    fn by(origins: &[String]) -> Option<Self> {
        let named = format!("frame-ancestors {}", origins.join(" "));
        let policy = CONTENT_SECURITY_POLICY.replace(NOBODY_FRAMES, &named);
        (!origins.is_empty()).then(|| HeaderValue::try_from(policy).ok().map(Self)).flatten()
    }

    fn let_in(self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY_NAME, self.0);
        // It cannot name an origin.
        headers.remove(X_FRAME_OPTIONS);
        // A page that is isolated itself frames only what says so.
        headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
        response
    }
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
mod tests {
    use std::{collections::BTreeSet, fs, io::Read, path::Path};

    use base64::{Engine, engine::general_purpose::STANDARD};
    use http_body_util::BodyExt;
    use schemas::codec::sha256;
    use tower::ServiceExt;

    use super::*;
    use crate::rates::ClientPeer;

    async fn fetch(path: &str, peer: ClientPeer, headers: &[(&str, &str)]) -> Response {
        let mut request = http::Request::get(path).extension(peer);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        router(&[]).oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    fn peer() -> ClientPeer {
        ClientPeer::plain([127, 0, 0, 1].into())
    }

    async fn body(response: Response) -> Vec<u8> {
        response.into_body().collect().await.unwrap().to_bytes().to_vec()
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
        assert_eq!(served, found);
        assert!(served.iter().all(|path| content_type(path) != "application/octet-stream"));
    }

    #[tokio::test]
    async fn the_page_may_do_nothing_that_it_need_not() {
        let response = fetch("/", peer(), &[]).await;
        assert_eq!(response.status(), 200);
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!(header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(header("cache-control"), Some("no-store"));
        let policy = header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self' 'sha256-"));
        assert!(!policy.contains("unsafe") && !policy.contains('*'));
        for (name, value) in HEADERS.into_iter().chain(DOCUMENT_HEADERS) {
            assert_eq!(header(name), Some(value));
        }
        let response = fetch("/main.js", peer(), &[]).await;
        for (name, value) in HEADERS {
            assert_eq!(response.headers()[name], value);
        }
    }

    #[tokio::test]
    async fn those_who_are_named_may_frame_one_path_and_nobody_anything_else() {
        let named = ["https://a.example".to_owned(), "https://b.example:8443".to_owned()];
        let get = async |ancestors: &[String], path: &str| {
            let request = http::Request::get(path).extension(peer()).body(Body::empty()).unwrap();
            router::<()>(ancestors).oneshot(request).await.unwrap()
        };
        let embedded = get(&named, "/embed").await;
        let policy =
            |response: &Response| response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        let framed = policy(&embedded);
        assert!(framed.contains("; frame-ancestors https://a.example https://b.example:8443; "), "{framed}");
        assert_eq!(
            framed.replace("https://a.example https://b.example:8443", "'none'"),
            CONTENT_SECURITY_POLICY
        );
        assert_eq!(embedded.headers().get("x-frame-options"), None);
        assert_eq!(embedded.headers()["cross-origin-resource-policy"], "cross-origin");
        for path in ["/", "/verify", "/index.html", "/main.js"] {
            let response = get(&named, path).await;
            assert_eq!(policy(&response), CONTENT_SECURITY_POLICY, "{path}");
            assert_eq!(response.headers()["x-frame-options"], "DENY", "{path}");
        }
        assert_eq!(get(&[], "/embed").await.status(), 404);
    }

    #[tokio::test]
    async fn one_document_is_all_that_has_screens() {
        let index = body(fetch("/index.html", peer(), &[]).await).await;
        for path in INDEX_PATHS {
            assert!(body(fetch(path, peer(), &[]).await).await == index, "{path}");
        }
    }

    #[tokio::test]
    async fn a_browser_that_has_the_file_is_not_sent_it_again() {
        let first = fetch("/index.html", peer(), &[]).await;
        let etag = first.headers()["etag"].to_str().unwrap().to_owned();
        assert!(etag.starts_with('"') && etag.len() == 46, "strong: {etag}");
        for known in [etag.clone(), format!("\"x\", W/{etag}"), "*".into()] {
            let again = fetch("/index.html", peer(), &[("if-none-match", &known)]).await;
            assert_eq!(again.status(), 304, "{known}");
            assert_eq!(again.headers()["etag"], etag.as_str());
            assert!(again.headers().contains_key("content-security-policy"));
        }
        assert_eq!(fetch("/index.html", peer(), &[("if-none-match", "\"x\"")]).await.status(), 200);
    }

    #[tokio::test]
    async fn every_file_comes_in_the_encoding_that_was_asked_for() {
        for Asset { path, .. } in ASSETS {
            let path = format!("/{path}");
            let source = body(fetch(&path, peer(), &[]).await).await;
            let mut tags = BTreeSet::new();
            for accepted in ["identity", "gzip", "br"] {
                let response = fetch(&path, peer(), &[("accept-encoding", accepted)]).await;
                assert_eq!(response.headers()["vary"], "accept-encoding");
                let tag = response.headers()["etag"].to_str().unwrap().to_owned();
                let encoding =
                    response.headers().get("content-encoding").map(|name| name.to_str().unwrap().to_owned());
                let again =
                    fetch(&path, peer(), &[("accept-encoding", accepted), ("if-none-match", &tag)]).await;
                assert_eq!(again.status(), 304);
                assert_eq!(again.headers().get("content-encoding"), None, "there is no content");
                assert!(tags.insert(tag) || encoding.is_none(), "each encoding has its own tag");
                let bytes = body(response).await;
                match encoding.as_deref() {
                    None => assert_eq!(bytes, source, "{path}"),
                    Some(name) => {
                        assert_eq!(name, accepted);
                        assert!(bytes.len() < source.len());
                        assert_eq!(decoded(name, &bytes), source, "{path}");
                    }
                }
            }
        }
        let size = |belongs: &dyn Fn(&str) -> bool| -> usize {
            ASSETS.iter().filter(|asset| belongs(asset.path)).map(|asset| asset.brotli.len()).sum()
        };
        let page = size(&|path| !is_loaded_later(path));
        let vendored = size(&|path| path.starts_with("vendor/"));
        let longest = ASSETS.iter().filter(|asset| asset.path.starts_with("languages/"));
        let language = longest.map(|asset| asset.brotli.len()).max().unwrap();
        assert!(page < 96 * 1024, "the page has grown to {page} bytes");
        assert!(vendored < 32 * 1024, "what some browsers load beside it has grown to {vendored} bytes");
        assert!(language < 10 * 1024, "the texts of a language have grown to {language} bytes");
    }

    /// What only some browsers or some people need.
    fn is_loaded_later(path: &str) -> bool {
        ["vendor/", "languages/", "later/", "icons/"].iter().any(|later| path.starts_with(later))
    }

    fn decoded(encoding: &str, mut bytes: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        match encoding {
            "br" => brotli::BrotliDecompress(&mut bytes, &mut plain).unwrap(),
            _ => flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).map(drop).unwrap(),
        }
        plain
    }

    #[tokio::test]
    async fn the_page_names_the_digest_of_each_of_its_modules() {
        let response = fetch("/", peer(), &[]).await;
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        let index = String::from_utf8(body(response).await).unwrap();
        let (_, rest) = index.split_once("<script type=\"importmap\">").unwrap();
        let (import_map, _) = rest.split_once("</script>").unwrap();
        let hash = STANDARD.encode(sha256(&[import_map.as_bytes()]));
        assert!(
            policy.contains(&format!("script-src 'self' 'sha256-{hash}';")),
            "the policy allows this map alone"
        );

        let map: serde_json::Value = serde_json::from_str(import_map).unwrap();
        let named = map["integrity"].as_object().unwrap();
        let modules: Vec<_> = ASSETS.iter().filter(|asset| asset.path.ends_with(".js")).collect();
        assert_eq!(named.len(), modules.len());
        for module in modules {
            let digest = STANDARD.encode(sha256(&[module.identity]));
            assert_eq!(named[&format!("./{}", module.path)], format!("sha256-{digest}"), "{}", module.path);
        }
        for Asset { path, identity, .. } in ASSETS.iter().filter(|asset| !asset.path.ends_with(".html")) {
            let digest = STANDARD.encode(sha256(&[identity]));
            let attributes = |name| format!("{name}=\"{path}\" integrity=\"sha256-{digest}\">");
            let named = [attributes("href"), attributes("src")].map(|tag| index.matches(&tag).count());
            let is_picture = path.ends_with(".svg") || path.ends_with(".webmanifest");
            let expected = if is_picture || is_loaded_later(path) { 0 } else { 1 };
            assert_eq!(named.iter().sum::<usize>(), expected, "{path}");
        }
    }

    /// What is read is what runs: of all files only `index.html` differs from the one in `web/`,
    /// and only by what can be checked against the others.
    #[tokio::test]
    async fn every_file_is_served_as_it_is_read() {
        let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web");
        for Asset { path, .. } in ASSETS {
            let mut served = body(fetch(&format!("/{path}"), peer(), &[]).await).await;
            if *path == "index.html" {
                served = as_written(&String::from_utf8(served).unwrap()).into_bytes();
            }
            assert!(served == fs::read(web.join(path)).unwrap(), "{path}");
        }
    }

    /// Takes out of `index.html` what `build.rs` has put in.
    fn as_written(index: &str) -> String {
        let (before, rest) = index.split_once("<script type=\"importmap\">").unwrap();
        let (_, rest) = rest.split_once("</script>").unwrap();
        let kept: Vec<&str> =
            rest.split('\n').filter(|line| !line.starts_with("<link rel=\"modulepreload\"")).collect();
        let whole = format!("{before}<!-- modules -->{}", kept.join("\n"));
        let mut parts = whole.split(" integrity=\"sha256-");
        let first = parts.next().unwrap().to_owned();
        parts.fold(first, |done, part| done + part.split_once('"').unwrap().1)
    }

    #[tokio::test]
    async fn only_the_files_of_the_page_are_found() {
        for path in ["/index.htm", "/../Cargo.toml", "/%2e%2e/Cargo.toml", "/README.md"] {
            assert_eq!(fetch(path, peer(), &[]).await.status(), 404, "{path}");
        }
    }
}
