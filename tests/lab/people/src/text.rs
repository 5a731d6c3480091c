//! What people write: who it is from, in which chat, and its number.

/// Filler up to the longest of these lengths, so that packets of several sizes are under way.
const LENGTHS: [usize; 5] = [0, 60, 150, 700, 3000];

/// A text of the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    /// The pair, or the life of the person who wrote it.
    pub author: u64,
    /// The side within a pair.
    pub side: usize,
    /// Counts the chats of a pair.
    pub chat: u64,
    /// From 0, for each side of each chat.
    pub number: u64,
}

impl Text {
    pub(crate) fn write(self) -> String {
        let Self { author, side, chat, number } = self;
        let filler = LENGTHS[usize::try_from(number).unwrap_or(0) % LENGTHS.len()];
        format!("lab {author} {side} {chat} {number} {}", "x".repeat(filler))
    }

    /// `None` for what nobody here has written.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut words = text.strip_prefix("lab ")?.split(' ');
        let mut number = || words.next()?.parse::<u64>().ok();
        let read = Self {
            author: number()?,
            side: usize::try_from(number()?).ok()?,
            chat: number()?,
            number: number()?,
        };
        // Whole, filler and all.
        (read.write() == text).then_some(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_it_was_written() {
        for number in 0..10 {
            let text = Text { author: 7, side: 1, chat: 2, number };
            assert_eq!(Text::read(&text.write()), Some(text));
        }
        let whole = Text { author: 7, side: 1, chat: 2, number: 1 }.write();
        for wrong in ["", "hello", "lab 7 1 2", &whole[..whole.len() - 1]] {
            assert_eq!(Text::read(wrong), None);
        }
    }
}
