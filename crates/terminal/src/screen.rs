//! What is shown. The other's texts may hold anything, so nothing of them reaches a terminal that could command it.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
};

use client::channel::SafetyCode;

use super::text::harmless;

/// Where the other's texts go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Screen {
    /// A terminal: with a mark, so that a text cannot pass for something else.
    Terminal,
    /// A file or another program: as they are, one line each.
    Pipe,
}

impl Screen {
    pub(super) fn new() -> Self {
        if io::stdout().is_terminal() { Self::Terminal } else { Self::Pipe }
    }

    /// Shows what the other says.
    ///
    /// # Errors
    /// If nobody reads it any more.
    pub(super) fn text(self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        for line in text.lines() {
            let mark = if self == Self::Terminal { "> " } else { "" };
            writeln!(out, "{mark}{}", harmless(line))?;
        }
        out.flush()
    }

    /// Shows what happens.
    pub(super) fn status(self, what: impl fmt::Display) {
        // Whoever has closed standard error does not want to know.
        _ = writeln!(io::stderr(), "* {}", harmless(&what.to_string()));
    }

    /// Shows the safety code and what it is good for.
    pub(super) fn safety(self, code: SafetyCode) {
        let emoji: Vec<_> =
            code.emoji().iter().map(|emoji| format!("{} {}", emoji.sign, emoji.name)).collect();
        self.status(format_args!("safety code: {} ({code})", emoji.join(" · ")));
        self.status("compare it outside this chat, such as on a call: if it is the same, nobody is in between; compared in here it proves nothing");
    }
}
