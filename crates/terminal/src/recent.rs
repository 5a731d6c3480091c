//! The numbers of the last texts of both sides, where their words are not kept: so that a text can
//! be named by counting back.

use std::collections::VecDeque;

use client::channel::{MessageNumber, Target, Whose};

/// Numbers that are kept of each side: nobody counts further back.
const KEPT: usize = 1000;

/// The newest last.
#[derive(Default)]
pub(super) struct Recent {
    own: VecDeque<MessageNumber>,
    peer: VecDeque<MessageNumber>,
}

impl Recent {
    /// A text or reply was sent, or has arrived.
    pub(super) fn add(&mut self, text: Target) {
        let side = self.side_mut(text.whose);
        side.push_back(text.number);
        if side.len() > KEPT {
            side.pop_front();
        }
    }

    /// It was deleted.
    pub(super) fn remove(&mut self, text: Target) {
        self.side_mut(text.whose).retain(|number| *number != text.number);
    }

    /// The text of a side that is counted back so far, from 1.
    pub(super) fn nth(&self, whose: Whose, back: usize) -> Option<MessageNumber> {
        self.side(whose).iter().rev().nth(back.checked_sub(1)?).copied()
    }

    /// How far back a text is counted; `None` if it is gone.
    pub(super) fn back(&self, text: Target) -> Option<usize> {
        self.side(text.whose).iter().rev().position(|number| *number == text.number).map(|before| before + 1)
    }

    fn side(&self, whose: Whose) -> &VecDeque<MessageNumber> {
        match whose {
            Whose::Own => &self.own,
            Whose::Peer => &self.peer,
        }
    }

    fn side_mut(&mut self, whose: Whose) -> &mut VecDeque<MessageNumber> {
        match whose {
            Whose::Own => &mut self.own,
            Whose::Peer => &mut self.peer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: u64) -> MessageNumber {
        MessageNumber::new(number).unwrap()
    }

    #[test]
    fn texts_are_counted_back_on_each_side_and_deleted_ones_are_not_counted() {
        let mut recent = Recent::default();
        [2, 5, 6].into_iter().for_each(|n| recent.add(Target::own(number(n))));
        recent.add(Target::peer(number(5)));
        assert_eq!([1, 3].map(|back| recent.nth(Whose::Own, back)), [Some(number(6)), Some(number(2))]);
        assert_eq!([0, 2].map(|back| recent.nth(Whose::Peer, back)), [None, None]);
        assert_eq!(recent.back(Target::own(number(2))), Some(3));
        recent.remove(Target::own(number(5)));
        assert_eq!(recent.back(Target::own(number(2))), Some(2));
        assert_eq!(recent.back(Target::own(number(5))), None);
        assert_eq!(recent.back(Target::peer(number(5))), Some(1));
    }

    #[test]
    fn only_the_last_texts_are_kept() {
        let mut recent = Recent::default();
        (1..=2000).for_each(|n| recent.add(Target::peer(number(n))));
        assert_eq!(recent.nth(Whose::Peer, KEPT), Some(number(1001)));
        assert_eq!(recent.nth(Whose::Peer, KEPT + 1), None);
    }
}
