//! The layers of this crate, as its files really are: no circle of files, neither by what they
//! import nor by which of each other's methods of `Sessions` they call. And nothing among its
//! dependencies that does I/O.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Files by name, such as `room` and `room/inputs`, without tests.
type Files = BTreeMap<String, String>;

fn files() -> Files {
    let mut files = Files::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut files);
    files.remove("lib");
    files
}

fn read(folder: &Path, prefix: &str, files: &mut Files) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = format!("{prefix}{}", path.file_stem().unwrap().to_str().unwrap());
        if path.is_dir() && name != "tests" {
            read(&path, &format!("{name}/"), files);
        } else if path.is_file() && !name.ends_with("tests") {
            let text = fs::read_to_string(path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            files.insert(name, lines.collect::<Vec<_>>().join("\n"));
        }
    }
}

/// The words that follow `before` in a text.
fn words_after<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(before).skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    })
}

/// The files that a file imports from: `crate::name` anywhere, the names in `use crate::{…};`, and
/// the file of the folder in which it is, if it imports from that.
fn imports<'a>(name: &'a str, text: &'a str, files: &'a Files) -> BTreeSet<&'a str> {
    let mut names: BTreeSet<_> = words_after(text, "crate::").collect();
    for list in text.split("use crate::{").skip(1) {
        let list = &list[..list.find("};").unwrap()];
        let mut depth = 0;
        for item in list.split_inclusive(['{', '}', ',']) {
            if depth == 0 {
                names.insert(item.trim().split("::").next().unwrap());
            }
            depth += item.matches('{').count();
            depth -= item.matches('}').count();
        }
    }
    if text.contains("super::") {
        names.extend(name.split('/').next());
    }
    names.into_iter().filter(|name| files.contains_key(*name)).collect()
}

/// The methods of a type that has its methods in several files, each with the file that defines it.
fn methods<'a>(of: &str, files: &'a Files) -> BTreeMap<&'a str, &'a str> {
    let mut defined = BTreeMap::new();
    for (name, text) in files.iter().filter(|(_, text)| has_methods(of, text)) {
        for method in words_after(text, "fn ") {
            let other = defined.insert(method, name.as_str());
            assert!(other.is_none_or(|other| other == name), "{method} is defined in {name} and {other:?}");
        }
    }
    defined
}

fn has_methods(of: &str, text: &str) -> bool {
    text.contains(&format!("impl {of} {{"))
}

/// A circle, if there is one: each file uses the next.
fn circle<'a>(uses: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Option<Vec<&'a str>> {
    fn visit<'a>(
        file: &'a str,
        uses: &BTreeMap<&'a str, BTreeSet<&'a str>>,
        path: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> bool {
        if let Some(begin) = path.iter().position(|earlier| *earlier == file) {
            path.drain(..begin);
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

/// Which files each file uses: by what it imports, and by the methods of its own type that it
/// calls.
fn uses(files: &Files) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut uses: BTreeMap<_, _> =
        files.iter().map(|(name, text)| (name.as_str(), imports(name, text, files))).collect();
    for of in ["Sessions", "Room"] {
        let defined = methods(of, files);
        let path = format!("{of}::");
        for (name, text) in files.iter().filter(|(_, text)| has_methods(of, text)) {
            let called = words_after(text, "self.").chain(words_after(text, &path));
            let called: Vec<_> = called.filter_map(|method| defined.get(method).copied()).collect();
            uses.get_mut(name.as_str()).unwrap().extend(called);
        }
    }
    for (name, used) in &mut uses {
        used.remove(name);
    }
    uses
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let files = files();
    let uses = uses(&files);
    let seen = |file: &str, used: &str| assert!(uses[file].contains(used), "{file} does not use {used}?");
    seen("chats", "room");
    seen("leaving", "chats");
    seen("seat", "want");
    seen("room/inputs", "room");
    assert_eq!(circle(&uses), None);
}

#[test]
fn a_circle_would_be_found() {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let imports = Files::from([
        file("a", "use crate::{\n    b::B,\n    c::{C, D},\n};"),
        file("b", ""),
        file("c", "fn f() { crate::a::x() }"),
    ]);
    assert_eq!(circle(&uses(&imports)), Some(vec!["a", "c"]));
    let calls = Files::from([
        file("a", "impl Sessions {\n fn one(&mut self) { self.two() }\n}"),
        file("b", "impl Sessions {\n fn two(&mut self) { self.three() }\n}"),
        file("c", "impl Sessions {\n fn three(&mut self) { self.with(Sessions::one) }\n}"),
    ]);
    assert_eq!(circle(&uses(&calls)), Some(vec!["a", "b", "c"]));
}

#[test]
fn nothing_that_does_io_is_among_the_dependencies() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let names: Vec<_> = dependencies.lines().filter_map(|line| line.split(['.', ' ']).next()).collect();
    let names: Vec<_> = names.into_iter().filter(|name| !name.is_empty()).collect();
    assert_eq!(names, ["rand", "schemas"], "time and randomness come in as arguments");
}
