//! The fuzz target's stories, a bounded number of them, told by proptest.

#[path = "../fuzz/comparison/mod.rs"]
mod comparison;

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

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

    /// Text, one thing more, and text again, if it goes on.
    #[test]
    fn they_make_the_same_of_a_single_oddity(
        suite in any::<u8>(), kind in 6..20_u8, how in prop::collection::vec(any::<u8>(), 10)
    ) {
        let (text, deliver) = ([5, 0, 0, 20], [0, 249]);
        let oddity = [&[5, kind], &how[..]].concat();
        comparison::run(&[&[suite], &text[..], &deliver, &oddity, &deliver, &text, &deliver].concat());
    }
}
