//! Makes the list of the page's files for `src/page.rs`: each as it is in `web/`, and compressed.
//!
//! The page itself is not built: every file is served as it is read in `web/`. Only into
//! documents two things are written that can be checked against the files: the digest of each
//! file (an import map with `integrity`, and attributes) and a preload link for each module.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Where a document takes the import map and the preload links.
const MODULES: &str = "<!-- modules -->";
/// Modules that only some browsers or some people need: what others wrote, languages, and screens that
/// few see; and a chat itself, which takes a while to come. The page loads them when it does.
const LATER: [&str; 9] = [
    "vendor/",
    "languages/",
    "later/",
    "active-chat.js",
    "channel.js",
    "conversation.js",
    "exchange.js",
    "helping.js",
    "transcript.js",
];
/// What only the helper's screen has: nothing of it is named in the page.
const DESK: &str = "desk/";
/// Languages of the helper's screen, of which one is loaded.
const DESK_LANGUAGES: &str = "desk/languages/";

/// A document, and what it loads.
struct Document {
    name: &'static str,
    /// Tags that get the digest of a file of its own.
    tags: &'static [(&'static str, &'static str)],
    /// Modules that it may run.
    runs: fn(&str) -> bool,
    /// Modules that everybody needs who opens it.
    preloads: fn(&str) -> bool,
    /// The variable with the digest of its import map, for its policy.
    digest: &'static str,
}

const DOCUMENTS: [Document; 2] = [
    Document {
        name: "index.html",
        tags: &[
            ("style.css", r#"<link rel="stylesheet" href="style.css""#),
            ("main.js", r#"<script type="module" src="main.js""#),
        ],
        runs: |name| !name.starts_with(DESK),
        // `main.js` has a tag of its own.
        preloads: |name| {
            name != "main.js" && !name.starts_with(DESK) && !LATER.iter().any(|later| name.starts_with(later))
        },
        digest: "PAGE_IMPORT_MAP_SHA256",
    },
    Document {
        name: "desk.html",
        tags: &[
            ("style.css", r#"<link rel="stylesheet" href="style.css""#),
            ("desk/desk.css", r#"<link rel="stylesheet" href="desk/desk.css""#),
            ("desk/main.js", r#"<script type="module" src="desk/main.js""#),
        ],
        runs: |_| true,
        preloads: |name| {
            name != "desk/main.js" && name.starts_with(DESK) && !name.starts_with(DESK_LANGUAGES)
        },
        digest: "DESK_IMPORT_MAP_SHA256",
    },
];
/// The best that Brotli can do: it is done once, when the program is built.
const BROTLI_QUALITY: i32 = 11;
/// log2 of Brotli's window. Every file of the page is smaller than this one.
const BROTLI_WINDOW: i32 = 18;

fn main() -> Result<()> {
    let web = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../web");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", web.display());

    let mut files = Vec::new();
    read(&web, "", &mut files)?;
    files.sort_by(|one, other| one.name.cmp(&other.name));
    for document in DOCUMENTS {
        let import_map = import_map(&document, &files)?;
        println!("cargo::rustc-env={}={}", document.digest, digest(import_map.as_bytes()));
        let completed = complete(&document, &import_map, &files)?;
        files
            .iter_mut()
            .filter(|file| file.name == document.name)
            .for_each(|file| file.bytes.clone_from(&completed));
    }

    let mut list = String::from("&[\n");
    for file in &files {
        write_variants(&out, file)?;
        let (name, sha256) = (&file.name, digest(&file.bytes));
        let include = |kind: &str| format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.{kind}\"))");
        let [identity, brotli, gzip] = ["identity", "br", "gz"].map(include);
        writeln!(
            list,
            "    Asset {{ path: {name:?}, sha256: {sha256:?}, identity: {identity}, brotli: {brotli}, gzip: {gzip} }},"
        )?;
    }
    list.push_str("]\n");
    fs::write(out.join("assets.rs"), list)?;
    Ok(())
}

struct File {
    name: String,
    bytes: Vec<u8>,
}

/// Every file of `web/` but what serves its reader, by its path.
fn read(directory: &Path, below: &str, files: &mut Vec<File>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|name| format!("{}", name.display()))?;
        let name = format!("{below}{name}");
        if entry.file_type()?.is_dir() {
            read(&entry.path(), &format!("{name}/"), files)?;
        } else if !name.ends_with(".md") {
            files.push(File { bytes: fs::read(entry.path())?, name });
        }
    }
    Ok(())
}

fn file<'a>(files: &'a [File], name: &str) -> Result<&'a File> {
    let found = files.iter().find(|file| file.name == name);
    found.ok_or_else(|| format!("web/{name} is missing").into())
}

fn modules(files: &[File]) -> impl Iterator<Item = &File> {
    files.iter().filter(|file| file.name.ends_with(".js"))
}

/// Names the digest of each module of a document: a browser runs no other.
fn import_map(document: &Document, files: &[File]) -> Result<String> {
    let mut map = String::from("{\"integrity\":{");
    let run = modules(files).filter(|file| (document.runs)(&file.name));
    for (index, File { name, bytes }) in run.enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(map, "{comma}\"./{name}\":\"sha256-{}\"", digest(bytes))?;
    }
    map.push_str("}}");
    Ok(map)
}

/// Modules at once, instead of import after import. The digests stand here again: Chromium fetches a
/// module twice if only the import map names its digest. Those that not everybody needs are left to
/// the document.
fn preloads(document: &Document, files: &[File]) -> String {
    let preloaded = modules(files).filter(|file| (document.preloads)(&file.name));
    let link = |file: &File| {
        let (name, integrity) = (&file.name, digest(&file.bytes));
        format!("\n<link rel=\"modulepreload\" href=\"{name}\" integrity=\"sha256-{integrity}\">")
    };
    preloaded.map(link).collect()
}

/// A document as it is served.
fn complete(document: &Document, import_map: &str, files: &[File]) -> Result<Vec<u8>> {
    let modules = format!("<script type=\"importmap\">{import_map}</script>{}", preloads(document, files));
    let written = std::str::from_utf8(&file(files, document.name)?.bytes)?;
    let mut html = replaced(document, written, MODULES, &modules)?;
    for (name, tag) in document.tags {
        let integrity = digest(&file(files, name)?.bytes);
        html = replaced(document, &html, tag, &format!("{tag} integrity=\"sha256-{integrity}\""))?;
    }
    Ok(html.into_bytes())
}

fn replaced(document: &Document, html: &str, place: &str, by: &str) -> Result<String> {
    if html.matches(place).count() != 1 {
        return Err(format!("web/{} has to contain {place} once", document.name).into());
    }
    Ok(html.replace(place, by))
}

fn write_variants(out: &Path, File { name, bytes }: &File) -> Result<()> {
    let identity = out.join(format!("{name}.identity"));
    if let Some(directory) = identity.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::write(identity, bytes)?;
    let mut brotli = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        lgwin: BROTLI_WINDOW,
        mode: brotli::enc::backward_references::BrotliEncoderMode::BROTLI_MODE_TEXT,
        size_hint: bytes.len(),
        ..Default::default()
    };
    brotli::BrotliCompress(&mut bytes.as_slice(), &mut brotli, &parameters)?;
    fs::write(out.join(format!("{name}.br")), brotli)?;
    // Without a name and a time: the same files give the same program.
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::best());
    gzip.write_all(bytes)?;
    fs::write(out.join(format!("{name}.gz")), gzip.finish()?)?;
    Ok(())
}

fn digest(bytes: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(bytes))
}
