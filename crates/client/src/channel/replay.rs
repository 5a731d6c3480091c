//! Which packet numbers were seen: a sliding window (RFC 6479 in spirit), moved by authenticated
//! packets only.

use super::limits::REPLAY_WINDOW;

const WORDS: usize = (REPLAY_WINDOW / 64) as usize;

/// The last [`REPLAY_WINDOW`] packet numbers.
#[derive(Debug, Default)]
pub(super) struct ReplayWindow {
    /// One above the highest number seen.
    next: u64,
    /// Bit `n % REPLAY_WINDOW`: was `n` seen? Only numbers in `next - REPLAY_WINDOW .. next` have
    /// one.
    seen: [u64; WORDS],
}

impl ReplayWindow {
    /// Whether `number` may still be new. Numbers older than the window count as seen.
    pub(super) fn is_fresh(&self, number: u64) -> bool {
        if number >= self.next {
            return true;
        }
        let (word, bit) = place(number);
        self.next - number <= REPLAY_WINDOW && self.seen[word] & bit == 0
    }

    /// Marks a fresh `number` as seen. Only for authenticated packets: after a forged high number,
    /// all others would be rejected.
    pub(super) fn mark(&mut self, number: u64) {
        if number >= self.next {
            if number - self.next >= REPLAY_WINDOW {
                self.seen = [0; WORDS];
            } else {
                for skipped in self.next..number {
                    let (word, bit) = place(skipped);
                    self.seen[word] &= !bit;
                }
            }
            self.next = number + 1;
        }
        let (word, bit) = place(number);
        self.seen[word] |= bit;
    }
}

fn place(number: u64) -> (usize, u64) {
    let index = number % REPLAY_WINDOW;
    ((index / 64) as usize, 1 << (index % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::{Rng, SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn it_agrees_with_a_set_of_all_numbers_seen() {
        let mut rng = StdRng::seed_from_u64(1);
        for _ in 0..50 {
            let (mut window, mut all) = (ReplayWindow::default(), BTreeSet::new());
            let mut centre = 0_u64;
            for _ in 0..2000 {
                centre +=
                    if rng.random_ratio(1, 100) { rng.random_range(0..3000) } else { rng.random_range(0..3) };
                let number = centre.saturating_sub(rng.random_range(0..1500));
                let next = all.last().map_or(0, |highest| highest + 1);
                let fresh = !all.contains(&number) && number + REPLAY_WINDOW >= next;
                assert_eq!(window.is_fresh(number), fresh, "{number} after {next}");
                if fresh {
                    window.mark(number);
                    all.insert(number);
                }
            }
        }
    }
}
