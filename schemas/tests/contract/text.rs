//! The policy for texts of strangers, with the cases that the page is tested with, too.

use schemas::text;
use serde_json::Value;

#[test]
fn texts_are_shown_as_in_the_vectors() {
    let vectors: Value = serde_json::from_str(include_str!("../../vectors/text.json")).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let [name, text, shown] = ["name", "text", "shown"].map(|key| case[key].as_str().unwrap());
        assert_eq!(text::shown(text), shown, "{name}");
    }
}
