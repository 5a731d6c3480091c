//! What is said about earlier messages: as a person types it, and as the channel takes it.

use std::fmt;

use client::channel::{
    MessageNumber, Said, Target, Whose,
    limits::{MAX_REACTION, MAX_TIMER},
};
use zeroize::Zeroizing;

pub(super) const HOW_TO_REPLY: &str =
    "say what: /reply text, or /reply 2 text for their text before the last";
pub(super) const HOW_TO_EDIT: &str = "say what: /edit text, or /edit 2 text for your text before the last";
pub(super) const HOW_TO_DELETE: &str = "/delete, or /delete 2 for your text before the last";
pub(super) const HOW_TO_TIME: &str = "say how long: /timer 30s, 5m or 1h (24h at most), or off";
pub(super) const LONG_REACTION: &str = "a reaction is an emoji, or a word of at most 64 bytes";

/// As a person types it. Texts are counted back from the newest: 1, 2, …
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Saying {
    /// To a text of the other person.
    Reply { back: usize, text: Zeroizing<String> },
    /// To a text of the other person; empty takes it back.
    React { back: usize, reaction: Zeroizing<String> },
    /// Of an own text.
    Edit { back: usize, text: Zeroizing<String> },
    /// Of an own text.
    Delete { back: usize },
    /// 0: off.
    Timer { seconds: u32 },
}

impl Saying {
    /// Reads a command that says something; `None` if it has another name.
    ///
    /// # Errors
    /// How the command is to be used.
    pub(super) fn read(name: &str, rest: &str) -> Option<Result<Self, &'static str>> {
        let (back, text) = counted(rest);
        let words = || Zeroizing::new(text.to_owned());
        Some(match name {
            "reply" | "edit" if text.is_empty() => {
                Err(if name == "reply" { HOW_TO_REPLY } else { HOW_TO_EDIT })
            }
            "reply" => Ok(Self::Reply { back, text: words() }),
            "edit" => Ok(Self::Edit { back, text: words() }),
            "react" if text.len() > MAX_REACTION => Err(LONG_REACTION),
            "react" => Ok(Self::React { back, reaction: words() }),
            "delete" if text.is_empty() => Ok(Self::Delete { back }),
            "delete" => Err(HOW_TO_DELETE),
            "timer" => seconds(rest).map(|seconds| Self::Timer { seconds }).ok_or(HOW_TO_TIME),
            _ => return None,
        })
    }

    /// With the messages that are meant. `nth` knows the numbers of the texts of a side, counted
    /// back.
    ///
    /// # Errors
    /// There are not so many texts.
    pub(super) fn resolve(
        self,
        nth: impl Fn(Whose, usize) -> Option<MessageNumber>,
    ) -> Result<Words, &'static str> {
        let theirs = |back| {
            let number = nth(Whose::Peer, back).ok_or("the other person has not written so many texts")?;
            Ok(Target::peer(number))
        };
        let own = |back| nth(Whose::Own, back).ok_or("you have not written so many texts");
        Ok(match self {
            Self::Reply { back, text } => Words::Reply { to: theirs(back)?, text },
            Self::React { back, reaction } => Words::Reaction { to: theirs(back)?, reaction },
            Self::Edit { back, text } => Words::Edit { number: own(back)?, text },
            Self::Delete { back } => Words::Deletion { number: own(back)? },
            Self::Timer { seconds } => Words::Timer { seconds },
        })
    }
}

/// A text after a number that counts back. Without one it is the newest that is meant.
fn counted(rest: &str) -> (usize, &str) {
    let (first, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    match first.parse() {
        Ok(back) if back > 0 && first.bytes().all(|digit| digit.is_ascii_digit()) => (back, after.trim()),
        _ => (1, rest),
    }
}

/// A time as `30s`, `5m`, `1h` or `off`.
fn seconds(time: &str) -> Option<u32> {
    if time == "off" {
        return Some(0);
    }
    let (number, unit) = time.split_at_checked(time.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    let seconds = number.parse::<u32>().ok()?.checked_mul(unit)?;
    (seconds > 0 && u64::from(seconds) <= MAX_TIMER.as_secs()).then_some(seconds)
}

/// As the channel takes it. It has no `Debug` that shows a text.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Words {
    Text(Zeroizing<String>),
    Reply { to: Target, text: Zeroizing<String> },
    Reaction { to: Target, reaction: Zeroizing<String> },
    Edit { number: MessageNumber, text: Zeroizing<String> },
    Deletion { number: MessageNumber },
    Timer { seconds: u32 },
}

impl Words {
    /// For the channel.
    pub(super) fn said(&self) -> Said<'_> {
        match self {
            Self::Text(text) => Said::Text(text),
            Self::Reply { to, text } => Said::Reply { to: *to, text },
            Self::Reaction { to, reaction } => Said::Reaction { to: *to, reaction },
            Self::Edit { number, text } => Said::Edit { number: *number, text },
            Self::Deletion { number } => Said::Deletion { number: *number },
            Self::Timer { seconds } => Said::Timer { seconds: *seconds },
        }
    }

    /// Whether it is shown as a text.
    pub(super) fn is_text(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Reply { .. })
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text",
            Self::Reply { .. } => "Reply",
            Self::Reaction { .. } => "Reaction",
            Self::Edit { .. } => "Edit",
            Self::Deletion { .. } => "Deletion",
            Self::Timer { .. } => "Timer",
        })
    }
}

