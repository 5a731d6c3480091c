//! The safety code: 42 bits of the handshake, which two people compare outside the chat.

use std::fmt;

use super::crypto::sha256;

/// Equal on both sides exactly when both ran the same handshake.
///
/// Compared outside the chat (on a call, face to face) it proves that nobody is in between;
/// compared inside the chat, it proves nothing. Seven emoji and three numbers show the same 42
/// bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SafetyCode(u64);

/// One of the 64 signs of a safety code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Emoji {
    /// The sign, one or two code points.
    pub sign: &'static str,
    /// Its English name.
    pub name: &'static str,
}

impl SafetyCode {
    /// The code of a finished handshake: the first 42 bits of SHA-256("cipher-chat.v2 safety" ‖ 0 ‖
    /// hash ‖ n_a).
    pub(super) fn of(handshake_hash: &[u8], nonce: &[u8]) -> Self {
        let digest = sha256(&[b"cipher-chat.v2 safety\0", handshake_hash, nonce]);
        let first = digest[..6].iter().fold(0, |bits, &byte| bits << 8 | u64::from(byte));
        Self(first >> 6)
    }

    /// Seven signs, six bits each, most significant first.
    #[must_use]
    pub fn emoji(self) -> [Emoji; 7] {
        std::array::from_fn(|place| {
            let (sign, name) = EMOJI[(self.0 >> (36 - 6 * place) & 0x3f) as usize];
            Emoji { sign, name }
        })
    }

    /// Three numbers of five digits (10000 to 26383): 10000 and fourteen bits each, most
    /// significant first.
    #[must_use]
    pub fn numbers(self) -> [u16; 3] {
        std::array::from_fn(|place| 10_000 + (self.0 >> (28 - 14 * place) & 0x3fff) as u16)
    }
}

impl fmt::Display for SafetyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, third] = self.numbers();
        write!(f, "{first} {second} {third}")
    }
}

impl fmt::Debug for SafetyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SafetyCode({self})")
    }
}

/// The emoji of Matrix's short authentication strings, in its order and with its English names:
/// chosen by others to be told apart easily (Matrix specification, client-server API, "SAS method:
/// emoji"; Apache-2.0).
#[rustfmt::skip]
pub(super) const EMOJI: [(&str, &str); 64] = [
    ("🐶", "Dog"), ("🐱", "Cat"), ("🦁", "Lion"), ("🐎", "Horse"),
    ("🦄", "Unicorn"), ("🐷", "Pig"), ("🐘", "Elephant"), ("🐰", "Rabbit"),
    ("🐼", "Panda"), ("🐓", "Rooster"), ("🐧", "Penguin"), ("🐢", "Turtle"),
    ("🐟", "Fish"), ("🐙", "Octopus"), ("🦋", "Butterfly"), ("🌷", "Flower"),
    ("🌳", "Tree"), ("🌵", "Cactus"), ("🍄", "Mushroom"), ("🌏", "Globe"),
    ("🌙", "Moon"), ("☁️", "Cloud"), ("🔥", "Fire"), ("🍌", "Banana"),
    ("🍎", "Apple"), ("🍓", "Strawberry"), ("🌽", "Corn"), ("🍕", "Pizza"),
    ("🎂", "Cake"), ("❤️", "Heart"), ("😀", "Smiley"), ("🤖", "Robot"),
    ("🎩", "Hat"), ("👓", "Glasses"), ("🔧", "Spanner"), ("🎅", "Santa"),
    ("👍", "Thumbs Up"), ("☂️", "Umbrella"), ("⌛", "Hourglass"), ("⏰", "Clock"),
    ("🎁", "Gift"), ("💡", "Light Bulb"), ("📕", "Book"), ("✏️", "Pencil"),
    ("📎", "Paperclip"), ("✂️", "Scissors"), ("🔒", "Lock"), ("🔑", "Key"),
    ("🔨", "Hammer"), ("☎️", "Telephone"), ("🏁", "Flag"), ("🚂", "Train"),
    ("🚲", "Bicycle"), ("✈️", "Aeroplane"), ("🚀", "Rocket"), ("🏆", "Trophy"),
    ("⚽", "Ball"), ("🎸", "Guitar"), ("🎺", "Trumpet"), ("🔔", "Bell"),
    ("⚓", "Anchor"), ("🎧", "Headphones"), ("📁", "Folder"), ("📌", "Pin"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn emoji_and_numbers_show_the_same_42_bits() {
        let code = SafetyCode(0b000000_000001_000010_000011_111111_100000_010101);
        let index = |emoji: Emoji| EMOJI.iter().position(|&(sign, _)| sign == emoji.sign).unwrap();
        assert_eq!(code.emoji().map(index), [0, 1, 2, 3, 63, 32, 21]);
        assert_eq!(code.numbers(), [10_004, 10_000 + 0b00_1000_0011_1111, 10_000 + 0b11_1000_0001_0101]);
        assert_eq!(SafetyCode((1 << 42) - 1).numbers(), [26383; 3]);
        assert_eq!(SafetyCode(0).to_string(), "10000 10000 10000");
    }

    #[test]
    fn no_sign_and_no_name_stands_twice_in_the_table() {
        let signs: BTreeSet<_> = EMOJI.iter().map(|(sign, _)| sign).collect();
        let names: BTreeSet<_> = EMOJI.iter().map(|(_, name)| name).collect();
        assert_eq!((signs.len(), names.len()), (64, 64));
    }
}
