//! The layers of this crate and of the terminal client, as their files really are: no file reaches
//! itself again, neither by what the files import nor by which of each other's methods they call.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The code of each file by its module path, such as `channel/state`, without tests and comments.
type Files = BTreeMap<String, String>;

/// Types that have their methods in several files.
const SPREAD: [&str; 4] = ["Channel", "Chat", "ConnectionMachine", "Model"];

fn files(package: &str) -> Files {
    let mut files = Files::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(package).join("src"), "", &mut files);
    files
}

fn read(folder: &Path, module: &str, files: &mut Files) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        if path.is_dir() && stem != "tests" {
            read(&path, &format!("{module}{stem}/"), files);
        } else if path.is_file() && stem != "tests" {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            let name = if matches!(stem, "mod" | "lib") { module } else { &format!("{module}{stem}") };
            files.insert(name.trim_end_matches('/').to_owned(), lines.collect::<Vec<_>>().join("\n"));
        }
    }
}

/// The paths in a `use` list: `a::{b, c::{d}}` is `a::b` and `a::c::d`.
fn expand(tree: &str) -> Vec<String> {
    let Some((before, list)) = tree.trim().split_once('{') else { return vec![tree.trim().to_owned()] };
    let (mut paths, mut depth, mut item) = (Vec::new(), 0, String::new());
    for c in list.trim_end_matches('}').chars().chain([',']) {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if c == ',' && depth == 0 {
            paths.extend(expand(&item).iter().map(|path| format!("{before}{path}")));
            item.clear();
        } else {
            item.push(c);
        }
    }
    paths.retain(|path| !path.ends_with("::"));
    paths
}

/// Every path of a file that starts at `crate` or `super`. What it re-exports is not among them.
fn paths(code: &str) -> Vec<String> {
    let uses = code.match_indices("use ").filter(|(at, _)| {
        let line = &code[code[..*at].rfind('\n').map_or(0, |end| end + 1)..*at];
        line.is_empty()
    });
    let uses: Vec<_> = uses.map(|(at, _)| &code[at + 4..at + code[at..].find(';').unwrap()]).collect();
    let inline = ["crate::", "super::"].into_iter().flat_map(|start| {
        code.match_indices(start).map(|(at, _)| {
            let rest = &code[at..];
            &rest[..rest.find(|c: char| !c.is_alphanumeric() && !"_:".contains(c)).unwrap_or(rest.len())]
        })
    });
    let inline = inline.filter(|path| !path.ends_with("::")).map(str::to_owned);
    let all = uses.into_iter().flat_map(expand).chain(inline);
    all.filter(|path| path.starts_with("crate::") || path.starts_with("super::")).collect()
}

/// The file in which a path ends, seen from a file.
fn resolve<'a>(path: &str, from: &str, files: &'a Files) -> &'a str {
    let mut at: Vec<_> = from.split('/').collect();
    for name in path.split("::") {
        match name {
            "crate" => at.clear(),
            "super" => _ = at.pop(),
            name => {
                at.push(name);
                if !files.contains_key(&at.join("/")) {
                    at.pop();
                    break;
                }
            }
        }
    }
    files.get_key_value(&at.join("/")).unwrap().0
}

fn uses(files: &Files) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut uses: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (name, code) in files {
        let used = paths(code).into_iter().map(|path| resolve(&path, name, files));
        uses.insert(name.as_str(), used.filter(|used| used != name).collect());
    }
    for spread in SPREAD {
        let start = format!("impl {spread} {{");
        let bodies: Vec<_> = files
            .iter()
            .filter_map(|(name, code)| Some((name.as_str(), code.split_once(&start)?.1)))
            .collect();
        let defines = |body: &str, method: &str| body.contains(&format!("fn {method}("));
        for (name, body) in &bodies {
            let called =
                body.split("self.").skip(1).filter_map(|rest| rest.split_once('(')).map(|call| call.0);
            for method in called {
                let definer = bodies.iter().find(|(_, body)| defines(body, method));
                uses.get_mut(name)
                    .unwrap()
                    .extend(definer.map(|(file, _)| file).filter(|file| file != &name));
            }
        }
    }
    uses
}

