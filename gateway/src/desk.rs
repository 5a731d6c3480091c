//! What the operator sets for the helper's screen (`/desk`): how many chats one helper may have at
//! once, and answers to choose from.

use thiserror::Error;

/// Default of [`Desk::chats`].
pub const CHATS: DeskChats = DeskChats(3);
/// Nobody listens to more people than this at once.
pub const MOST_CHATS: u8 = 9;
/// The longest answer, in characters: what somebody reads in a chat without scrolling.
pub const ANSWER_CHARS: usize = 1000;
/// The most answers: more than anybody finds the right one among.
pub const MOST_ANSWERS: usize = 100;

/// What the helper's screen is told.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    /// How many chats one helper may have at once.
    pub chats: DeskChats,
    /// Texts to choose from.
    pub answers: Answers,
}

/// A number of chats from 1 to [`MOST_CHATS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeskChats(u8);

impl DeskChats {
    /// `None` if it is 0, or more than [`MOST_CHATS`].
    pub fn new(chats: u8) -> Option<Self> {
        (1..=MOST_CHATS).contains(&chats).then_some(Self(chats))
    }

    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Default for DeskChats {
    fn default() -> Self {
        CHATS
    }
}

/// Answers of the operator: plain texts, each of 1 to [`ANSWER_CHARS`] characters, without control
/// characters other than line breaks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers(Vec<String>);

impl Answers {
    /// Takes a text with an answer in each paragraph: between two of them are one or more empty lines.
    ///
    /// # Errors
    /// When there is none, one is too long or has control characters, or there are too many.
    pub fn parse(text: &str) -> Result<Self, AnswersError> {
        let mut answers: Vec<String> = Vec::new();
        let mut is_within = false;
        for line in text.lines().map(str::trim_end) {
            match answers.last_mut() {
                Some(answer) if is_within && !line.is_empty() => {
                    answer.push('\n');
                    answer.push_str(line);
                }
                _ if !line.is_empty() => answers.push(line.to_owned()),
                _ => (),
            }
            is_within = !line.is_empty();
        }
        if answers.is_empty() {
            return Err(AnswersError::Empty);
        }
        if answers.len() > MOST_ANSWERS {
            return Err(AnswersError::Many { count: answers.len() });
        }
        for (at, answer) in answers.iter().enumerate() {
            let (number, length) = (at + 1, answer.chars().count());
            if length > ANSWER_CHARS {
                return Err(AnswersError::Long { number, length });
            }
            if answer.chars().any(|char| char.is_control() && char != '\n') {
                return Err(AnswersError::Control { number });
            }
        }
        Ok(Self(answers))
    }

    /// The texts, in order.
    pub fn texts(&self) -> &[String] {
        &self.0
    }
}

/// What is wrong with answers of the operator. Answers are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AnswersError {
    /// There is none.
    #[error("there is no answer in it")]
    Empty,
    /// More than are of use.
    #[error("it has {count} answers, {MOST_ANSWERS} at most are offered")]
    Many {
        /// How many it has.
        count: usize,
    },
    /// More than fits.
    #[error("answer {number} has {length} characters, {ANSWER_CHARS} at most are offered")]
    Long {
        /// Which one.
        number: usize,
        /// How many characters it has.
        length: usize,
    },
    /// What no screen shows.
    #[error("answer {number} has control characters other than line breaks")]
    Control {
        /// Which one.
        number: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<String>, AnswersError> {
        Answers::parse(text).map(|Answers(texts)| texts)
    }

    #[test]
    fn each_paragraph_is_an_answer() {
        assert_eq!(
            parsed("\n\nHello.\r\n\r\n \n\n안녕하세요.  \n두 줄.\n").unwrap(),
            ["Hello.", "안녕하세요.\n두 줄."]
        );
        assert_eq!(parsed("one").unwrap(), ["one"]);
    }

    #[test]
    fn what_cannot_be_offered_is_named() {
        assert_eq!(parsed(" \n\n"), Err(AnswersError::Empty));
        assert_eq!(parsed("ok\n\na\u{1b}[2J"), Err(AnswersError::Control { number: 2 }));
        let long = "x".repeat(ANSWER_CHARS + 1);
        assert_eq!(parsed(&long), Err(AnswersError::Long { number: 1, length: ANSWER_CHARS + 1 }));
        assert_eq!(parsed(&long[1..]).unwrap().len(), 1);
        assert_eq!(parsed(&"x\n\n".repeat(101)), Err(AnswersError::Many { count: 101 }));
        assert_eq!(parsed(&"x\n\n".repeat(100)).unwrap().len(), 100);
    }

    #[test]
    fn a_helper_has_at_least_one_chat_and_few_enough_to_listen() {
        let taken: Vec<_> = (0..=u8::MAX).filter_map(DeskChats::new).map(DeskChats::get).collect();
        assert_eq!(taken, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(DeskChats::default().get(), 3);
    }
}
