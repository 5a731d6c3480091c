//! After which time texts vanish, in words.

use std::time::Duration;

/// What holds from now on, without a stop.
pub(super) fn after(time: Option<Duration>) -> String {
    match time.map(|time| time.as_secs()) {
        None => "Messages do not vanish any more".into(),
        Some(seconds) if seconds % 3600 == 0 => vanish(seconds / 3600, "hour"),
        Some(seconds) if seconds % 60 == 0 => vanish(seconds / 60, "minute"),
        Some(seconds) => vanish(seconds, "second"),
    }
}

fn vanish(number: u64, unit: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("Messages vanish after {number} {unit}{plural}, if both programs keep to it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_its_largest_whole_unit() {
        let told = |seconds| after(Some(Duration::from_secs(seconds)));
        for (seconds, words) in
            [(30, "30 seconds"), (60, "1 minute"), (90, "90 seconds"), (86_400, "24 hours")]
        {
            assert!(told(seconds).contains(&format!("after {words}, ")), "{}", told(seconds));
        }
        assert_eq!(after(None), "Messages do not vanish any more");
    }
}
