//! What is typed: texts, and a few commands.

use std::io::{self, BufRead, IsTerminal, Read};

use client::channel::limits::MAX_TEXT;
use tokio::sync::mpsc;

use super::command::{Command, TypedLine};

/// Lines read ahead of the chat.
const LINES: usize = 16;

/// Longest line read at once, in bytes; the rest is the next line. A text is much shorter.
const LINE_BYTES: u64 = 1024 * 1024;

/// Who types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typist {
    /// Somebody at a terminal, who may want another chat after this.
    Person,
    /// A program, or a file.
    Script,
}

/// Standard input, line by line.
pub(super) struct Input {
    lines: mpsc::Receiver<String>,
    pub(super) typist: Typist,
}

impl Input {
    /// Starts a thread that reads. It cannot be stopped while it waits for a line, and ends with
    /// the process.
    pub(super) fn new() -> Self {
        let (sender, lines) = mpsc::channel(LINES);
        std::thread::spawn(move || read_lines(io::stdin().lock(), &sender));
        let typist = if io::stdin().is_terminal() { Typist::Person } else { Typist::Script };
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

/// One line, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// Texts for the peer, each short enough to be sent.
    Texts(Vec<String>),
    /// A command for this program.
    Command(Command),
}

impl Typed {
    /// Only a person's lines may be commands. A script's lines are sent as they are.
    fn read(line: &str, typist: Typist) -> Self {
        match (typist, TypedLine::read(line)) {
            (Typist::Script, _) => Self::Texts(pieces(line)),
            (Typist::Person, TypedLine::Text(text)) => Self::Texts(pieces(text)),
            (Typist::Person, TypedLine::Command(command)) => Self::Command(command),
        }
    }
}

/// Cuts a line into texts of at most 8 KiB. An empty line gives none.
fn pieces(line: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(MAX_TEXT));
        pieces.push(piece.to_owned());
        rest = after;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Typed {
        Typed::Texts(texts.iter().map(|&text| text.to_owned()).collect())
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
        let line = "é".repeat(MAX_TEXT);
        let pieces = pieces(&format!("x{line}"));
        assert!(pieces.iter().all(|piece| piece.len() <= MAX_TEXT));
        assert_eq!(pieces.concat(), format!("x{line}"));
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