impl fmt::Debug for Saying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply { back, .. } => write!(f, "Reply({back})"),
            Self::React { back, .. } => write!(f, "React({back})"),
            Self::Edit { back, .. } => write!(f, "Edit({back})"),
            Self::Delete { back } => write!(f, "Delete({back})"),
            Self::Timer { seconds } => write!(f, "Timer({seconds} s)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, rest: &str) -> Result<Saying, &'static str> {
        Saying::read(name, rest).unwrap()
    }

    fn words(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[test]
    fn a_number_counts_back_and_the_rest_is_the_text() {
        assert_eq!(
            read("reply", "yes, 2 of them"),
            Ok(Saying::Reply { back: 1, text: words("yes, 2 of them") })
        );
        assert_eq!(read("reply", "3  yes"), Ok(Saying::Reply { back: 3, text: words("yes") }));
        assert_eq!(read("edit", "1 2 apples"), Ok(Saying::Edit { back: 1, text: words("2 apples") }));
        assert_eq!(read("edit", "0 apples"), Ok(Saying::Edit { back: 1, text: words("0 apples") }));
        assert_eq!(read("edit", "+2 apples"), Ok(Saying::Edit { back: 1, text: words("+2 apples") }));
        assert_eq!(read("react", "👍🏽"), Ok(Saying::React { back: 1, reaction: words("👍🏽") }));
        assert_eq!(read("react", "2"), Ok(Saying::React { back: 2, reaction: words("") }));
        assert_eq!(read("delete", ""), Ok(Saying::Delete { back: 1 }));
        assert_eq!(read("delete", "12"), Ok(Saying::Delete { back: 12 }));
        assert_eq!(read("reply", "2"), Err(HOW_TO_REPLY));
        assert_eq!(read("edit", ""), Err(HOW_TO_EDIT));
        assert_eq!(read("delete", "everything"), Err(HOW_TO_DELETE));
        assert_eq!(read("react", &"x".repeat(65)), Err(LONG_REACTION));
        assert_eq!(Saying::read("answer", "x"), None);
    }

    #[test]
    fn a_time_has_a_unit_and_is_a_day_at_most() {
        for (time, seconds) in [("30s", 30), ("5m", 300), ("1h", 3600), ("24h", 86_400), ("off", 0)] {
            assert_eq!(read("timer", time), Ok(Saying::Timer { seconds }));
        }
        for wrong in ["", "5", "m", "0s", "25h", "1d", "-5m", "5 m", "99999999999h", "5м"] {
            assert_eq!(read("timer", wrong), Err(HOW_TO_TIME), "{wrong}");
        }
    }

    #[test]
    fn what_is_typed_never_shows_in_debug() {
        let saying = read("reply", "secret").unwrap();
        assert!(!format!("{saying:?}").contains("secret"));
        let words = saying.resolve(|_, _| MessageNumber::new(1)).unwrap();
        assert!(!format!("{words:?}").contains("secret"));
    }

    #[test]
    fn what_is_counted_beyond_the_first_text_is_refused() {
        let only_one_of_theirs =
            |whose, back| MessageNumber::new(7).filter(|_| whose == Whose::Peer && back == 1);
        let resolved = |name, rest| read(name, rest).unwrap().resolve(only_one_of_theirs);
        let to = Target::peer(MessageNumber::new(7).unwrap());
        assert_eq!(resolved("reply", "x"), Ok(Words::Reply { to, text: words("x") }));
        assert!(resolved("react", "2 x").is_err());
        assert!(resolved("edit", "x").is_err() && resolved("delete", "").is_err());
    }
}
