//! How many people there are, as it is told to anybody: counted so seldom that nobody can watch a
//! single person come and go.

use std::time::Duration;

use schemas::{UnixMillis, event::Load};

/// How long one count is told. It is longer than most people wait for somebody.
const TOLD_FOR: Duration = Duration::from_secs(60);

/// The count that is told now.
#[derive(Default)]
pub(super) struct Crowd {
    told: Option<(u64, Load)>,
}

impl Crowd {
    /// The count of the minute. Minutes are those of the clock: nobody who asks chooses when one
    /// begins.
    pub(super) fn at(&mut self, now: UnixMillis, count: impl FnOnce() -> Load) -> Load {
        let minute = now.as_secs() / TOLD_FOR.as_secs();
        match self.told {
            Some((told, load)) if told == minute => load,
            _ => {
                let load = count();
                self.told = Some((minute, load));
                load
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_is_not_seen_before_the_next_minute() {
        let mut crowd = Crowd::default();
        let mut told = |second, waiting| {
            let load = Load { waiting, ..Load::default() };
            crowd.at(UnixMillis::from_secs(second), || load).waiting
        };
        assert_eq!(told(120, 10), 10);
        assert_eq!(told(121, 11), 10, "somebody has come");
        assert_eq!(told(179, 9), 10, "two have gone");
        assert_eq!(told(180, 9), 9);
        assert_eq!(told(239, 20), 9);
    }
}
