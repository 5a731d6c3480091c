//! The fuzz target's stories, a bounded number of them, told by a seeded generator.

#[path = "../fuzz/operations.rs"]
mod operations;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const STORIES: u64 = 4000;

#[test]
fn no_sequence_of_inputs_makes_a_channel_misbehave() {
    for seed in 0..STORIES {
        let mut rng = StdRng::seed_from_u64(seed);
        // Small numbers make forged contents that come close to the form.
        let dull = rng.random_bool(0.5);
        let story: Vec<u8> = (0..rng.random_range(0..600))
            .map(|_| if dull && rng.random_bool(0.6) { rng.random_range(0..4) } else { rng.random() })
            .collect();
        std::panic::catch_unwind(|| operations::run(&story)).unwrap_or_else(|_| panic!("story {seed}"));
    }
}
