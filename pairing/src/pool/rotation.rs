//! The rotation of origins: who is served next in a class.
//!
//! Each origin has a position on an endless line, of which each rotation is a stretch of the same
//! length. In a rotation an origin has 1 + ⌊log2(its wants)⌋ turns, one at a random place of each
//! of as many equal parts of it. The one with the lowest position is next, and then moves on to its
//! next turn. Whoever comes joins at a random place of the present rotation.
//!
//! So a hundred wants of one origin have seven turns where another one has one, and whoever always
//! waits does not come before all others. Nobody waits for a turn: if only one origin is left that
//! fits, it is served, but it then has used a turn, and those who come have theirs before its next.

use rand::{Rng, rngs::StdRng};

/// A place in the rotations: the upper half counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position(u64);

/// The length of a rotation.
const ROTATION: u64 = 1 << 32;

/// How far ahead of the others an origin can get: so long it is served after them, and no longer.
/// A crowd that was alone for an hour is not to wait for an hour when others come.
const MOST_AHEAD: u64 = 2 * ROTATION;

/// How many turns an origin with so many wants has in a rotation.
pub(super) fn turns(wants: u32) -> u32 {
    1 + wants.max(1).ilog2()
}

/// How far the rotation of one class is, and how many turns it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Clock {
    now: u64,
    /// The sum of all origins' turns, also of those that have just left.
    turns: u64,
}

impl Clock {
    /// An origin has so many turns now instead of so many before.
    pub(super) fn change_turns(&mut self, before: u32, after: u32) {
        self.turns = (self.turns + u64::from(after)).saturating_sub(u64::from(before));
    }

    /// Whether there is no origin.
    pub(super) fn is_empty(&self) -> bool {
        self.turns == 0
    }

    /// Where a newcomer joins.
    pub(super) fn join(&self, rng: &mut StdRng) -> Position {
        Position(self.now.saturating_add(rng.random_range(0..ROTATION)))
    }

    /// Where somebody is that comes back to its position of before: not behind the present.
    pub(super) fn rejoin(&self, before: Position) -> Position {
        Position(before.0.max(self.now))
    }

    /// An origin with so many turns a rotation has used the one at `position`. Returns its next.
    pub(super) fn take_turn(&mut self, position: Position, turns: u32, rng: &mut StdRng) -> Position {
        self.now = self.now.saturating_add(ROTATION / self.turns.max(1));
        let next = next_turn(position.0.max(self.now), turns, rng);
        Position(next.min(self.now.saturating_add(MOST_AHEAD)))
    }
}

/// The turn after `position`: at a random place of the next of the equal parts of its rotation.
fn next_turn(position: u64, turns: u32, rng: &mut StdRng) -> u64 {
    let (turns, start) = (u64::from(turns), position / ROTATION * ROTATION);
    let part = (position - start) * turns / ROTATION + 1;
    let within = (part * ROTATION + rng.random_range(0..ROTATION)) / turns;
    start.saturating_add(within)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn rng() -> StdRng {
        StdRng::from_seed([7; 32])
    }

    #[test]
    fn turns_grow_with_the_logarithm_of_the_wants() {
        let all: Vec<_> = [0, 1, 2, 3, 4, 60, 100, 500, u32::MAX].map(turns).into();
        assert_eq!(all, [1, 1, 2, 2, 3, 6, 7, 9, 32]);
    }

    #[test]
    fn each_rotation_has_as_many_turns_as_the_origin_has() {
        for turns in [1, 2, 6, 9, 32] {
            let (mut rng, mut position, mut counted) = (rng(), 0, vec![0; 101]);
            while position < 100 * ROTATION {
                counted[(position / ROTATION) as usize] += 1;
                let next = next_turn(position, turns, &mut rng);
                assert!(next > position);
                position = next;
            }
            assert!(counted[1..100].iter().all(|count| *count == turns), "{turns}: {counted:?}");
        }
    }

    /// Serves the lowest position again and again; how often each origin was served.
    fn served(mut turns: Vec<u32>, times: usize) -> Vec<usize> {
        let (mut rng, mut clock) = (rng(), Clock::default());
        turns.iter().for_each(|count| clock.change_turns(0, *count));
        let mut positions: Vec<_> = turns.iter().map(|_| clock.join(&mut rng)).collect();
        let mut served = vec![0; turns.len()];
        for _ in 0..times {
            let next = (0..turns.len()).min_by_key(|n| positions[*n]).unwrap();
            positions[next] = clock.take_turn(positions[next], turns[next], &mut rng);
            served[next] += 1;
        }
        turns.clear();
        served
    }

    #[test]
    fn all_are_served_in_proportion_to_their_turns() {
        let served = served([vec![6], vec![1; 20]].concat(), 2600);
        assert!((590..=610).contains(&served[0]), "{served:?}");
        assert!(served[1..].iter().all(|count| (97..=103).contains(count)), "{served:?}");
    }

    #[test]
    fn who_was_served_alone_for_long_is_behind_whoever_comes_and_not_for_long() {
        let (mut rng, mut clock) = (rng(), Clock::default());
        clock.change_turns(0, 20); // of others, who have just left
        clock.change_turns(0, 6);
        let mut alone = clock.join(&mut rng);
        for _ in 0..10_000 {
            alone = clock.take_turn(alone, 6, &mut rng);
        }
        let newcomer = clock.join(&mut rng);
        assert!(newcomer < alone && alone.0 - newcomer.0 <= MOST_AHEAD);
    }

    #[test]
    fn a_newcomer_joins_anywhere_in_the_present_rotation_and_nobody_falls_behind() {
        let (mut rng, clock) = (rng(), Clock { now: 5 * ROTATION, turns: 3 });
        let joined: Vec<_> = (0..1000).map(|_| clock.join(&mut rng).0).collect();
        assert!(joined.iter().all(|at| (5 * ROTATION..6 * ROTATION).contains(at)));
        let early = joined.iter().filter(|at| **at < 5 * ROTATION + ROTATION / 2).count();
        assert!((400..600).contains(&early), "{early}");
        assert_eq!(clock.rejoin(Position(9)), Position(5 * ROTATION));
        assert_eq!(clock.rejoin(Position(7 * ROTATION)), Position(7 * ROTATION));
    }
}
