//! The draft: the line that is being written.

use client::channel::limits::MAX_TEXT;
use unicode_segmentation::UnicodeSegmentation;
use zeroize::{Zeroize, Zeroizing};

use super::text::harmless_lines;

/// A line of at most 8 KiB with a cursor. Removed text is wiped.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Draft {
    text: Zeroizing<String>,
    /// In bytes, always between two graphemes.
    cursor: usize,
}

/// Whether a text fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    All,
    /// Its end was cut off.
    Cut,
}

/// A movement of the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Left,
    Right,
    WordLeft,
    WordRight,
    Home,
    End,
}

impl Draft {
    pub(super) fn new() -> Self {
        // Capacity for the longest text from the start: a string that grows would leave unwiped
        // copies behind.
        Self { text: Zeroizing::new(String::with_capacity(MAX_TEXT)), cursor: 0 }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn cursor(&self) -> usize {
        self.cursor
    }

    /// How many bytes still fit.
    pub(super) fn room(&self) -> usize {
        MAX_TEXT - self.text.len()
    }

    /// Inserts at the cursor. Line ends become blanks, and control characters are replaced.
    pub(super) fn insert(&mut self, typed: &str) -> Fit {
        let line = Zeroizing::new(harmless_lines(typed).replace('\n', " "));
        let fitting = &line[..line.floor_char_boundary(self.room())];
        self.text.insert_str(self.cursor, fitting);
        self.cursor += fitting.len();
        self.settle();
        if fitting.len() == line.len() { Fit::All } else { Fit::Cut }
    }

    /// Replaces the whole line.
    pub(super) fn replace(&mut self, line: &str) -> Fit {
        self.clear();
        self.insert(line)
    }

    pub(super) fn go(&mut self, step: Step) {
        self.cursor = self.reach(step);
    }

    /// Deletes from the cursor to where the step leads.
    pub(super) fn delete(&mut self, step: Step) {
        let reach = self.reach(step);
        let (from, to) = (self.cursor.min(reach), self.cursor.max(reach));
        self.text.drain(from..to);
        self.cursor = from;
        self.settle();
    }

    /// Empties the line.
    pub(super) fn clear(&mut self) {
        self.text.zeroize();
        self.cursor = 0;
    }

    fn reach(&self, step: Step) -> usize {
        let (before, after) = self.text.split_at(self.cursor);
        let character = |character: Option<&str>| character.map_or(0, str::len);
        match step {
            Step::Left => self.cursor - character(before.graphemes(true).next_back()),
            Step::Right => self.cursor + character(after.graphemes(true).next()),
            Step::WordLeft => before
                .trim_end()
                .rfind(char::is_whitespace)
                .map_or(0, |blank| blank + before[blank..].chars().next().map_or(0, char::len_utf8)),
            Step::WordRight => {
                let word = after.len() - after.trim_start().len();
                after[word..]
                    .find(char::is_whitespace)
                    .map_or(self.text.len(), |end| self.cursor + word + end)
            }
            Step::Home => 0,
            Step::End => self.text.len(),
        }
    }

    /// Moves the cursor on if an edit has joined the characters on both sides of it into one
    /// grapheme.
    fn settle(&mut self) {
        let ends = self.text.grapheme_indices(true).map(|(start, character)| start + character.len());
        let mut ends = std::iter::once(0).chain(ends);
        self.cursor = ends.find(|&end| end >= self.cursor).unwrap_or(self.text.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(text: &str) -> Draft {
        let mut draft = Draft::new();
        assert_eq!(draft.insert(text), Fit::All);
        draft
    }

    /// The line with its cursor as a bar.
    fn seen(draft: &Draft) -> String {
        let (before, after) = draft.text().split_at(draft.cursor());
        format!("{before}|{after}")
    }

    #[test]
    fn text_is_inserted_at_the_cursor() {
        let mut draft = draft("helo");
        draft.go(Step::Left);
        draft.insert("l");
        assert_eq!(seen(&draft), "hell|o");
        draft.go(Step::Home);
        draft.insert("> ");
        draft.go(Step::End);
        draft.insert("!");
        assert_eq!(seen(&draft), "> hello!|");
    }

    #[test]
    fn a_step_and_a_deletion_take_whole_graphemes() {
        let mut draft = draft("x\u{301}👩‍👩‍👧한");
        for seen_after in ["x\u{301}👩‍👩‍👧|한", "x\u{301}|👩‍👩‍👧한", "|x\u{301}👩‍👩‍👧한", "|x\u{301}👩‍👩‍👧한"]
        {
            draft.go(Step::Left);
            assert_eq!(seen(&draft), seen_after);
        }
        draft.delete(Step::Right);
        draft.go(Step::Right);
        draft.delete(Step::Left);
        assert_eq!(seen(&draft), "|한");
        draft.delete(Step::Left);
        assert_eq!(seen(&draft), "|한");
    }

    #[test]
    fn words_are_skipped_and_deleted_as_in_a_shell() {
        let mut draft = draft("one 둘  three");
        draft.go(Step::WordLeft);
        assert_eq!(seen(&draft), "one 둘  |three");
        draft.delete(Step::WordLeft);
        assert_eq!(seen(&draft), "one |three");
        draft.delete(Step::WordRight);
        assert_eq!(seen(&draft), "one |");
        draft.go(Step::Home);
        draft.go(Step::WordRight);
        assert_eq!(seen(&draft), "one| ");
        draft.delete(Step::Home);
        assert_eq!(seen(&draft), "| ");
        draft.delete(Step::End);
        assert_eq!(seen(&draft), "|");
    }

    #[test]
    fn what_is_pasted_is_text_on_one_line() {
        assert_eq!(draft("a\r\nb\nc\td\n").text(), "a b c    d");
        assert_eq!(draft("a\rb\r").text(), "a b");
        assert_eq!(draft("\x1b[31m\u{202e}").text(), "\u{fffd}[31m\u{fffd}");
    }

    #[test]
    fn it_holds_as_much_as_a_text_may_and_never_half_a_character() {
        let mut draft = draft(&"x".repeat(MAX_TEXT - 2));
        assert_eq!(draft.insert("한"), Fit::Cut);
        assert_eq!(draft.room(), 2);
        assert_eq!(draft.insert("é"), Fit::All);
        assert_eq!(draft.insert("x"), Fit::Cut);
        assert_eq!((draft.text().len(), draft.room()), (MAX_TEXT, 0));
    }

    #[test]
    fn the_cursor_never_stands_within_a_character() {
        let mut draft = draft("👩👧");
        draft.go(Step::Left);
        draft.insert("\u{200d}");
        assert_eq!(seen(&draft), "👩\u{200d}👧|");
    }
}
