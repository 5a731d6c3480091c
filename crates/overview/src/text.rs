//! Numbers as people read them.

use crate::query::Labels;

/// A summary with its places filled: `{{ $labels.NAME }}`, `{{ $value }}` and
/// `{{ $value | FORM }}`.
pub(crate) fn filled(template: &str, labels: &Labels, value: f64) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (place, after) = after.split_once("}}").unwrap_or((after, ""));
        text.push_str(before);
        text.push_str(&place_of(place.trim(), labels, value));
        rest = after;
    }
    text + rest
}

fn place_of(place: &str, labels: &Labels, value: f64) -> String {
    if let Some(label) = place.strip_prefix("$labels.") {
        return labels.get(label).cloned().unwrap_or_default();
    }
    match place.split_once('|').map(|(_, form)| form.trim()) {
        Some("humanizePercentage") => percent(value),
        Some("humanizeDuration") => duration(value),
        _ => amount(value),
    }
}

/// A number with at most three digits that count, such as `1.2k`.
pub fn amount(value: f64) -> String {
    // Without the sign of a zero: the sum of nothing is -0.
    let value = value + 0.0;
    let (value, unit) = match value.abs() {
        size if size >= 1e9 => (value / 1e9, "G"),
        size if size >= 1e6 => (value / 1e6, "M"),
        size if size >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    if !value.is_finite() {
        return "-".to_owned();
    }
    let digits = if value.fract() == 0.0 || value.abs() >= 100.0 {
        0
    } else if value.abs() >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.digits$}{unit}")
}

/// A share.
pub fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.0}%", share * 100.0) } else { "-".to_owned() }
}

/// A size in memory.
pub fn bytes(bytes: f64) -> String {
    const MIB: f64 = 1024.0 * 1024.0;
    if bytes >= 1024.0 * MIB {
        format!("{:.1}G", bytes / (1024.0 * MIB))
    } else {
        format!("{:.0}M", bytes / MIB)
    }
}

/// How much time is left, roughly: `89d`, `5h`, `ended`.
pub fn time_left(seconds: f64) -> String {
    if seconds <= 0.0 { "ended".to_owned() } else { duration(seconds) }
}

/// How long something lasts, given in milliseconds.
pub fn lasting(millis: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown in the largest unit")]
    let seconds = (millis / 1000) as f64;
    duration(seconds)
}

/// In the largest unit of which there is one.
fn duration(seconds: f64) -> String {
    let (sign, size) = if seconds < 0.0 { ("-", -seconds) } else { ("", seconds) };
    let units = [(86400.0, "d"), (3600.0, "h"), (60.0, "min")];
    let (number, unit) = units
        .into_iter()
        .find(|(unit, _)| size >= *unit)
        .map_or((size, "s"), |(unit, word)| ((size / unit).floor(), word));
    if number.is_finite() { format!("{sign}{}{unit}", amount(number)) } else { "-".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (3.0, "3"),
            (0.25, "0.25"),
            (12.34, "12.3"),
            (123.4, "123"),
            (9999.0, "9999"),
            (12_345.0, "12.3k"),
            (5e6, "5M"),
            (f64::NAN, "-"),
            (f64::INFINITY, "-"),
        ] {
            assert_eq!(amount(value), text);
        }
        assert_eq!(
            (percent(0.256).as_str(), bytes(3.3e7).as_str(), bytes(3.3e9).as_str()),
            ("26%", "31M", "3.1G")
        );
        assert_eq!((time_left(86400.0 * 89.5).as_str(), time_left(59.0).as_str()), ("89d", "59s"));
        assert_eq!((time_left(0.0).as_str(), duration(-7200.0).as_str()), ("ended", "-2h"));
    }

    #[test]
    fn summaries_are_filled() {
        let labels = Labels::from([("node".to_owned(), "g1".to_owned())]);
        let of = |template: &str| filled(template, &labels, 0.5);
        assert_eq!(of("{{ $labels.node }} has {{ $value | humanizePercentage }}."), "g1 has 50%.");
        assert_eq!(of("{{ $value }} and {{ $labels.other }}"), "0.50 and ");
        assert_eq!(of("nothing {{"), "nothing 0.50");
    }
}
