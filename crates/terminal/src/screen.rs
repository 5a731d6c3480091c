//! Output in plain lines. The peer's texts may contain anything, so characters that control a
//! terminal are replaced.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
};

use client::channel::SafetyCode;

use super::text::harmless;

/// Where the peer's texts go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Screen {
    /// A terminal: each line has a mark, so that a text cannot be taken for a status line.
    Terminal,
    /// A file or another program: without marks.
    Pipe,
}

impl Screen {
    pub(super) fn new() -> Self {
        if io::stdout().is_terminal() { Self::Terminal } else { Self::Pipe }
    }

    /// Writes a text of the peer to standard output.
    ///
    /// # Errors
    /// If standard output is closed.
    pub(super) fn text(self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        for line in text.lines() {
            let mark = if self == Self::Terminal { "> " } else { "" };
            writeln!(out, "{mark}{}", harmless(line))?;
        }
        out.flush()
    }

    /// Writes a status line to standard error.
    pub(super) fn status(self, what: impl fmt::Display) {
        // If standard error is closed, nobody wants to read it.
        _ = writeln!(io::stderr(), "* {}", harmless(&what.to_string()));
    }

    /// Shows the safety code and what it proves.
    pub(super) fn safety(self, code: SafetyCode) {
        let emoji: Vec<_> =
            code.emoji().iter().map(|emoji| format!("{} {}", emoji.sign, emoji.name)).collect();
        self.status(format_args!("safety code: {} ({code})", emoji.join(" · ")));
        self.status(
            "compare it outside this chat, such as on a call: if it is the same, nobody is in between; \
             compared in here it proves nothing",
        );
    }
}
