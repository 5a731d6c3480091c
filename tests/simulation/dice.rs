//! Chance, in streams: each place of a story where something is left to chance draws from a stream
//! of its own. So a story from which a deed is left out goes on as it did, as far as it can, and can
//! be made shorter: see [`super::shrink`].

use rand::{RngCore, rand_core::impls};

use super::bus::Errand;

/// Random numbers that follow from a seed and a place: SplitMix64, which begins at no cost. A story
/// begins a stream for each of thousands of messages.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

/// Where something is left to chance.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// How hostile the story is.
    Profile,
    /// A node: what it draws when it starts, and when.
    Node(usize),
    /// A person: how long they hesitate, and where they connect.
    Person(usize),
    /// How long what a person and their gateway say to each other takes.
    Wire(usize),
    /// The n-th deed of people.
    Whim(u64),
    /// The n-th fault.
    Mishap(u64),
    /// A message of the bus.
    Errand(Errand, u64),
}

impl Dice {
    pub(super) fn new(seed: u64, place: Place) -> Self {
        let parts = match place {
            Place::Profile => [0, 0, 0, 0, 0],
            Place::Node(node) => [1, node as u64, 0, 0, 0],
            Place::Person(person) => [2, person as u64, 0, 0, 0],
            Place::Wire(person) => [3, person as u64, 0, 0, 0],
            Place::Whim(n) => [4, n, 0, 0, 0],
            Place::Mishap(n) => [5, n, 0, 0, 0],
            Place::Errand(Errand { from, to, kind, own, of }, n) => {
                let of = of.map_or(0, |person| person as u64 + 1);
                [6, (from as u64) << 32 | to as u64, (kind as u64) << 1 | u64::from(own), of, n]
            }
        };
        let mut dice = Self(seed);
        for part in parts {
            dice = Self(dice.next_u64() ^ part);
        }
        dice
    }
}

impl RngCore for Dice {
    fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        impls::fill_bytes_via_next(self, bytes);
    }
}
