//! The fuzz target's stories, a bounded number of them, told by proptest.

#[path = "../fuzz/comparison/mod.rs"]
mod comparison;

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_record_layer_and_rustls_make_the_same_of_whatever_a_client_sends(
        story in prop::collection::vec(any::<u8>(), 0..300)
    ) {
        comparison::run(&story);
    }

    /// Small numbers make stories of text, deliveries and answers that go on for long.
    #[test]
    fn they_make_the_same_of_what_an_honest_client_sends(
        story in prop::collection::vec(prop_oneof![4 => 0..12_u8, 1 => any::<u8>()], 0..300)
    ) {
        comparison::run(&story);
    }
}
