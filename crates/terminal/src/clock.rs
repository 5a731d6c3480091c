//! The time of day, to be shown beside texts.

use std::fmt;

use jiff::Zoned;

/// A time of day where this program runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ClockTime {
    hour: i8,
    minute: i8,
}

impl ClockTime {
    pub(super) fn now() -> Self {
        let now = Zoned::now();
        Self { hour: now.hour(), minute: now.minute() }
    }

    #[cfg(test)]
    pub(super) fn at(hour: i8, minute: i8) -> Self {
        Self { hour, minute }
    }
}

impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}
