//! Texts that are safe to show in a terminal, and how many columns they take there.
//!
//! Terminals do not agree on how wide a character is: on emoji that are joined, on flags, on Indic
//! letters, on what the newest version of Unicode has added, on what is *ambiguous* in East Asia.
//! So a text is laid out by its [`width`], the most that any terminal takes for it: then no row is
//! longer than it may be, whatever the terminal does. Where text follows on the same row, the
//! painter says where.

use std::ops::Range;

use schemas::text::shown;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

/// Where a row may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Break {
    /// Between words; within one only if it is longer than a row. For reading.
    Words,
    /// Anywhere; every blank is kept. For editing.
    Anywhere,
}

/// One line of what may be shown of a text: see [`schemas::text`]. Tabs and line ends become
/// blanks.
pub(super) fn harmless(line: &str) -> String {
    harmless_lines(line).replace('\n', " ")
}

/// What may be shown of a text, in lines that end with `\n`; none is at the end. Tabs become
/// blanks.
pub(super) fn harmless_lines(text: &str) -> String {
    shown(text).trim_end_matches('\n').replace('\t', "    ")
}

/// The most columns that a text takes in any terminal.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(most_columns).sum()
}

/// Whether terminals may disagree on the width of a text.
pub(super) fn is_disputed(text: &str) -> bool {
    !text.chars().all(|c| c.is_ascii() || is_plainly_wide(c))
}

/// The most columns that a character takes. The width of a sequence is never more than the sum: a
/// terminal joins its characters, or draws them side by side.
fn most_columns(c: char) -> usize {
    // Letters of these scripts, and marks, take one column, if any. (A terminal that is told to
    // draw what is ambiguous in East Asia over two cuts their rows off: it does not wrap them.)
    let is_narrow = c < '\u{1100}' || ('\u{1e00}'..'\u{2000}').contains(&c);
    if is_narrow || c.general_category_group() == GeneralCategoryGroup::Mark {
        return 1;
    }
    // Of what comes after them, much has changed its width with some version of Unicode.
    c.width().unwrap_or(0).max(c.width_cjk().unwrap_or(0)).max(2)
}

/// Letters that take two columns in every terminal: Hangul syllables, kana, and the common CJK
/// ideographs.
fn is_plainly_wide(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fa5}' | '\u{ac00}'..='\u{d7a3}')
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
        let wide = width(grapheme);
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
    use unicode_width::UnicodeWidthChar;

    use super::*;

    fn shown(text: &str, columns: usize, breaks: Break) -> Vec<&str> {
        rows(text, columns, breaks).into_iter().map(|row| &text[row]).collect()
    }

    #[test]
    fn a_text_cannot_command_the_terminal() {
        assert_eq!(harmless("\x1b[2Jred\x07\u{9b}31m\n"), "\u{fffd}[2Jred\u{fffd}\u{fffd}31m");
        assert_eq!(harmless("a\u{202e}b\u{2066}c"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(harmless("tab\tone\ntwo"), "tab    one two");
        assert_eq!(harmless("ünïcödé 한국어 👩‍👩‍👧"), "ünïcödé 한국어 👩‍👩‍👧");
    }

    #[test]
    fn lines_are_kept_apart_and_tabs_become_blanks() {
        assert_eq!(harmless_lines("a\r\nb\rc\n\td\n\n"), "a\nb\nc\n    d");
        assert_eq!(shown("a\n\nb", 10, Break::Words), ["a", "", "b"]);
    }

    #[test]
    fn no_character_is_taken_for_narrower_than_it_may_be() {
        for c in (char::MIN..=char::MAX).filter(|c| !c.is_control()) {
            let width = width(&c.to_string());
            assert!(width >= c.width().unwrap_or(0) && (1..=3).contains(&width), "{c:?}: {width}");
        }
        assert_eq!(width("👩‍👩‍👧"), 6 + 2 * 2);
        assert_eq!(width("🇰🇷"), 4);
        assert_eq!(width("हिन्दी"), 6);
    }

    #[test]
    fn what_every_terminal_draws_alike_is_not_disputed() {
        for alike in ["plain text, 123", "한국어", "日本語", "ひらがな"] {
            assert!(!is_disputed(alike), "{alike}");
        }
        for disputed in ["é", "👍", "हिन्दी", "—", "e\u{301}", "ㄱ"] {
            assert!(is_disputed(disputed), "{disputed}");
        }
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
        assert_eq!(shown("👍🏽👍🏽", 7, Break::Words), ["👍🏽", "👍🏽"]);
        assert_eq!(shown("한a", 1, Break::Words), ["한", "a"]);
        assert_eq!(clipped("한국어", 5), "한국");
    }

    #[test]
    fn no_row_is_wider_than_it_may_be_and_no_word_is_lost() {
        let text = "a bb 한국어 ccc  dddd  👩‍👩‍👧 e\u{301} ffffffffff";
        for columns in 10..30 {
            for breaks in [Break::Words, Break::Anywhere] {
                let rows = shown(text, columns, breaks);
                assert!(rows.iter().all(|row| width(row) <= columns), "{columns}: {rows:?}");
                let letters = |text: &str| text.replace(' ', "");
                assert_eq!(letters(&rows.concat()), letters(text));
            }
        }
    }
}
