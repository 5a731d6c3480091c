//! All faults of the options, reported together.

use std::{collections::BTreeSet, fmt};

/// How similar a name must be to be suggested: 1 is identical, 0 has nothing in common.
const SIMILAR: f64 = 0.5;

/// All faults: first words that are not options, in the order of the command line; then unknown
/// variables, and keys of a file, by name; then faults of options, in the order of the table.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Faults(BTreeSet<Fault>);

/// One fault. Faults are ordered by their place.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fault {
    place: Place,
    text: String,
}

/// Where a fault is.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The word with this index on the command line, which is not an option.
    Word(usize),
    /// An unknown environment variable.
    Variable,
    /// An unknown key of a file.
    Key,
    /// The option with this index in the table.
    Option(usize),
}

impl Faults {
    /// Adds a fault.
    pub fn add(&mut self, place: Place, text: String) {
        self.0.insert(Fault { place, text });
    }

    /// Whether there is no fault.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The messages, in order.
    #[cfg(test)]
    pub fn texts(&self) -> Vec<&str> {
        self.0.iter().map(|fault| fault.text.as_str()).collect()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = self.0.iter();
        if let Some(first) = lines.next() {
            write!(f, "cipher-chat: {}", first.text)?;
        }
        lines.try_for_each(|fault| write!(f, "\ncipher-chat: {}", fault.text))
    }
}

/// The name that is most similar to what was given, if one is similar enough.
pub fn nearest<'a>(given: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let similarity = |name: &str| strsim::normalized_damerau_levenshtein(given, name);
    let near = names.map(|name| (similarity(name), name)).filter(|(similarity, _)| *similarity >= SIMILAR);
    near.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, name)| name)
}

/// An error and its causes.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_ordered_by_their_place_and_not_repeated() {
        let mut faults = Faults::default();
        for (place, text) in [
            (Place::Option(3), "d"),
            (Place::Variable, "c"),
            (Place::Word(2), "b"),
            (Place::Word(1), "a"),
            (Place::Option(3), "d"),
        ] {
            faults.add(place, text.to_owned());
        }
        assert_eq!(faults.texts(), ["a", "b", "c", "d"]);
        assert_eq!(faults.to_string().lines().count(), 4);
    }

    #[test]
    fn the_nearest_name_is_found_if_there_is_one() {
        let names = || ["session-rate", "find-rate", "frame-rate", "grace"].into_iter();
        for (given, meant) in [
            ("sesion-rate", Some("session-rate")),
            ("fame-rate", Some("frame-rate")),
            ("garce", Some("grace")),
            ("colour", None),
        ] {
            assert_eq!(nearest(given, names()), meant, "{given}");
        }
    }
}
