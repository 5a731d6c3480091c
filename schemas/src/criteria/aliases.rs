//! Codes that name the same language.

/// Other codes of a language, each with the one that is compared: the language aliases of the
/// Unicode CLDR (version 48; codes of two and three letters, by the language alone), sorted. To
/// them is added that Norwegian (`no`) and Bokmål (`nb`) meet: nearly everybody who says the one
/// writes the other.
const ALIASES: &str = include_str!("aliases.txt");

/// The code that is compared. `code` is in lower case.
pub(super) fn canonical(code: &str) -> &str {
    // Each line is short, and there are some four hundred: a search from the start takes
    // microseconds, once for each find.
    let alias = ALIASES.lines().filter_map(|line| line.split_once(' ')).find(|(alias, _)| *alias == code);
    alias.map_or(code, |(_, canonical)| canonical)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_alias_leads_to_another() {
        let aliases: Vec<_> = ALIASES.lines().map(|line| line.split_once(' ').unwrap()).collect();
        assert!(aliases.len() > 400 && aliases.is_sorted());
        for (alias, code) in aliases {
            assert_ne!(alias, code);
            assert_eq!(canonical(code), code, "{alias}");
        }
    }
}
