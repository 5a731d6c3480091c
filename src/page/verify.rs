//! Compares what a host serves with this program's own page, and names each difference.
//!
//! What it cannot see: a host that serves one visitor another page than whoever checks.

use std::{collections::BTreeSet, fmt};

use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD};
use client::{
    RestError, Server,
    rest::{Fetched, fetch},
};
use gateway::page::{self, PageFile};
use http::StatusCode;
use schemas::codec::sha256;
use tokio::task::JoinSet;

/// How many files are fetched at the same time.
const AT_ONCE: usize = 8;
/// Of a file that is longer than ours by this much, no more is read.
const MORE_BYTES: usize = 64 * 1024;
/// Headers that the page has not, and that would make a browser do something: go elsewhere, load something,
/// keep something.
const UNWANTED: [&str; 5] = ["refresh", "link", "set-cookie", "service-worker-allowed", "content-encoding"];
/// What a browser loads, by the ends of names.
const LOADED: [&str; 7] = [".js", ".mjs", ".css", ".html", ".wasm", ".json", ".webmanifest"];

/// A difference between what a host serves and this program's page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Difference {
    /// What was asked for, such as `/main.js`.
    path: String,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// The host answers with another status.
    Missing(u16),
    /// It answers this time with nothing whole.
    Unanswered(String),
    /// Other bytes: both digests.
    Other { theirs: String, ours: String },
    /// Far more bytes.
    Longer,
    /// A header that says something else, or nothing.
    Header { name: &'static str, theirs: Option<String> },
    /// A header that the page has not.
    Unwanted { name: &'static str, theirs: String },
    /// A file that the page has not.
    Added(String),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.what {
            What::Missing(status) => write!(f, "{path} is missing: the host answers with {status}"),
            What::Unanswered(why) => write!(f, "{path} cannot be fetched: {why}"),
            What::Other { theirs, ours } => {
                write!(f, "{path} has other content: sha256-{theirs} instead of sha256-{ours}")
            }
            What::Longer => write!(f, "{path} has other content: it is far longer"),
            What::Header { name, theirs: None } => write!(f, "{path} comes without the header {name}"),
            What::Header { name, theirs: Some(theirs) } => {
                write!(f, "{path} comes with another header {name}: {}", shown(theirs))
            }
            What::Unwanted { name, theirs } => {
                write!(f, "{path} comes with the header {name}, which the page has not: {}", shown(theirs))
            }
            What::Added(name) => write!(f, "{path} names {}, which is no part of the page", shown(name)),
        }
    }
}

/// What a host has written, for a terminal: without controls, and not without end.
fn shown(text: &str) -> String {
    const MOST: usize = 200;
    let line: String = text.chars().take(MOST).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().count() > MOST { format!("{line}…") } else { line }
}

/// All differences, in order.
///
/// # Errors
/// If the host does not answer at all.
pub(super) async fn differences(server: &Server) -> anyhow::Result<BTreeSet<Difference>> {
    let index = page::files().find(|file| file.path == "index.html").context("this program has no page")?;
    // The first answer tells whether there is anybody.
    let first = fetch(server, "/", most(index)).await?;
    let mut found: BTreeSet<_> = compared("/", index, Ok(first)).into_iter().collect();
    let mut under_way = JoinSet::new();
    let documents = page::DOCUMENT_PATHS.into_iter().filter(|(path, _)| *path != "/");
    let others = documents
        .filter_map(|(path, name)| Some((path.to_owned(), page::files().find(|file| file.path == name)?)));
    for (path, file) in others.chain(page::files().map(|file| (format!("/{}", file.path), file))) {
        if under_way.len() == AT_ONCE {
            found.extend(under_way.join_next().await.transpose()?.into_iter().flatten());
        }
        let server = server.clone();
        under_way.spawn(async move {
            let fetched = fetch(&server, &path, most(file)).await;
            compared(&path, file, fetched)
        });
    }
    while let Some(some) = under_way.join_next().await {
        found.extend(some?);
    }
    Ok(found)
}

fn most(file: PageFile) -> usize {
    file.bytes.len() + MORE_BYTES
}

fn compared(path: &str, file: PageFile, fetched: Result<Fetched, RestError>) -> Vec<Difference> {
    let differences = match fetched {
        Err(fault) => vec![What::Unanswered(fault.to_string())],
        Ok(fetched) if fetched.status != StatusCode::OK => vec![What::Missing(fetched.status.as_u16())],
        Ok(fetched) => of_answer(file, &fetched),
    };
    differences.into_iter().map(|what| Difference { path: path.to_owned(), what }).collect()
}

