//! What may be shown of a text that a stranger has written: one policy for every client.
//!
//! A text may contain anything. Shown as it came, it could control a terminal, turn the direction
//! of the line around it, or pile marks over its neighbours. The page has the same policy
//! (`web/facts.js` is derived from the table here), and both are tested with the cases of
//! `schemas/vectors/text.json`.

use std::ops::RangeInclusive;

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// What is shown in place of a character that may not be shown.
pub const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// How many combining marks one base may have. Written languages need three or four.
pub const MARKS_PER_BASE: usize = 8;

/// The characters that are replaced, in order. A tab and a line feed are not: each client shows
/// them in its own way.
pub const REPLACED: &[RangeInclusive<char>] = &[
    // C0 controls but tab and line feed. (A carriage return is a line end.)
    '\0'..='\u{8}',
    '\u{b}'..='\u{1f}',
    // Delete, and C1 controls.
    '\u{7f}'..='\u{9f}',
    // Signs that are drawn over the digits after them, and so over what is beside the text. The
    // bidirectional mark of Arabic letters.
    '\u{600}'..='\u{605}',
    '\u{61c}'..='\u{61c}',
    '\u{6dd}'..='\u{6dd}',
    '\u{70f}'..='\u{70f}',
    '\u{890}'..='\u{891}',
    '\u{8e2}'..='\u{8e2}',
    // Bidirectional marks, embeddings, overrides and isolates; line and paragraph separators.
    '\u{200e}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2065}'..='\u{206f}',
    // Interlinear annotation, and what is reserved before it.
    '\u{fff0}'..='\u{fffb}',
    '\u{110bd}'..='\u{110bd}',
    '\u{110cd}'..='\u{110cd}',
    // Format controls of Egyptian hieroglyphs, shorthand and musical notation.
    '\u{13430}'..='\u{1343f}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    // Tags, and what is reserved around them and the variation selectors.
    '\u{e0000}'..='\u{e00ff}',
    '\u{e01f0}'..='\u{e0fff}',
];

/// The text as it may be shown: in NFC, with line feeds as its only line ends, with [`REPLACEMENT`]
/// for each character in [`REPLACED`], and with at most [`MARKS_PER_BASE`] combining marks on one
/// base.
pub fn shown(text: &str) -> String {
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut shown = String::with_capacity(unified.len());
    let mut marks = 0;
    for c in unified.nfc() {
        if is_mark(c) {
            marks += 1;
            if marks > MARKS_PER_BASE {
                continue;
            }
        } else if !joins(c) {
            marks = 0;
        }
        shown.push(if is_replaced(c) { REPLACEMENT } else { c });
    }
    shown
}

/// Whether a character is replaced.
pub fn is_replaced(c: char) -> bool {
    let after = REPLACED.partition_point(|range| *range.end() < c);
    REPLACED.get(after).is_some_and(|range| range.contains(&c))
}

fn is_mark(c: char) -> bool {
    // Most texts have none below this.
    c >= '\u{300}' && c.general_category_group() == GeneralCategoryGroup::Mark
}

/// Characters without a form of their own: marks after them go on the base before them.
fn joins(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_properties::GeneralCategory;

    use super::*;

    #[test]
    fn the_table_is_sorted_and_without_overlaps() {
        assert!(REPLACED.windows(2).all(|pair| pair[0].end() < pair[1].start()));
        assert!(REPLACED.iter().all(|range| !range.is_empty()));
    }

    #[test]
    fn every_control_is_replaced_and_hardly_any_letter() {
        for c in char::MIN..=char::MAX {
            let category = c.general_category();
            let keeps = matches!(c, '\t' | '\n');
            if category == GeneralCategory::Control {
                assert_eq!(is_replaced(c), !keeps, "{c:?}");
            }
            if c.is_alphanumeric() || c.general_category_group() == GeneralCategoryGroup::Punctuation {
                assert!(!is_replaced(c), "{c:?}");
            }
        }
    }

    #[test]
    fn format_characters_are_replaced_but_for_those_that_only_join_or_part() {
        let kept: Vec<_> = (char::MIN..=char::MAX)
            .filter(|c| c.general_category() == GeneralCategory::Format && !is_replaced(*c))
            .collect();
        assert_eq!(
            kept,
            [
                '\u{ad}', '\u{180e}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{2061}', '\u{2062}',
                '\u{2063}', '\u{2064}', '\u{feff}'
            ]
        );
    }

    proptest! {
        #[test]
        fn what_is_shown_stays_as_it_is(text in any::<String>()) {
            let once = shown(&text);
            prop_assert_eq!(shown(&once), once);
        }

        #[test]
        fn no_base_has_too_many_marks(text in "[a\u{301}\u{323}\u{200d}\u{e0b4}\u{20e3} ]{0,60}") {
            let mut marks = 0;
            for c in shown(&text).chars() {
                marks = if is_mark(c) { marks + 1 } else if joins(c) { marks } else { 0 };
                prop_assert!(marks <= MARKS_PER_BASE);
            }
        }
    }
}
