//! Texts that are safe to show in a terminal, and how many columns they take there.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// How many zero-width characters may follow one another. Accents need a few; more only smear the
/// screen.
const MARKS_IN_A_ROW: usize = 16;

/// Where a row may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Break {
    /// Between words; within one only if it is longer than a row. For reading.
    Words,
    /// Anywhere; every blank is kept. For editing.
    Anywhere,
}

/// Replaces in one line every character that moves the cursor, controls the terminal, or changes
/// the direction of writing.
pub(super) fn harmless(line: &str) -> String {
    line.chars().map(|c| if c == '\t' { c } else { harmless_char(c) }).collect()
}

/// The same for a text of several lines, which are separated by `\n` alone. Tabs become blanks.
pub(super) fn harmless_lines(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut marks = 0;
    for c in text.replace("\r\n", "\n").trim_end_matches('\n').chars() {
        marks = if unicode_width::UnicodeWidthChar::width(c) == Some(0) { marks + 1 } else { 0 };
        match c {
            '\n' => shown.push(c),
            '\t' => shown.push_str("    "),
            _ if marks > MARKS_IN_A_ROW => {}
            _ => shown.push(harmless_char(c)),
        }
    }
    shown
}

fn harmless_char(c: char) -> char {
    let turns_around = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks_lines = matches!(c, '\u{2028}' | '\u{2029}');
    if c.is_control() || turns_around || breaks_lines { char::REPLACEMENT_CHARACTER } else { c }
}

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// Puts items into rows, as many into each as fit.
pub(super) fn packed(items: impl Iterator<Item = String>, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        match lines.last_mut() {
            Some(line) if width(line) + 2 + width(&item) <= columns => *line = format!("{line}  {item}"),
            _ => lines.push(item),
        }
    }
    lines
}

/// As much of the beginning of a text as fits into this many columns.
pub(super) fn clipped(text: &str, columns: usize) -> &str {
    rows(text, columns, Break::Anywhere).first().map_or("", |row| &text[row.clone()])
}

/// The rows of a text in this many columns, as ranges of its bytes: at least one. A character that
/// is wider than that has a row of its own.
pub(super) fn rows(text: &str, columns: usize, breaks: Break) -> Vec<Range<usize>> {
    let mut rows = Vec::new();
    let mut start = 0;
    for line in text.split('\n') {
        wrap(line, start, columns, breaks, &mut rows);
        start += line.len() + 1;
    }
    rows
}

fn wrap(line: &str, offset: usize, columns: usize, breaks: Break, rows: &mut Vec<Range<usize>>) {
    let (mut start, mut used) = (0, 0);
    // The byte after the last blank of the row, and the columns up to there.
    let mut word: Option<(usize, usize)> = None;
    let without_blanks = |start: usize, end: usize| start + line[start..end].trim_end_matches(' ').len();
    for (at, grapheme) in line.grapheme_indices(true) {
        let wide = grapheme.width();
        let between_words = breaks == Break::Words && grapheme == " ";
        // A blank at the right edge takes no column: the row breaks there.
        if used + wide > columns && !between_words {
            if let Some((behind, before)) = word.take()
                && without_blanks(start, behind) > start
            {
                rows.push(offset + start..offset + without_blanks(start, behind));
                (start, used) = (behind, used - before);
            }
            if used + wide > columns && at > start {
                rows.push(offset + start..offset + at);
                (start, used) = (at, 0);
            }
        }
        used += wide;
        if between_words {
            word = Some((at + grapheme.len(), used));
        }
    }
    let end = if breaks == Break::Words { without_blanks(start, line.len()) } else { line.len() };
    rows.push(offset + start..offset + end);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, columns: usize, breaks: Break) -> Vec<&str> {
        rows(text, columns, breaks).into_iter().map(|row| &text[row]).collect()
    }

    #[test]
    fn a_text_cannot_command_the_terminal() {
        assert_eq!(harmless("\x1b[2Jred\x07\u{9b}31m\r"), "\u{fffd}[2Jred\u{fffd}\u{fffd}31m\u{fffd}");
        assert_eq!(harmless("a\u{202e}b\u{2066}c"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(harmless("tab\tünïcödé 한국어 👩‍👩‍👧"), "tab\tünïcödé 한국어 👩‍👩‍👧");
        assert_eq!(harmless_lines("\x1b[2J\u{2028}\u{202e}"), "\u{fffd}[2J\u{fffd}\u{fffd}");
    }

    #[test]
    fn lines_are_kept_apart_and_tabs_become_blanks() {
        assert_eq!(harmless_lines("a\r\nb\n\tc\n\n"), "a\nb\n    c");
        assert_eq!(shown("a\n\nb", 10, Break::Words), ["a", "", "b"]);
    }

    #[test]
    fn accents_are_kept_and_smears_are_not() {
        assert_eq!(harmless_lines("e\u{301}\u{323}"), "e\u{301}\u{323}");
        let smear = format!("e{}x", "\u{301}".repeat(1000));
        assert_eq!(harmless_lines(&smear).chars().count(), 2 + MARKS_IN_A_ROW);
    }

    #[test]
    fn rows_break_between_words() {
        assert_eq!(shown("the quick brown fox", 9, Break::Words), ["the quick", "brown fox"]);
        assert_eq!(shown("the quick  brown", 10, Break::Words), ["the quick", "brown"]);
        assert_eq!(
            shown("one incomprehensibilities", 8, Break::Words),
            ["one", "incompre", "hensibil", "ities"]
        );
        assert_eq!(shown("", 5, Break::Words), [""]);
    }

    #[test]
    fn every_blank_keeps_its_place_where_a_text_is_edited() {
        let text = "ab  cd e";
        assert_eq!(shown(text, 3, Break::Anywhere), ["ab ", " cd", " e"]);
        assert_eq!(shown(text, 3, Break::Anywhere).concat(), text);
    }

    #[test]
    fn wide_characters_count_as_wide_as_they_are_drawn() {
        assert_eq!(shown("안녕하세요", 5, Break::Words), ["안녕", "하세", "요"]);
        assert_eq!(shown("👍🏽👍🏽", 3, Break::Words), ["👍🏽", "👍🏽"]);
        assert_eq!(shown("한a", 1, Break::Words), ["한", "a"]);
        assert_eq!(clipped("한국어", 5), "한국");
        assert_eq!(width("e\u{301}한👩‍👩‍👧"), 5);
    }

    #[test]
    fn no_row_is_wider_than_it_may_be_and_no_word_is_lost() {
        let text = "a bb 한국어 ccc  dddd  👩‍👩‍👧 e\u{301} ffffffffff";
        for columns in 2..20 {
            for breaks in [Break::Words, Break::Anywhere] {
                let rows = shown(text, columns, breaks);
                assert!(rows.iter().all(|row| width(row) <= columns), "{columns}: {rows:?}");
                let letters = |text: &str| text.replace(' ', "");
                assert_eq!(letters(&rows.concat()), letters(text));
            }
        }
    }
}
