//! Where wants stand and where they look: one ordered set of places serves all queues, and whatever a want looks for begins a run in it.

use std::num::NonZeroU64;

use schemas::{
    UnixMillis, WantId,
    criteria::{Language, Queue, Role},
};

/// One want in one line. The places of a line are neighbours, the longest waiting first; ties are broken by id, so that every
/// replica sees the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) lane: Lane,
    pub(super) line: Line,
    pub(super) since: UnixMillis,
    pub(super) id: WantId,
}

impl Place {
    /// Not after any place of this line.
    pub(super) fn head_of(lane: Lane, line: Line) -> Self {
        Self { lane, line, since: UnixMillis(0), id: WantId::from_bytes([0; 16]) }
    }

    pub(super) fn is_in(&self, lane: Lane, line: Line) -> bool {
        self.lane == lane && self.line == line
    }
}

/// A queue, and the part that a want takes in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lane {
    pub(super) queue: Queue,
    part: Part,
}

impl Lane {
    pub(super) fn new(queue: Queue, role: Option<Role>) -> Self {
        let part = match role {
            None => Part::Peer,
            Some(Role::Seek) => Part::Seek,
            Some(Role::Offer) => Part::Offer,
        };
        Self { queue, part }
    }

    /// Every lane of a queue.
    pub(super) fn all_of(queue: Queue) -> [Self; 3] {
        [Part::Peer, Part::Seek, Part::Offer].map(|part| Self { queue, part })
    }

    /// Where those stand whom a want in this lane meets.
    pub(super) fn across(self) -> Self {
        let part = match self.part {
            Part::Peer => Part::Peer,
            Part::Seek => Part::Offer,
            Part::Offer => Part::Seek,
        };
        Self { part, ..self }
    }
}

/// A role, or none: ordered, unlike [`Option<Role>`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Peer,
    Seek,
    Offer,
}

/// A language in eight bytes: BCP 47 gives a primary language at most eight letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tongue(NonZeroU64);

impl Tongue {
    /// The letters as a number; `None` if there are none, which no [`Language`] lacks.
    pub(super) fn of(language: Language) -> Option<Self> {
        let letters = String::from(language);
        NonZeroU64::new(letters.bytes().fold(0, |number, letter| number << 8 | u64::from(letter))).map(Self)
    }
}

/// Whom a want would meet, by language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Openness {
    /// Anyone: it named no language, or has waited long enough.
    Open,
    /// Whoever speaks this, and the open.
    Only(Tongue),
}

/// A line within a lane. The open stand in one; each of the others stands in the line of its language, where its like find it, and in
/// [`Line::CHOOSY`], where the open do. So a want looks at the heads of two lines, however many languages there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line(u64);

impl Line {
    const OPEN: Self = Self(0);
    /// All who are not open, of whatever language. No letters make this number.
    pub(super) const CHOOSY: Self = Self(u64::MAX);

    fn of(tongue: Tongue) -> Self {
        Self(tongue.0.get())
    }

    /// Every line of a lane in which each want of it stands exactly once.
    pub(super) const WHOLE: [Self; 2] = [Self::OPEN, Self::CHOOSY];
}

impl Openness {
    pub(super) fn stands_in(self) -> impl Iterator<Item = Line> {
        let (first, second) = match self {
            Self::Open => (Line::OPEN, None),
            Self::Only(tongue) => (Line::of(tongue), Some(Line::CHOOSY)),
        };
        std::iter::once(first).chain(second)
    }

    pub(super) fn looks_in(self) -> [Line; 2] {
        match self {
            Self::Open => Line::WHOLE,
            Self::Only(tongue) => [Line::OPEN, Line::of(tongue)],
        }
    }
}

// What a waiting person costs is mostly this, once or twice.
const _: () = assert!(size_of::<Place>() <= 56);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_a_line_of_its_own() {
        let line = |text: &str| Line::of(Tongue::of(text.parse().unwrap()).unwrap());
        let lines = ["ko", "ok", "kok", "zz", "zzzzzzzz", "aaaaaaaa", "zh"].map(line);
        for (n, one) in lines.iter().enumerate() {
            assert!(*one != Line::OPEN && *one != Line::CHOOSY);
            assert!(lines[..n].iter().all(|other| other != one));
        }
        assert_eq!(line("pt-BR"), line("PT"));
    }

    #[test]
    fn two_wants_find_each_other_or_neither_does() {
        let tongue = |text: &str| Tongue::of(text.parse().unwrap()).unwrap();
        let all = [Openness::Open, Openness::Only(tongue("ko")), Openness::Only(tongue("en"))];
        let finds = |one: Openness, other: Openness| {
            other.stands_in().filter(|line| one.looks_in().contains(line)).count()
        };
        for one in all {
            for other in all {
                assert_eq!(finds(one, other), finds(other, one), "{one:?} {other:?}");
            }
        }
        assert_eq!(finds(all[1], all[2]), 0);
        assert_eq!(finds(all[1], all[1]), 1);
        assert_eq!(finds(all[0], all[1]), 1);
    }
}
