//! What is shown. The other's texts may hold anything, so nothing of them reaches a terminal that could command it.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
};

use client::channel::SafetyCode;

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
        self.status("if both see the same over another channel, such as a call, nobody is between; compared in here it proves nothing");
    }
}

/// A text in which no character moves the cursor, changes the terminal, or turns the order of others around.
fn harmless(text: &str) -> String {
    let is_bidi = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shown =
        |c: char| if c != '\t' && (c.is_control() || is_bidi(c)) { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_command_the_terminal() {
        assert_eq!(harmless("\x1b[2Jred\x07\u{9b}31m\r"), "\u{fffd}[2Jred\u{fffd}\u{fffd}31m\u{fffd}");
        assert_eq!(harmless("a\u{202e}b\u{2066}c"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(harmless("tab\tünïcödé 한국어 👩‍👩‍👧"), "tab\tünïcödé 한국어 👩‍👩‍👧");
    }
}
