//! Commands: lines that begin with a slash.

use schemas::control::Category;

/// The list of commands, on one line.
pub(super) const HELP: &str = "/next: another person · /leave · /report abuse|spam|minor|other · /safety: the safety code · /quit · \
//text sends a text that begins with a slash";

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Find another person.
    Next,
    /// End this chat, or the find.
    Leave,
    /// End this chat with a report.
    Report(Category),
    /// Explain the safety code.
    Safety,
    /// End the program.
    Quit,
    /// List the commands.
    Help,
    /// Any other word.
    Unknown,
}

/// A line, parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TypedLine<'a> {
    /// A text for the peer.
    Text(&'a str),
    /// A command for this program.
    Command(Command),
}

impl<'a> TypedLine<'a> {
    /// A line is a command if it begins with one slash. With two it is a text that begins with one.
    pub(super) fn read(line: &'a str) -> Self {
        match line.strip_prefix('/') {
            Some(text) if text.starts_with('/') => Self::Text(text),
            Some(command) => Self::Command(Command::read(command)),
            None => Self::Text(line),
        }
    }
}

impl Command {
    fn read(words: &str) -> Self {
        match words.split_whitespace().collect::<Vec<_>>()[..] {
            ["next"] => Self::Next,
            ["leave"] => Self::Leave,
            ["report"] => Self::Report(Category::Other),
            ["report", "abuse"] => Self::Report(Category::Abuse),
            ["report", "spam"] => Self::Report(Category::Spam),
            ["report", "minor"] => Self::Report(Category::Minor),
            ["report", "other"] => Self::Report(Category::Other),
            ["safety" | "code"] => Self::Safety,
            ["quit"] => Self::Quit,
            ["help"] => Self::Help,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slash_commands_and_two_are_a_text() {
        assert_eq!(TypedLine::read("hello"), TypedLine::Text("hello"));
        assert_eq!(TypedLine::read(" /next"), TypedLine::Text(" /next"));
        assert_eq!(TypedLine::read("//next"), TypedLine::Text("/next"));
        assert_eq!(TypedLine::read("/next"), TypedLine::Command(Command::Next));
        assert_eq!(TypedLine::read("/report  minor "), TypedLine::Command(Command::Report(Category::Minor)));
        assert_eq!(TypedLine::read("/report"), TypedLine::Command(Command::Report(Category::Other)));
        assert_eq!(TypedLine::read("/code"), TypedLine::read("/safety"));
        for unknown in ["/report rudeness", "/", "/next one", "/Next"] {
            assert_eq!(TypedLine::read(unknown), TypedLine::Command(Command::Unknown), "{unknown}");
        }
    }
}
