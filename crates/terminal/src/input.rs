//! What is typed: texts, and a few commands.

mod json_line;
mod typed;

use std::io::{self, BufRead, IsTerminal, Read};

use client::channel::limits::MAX_TEXT;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

pub(super) use typed::{ToSend, Typed};

use super::{
    command::TypedLine,
    saying::Words,
    streams::{self, WipingReader},
};

/// Lines read ahead of the chat.
const LINES: usize = 16;

/// Longest line read at once, in bytes; the rest is the next line. A text is much shorter.
const LINE_BYTES: u64 = 1024 * 1024;

/// Who types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typist {
    /// Somebody at a terminal, who may want another chat after this.
    Person,
    /// A file, or a program whose lines are texts.
    Script,
    /// A program that writes lines of JSON.
    Program,
}

impl Typist {
    /// Who types lines that are not JSON.
    pub(super) fn of_input() -> Self {
        if io::stdin().is_terminal() { Self::Person } else { Self::Script }
    }
}

/// Standard input, line by line.
pub(super) struct Input {
    lines: mpsc::Receiver<String>,
    pub(super) typist: Typist,
}

impl Input {
    /// Starts a thread that reads. It cannot be stopped while it waits for a line, and ends with
    /// the process.
    pub(super) fn new(typist: Typist) -> Self {
        let (sender, lines) = mpsc::channel(LINES);
        std::thread::spawn(move || {
            // Without standard input there is no line.
            if let Ok(input) = streams::input() {
                read_lines(WipingReader::new(input), &sender);
            }
        });
        Self { lines, typist }
    }

    /// The next line; `None` at the end of input. Nothing is lost if the future is dropped.
    pub(super) async fn next(&mut self) -> Option<Typed> {
        self.lines.recv().await.map(|line| Typed::read(&line, self.typist))
    }
}

fn read_lines(mut input: impl BufRead, lines: &mpsc::Sender<String>) {
    loop {
        let mut line = Vec::new();
        match input.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
        if lines.blocking_send(line).is_err() {
            return;
        }
    }
}

impl Typed {
    /// Only a person's lines may be commands. A script's lines are sent as they are.
    fn read(line: &str, typist: Typist) -> Self {
        match (typist, TypedLine::read(line)) {
            (Typist::Program, _) => Self::read_json(line),
            (Typist::Script, _) => Self::ToSend(pieces(line)),
            (Typist::Person, TypedLine::Text(text)) => Self::ToSend(pieces(text)),
            (Typist::Person, TypedLine::Command(command)) => Self::Command(command),
        }
    }

    fn read_json(line: &str) -> Self {
        match json_line::read(line) {
            Ok(typed) => typed,
            Err(why) => Self::Malformed(why),
        }
    }
}

/// Cuts a line into texts of at most 8 KiB. An empty line gives none.
fn pieces(line: &str) -> Vec<ToSend> {
    let mut rest = line;
    std::iter::from_fn(|| {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(MAX_TEXT));
        rest = after;
        (!piece.is_empty()).then(|| ToSend { words: Words::Text(Zeroizing::new(piece.to_owned())), id: None })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;

    fn texts(texts: &[&str]) -> Typed {
        Typed::ToSend(texts.iter().flat_map(|text| pieces(text)).collect())
    }

    #[test]
    fn a_person_has_commands_and_a_script_has_not() {
        let person = |line| Typed::read(line, Typist::Person);
        assert_eq!(person("hello"), texts(&["hello"]));
        assert_eq!(person("/next"), Typed::Command(Command::Next));
        assert_eq!(person("//next"), texts(&["/next"]));
        assert_eq!(person(""), texts(&[]));
        assert_eq!(Typed::read("/quit", Typist::Script), texts(&["/quit"]));
    }

    #[test]
    fn a_long_line_is_sent_in_pieces_of_whole_characters() {
        let line = format!("x{}", "é".repeat(MAX_TEXT));
        let pieces = pieces(&line);
        let texts: Vec<_> = pieces
            .iter()
            .map(|piece| match &piece.words {
                Words::Text(text) => text.as_str(),
                _ => panic!("no text"),
            })
            .collect();
        assert!(texts.iter().all(|text| text.len() <= MAX_TEXT));
        assert_eq!(texts.concat(), line);
        assert_eq!(pieces.len(), 3);
    }

    #[test]
    fn lines_are_read_to_the_end_whatever_they_hold() {
        let (sender, mut lines) = mpsc::channel(LINES);
        read_lines(&b"one\r\n\nt\xffo\nlast"[..], &sender);
        drop(sender);
        let read: Vec<_> = std::iter::from_fn(|| lines.blocking_recv()).collect();
        assert_eq!(read, ["one", "", "t\u{fffd}o", "last"]);
    }
}