fn of_answer(file: PageFile, fetched: &Fetched) -> Vec<What> {
    let mut found = Vec::new();
    match &fetched.body {
        None => found.push(What::Longer),
        Some(body) if body == file.bytes => {}
        Some(body) => {
            found.push(What::Other { theirs: digest(body), ours: digest(file.bytes) });
            if file.path.ends_with(".html") {
                found.extend(added(file.bytes, body).into_iter().map(What::Added));
            }
        }
    }
    for (name, ours) in page::headers(file.path) {
        let all: Vec<_> = fetched.headers.get_all(name).iter().map(|value| value.as_bytes()).collect();
        if all != [ours.as_bytes()] {
            let theirs =
                (!all.is_empty()).then(|| String::from_utf8_lossy(&all.join(&b", "[..])).into_owned());
            found.push(What::Header { name, theirs });
        }
    }
    for name in UNWANTED {
        let theirs =
            fetched.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        found.extend(theirs.map(|theirs| What::Unwanted { name, theirs }));
    }
    found
}

/// What a document names between quotes that ours does not: other modules, styles and pages.
fn added(ours: &[u8], theirs: &[u8]) -> BTreeSet<String> {
    let named = |text: &[u8]| -> BTreeSet<String> {
        let text = String::from_utf8_lossy(text);
        let quoted = text.split(['"', '\'']).filter(|name| LOADED.iter().any(|end| name.ends_with(end)));
        quoted.filter(|name| !name.contains(char::is_whitespace)).map(str::to_owned).collect()
    };
    &named(theirs) - &named(ours)
}

fn digest(bytes: &[u8]) -> String {
    STANDARD.encode(sha256(&[bytes]))
}

/// What `sha256sum --check` reads: the digest of every file of the page.
pub(super) fn hashes() -> String {
    let line = |file: PageFile| {
        let digits: String = sha256(&[file.bytes]).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{digits}  {}\n", file.path)
    };
    page::files().map(line).collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn file(path: &str) -> PageFile {
        page::files().find(|file| file.path == path).unwrap()
    }

    /// The honest answer.
    fn served(file: PageFile) -> Fetched {
        let headers =
            page::headers(file.path).map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        Fetched { status: StatusCode::OK, headers: headers.collect(), body: Some(file.bytes.into()) }
    }

    #[test]
    fn an_honest_answer_differs_in_nothing() {
        for file in page::files() {
            assert_eq!(compared("/", file, Ok(served(file))), [], "{}", file.path);
        }
    }

    #[test]
    fn each_difference_has_its_name() {
        let main = file("main.js");
        let changed = |change: &dyn Fn(&mut Fetched)| {
            let mut answer = served(main);
            change(&mut answer);
            compared("/main.js", main, Ok(answer)).iter().map(Difference::to_string).collect::<Vec<_>>()
        };
        let header = |headers: &mut HeaderMap, name: &'static str, value: &str| {
            headers.append(name, value.parse().unwrap());
        };
        let longer = changed(&|answer| answer.body = None);
        assert_eq!(longer, ["/main.js has other content: it is far longer"]);
        let other = changed(&|answer| answer.body = Some(b"x".as_slice().into()));
        let digests = format!("sha256-{} instead of sha256-{}", digest(b"x"), digest(main.bytes));
        assert_eq!(other, [format!("/main.js has other content: {digests}")]);
        assert_eq!(
            changed(&|answer| answer.status = StatusCode::MOVED_PERMANENTLY),
            ["/main.js is missing: the host answers with 301"]
        );
        assert_eq!(
            changed(&|answer| _ = answer.headers.remove("content-security-policy")),
            ["/main.js comes without the header content-security-policy"]
        );
        assert_eq!(
            changed(&|answer| header(&mut answer.headers, "referrer-policy", "unsafe-url")),
            ["/main.js comes with another header referrer-policy: no-referrer, unsafe-url"]
        );
        assert_eq!(
            changed(&|answer| header(&mut answer.headers, "set-cookie", "who=1")),
            ["/main.js comes with the header set-cookie, which the page has not: who=1"]
        );
        let broken = compared("/main.js", main, Err(RestError::TimedOut));
        assert_eq!(broken[0].to_string(), "/main.js cannot be fetched: no answer in 10 s");
    }

    #[test]
    fn a_module_more_is_named_and_what_a_host_writes_commands_no_terminal() {
        let index = file("index.html");
        let page = String::from_utf8_lossy(index.bytes);
        let mut answer = served(index);
        answer.body = Some(
            page.replace("</head>", "<script src=\"\u{1b}[2Jmore.js\"></script></head>").into_bytes().into(),
        );
        let found = compared("/", index, Ok(answer));
        assert!(found[0].to_string().starts_with("/ has other content: sha256-"));
        assert_eq!(found[1].to_string(), "/ names \u{fffd}[2Jmore.js, which is no part of the page");
        assert_eq!(shown(&"x".repeat(500)).chars().count(), 201);
    }

    #[test]
    fn the_hashes_are_those_of_the_files() {
        let hashes = hashes();
        assert_eq!(hashes.lines().count(), page::files().count());
        let digits: String =
            sha256(&[file("main.js").bytes]).iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(hashes.contains(&format!("{digits}  main.js\n")));
    }
}
