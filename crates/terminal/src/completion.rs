//! What Tab makes of the beginning of a command.

use schemas::control::Category;

const COMMANDS: [&str; 14] = [
    "/any",
    "/delete",
    "/edit ",
    "/handover",
    "/help",
    "/invite",
    "/leave",
    "/next",
    "/quit",
    "/react ",
    "/reply ",
    "/report ",
    "/safety",
    "/timer ",
];

/// Times that are likely to be meant; others can be typed.
const TIMES: [&str; 4] = ["30s", "5m", "1h", "off"];

/// What Tab makes of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Completion {
    /// This line: what all commands that begin so have in common.
    Line(String),
    /// Nothing: these could be meant.
    Choices(Vec<String>),
    /// Nothing: no command begins so.
    None,
}

/// Completes a line that begins with a slash.
pub(super) fn complete(line: &str) -> Completion {
    let all: Vec<String> = if line.starts_with("/report ") {
        Category::ALL.iter().map(|category| format!("/report {}", category.word())).collect()
    } else if line.starts_with("/timer ") {
        TIMES.iter().map(|time| format!("/timer {time}")).collect()
    } else {
        COMMANDS.iter().map(|command| (*command).to_owned()).collect()
    };
    let fitting: Vec<_> = all.into_iter().filter(|command| command.starts_with(line)).collect();
    let Some(first) = fitting.first().filter(|_| line.starts_with('/')) else { return Completion::None };
    let common = (0..=first.len()).rev().find(|end| {
        fitting.iter().all(|other| first.get(..*end).is_some_and(|start| other.starts_with(start)))
    });
    let common = &first[..common.unwrap_or(0)];
    if common.len() > line.len() {
        Completion::Line(common.to_owned())
    } else if fitting.len() > 1 {
        Completion::Choices(fitting.iter().map(|command| command.trim_end().to_owned()).collect())
    } else {
        Completion::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Command, TypedLine};

    fn line(text: &str) -> Completion {
        Completion::Line(text.into())
    }

    #[test]
    fn a_command_is_completed_as_far_as_it_is_clear() {
        assert_eq!(complete("/n"), line("/next"));
        assert_eq!(complete("/repo"), line("/report "));
        assert_eq!(complete("/rea"), line("/react "));
        assert_eq!(complete("/rep"), Completion::Choices(["/reply", "/report"].map(String::from).into()));
        assert_eq!(complete("/t"), line("/timer "));
        assert!(matches!(complete("/timer "), Completion::Choices(times) if times.len() == TIMES.len()));
        assert_eq!(complete("/timer 3"), line("/timer 30s"));
        assert_eq!(complete("/report s"), line("/report spam"));
        assert_eq!(
            complete("/report "),
            Completion::Choices(
                ["abuse", "spam", "minor", "other"].map(|word| format!("/report {word}")).into()
            )
        );
        assert!(matches!(complete("/"), Completion::Choices(all) if all.len() == COMMANDS.len()));
        for nothing in ["", "hello", "/next", "/x", "/report x", "//n", "/Next"] {
            assert_eq!(complete(nothing), Completion::None, "{nothing}");
        }
    }

    #[test]
    fn every_command_is_one() {
        for command in COMMANDS {
            assert_ne!(TypedLine::read(command), TypedLine::Command(Command::Unknown), "{command}");
        }
    }
}
