//! The form in which topics are compared: as a person would compare them.

use unicase::UniCase;
use unicode_joining_type::{JoiningType, get_joining_type};
use unicode_normalization::{UnicodeNormalization, char::canonical_combining_class};
use unicode_properties::UnicodeEmoji;

/// Parts letters that would join.
const ZWNJ: char = '\u{200c}';

/// Joins emoji into one.
const ZWJ: char = '\u{200d}';

/// The combining class of a virama, which joins the letters on both sides.
const VIRAMA: u8 = 9;

/// What looks alike becomes the same: Unicode NFKC, case-folded, without what cannot be seen, with
/// one blank for any white space, and none around it.
pub(super) fn fold(text: &str) -> String {
    let mut folded = text.to_owned();
    // One step can give the next something to do, so all are done until nothing changes. Unicode's
    // NFKC_Casefold needs two rounds for any text.
    for _ in 0..4 {
        let cased = UniCase::unicode(folded.nfkc().collect::<String>()).to_folded_case();
        let next = without_unseen(&cased).nfkc().collect();
        if next == folded {
            break;
        }
        folded = next;
    }
    folded
}

/// Without characters that cannot be seen, and with one blank for each run of white space.
pub(super) fn without_unseen(text: &str) -> String {
    let characters: Vec<_> = text.chars().collect();
    let mut seen = String::with_capacity(text.len());
    for (at, &c) in characters.iter().enumerate() {
        let (before, after) = (&characters[..at], &characters[at + 1..]);
        if c.is_whitespace() {
            if !seen.is_empty() && !seen.ends_with(' ') {
                seen.push(' ');
            }
        } else if !is_ignorable(c)
            || (c == ZWJ && joins_emoji(before, after))
            || (c == ZWNJ && parts_letters(before, after))
        {
            seen.push(c);
        }
    }
    seen.truncate(seen.trim_end().len());
    seen
}

/// Unicode's Default_Ignorable_Code_Point, variation selectors included.
fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Whether a joiner is within an emoji: between two, of which the first may have a selector.
fn joins_emoji(before: &[char], after: &[char]) -> bool {
    let is_emoji = |c: &&char| !c.is_ascii() && c.is_emoji_char();
    let seen = |c: &&char| !is_ignorable(**c);
    // Of several joiners in a row the last one counts.
    after.first() != Some(&ZWJ)
        && before.iter().rev().find(seen).filter(is_emoji).is_some()
        && after.iter().find(seen).filter(is_emoji).is_some()
}

/// Whether a non-joiner can be seen: it parts two letters that would join, or follows a virama (RFC
/// 5892, appendix A.1).
fn parts_letters(before: &[char], after: &[char]) -> bool {
    let seen = |c: &&char| !is_ignorable(**c);
    if after.first() == Some(&ZWNJ) {
        return false;
    }
    let joins_after_virama =
        before.iter().rev().find(seen).is_some_and(|c| canonical_combining_class(*c) == VIRAMA)
            && after.iter().find(seen).is_some_and(|c| c.is_alphabetic());
    let is_opaque = |c: &&char| seen(c) && get_joining_type(**c) != JoiningType::Transparent;
    let left = before.iter().rev().find(is_opaque).map(|c| get_joining_type(*c));
    let right = after.iter().find(is_opaque).map(|c| get_joining_type(*c));
    let would_join =
        matches!(left, Some(JoiningType::DualJoining | JoiningType::LeftJoining | JoiningType::JoinCausing))
            && matches!(
                right,
                Some(JoiningType::DualJoining | JoiningType::RightJoining | JoiningType::JoinCausing)
            );
    joins_after_virama || would_join
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_folded_stays_as_it_is(text in any::<String>()) {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn joiners_and_blanks_are_folded_for_good(text in "[ a\u{200b}-\u{200d}\u{fe0f}❤🔥👩\u{645}\u{6cc}\u{631}\u{915}\u{94d}\u{301}\u{ad}\u{3164}\t]{0,12}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once.clone());
            prop_assert!(!once.starts_with(' ') && !once.ends_with(' ') && !once.contains("  "));
        }
    }
}
