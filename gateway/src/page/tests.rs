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
async fn each_document_is_found_under_its_paths() {
    for (path, name) in DOCUMENT_PATHS {
        let document = body(fetch(&format!("/{name}"), peer(), &[]).await).await;
        assert!(body(fetch(path, peer(), &[]).await).await == document, "{path}");
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
            let again = fetch(&path, peer(), &[("accept-encoding", accepted), ("if-none-match", &tag)]).await;
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
    let longest = |folder: &str| {
        let texts = ASSETS.iter().filter(|asset| asset.path.starts_with(folder));
        texts.map(|asset| asset.brotli.len()).max().unwrap()
    };
    let language = longest("languages/");
    assert!(page < 96 * 1024, "the page has grown to {page} bytes");
    assert!(vendored < 32 * 1024, "what some browsers load beside it has grown to {vendored} bytes");
    assert!(language < 10 * 1024, "the texts of a language have grown to {language} bytes");
    let desk = size(&|path| path.starts_with("desk") && !path.starts_with("desk/languages/"));
    assert!(desk < 40 * 1024, "what the desk has of its own has grown to {desk} bytes");
    let language = longest("desk/languages/");
    assert!(language < 6 * 1024, "the desk's texts of a language have grown to {language} bytes");
}

/// What is loaded for a chat, while somebody is looked for.
const CHAT: [&str; 6] =
    ["active-chat.js", "channel.js", "conversation.js", "exchange.js", "helping.js", "transcript.js"];

/// What only some browsers or some people need, or another document.
fn is_loaded_later(path: &str) -> bool {
    CHAT.contains(&path)
        || ["vendor/", "languages/", "later/", "icons/", "desk"].iter().any(|later| path.starts_with(later))
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
    let index = checked_document("/", |path| !path.starts_with("desk")).await;
    for Asset { path, identity, .. } in ASSETS.iter().filter(|asset| !asset.path.ends_with(".html")) {
        let digest = STANDARD.encode(sha256(&[identity]));
        let attributes = |name| format!("{name}=\"{path}\" integrity=\"sha256-{digest}\">");
        let named = [attributes("href"), attributes("src")].map(|tag| index.matches(&tag).count());
        let is_picture = path.ends_with(".svg") || path.ends_with(".webmanifest");
        let expected = usize::from(!is_picture && !is_loaded_later(path));
        assert_eq!(named.iter().sum::<usize>(), expected, "{path}");
    }
}

#[tokio::test]
async fn the_desk_names_the_digest_of_each_module_and_of_its_styles() {
    let desk = checked_document("/desk", |_| true).await;
    for name in ["style.css", "desk/desk.css", "desk/main.js", "desk/seat.js"] {
        let file = ASSETS.iter().find(|asset| asset.path == name).unwrap();
        let digest = STANDARD.encode(sha256(&[file.identity]));
        assert!(desk.contains(&format!("{name}\" integrity=\"sha256-{digest}\">")), "{name}");
    }
}

/// A document whose import map is one that the policy allows, and names exactly these modules.
async fn checked_document(path: &str, runs: fn(&str) -> bool) -> String {
    let response = fetch(path, peer(), &[]).await;
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    let html = String::from_utf8(body(response).await).unwrap();
    let (_, rest) = html.split_once("<script type=\"importmap\">").unwrap();
    let (import_map, _) = rest.split_once("</script>").unwrap();
    let hash = STANDARD.encode(sha256(&[import_map.as_bytes()]));
    assert!(policy.contains(&format!(" 'sha256-{hash}'")), "the policy allows this map");
    assert_eq!(policy.matches("'sha256-").count(), 2, "and that of the other document, and no more");

    let map: serde_json::Value = serde_json::from_str(import_map).unwrap();
    let named = map["integrity"].as_object().unwrap();
    let modules: Vec<_> =
        ASSETS.iter().filter(|asset| asset.path.ends_with(".js") && runs(asset.path)).collect();
    assert_eq!(named.len(), modules.len());
    for module in modules {
        let digest = STANDARD.encode(sha256(&[module.identity]));
        assert_eq!(named[&format!("./{}", module.path)], format!("sha256-{digest}"), "{}", module.path);
    }
    html
}

/// What is read is what runs: of all files only the documents differ from those in `web/`,
/// and only by what can be checked against the others.
#[tokio::test]
async fn every_file_is_served_as_it_is_read() {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web");
    for Asset { path, .. } in ASSETS {
        let mut served = body(fetch(&format!("/{path}"), peer(), &[]).await).await;
        if path.ends_with(".html") {
            served = as_written(&String::from_utf8(served).unwrap()).into_bytes();
        }
        assert!(served == fs::read(web.join(path)).unwrap(), "{path}");
    }
}

/// Takes out of a document what `build.rs` has put in.
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
