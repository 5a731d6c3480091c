//! One bucket of a rate (GCRA: ITU-T I.371, annex A), with a queue in front of it.
//!
//! Whoever is refused is promised a place: the time at which there will be room for this one, and
//! not only for the next. Of a crowd that comes at once through one address, each then comes back
//! once. Nobody is recognised: whoever comes when a promise is due takes it. So a promise that
//! nobody keeps is no place lost, and promises let nobody in beyond the rate.

use std::{num::NonZeroU32, time::Duration};

/// How many are promised a place at once. Beyond that the line is longer than anybody waits, and
/// promises would be a weapon: who fills it would keep others waiting for hours.
pub(super) const PROMISES: u32 = 300;

/// In nanoseconds since the limits were made.
pub(super) type Nanos = u64;

/// A rate, and its burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    interval: Nanos,
    burst: u64,
}

impl Pace {
    /// So many in a time, and so many at once after silence.
    pub(super) fn new(quota: NonZeroU32, window: Duration, burst: NonZeroU32) -> Self {
        let window = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX);
        Self { interval: (window / u64::from(quota.get())).max(1), burst: u64::from(burst.get()) }
    }

    /// How far ahead of the clock a bucket may be when one more is let in.
    fn tolerance(self) -> Nanos {
        self.interval.saturating_mul(self.burst - 1)
    }
}

/// The state of a bucket. A new one is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bucket {
    /// When it is empty again: what was let in and what was promised, one interval for each.
    empty_at: Nanos,
    /// Promises that nobody has taken. They are due one after the other, an interval apart, and the
    /// last is the newest entry of the bucket.
    promised: u32,
}

/// What is said to whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Let in.
    In,
    /// Promised a place after this time.
    Later(Duration),
    /// The queue is full.
    Full,
}

impl Bucket {
    /// One more asks.
    pub(super) fn ask(&mut self, now: Nanos, pace: Pace) -> Answer {
        self.lapse(now, pace);
        if self.promised > 0 && self.first_due(pace) <= now {
            self.promised -= 1;
            return Answer::In;
        }
        let free = self.empty_at.saturating_sub(pace.tolerance());
        if free <= now {
            self.empty_at = self.empty_at.max(now) + pace.interval;
            return Answer::In;
        }
        if self.promised >= PROMISES {
            return Answer::Full;
        }
        self.promised += 1;
        self.empty_at += pace.interval;
        Answer::Later(Duration::from_nanos(free - now))
    }

    /// Who was let in here was refused elsewhere.
    pub(super) fn give_back(&mut self, pace: Pace) {
        self.empty_at = self.empty_at.saturating_sub(pace.interval);
    }

    /// Whether nothing of it is left to remember.
    pub(super) fn is_empty(&self, now: Nanos) -> bool {
        self.empty_at <= now
    }

    /// How full it is, from 0 to 1, promises included.
    pub(super) fn fill(&self, now: Nanos, pace: Pace) -> f64 {
        let ahead = self.empty_at.saturating_sub(now) as f64;
        (ahead / (pace.interval as f64 * pace.burst as f64)).min(1.0)
    }

    fn first_due(&self, pace: Pace) -> Nanos {
        let queue = pace.interval.saturating_mul(u64::from(self.promised));
        self.empty_at.saturating_sub(pace.tolerance()).saturating_sub(queue)
    }

