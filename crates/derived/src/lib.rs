//! Committed text that is derived from the code: whole files, and blocks of files that people
//! write. A test renders what the code says and hands it to [`file()`] or [`block`], which fail if
//! the committed text differs. With `UPDATE=1` in the environment they write it instead.

#![expect(clippy::panic, reason = "for tests, which fail by panicking")]

use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    path::Path,
};

/// Fails unless the file at `path`, from the top of the repository, holds exactly `text`.
///
/// # Panics
/// If it does not, or cannot be written.
pub fn file(path: &str, text: &str) {
    settle(path, |_| text.to_owned());
}

/// Fails unless the block `name` of the file at `path` holds exactly `text`. A block lies between a
/// line with `derived: NAME` and the next line with `end of derived`, both in comments; its lines
/// are indented as the first of these two.
///
/// # Panics
/// If it does not, or there is no such block.
pub fn block(path: &str, name: &str, text: &str) {
    settle(path, |committed| {
        with_block(committed, name, text).unwrap_or_else(|| panic!("{path} has no block `derived: {name}`"))
    });
}

/// Compares a file with what the code makes of it, or writes that.
fn settle(path: &str, current: impl FnOnce(&str) -> String) {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    let updates = std::env::var_os("UPDATE").is_some();
    let fault = |fault: io::Error| -> ! { panic!("{path}: {fault}") };
    let options = File::options().read(true).write(updates).create(updates).clone();
    let mut file = options.open(full).unwrap_or_else(|error| fault(error));
    // Several tests may write blocks of one file at the same time.
    if updates {
        file.lock().unwrap_or_else(|error| fault(error));
    }
    let mut committed = String::new();
    file.read_to_string(&mut committed).unwrap_or_else(|error| fault(error));
    let current = current(&committed);
    if committed == current {
        return;
    }
    assert!(
        updates,
        "{path} is not what the code says{}\nIf the code is right, run this test with UPDATE=1.",
        difference(&committed, &current)
    );
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(current.as_bytes()))
        .unwrap_or_else(|error| fault(error));
}

/// The first line that differs.
fn difference(committed: &str, current: &str) -> String {
    let mut lines = (committed.lines(), current.lines());
    let differing = (1..)
        .map(|number| (number, lines.0.next(), lines.1.next()))
        .find(|(_, old, new)| old != new || old.is_none());
    let (number, old, new) = differing.unwrap_or_default();
    let shown = |line: Option<&str>| line.unwrap_or("(nothing)").to_owned();
    format!(", first in line {number}:\n  committed: {}\n  code:      {}", shown(old), shown(new))
}

/// `committed` with the block replaced; `None` if there is no such block.
fn with_block(committed: &str, name: &str, text: &str) -> Option<String> {
    let begins = |line: &str| {
        let named = line.trim_end().split_once("derived: ").map(|(_, rest)| rest.split([' ', ',']).next());
        named.flatten() == Some(name)
    };
    let lines: Vec<_> = committed.split_inclusive('\n').collect();
    let begin = lines.iter().position(|line| begins(line))?;
    let end = begin + lines[begin..].iter().position(|line| line.contains("end of derived"))?;
    let indent = &lines[begin][..lines[begin].len() - lines[begin].trim_start().len()];
    let body =
        text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{indent}{line}\n") });
    Some(
        lines[..=begin]
            .iter()
            .map(|line| (*line).to_owned())
            .chain(body)
            .chain(lines[end..].iter().map(|line| (*line).to_owned()))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "a\n  # derived: one, from there\n  old\n  # end of derived\nb\n# derived: two\n# end of derived\n";

    #[test]
    fn a_block_is_replaced_and_nothing_else() {
        let one = with_block(FILE, "one", "x\n\ny\n").unwrap();
        assert_eq!(one, FILE.replace("  old\n", "  x\n\n  y\n"));
        assert_eq!(with_block(&one, "one", "old").unwrap(), FILE);
        assert_eq!(with_block(FILE, "two", "z").unwrap(), FILE.replace("two\n", "two\nz\n"));
    }

    #[test]
    fn a_block_that_is_not_there_or_does_not_end_is_missed() {
        assert_eq!(with_block(FILE, "on", "x"), None);
        assert_eq!(with_block("# derived: one\n", "one", "x"), None);
    }

    #[test]
    fn the_first_line_that_differs_is_shown() {
        let shown = difference("a\nb\n", "a\nc\n");
        assert_eq!(shown, ", first in line 2:\n  committed: b\n  code:      c");
        let shown = difference("a\n", "a\nb\n");
        assert_eq!(shown, ", first in line 2:\n  committed: (nothing)\n  code:      b");
    }
}
