//! The page's manifest for WEBCAT, a browser extension that lets a host run only what was signed:
//! <https://github.com/freedomofpress/webcat>. Unsigned: whoever publishes the page signs it.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gateway::page;
use schemas::codec::sha256;
use serde_json::json;

/// The document, under the name that a path which ends in `/` stands for.
const INDEX: &str = "index.html";

const NAME: &str = "cipher-chat";

/// The manifest as canonical JSON (RFC 8785), which is what is signed.
///
/// # Errors
/// If the page has no policy: then nothing could be promised of it.
pub(super) fn manifest() -> anyhow::Result<String> {
    let policy = page::headers(INDEX).find(|(name, _)| *name == "content-security-policy");
    let (_, policy) = policy.ok_or_else(|| anyhow::anyhow!("the page has no content security policy"))?;
    let digest = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(sha256(&[bytes]));
    let mut files: BTreeMap<_, _> =
        page::files().map(|file| (format!("/{}", file.path), digest(file.bytes))).collect();
    for (path, name) in page::DOCUMENT_PATHS.into_iter().filter(|(path, _)| !path.ends_with('/')) {
        let document = files.get(&format!("/{name}")).cloned();
        files.extend(document.map(|document| (path.to_owned(), document)));
    }
    let manifest = json!({
        // Under the name that the extension's tool writes, and that which the extension declares.
        "app": NAME,
        "name": NAME,
        "version": env!("CARGO_PKG_VERSION"),
        "default_csp": policy,
        // Other policies by path. `/embed` has one that depends on its operator, so it is not covered.
        "extra_csp": {},
        "default_index": INDEX,
        // What a path without a file has to be. There is no such file, so nothing else passes.
        "default_fallback": format!("/{INDEX}"),
        // SHA-256 in base64url, by path.
        "files": files,
        "wasm": [],
    });
    // Names in order and no blanks: all that canonical JSON asks of ASCII.
    Ok(manifest.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_path_of_the_page_has_the_digest_of_what_is_served_there() {
        let manifest: Value = serde_json::from_str(&manifest().unwrap()).unwrap();
        let files = manifest["files"].as_object().unwrap();
        let named = |path: &str| URL_SAFE_NO_PAD.decode(files[path].as_str().unwrap()).unwrap();
        for file in page::files() {
            assert_eq!(named(&format!("/{}", file.path)), sha256(&[file.bytes]), "{}", file.path);
        }
        assert_eq!(named("/verify"), named("/index.html"));
        assert_eq!(named("/desk"), named("/desk.html"));
        assert_eq!(files.len(), page::files().count() + 2);
    }

    #[test]
    fn it_has_what_the_extension_asks_for() {
        let text = manifest().unwrap();
        assert!(text.is_ascii(), "names would have to be ordered by UTF-16");
        let manifest: Value = serde_json::from_str(&text).unwrap();
        let policy = manifest["default_csp"].as_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self' 'sha256-"));
        assert!(!policy.contains(','), "only one policy");
        let index = manifest["default_index"].as_str().unwrap();
        assert!(manifest["files"][format!("/{index}")].is_string());
        assert!(manifest["files"][manifest["default_fallback"].as_str().unwrap()].is_string());
        assert_eq!(manifest["wasm"], Value::Array(Vec::new()));
        let keys: Vec<_> = manifest.as_object().unwrap().keys().collect();
        assert!(keys.is_sorted(), "canonical: {keys:?}");
    }
}
