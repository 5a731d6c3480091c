//! Durations as options: a number with `ms`, `s`, `m` or `h`; a bare number is seconds.

use std::time::Duration;

/// Reads a duration.
///
/// # Errors
/// With a sentence that says how one is written.
pub fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_ms = match &text[digits.len()..] {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong(text)),
    };
    let count: u64 = digits.parse().map_err(|_| wrong(text))?;
    count.checked_mul(unit_ms).map(Duration::from_millis).ok_or_else(|| wrong(text))
}

/// Shows a duration as it can be read again, in the largest unit that leaves it whole. What is
/// below a millisecond is left out.
pub fn show(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [(3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
    let whole = units.into_iter().find(|(unit, _)| millis >= *unit && millis.is_multiple_of(*unit));
    whole.map_or_else(|| "0s".to_owned(), |(unit, name)| format!("{}{name}", millis / unit))
}

fn wrong(text: &str) -> String {
    format!("{text:?} is not a duration: write a whole number and ms, s, m or h, such as 90s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit_or_is_in_seconds() {
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse("60"), Ok(Duration::from_secs(60)));
        assert_eq!(parse("60s"), parse("1m"));
        assert_eq!(parse("24h"), Ok(Duration::from_secs(86_400)));
        for wrong in ["", "s", "1.5s", "-1s", "1 s", "1d", "99999999999999999999h", "18446744073709551615h"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_duration_is_shown_as_it_is_written() {
        for text in ["0s", "250ms", "90s", "10m", "24h", "1500ms"] {
            assert_eq!(show(parse(text).unwrap()), text);
        }
        assert_eq!(show(Duration::from_secs(3600)), "1h");
    }
}