    /// Forgets promises that were due so long ago that the bucket would have emptied since: in a
    /// bucket that nobody asks, what was not used is not saved up either.
    fn lapse(&mut self, now: Nanos, pace: Pace) {
        let lapses_at = |due: Nanos| due.saturating_add(pace.interval.saturating_mul(pace.burst));
        let first = lapses_at(self.first_due(pace));
        if self.promised > 0 && first <= now {
            let lapsed = (now - first) / pace.interval + 1;
            self.promised = self.promised.saturating_sub(u32::try_from(lapsed).unwrap_or(u32::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Nanos = 1_000_000_000;
    const MINUTE: Duration = Duration::from_secs(60);

    /// 30 a minute, 120 at once: the default of new sessions.
    fn pace() -> Pace {
        Pace::new(30.try_into().unwrap(), MINUTE, 120.try_into().unwrap())
    }

    fn seconds(answer: Answer) -> Option<u64> {
        match answer {
            Answer::Later(wait) => Some(wait.as_secs()),
            _ => None,
        }
    }

    #[test]
    fn each_of_a_crowd_is_told_its_own_time() {
        let (mut bucket, now) = (Bucket::default(), SECOND);
        for _ in 0..120 {
            assert_eq!(bucket.ask(now, pace()), Answer::In);
        }
        let told: Vec<_> = (0..140).map(|_| seconds(bucket.ask(now, pace())).unwrap()).collect();
        assert_eq!(told, (1..=140).map(|place| 2 * place).collect::<Vec<_>>());
    }

    /// 260 people come at once through one address: each asks twice, and the last is in after the
    /// time that the rate needs for it.
    #[test]
    fn of_a_crowd_nobody_asks_more_than_twice() {
        let mut bucket = Bucket::default();
        let mut to_come: Vec<(Nanos, u32)> = vec![(SECOND, 0); 260];
        let mut last = 0;
        while let Some(next) = (0..to_come.len()).min_by_key(|person| to_come[*person]) {
            let (now, asked) = to_come.swap_remove(next);
            match bucket.ask(now, pace()) {
                Answer::In => last = last.max(now),
                Answer::Later(wait) => {
                    assert!(asked < 1, "somebody was sent away a second time");
                    // Whole seconds, rounded up, and a little later than asked.
                    to_come.push((now + (wait.as_secs() + 1) * SECOND, asked + 1));
                }
                Answer::Full => panic!("260 are fewer than the queue holds"),
            }
        }
        assert!(last <= (1 + 140 * 2 + 1) * SECOND, "{last}");
    }

    #[test]
    fn who_comes_before_their_time_is_promised_another() {
        let (mut bucket, now) = (Bucket::default(), SECOND);
        (0..120).for_each(|_| _ = bucket.ask(now, pace()));
        assert_eq!(seconds(bucket.ask(now, pace())), Some(2));
        assert_eq!(seconds(bucket.ask(now + SECOND, pace())), Some(3));
        assert_eq!(bucket.ask(now + 2 * SECOND, pace()), Answer::In, "the first promise");
        assert_eq!(seconds(bucket.ask(now + 2 * SECOND, pace())), Some(4));
    }

    #[test]
    fn the_queue_has_an_end_and_what_nobody_takes_is_taken_by_others() {
        let (mut bucket, now) = (Bucket::default(), SECOND);
        (0..120).for_each(|_| _ = bucket.ask(now, pace()));
        (0..PROMISES).for_each(|_| assert!(matches!(bucket.ask(now, pace()), Answer::Later(_))));
        assert_eq!(bucket.ask(now, pace()), Answer::Full);
        // Whoever asked for all of this never comes back; others do.
        let later = now + 60 * SECOND;
        let let_in = (0..1000).filter(|_| bucket.ask(later, pace()) == Answer::In).count();
        assert_eq!(let_in, 30, "as many as the rate lets in in that minute");
        let much_later = now + 3600 * SECOND;
        let let_in = (0..1000).filter(|_| bucket.ask(much_later, pace()) == Answer::In).count();
        assert_eq!(let_in, 120, "a burst, and no more than a burst");
    }

    proptest! {
        /// However they ask, and whatever they were promised: never more than burst and rate.
        #[test]
        fn never_more_come_in_than_burst_and_rate(
            asks in prop::collection::vec((1..400_u32, 0..300_u64), 1..60)
        ) {
            let (mut bucket, start) = (Bucket::default(), SECOND);
            let (mut now, mut let_in) = (start, 0_u64);
            for (count, pause) in asks {
                let_in += (0..count).filter(|_| bucket.ask(now, pace()) == Answer::In).count() as u64;
                let most = 120 + (now - start) / (2 * SECOND);
                prop_assert!(let_in <= most, "{let_in} of {most}");
                now += pause * SECOND;
            }
        }

        /// Nothing is lost either: who keeps asking gets all that the rate gives.
        #[test]
        fn who_keeps_asking_gets_the_whole_rate(promised in 0..400_u32) {
            let (mut bucket, start) = (Bucket::default(), SECOND);
            (0..120 + promised).for_each(|_| _ = bucket.ask(start, pace()));
            let let_in = (1..=600).filter(|second| bucket.ask(start + second * SECOND, pace()) == Answer::In);
            prop_assert!(let_in.count() >= 299);
        }

        /// A promise is kept whenever its owner comes within the time of a burst, as long as nobody
        /// else takes it.
        #[test]
        fn a_promise_is_kept(ahead in 0..PROMISES, late in 0..230_u64) {
            let (mut bucket, now) = (Bucket::default(), SECOND);
            (0..120 + ahead).for_each(|_| _ = bucket.ask(now, pace()));
            if let Answer::Later(wait) = bucket.ask(now, pace()) {
                let due = now + u64::try_from(wait.as_nanos()).unwrap();
                prop_assert_eq!(bucket.ask(due + late * SECOND, pace()), Answer::In);
            }
        }
    }
}