/// A circle, if there is one: each file uses the next.
fn circle<'a>(uses: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Option<Vec<&'a str>> {
    fn visit<'a>(
        file: &'a str,
        uses: &BTreeMap<&'a str, BTreeSet<&'a str>>,
        path: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> bool {
        if let Some(start) = path.iter().position(|earlier| *earlier == file) {
            path.drain(..start);
            return true;
        }
        if done.contains(file) {
            return false;
        }
        path.push(file);
        if uses[file].iter().any(|next| visit(next, uses, path, done)) {
            return true;
        }
        path.pop();
        done.insert(file);
        false
    }
    let (mut path, mut done) = (Vec::new(), BTreeSet::new());
    uses.keys().any(|file| visit(file, uses, &mut path, &mut done)).then_some(path)
}

/// A file that takes something from the file above it depends on all that is re-exported there.
fn assert_no_import_from_above(uses: &BTreeMap<&str, BTreeSet<&str>>) {
    for (file, used) in uses {
        let above = |used: &&str| used.is_empty() || file.starts_with(&format!("{used}/"));
        let bad: Vec<_> = used.iter().copied().filter(above).collect();
        assert!(bad.is_empty(), "{file} imports from above: {bad:?}");
    }
}

#[test]
fn no_file_of_the_library_uses_itself_through_others() {
    let files = files("client");
    let uses = uses(&files);
    let seen = |file: &str, used: &str| assert!(uses[file].contains(used), "{file} does not use {used}?");
    seen("connection", "machine");
    seen("machine/handle", "machine/control");
    seen("channel/inputs", "channel/secured");
    seen("chat/state", "connection");
    seen("chat/inputs", "chat/state");
    assert_no_import_from_above(&uses);
    assert_eq!(circle(&uses), None);
}

#[test]
fn no_file_of_the_terminal_client_uses_itself_through_others() {
    let files = files("terminal");
    let uses = uses(&files);
    let seen = |file: &str, used: &str| assert!(uses[file].contains(used), "{file} does not use {used}?");
    seen("layout", "state");
    seen("model/machine", "layout");
    seen("model/handle", "model/keyboard");
    seen("view/parts", "view/canvas");
    assert_no_import_from_above(&uses);
    assert_eq!(circle(&uses), None);
    let mut drawing = uses.iter().filter(|(file, _)| file.starts_with("view"));
    let knows_the_model = drawing.any(|(_, used)| used.iter().any(|used| used.starts_with("model")));
    assert!(!knows_the_model, "the view draws the screen state alone");
}

#[test]
fn circles_would_be_found() {
    let file = |name: &str, code: &str| (name.to_owned(), code.to_owned());
    let imports = Files::from([
        file("", "pub mod a;\npub use a::A;"),
        file("a", "use crate::{\n    b::{self, B},\n    c::C,\n};"),
        file("b", ""),
        file("c", "fn f() { super::a::x() }"),
    ]);
    assert_eq!(circle(&uses(&imports)), Some(vec!["a", "c"]));
    let calls = Files::from([
        file("a", "impl Model {\n fn one(&mut self) { self.two() }\n}"),
        file("b", "impl Model {\n fn two(&mut self) { self.one() }\n}"),
    ]);
    assert_eq!(circle(&uses(&calls)), Some(vec!["a", "b"]));
}

#[test]
#[should_panic(expected = "imports from above")]
fn an_import_from_above_would_be_found() {
    let file = |name: &str, code: &str| (name.to_owned(), code.to_owned());
    let files = Files::from([file("", ""), file("a", ""), file("a/b", "use super::Thing;")]);
    assert_no_import_from_above(&uses(&files));
}
