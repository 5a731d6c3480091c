//! Commands: lines that begin with a slash.

use client::{Pass, PassKey, PassKeys};
use schemas::control::Category;

use super::{helper_text::HOW_TO_HAND_OVER, saying::Saying};

/// The list of commands, on one line.
pub(super) const HELP: &str = "/next: another person · /any: anybody, whatever the topic · /invite: a new invite link · /leave · \
/report abuse|spam|minor|other · /safety: the safety code · /reply text · /react 👍 · /edit text · /delete · /timer 30s|5m|1h|off · \
/handover: agree to a helper's colleague · /quit · //text sends a text that begins with a slash. A number counts texts back from the newest: /reply 2 text answers the one before the \
last; /edit and /delete are about your own. Editing, deleting and timers are requests to the other side's program";

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Find another person.
    Next,
    /// Find anybody, whatever the topic.
    Any,
    /// Make a new invite link, and wait for whoever opens it.
    Invite,
    /// End this chat, or the find.
    Leave,
    /// End this chat with a report. Without a category it has to be asked for.
    Report(Option<Category>),
    /// Agree to what a helper offers; with a key, offer that this colleague goes on.
    Handover(Option<PassKey>),
    /// Explain the safety code.
    Safety,
    /// End the program.
    Quit,
    /// List the commands.
    Help,
    /// Say something about earlier messages.
    Say(Saying),
    /// A command that is not complete: how it is to be used.
    Incomplete(&'static str),
    /// Any other word.
    Unknown,
}

/// A line, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Reads a command without its slash.
    pub(super) fn read(words: &str) -> Self {
        let (name, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
        match Saying::read(name, rest.trim()) {
            Some(Ok(saying)) => return Self::Say(saying),
            Some(Err(usage)) => return Self::Incomplete(usage),
            None => {}
        }
        match words.split_whitespace().collect::<Vec<_>>()[..] {
            ["next"] => Self::Next,
            ["any"] => Self::Any,
            ["invite"] => Self::Invite,
            ["leave"] => Self::Leave,
            ["report"] => Self::Report(None),
            ["report", category] => {
                let named = Category::ALL.iter().find(|known| known.word() == category);
                named.map_or(Self::Unknown, |category| Self::Report(Some(*category)))
            }
            ["handover"] => Self::Handover(None),
            ["handover", colleague] => match key(colleague) {
                Some(key) => Self::Handover(Some(key)),
                None => Self::Incomplete(HOW_TO_HAND_OVER),
            },
            ["safety" | "code"] => Self::Safety,
            ["quit"] => Self::Quit,
            ["help"] => Self::Help,
            _ => Self::Unknown,
        }
    }
}

/// A helper's public key, by itself or in their pass.
fn key(word: &str) -> Option<PassKey> {
    let key = PassKeys::parse(word).and_then(|keys| keys.all().next().copied());
    key.or_else(|| Some(Pass::read(word)?.key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slash_commands_and_two_are_a_text() {
        let report = |category| TypedLine::Command(Command::Report(category));
        assert_eq!(TypedLine::read("hello"), TypedLine::Text("hello"));
        assert_eq!(TypedLine::read(" /next"), TypedLine::Text(" /next"));
        assert_eq!(TypedLine::read("//next"), TypedLine::Text("/next"));
        assert_eq!(TypedLine::read("/next"), TypedLine::Command(Command::Next));
        assert_eq!(TypedLine::read("/report  minor "), report(Some(Category::Minor)));
        assert_eq!(TypedLine::read("/report"), report(None));
        let handover = |line| match TypedLine::read(line) {
            TypedLine::Command(Command::Handover(colleague)) => colleague,
            other => panic!("{other:?}"),
        };
        assert_eq!(handover("/handover"), None);
        let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
        assert_eq!(handover(&format!("/handover {key}")).unwrap()[31], 31);
        assert!(matches!(TypedLine::read("/handover me"), TypedLine::Command(Command::Incomplete(_))));
        assert_eq!(TypedLine::read("/code"), TypedLine::read("/safety"));
        assert!(matches!(
            TypedLine::read("/reply 2 yes"),
            TypedLine::Command(Command::Say(Saying::Reply { .. }))
        ));
        assert!(matches!(TypedLine::read("/timer"), TypedLine::Command(Command::Incomplete(_))));
        for unknown in ["/report rudeness", "/report spam now", "/", "/next one", "/Next"] {
            assert_eq!(TypedLine::read(unknown), TypedLine::Command(Command::Unknown), "{unknown}");
        }
    }
}
