//! An invite's secret in twelve words, to be read out: BIP-39, with 128 bits and a checksum of 4.

use schemas::{codec::sha256, word_list};
use zeroize::Zeroizing;

use super::{
    around::is_around,
    secret::{Invite, LinkError},
};

/// 132 bits, 11 for each word.
const WORDS: usize = 12;

/// Bits of a word.
const BITS: u32 = 11;

/// Bits of the checksum, at the end of the last word.
const CHECK_BITS: u32 = 4;

impl Invite {
    /// Reads a secret in either form: the 22 characters after the `#` of a link, or twelve words.
    ///
    /// # Errors
    /// [`LinkError`] if it is neither.
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let text = text.trim_matches(is_around);
        let is_words = text.contains(|c: char| c.is_whitespace() || c == ',');
        if is_words { Self::from_words(text) } else { Self::from_characters(text) }
    }

    /// The secret as twelve words with blanks between them.
    #[must_use]
    pub fn words(&self) -> Zeroizing<String> {
        let secret = u128::from_be_bytes(*self.secret);
        let first = (1..12).map(|n| (secret >> (u128::BITS - n * BITS)) as u16 & (word_list::COUNT - 1));
        let last = (secret as u16) << CHECK_BITS & (word_list::COUNT - 1) | self.checksum();
        // With room for the longest twelve words: a string that grows leaves copies behind.
        let mut words = Zeroizing::new(String::with_capacity(WORDS * 9));
        for word in first.chain([last]).filter_map(word_list::word) {
            if !words.is_empty() {
                words.push(' ');
            }
            words.push_str(word);
        }
        words
    }

    /// Reads twelve words. Anything but letters may be between them, each may be shortened to its
    /// first four letters, and capitals do not matter.
    ///
    /// # Errors
    /// Which word is wrong, if that can be told.
    pub fn from_words(text: &str) -> Result<Self, LinkError> {
        let lower = Zeroizing::new(text.to_ascii_lowercase());
        let written = || lower.split(|c: char| !c.is_ascii_lowercase()).filter(|word| !word.is_empty());
        let count = written().count();
        if count != WORDS {
            return Err(LinkError::WordCount(count));
        }
        let (mut secret, mut check) = (0_u128, 0);
        for (number, word) in (1..).zip(written()) {
            let index = word_list::index(word).ok_or(LinkError::UnknownWord(number))?;
            if number < WORDS {
                secret = secret << BITS | u128::from(index);
            } else {
                secret = secret << (BITS - CHECK_BITS) | u128::from(index >> CHECK_BITS);
                check = index & ((1 << CHECK_BITS) - 1);
            }
        }
        let invite = Self::from_secret(secret.to_be_bytes());
        if invite.checksum() == check { Ok(invite) } else { Err(LinkError::Checksum) }
    }

    /// The first four bits of the secret's SHA-256.
    fn checksum(&self) -> u16 {
        u16::from(sha256(&[&self.secret[..]])[0]) >> (u8::BITS - CHECK_BITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_two_forms() {
        let invite = Invite::from_secret(std::array::from_fn(|i| i as u8));
        for form in [
            "AAECAwQFBgcICQoLDA0ODw",
            " AAECAwQFBgcICQoLDA0ODw.\n",
            "abandon amount liar amount expire adjust cage candy arch gather drum buyer",
            "Aban, amou, liar, amou, expi, adju, cage, cand, arch, gath, drum, buye.",
        ] {
            assert_eq!(Invite::parse(form), Ok(invite.clone()), "{form}");
        }
        assert_eq!(Invite::parse("a few words"), Err(LinkError::WordCount(3)));
        assert_eq!(Invite::parse("word"), Err(LinkError::Secret));
        assert_eq!(Invite::parse(""), Err(LinkError::Secret));
    }

    #[test]
    fn words_are_those_of_bip_39() {
        // Two of the vectors of BIP-39.
        for (secret, words) in [
            ([0x7f; 16], "legal winner thank year wave sausage worth useful legal winner thank yellow"),
            ([0x80; 16], "letter advice cage absurd amount doctor acoustic avoid letter advice cage above"),
        ] {
            let invite = Invite::from_secret(secret);
            assert_eq!(*invite.words(), words);
            assert_eq!(Invite::from_words(words), Ok(invite));
        }
    }

    #[test]
    fn every_bit_of_the_secret_is_in_the_words() {
        let zero = Invite::from_secret([0; 16]).words();
        for bit in 0..128 {
            let secret = (1_u128 << bit).to_be_bytes();
            let words = Invite::from_secret(secret).words();
            assert_ne!(words, zero, "{bit}");
            assert_eq!(Invite::from_words(&words), Ok(Invite::from_secret(secret)));
        }
    }

    #[test]
    fn wrong_words_are_told_by_their_number_alone() {
        let right = Invite::from_secret([7; 16]).words();
        let with = |n: usize, word: &str| {
            let mut words: Vec<_> = right.split(' ').collect();
            words[n] = word;
            Invite::from_words(&words.join(" "))
        };
        assert_eq!(with(4, "secretive"), Err(LinkError::UnknownWord(5)));
        assert_eq!(with(4, "zoo"), Err(LinkError::Checksum));
        assert_eq!(with(4, ""), Err(LinkError::WordCount(11)));
        assert!(!with(4, "secretive").unwrap_err().to_string().contains("secret "));
    }
}
