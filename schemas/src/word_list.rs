//! The words in which an invite's secret can be read out: the English list of BIP-39. Its 2048
//! words carry 11 bits each, are common, and differ in their first four letters.

/// The list, one word a line, sorted.
const LIST: &str = include_str!("../vectors/words.txt");

/// How many words there are: 11 bits each.
pub const COUNT: u16 = 2048;

/// So many letters tell every word from every other.
pub const LETTERS: usize = 4;

/// All words, in their order.
pub fn all() -> impl Iterator<Item = &'static str> {
    LIST.lines()
}

/// The word with this index; `None` from [`COUNT`] on.
pub fn word(index: u16) -> Option<&'static str> {
    all().nth(index.into())
}

/// The index of a word, which may be shortened to its first four letters. It has to be in lower
/// case.
pub fn index(written: &str) -> Option<u16> {
    let is_meant = |word: &str| word == written || (written.len() >= LETTERS && word.starts_with(written));
    (0..COUNT).zip(all()).find_map(|(index, word)| is_meant(word).then_some(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_that_of_bip_39() {
        assert_eq!(all().count(), usize::from(COUNT));
        assert!(all().is_sorted());
        // As published.
        let digest = crate::codec::sha256(&[LIST.as_bytes()]);
        assert_eq!(digest[..4], [0x2f, 0x5e, 0xed, 0x53]);
    }

    #[test]
    fn four_letters_tell_every_word_from_every_other() {
        let mut beginnings: Vec<_> = all().map(|word| &word[..word.len().min(LETTERS)]).collect();
        beginnings.dedup();
        assert_eq!(beginnings.len(), usize::from(COUNT));
    }

    #[test]
    fn a_word_is_found_whole_or_by_its_first_letters() {
        for (number, listed) in (0..COUNT).zip(all()) {
            assert_eq!((index(listed), word(number)), (Some(number), Some(listed)));
        }
        assert_eq!(index("abst"), index("abstract"));
        assert_eq!(index("abstra"), index("abstract"));
        for wrong in ["", "abs", "abstracts", "Abstract", "zzzz"] {
            assert_eq!(index(wrong), None, "{wrong}");
        }
        assert_eq!(word(COUNT), None);
    }
}
