//! Lines of JSON that a program writes: `docs/terminal.md` describes them.

use client::channel::{
    MessageNumber, Target, Typing,
    limits::{MAX_REACTION, MAX_TEXT, MAX_TIMER},
};
use schemas::control::Category;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::typed::{ToSend, Typed};
use crate::{command::Command, saying::Words};

/// A line of a program. Each form has its own fields, and no others.
#[derive(Deserialize)]
#[serde(untagged)]
enum JsonLine {
    Edit(EditLine),
    Text(TextLine),
    Reaction(ReactionLine),
    Deletion(DeletionLine),
    Timer(TimerLine),
    Typing(TypingLine),
    Command(CommandLine),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextLine {
    text: String,
    reply_to: Option<Message>,
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReactionLine {
    reaction: String,
    to: Message,
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EditLine {
    edit: u64,
    text: String,
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeletionLine {
    delete: u64,
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TimerLine {
    timer_s: u32,
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypingLine {
    typing: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandLine {
    command: String,
    category: Option<Category>,
}

/// A message of either side.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    whose: Side,
    number: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Side {
    Own,
    Peer,
}

/// Reads a line.
///
/// # Errors
/// What is wrong with it, without any of its words.
pub(super) fn read(line: &str) -> Result<Typed, String> {
    // Its own text would repeat parts of the line.
    let line = serde_json::from_str(line).map_err(|fault| match fault.classify() {
        serde_json::error::Category::Data => "not an object as documented".to_owned(),
        _ => format!("column {}: not an object as documented", fault.column()),
    })?;
    let (words, id) = match line {
        JsonLine::Text(TextLine { text, reply_to: None, id }) => (Words::Text(a_text(text)?), id),
        JsonLine::Text(TextLine { text, reply_to: Some(to), id }) => {
            (Words::Reply { to: to.target()?, text: a_text(text)? }, id)
        }
        JsonLine::Reaction(ReactionLine { reaction, .. }) if reaction.len() > MAX_REACTION => {
            return Err(format!("a reaction has at most {MAX_REACTION} bytes"));
        }
        JsonLine::Reaction(ReactionLine { reaction, to, id }) => {
            (Words::Reaction { to: to.target()?, reaction: Zeroizing::new(reaction) }, id)
        }
        JsonLine::Edit(EditLine { edit, text, id }) => {
            (Words::Edit { number: number(edit)?, text: a_text(text)? }, id)
        }
        JsonLine::Deletion(DeletionLine { delete, id }) => (Words::Deletion { number: number(delete)? }, id),
        JsonLine::Timer(TimerLine { timer_s, .. }) if u64::from(timer_s) > MAX_TIMER.as_secs() => {
            return Err(format!("a timer has at most {} s", MAX_TIMER.as_secs()));
        }
        JsonLine::Timer(TimerLine { timer_s, id }) => (Words::Timer { seconds: timer_s }, id),
        JsonLine::Typing(TypingLine { typing: true }) => return Ok(Typed::Typing(Typing::Active)),
        JsonLine::Typing(TypingLine { typing: false }) => return Ok(Typed::Typing(Typing::Idle)),
        JsonLine::Command(line) => return command(&line),
    };
    Ok(Typed::ToSend(vec![ToSend { words, id }]))
}

fn a_text(text: String) -> Result<Zeroizing<String>, String> {
    let text = Zeroizing::new(text);
    if text.is_empty() || text.len() > MAX_TEXT {
        return Err(format!("a text has 1 to {MAX_TEXT} bytes"));
    }
    Ok(text)
}

fn number(number: u64) -> Result<MessageNumber, String> {
    MessageNumber::new(number).ok_or_else(|| "no message has this number".to_owned())
}

impl Message {
    fn target(&self) -> Result<Target, String> {
        let number = number(self.number)?;
        Ok(match self.whose {
            Side::Own => Target::own(number),
            Side::Peer => Target::peer(number),
        })
    }
}

fn command(line: &CommandLine) -> Result<Typed, String> {
    match (Command::read(&line.command), line.category) {
        (Command::Report(None), Some(category)) => Ok(Typed::Command(Command::Report(Some(category)))),
        (Command::Report(_), _) => Err("a report needs a category".into()),
        (Command::Unknown | Command::Help | Command::Say(_) | Command::Incomplete(_), _) | (_, Some(_)) => {
            Err("there is no such command".into())
        }
        (command, None) => Ok(Typed::Command(command)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Words {
        Words::Text(Zeroizing::new(text.to_owned()))
    }

    fn words(line: &str) -> Words {
        let Ok(Typed::ToSend(mut all)) = read(line) else { panic!("{line}") };
        assert_eq!(all.len(), 1);
        all.remove(0).words
    }

    #[test]
    fn a_program_writes_objects() {
        let with_id = ToSend { words: text("two\nlines"), id: Some("7".into()) };
        assert_eq!(read(r#"{"text":"two\nlines","id":"7"}"#), Ok(Typed::ToSend(vec![with_id])));
        assert_eq!(words(r#"{"text":"/quit"}"#), text("/quit"));
        assert_eq!(read(r#"{"command":"next"}"#), Ok(Typed::Command(Command::Next)));
        let report = Command::Report(Some(Category::Spam));
        assert_eq!(read(r#"{"command":"report","category":"spam"}"#), Ok(Typed::Command(report)));
        assert_eq!(read(r#"{"typing":true}"#), Ok(Typed::Typing(Typing::Active)));
    }

    #[test]
    fn a_program_names_earlier_messages_by_side_and_number() {
        let number = MessageNumber::new(3).unwrap();
        let zeroizing = |text: &str| Zeroizing::new(text.to_owned());
        let cases = [
            (
                r#"{"text":"yes","reply_to":{"whose":"peer","number":3}}"#,
                Words::Reply { to: Target::peer(number), text: zeroizing("yes") },
            ),
            (
                r#"{"reaction":"","to":{"whose":"own","number":3},"id":"9"}"#,
                Words::Reaction { to: Target::own(number), reaction: zeroizing("") },
            ),
            (r#"{"edit":3,"text":"better"}"#, Words::Edit { number, text: zeroizing("better") }),
            (r#"{"delete":3}"#, Words::Deletion { number }),
            (r#"{"timer_s":300}"#, Words::Timer { seconds: 300 }),
        ];
        for (line, expected) in cases {
            assert_eq!(words(line), expected, "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_any_of_its_words() {
        let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(MAX_TEXT + 1));
        let reaction = format!(r#"{{"reaction":"{}","to":{{"whose":"own","number":1}}}}"#, "x".repeat(65));
        for malformed in [
            "",
            "hello",
            "{}",
            r#"{"text":""}"#,
            &long,
            &reaction,
            r#"{"text":"a","command":"quit"}"#,
            r#"{"command":"report"}"#,
            r#"{"command":"report","category":"rudeness"}"#,
            r#"{"command":"dance"}"#,
            r#"{"command":"timer 5m"}"#,
            r#"{"command":"next","category":"spam"}"#,
            r#"{"txet":"secret"}"#,
            r#"{"text":"secret","reply_to":{"whose":"secret","number":1}}"#,
            r#"{"text":"secret","reply_to":{"whose":"own","number":0}}"#,
            r#"{"reaction":"x"}"#,
            r#"{"edit":1}"#,
            r#"{"edit":-1,"text":"secret"}"#,
            r#"{"delete":1,"text":"secret","edit":1}"#,
            r#"{"timer_s":86401}"#,
        ] {
            let why = read(malformed).expect_err(malformed);
            assert!(!why.contains("secret"), "{why}");
        }
    }
}
