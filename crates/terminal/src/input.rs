//! What is typed: texts, and a few commands.

use std::io::{self, BufRead, IsTerminal, Read};

use client::channel::{Typing, limits::MAX_TEXT};
use schemas::control::Category;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::{
    command::{Command, TypedLine},
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

/// A text to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TextToSend {
    pub(super) text: String,
    /// A program's name for it.
    pub(super) id: Option<String>,
}

/// One line, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// Texts for the peer, each short enough to be sent.
    Texts(Vec<TextToSend>),
    /// A command for this program.
    Command(Command),
    /// Whether somebody is writing.
    Typing(Typing),
    /// Not a line of this form, and why.
    Malformed(String),
}

impl Typed {
    /// Only a person's lines may be commands. A script's lines are sent as they are.
    fn read(line: &str, typist: Typist) -> Self {
        match (typist, TypedLine::read(line)) {
            (Typist::Program, _) => Self::read_json(line),
            (Typist::Script, _) => Self::Texts(pieces(line)),
            (Typist::Person, TypedLine::Text(text)) => Self::Texts(pieces(text)),
            (Typist::Person, TypedLine::Command(command)) => Self::Command(command),
        }
    }

    fn read_json(line: &str) -> Self {
        let line = match serde_json::from_str(line) {
            Ok(line) => line,
            // Its text would repeat parts of the line.
            Err(fault) => {
                return Self::Malformed(format!("column {}: not an object as documented", fault.column()));
            }
        };
        match line {
            JsonLine { text: Some(text), id, command: None, category: None, typing: None } => {
                if text.is_empty() || text.len() > MAX_TEXT {
                    return Self::Malformed(format!("a text has 1 to {MAX_TEXT} bytes"));
                }
                Self::Texts(vec![TextToSend { text, id }])
            }
            JsonLine { text: None, id: None, command: None, category: None, typing: Some(active) } => {
                Self::Typing(if active { Typing::Active } else { Typing::Idle })
            }
            JsonLine { text: None, id: None, command: Some(command), category, typing: None } => {
                match (Command::read(&command), category) {
                    (Command::Report(None), Some(category)) => Self::Command(Command::Report(Some(category))),
                    (Command::Report(_), _) => Self::Malformed("a report needs a category".into()),
                    (Command::Unknown | Command::Help, _) | (_, Some(_)) => {
                        Self::Malformed("there is no such command".into())
                    }
                    (command, None) => Self::Command(command),
                }
            }
            _ => Self::Malformed("an object has a text, a command, or typing".into()),
        }
    }
}

/// A line of a program.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonLine {
    text: Option<String>,
    id: Option<String>,
    command: Option<String>,
    category: Option<Category>,
    typing: Option<bool>,
}

/// Cuts a line into texts of at most 8 KiB. An empty line gives none.
fn pieces(line: &str) -> Vec<TextToSend> {
    let mut rest = line;
    std::iter::from_fn(|| {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(MAX_TEXT));
        rest = after;
        (!piece.is_empty()).then(|| TextToSend { text: piece.to_owned(), id: None })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Typed {
        Typed::Texts(texts.iter().map(|&text| TextToSend { text: text.to_owned(), id: None }).collect())
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
    fn a_program_writes_objects() {
        let read = |line| Typed::read(line, Typist::Program);
        let with_id = TextToSend { text: "two\nlines".into(), id: Some("7".into()) };
        assert_eq!(read(r#"{"text":"two\nlines","id":"7"}"#), Typed::Texts(vec![with_id]));
        assert_eq!(read(r#"{"text":"/quit"}"#), texts(&["/quit"]));
        assert_eq!(read(r#"{"command":"next"}"#), Typed::Command(Command::Next));
        let report = Command::Report(Some(Category::Spam));
        assert_eq!(read(r#"{"command":"report","category":"spam"}"#), Typed::Command(report));
        assert_eq!(read(r#"{"typing":true}"#), Typed::Typing(Typing::Active));
        let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(MAX_TEXT + 1));
        for malformed in [
            "",
            "hello",
            "{}",
            r#"{"text":""}"#,
            &long,
            r#"{"text":"a","command":"quit"}"#,
            r#"{"command":"report"}"#,
            r#"{"command":"report","category":"rudeness"}"#,
            r#"{"command":"dance"}"#,
            r#"{"command":"next","category":"spam"}"#,
            r#"{"txet":"secret"}"#,
        ] {
            let Typed::Malformed(why) = read(malformed) else { panic!("{malformed}") };
            assert!(!why.contains("secret"));
        }
    }

    #[test]
    fn a_long_line_is_sent_in_pieces_of_whole_characters() {
        let line = format!("x{}", "é".repeat(MAX_TEXT));
        let pieces = pieces(&line);
        assert!(pieces.iter().all(|piece| piece.text.len() <= MAX_TEXT));
        assert_eq!(pieces.iter().map(|piece| piece.text.as_str()).collect::<String>(), line);
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
