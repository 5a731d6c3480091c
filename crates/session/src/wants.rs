//! The wants of this gateway: which are current, and which halves of a match they are.

use std::collections::BTreeMap;

use schemas::{NodeId, SessionId, UnixMillis, WantId, event::Half, limits};

/// All current wants of the sessions of this gateway.
#[derive(Default)]
pub(crate) struct OwnWants {
    sessions: BTreeMap<WantId, SessionId>,
    /// How many wait of each network of clients.
    networks: BTreeMap<u64, u32>,
    next_repeat: UnixMillis,
}

/// What a match is for this gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MatchNews {
    /// Both halves are here, of two sessions.
    BothHere,
    /// Both halves are wants of one session: nothing comes of it.
    SameSession,
    /// The half with this index is here, the other one is said to be on another gateway.
    OneHere(usize),
    /// The half with this index is here. The other one was, too, and is not current any more.
    OtherGone(usize),
    /// No half is current here.
    NoneHere,
}

impl OwnWants {
    pub(crate) fn insert(&mut self, want: WantId, session: SessionId, network: Option<u64>) {
        let is_new = self.sessions.insert(want, session).is_none();
        if let Some(network) = network.filter(|_| is_new) {
            *self.networks.entry(network).or_default() += 1;
        }
    }

    /// A want is not current any more.
    pub(crate) fn remove(&mut self, want: WantId, network: Option<u64>) {
        let was_there = self.sessions.remove(&want).is_some();
        if let Some(network) = network.filter(|_| was_there)
            && let Some(count) = self.networks.get_mut(&network)
        {
            *count -= 1;
            if *count == 0 {
                self.networks.remove(&network);
            }
        }
    }

    /// How many wait of a network of clients.
    pub(crate) fn waiting_at(&self, network: u64) -> u32 {
        self.networks.get(&network).copied().unwrap_or_default()
    }

    /// Whose want it is, if it is current.
    pub(crate) fn session(&self, want: WantId) -> Option<SessionId> {
        self.sessions.get(&want).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// What a match is for this gateway, whose id is `own`.
    pub(crate) fn judge(&self, own: &NodeId, halves: &[Half; 2]) -> MatchNews {
        let current = halves.each_ref().map(|half| {
            let session = self.session(half.want);
            session.filter(|_| half.node == *own)
        });
        let one = |here: usize| {
            let is_elsewhere = halves[1 - here].node != *own;
            if is_elsewhere { MatchNews::OneHere(here) } else { MatchNews::OtherGone(here) }
        };
        match current {
            [Some(first), Some(second)] if first == second => MatchNews::SameSession,
            [Some(_), Some(_)] => MatchNews::BothHere,
            [Some(_), None] => one(0),
            [None, Some(_)] => one(1),
            [None, None] => MatchNews::NoneHere,
        }
    }

    /// Whether all are to be repeated now.
    pub(crate) fn repetition_due(&mut self, now: UnixMillis) -> bool {
        let is_due = self.next_repeat <= now;
        if is_due {
            self.next_repeat = now + limits::WANT_REPEAT;
        }
        is_due
    }

    /// Whose wants are current, in the order of a walk over all sessions.
    pub(crate) fn sessions(&self) -> Vec<SessionId> {
        let mut sessions: Vec<_> = self.sessions.values().copied().collect();
        sessions.sort_unstable();
        sessions
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.networks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> NodeId {
        name.parse().unwrap()
    }

    fn want(n: u8) -> WantId {
        WantId::from_bytes([n; 16])
    }

    fn session(n: u8) -> SessionId {
        SessionId::from_random([n; 16])
    }

    fn half(n: u8, name: &str) -> Half {
        Half { want: want(n), node: node(name), pass: false }
    }

    #[test]
    fn a_match_is_judged_by_what_is_current_here() {
        let mut wants = OwnWants::default();
        for (n, whose) in [(1, 1), (2, 2), (3, 1)] {
            wants.insert(want(n), session(whose), Some(7));
        }
        let judge = |wants: &OwnWants, halves: [Half; 2]| wants.judge(&node("g0"), &halves);
        assert_eq!(judge(&wants, [half(1, "g0"), half(2, "g0")]), MatchNews::BothHere);
        assert_eq!(judge(&wants, [half(1, "g0"), half(3, "g0")]), MatchNews::SameSession);
        assert_eq!(judge(&wants, [half(1, "g0"), half(9, "g1")]), MatchNews::OneHere(0));
        assert_eq!(judge(&wants, [half(9, "g1"), half(1, "g0")]), MatchNews::OneHere(1));
        assert_eq!(judge(&wants, [half(9, "g0"), half(1, "g0")]), MatchNews::OtherGone(1));
        assert_eq!(judge(&wants, [half(8, "g0"), half(9, "g1")]), MatchNews::NoneHere);
        assert_eq!(
            judge(&wants, [half(1, "g1"), half(9, "g1")]),
            MatchNews::NoneHere,
            "the id alone does not make it ours"
        );
        assert_eq!((wants.waiting_at(7), wants.waiting_at(8)), (3, 0));
        wants.remove(want(1), Some(7));
        wants.remove(want(1), Some(7));
        assert_eq!(wants.waiting_at(7), 2);
        assert_eq!((wants.session(want(1)), wants.session(want(2))), (None, Some(session(2))));
        assert_eq!(judge(&wants, [half(1, "g0"), half(2, "g0")]), MatchNews::OtherGone(1));
    }

    #[test]
    fn wants_are_repeated_every_two_seconds() {
        let (mut wants, start) = (OwnWants::default(), UnixMillis(1_000_000));
        assert!(wants.repetition_due(start));
        assert!(!wants.repetition_due(start));
        assert!(wants.repetition_due(start + limits::WANT_REPEAT));
    }
}
