//! What many pairs count and time at once, merged from several processes.

use std::{collections::BTreeMap, sync::OnceLock, time::Duration};

use parking_lot::{Mutex, MutexGuard};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{
    ledger::Ledger,
    plan::STRETCHES,
    times::{Digits, Times},
};

/// Into how many parts the tally of a process is divided, so that pairs seldom wait for each other.
const SHEETS: usize = 4;

/// How many different troubles are kept, each with its text.
const TROUBLES_MAX: usize = 32;

/// Everything that is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Messages handed to the client library.
    pub sent: u64,
    /// Messages that arrived, each once.
    pub delivered: u64,
    /// Messages that never arrived.
    pub lost: u64,
    /// Messages that arrived again.
    pub duplicated: u64,
    /// Messages that a later one had overtaken.
    pub reordered: u64,
    /// Messages that nobody here has sent.
    pub foreign: u64,
    /// Messages that were due and could not be sent, because too much was unacknowledged.
    pub held_back: u64,
    /// Connections opened with a new session.
    pub connected: u64,
    /// Pairs that met.
    pub met: u64,
    /// Connections lost during a chat.
    pub disconnected: u64,
    /// Chats that were resumed after that.
    pub resumed: u64,
    /// Chats that ended too early.
    pub broken: u64,
    /// Requests that were refused because of a rate.
    pub rate_limited: u64,
    /// People who did not read and whose connection the server closed.
    pub slow_closed: u64,
}

/// Everything that is known of a run, or of a part of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// What was counted.
    pub counts: Counts,
    /// From when a message was due until it arrived.
    pub latency: Times,
    /// From the request for a session until its connection is ready.
    pub connecting: Times,
    /// From `find` until both may send.
    pub meeting: Times,
    /// From the loss of a connection until the chat is resumed.
    pub recovery: Times,
    /// Latencies by when the message arrived.
    pub stretches: Vec<Times>,
    /// What went wrong, and how often.
    pub troubles: BTreeMap<String, u64>,
}

impl Default for Tally {
    fn default() -> Self {
        let times = || Times::new(Digits::Three);
        Self {
            counts: Counts::default(),
            latency: times(),
            connecting: times(),
            meeting: times(),
            recovery: times(),
            stretches: Vec::new(),
            troubles: BTreeMap::new(),
        }
    }
}

impl Counts {
    /// Adds the counts of another part.
    pub(crate) fn merge(&mut self, other: &Self) {
        let pairs = [
            (&mut self.sent, other.sent),
            (&mut self.delivered, other.delivered),
            (&mut self.lost, other.lost),
            (&mut self.duplicated, other.duplicated),
            (&mut self.reordered, other.reordered),
            (&mut self.foreign, other.foreign),
            (&mut self.held_back, other.held_back),
            (&mut self.connected, other.connected),
            (&mut self.met, other.met),
            (&mut self.disconnected, other.disconnected),
            (&mut self.resumed, other.resumed),
            (&mut self.broken, other.broken),
            (&mut self.rate_limited, other.rate_limited),
            (&mut self.slow_closed, other.slow_closed),
        ];
        for (sum, more) in pairs {
            *sum += more;
        }
    }
}

impl Tally {
    /// Adds the tally of another part of the run.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.counts.merge(&other.counts);
        self.latency.merge(&other.latency);
        self.connecting.merge(&other.connecting);
        self.meeting.merge(&other.meeting);
        self.recovery.merge(&other.recovery);
        for (n, stretch) in other.stretches.iter().enumerate() {
            self.stretch(n).merge(stretch);
        }
        for (trouble, count) in &other.troubles {
            self.trouble(trouble, *count);
        }
    }

    /// Adds the result of one direction of a chat, once nothing more is expected to arrive.
    pub(crate) fn close(&mut self, ledger: &Ledger) {
        self.counts.lost += ledger.outstanding();
        self.counts.duplicated += ledger.duplicated;
        self.counts.reordered += ledger.reordered;
        self.counts.foreign += ledger.foreign;
    }

    /// Records that something went wrong.
    pub(crate) fn trouble(&mut self, what: &str, count: u64) {
        if let Some(known) = self.troubles.get_mut(what) {
            *known += count;
        } else if self.troubles.len() < TROUBLES_MAX {
            self.troubles.insert(what.to_owned(), count);
        }
    }

    /// The stretch with this number. What arrives after the last one is counted in it.
    fn stretch(&mut self, n: usize) -> &mut Times {
        let n = n.min(STRETCHES as usize);
        while self.stretches.len() <= n {
            self.stretches.push(Times::new(Digits::Two));
        }
        &mut self.stretches[n]
    }
}

/// The tally of one process, to which its pairs write.
pub(crate) struct SharedTally {
    epoch: Instant,
    start: OnceLock<Instant>,
    stretch: Duration,
    sheets: [Mutex<Tally>; SHEETS],
}

impl SharedTally {
    /// An empty one.
    pub(crate) fn new(stretch: Duration) -> Self {
        let sheets = std::array::from_fn(|_| Mutex::default());
        Self { epoch: Instant::now(), start: OnceLock::new(), stretch, sheets }
    }

    /// The chats begin; only the first call counts.
    pub(crate) fn start(&self) -> Instant {
        *self.start.get_or_init(Instant::now)
    }

    /// The time since the start of this process.
    pub(crate) fn time(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.epoch)
    }

    /// The part to which the pair with this number writes. Not to be held across an await.
    pub(crate) fn sheet(&self, pair: u64) -> MutexGuard<'_, Tally> {
        self.sheets[pair as usize % SHEETS].lock()
    }

    /// Records that a message that was due at this time has arrived now.
    pub(crate) fn delivered(&self, pair: u64, due: Duration) {
        let now = Instant::now();
        let latency = self.time(now).saturating_sub(due);
        let mut sheet = self.sheet(pair);
        sheet.counts.delivered += 1;
        sheet.latency.record(latency);
        if let Some(start) = self.start.get() {
            let since = now.saturating_duration_since(*start);
            let stretch = (since.as_millis() / self.stretch.as_millis().max(1)) as usize;
            sheet.stretch(stretch).record(latency);
        }
    }

    /// Records that a chat ended too early, or never began.
    pub(crate) fn broken(&self, pair: u64, why: &str) {
        let mut sheet = self.sheet(pair);
        sheet.counts.broken += 1;
        sheet.trouble(why, 1);
    }

    /// The counts so far, and the latencies of one stretch.
    pub(crate) fn glance(&self, stretch: usize) -> (Counts, Times) {
        let (mut counts, mut times) = (Counts::default(), Times::new(Digits::Two));
        for n in 0..SHEETS as u64 {
            let sheet = self.sheet(n);
            counts.merge(&sheet.counts);
            sheet.stretches.get(stretch).into_iter().for_each(|of_sheet| times.merge(of_sheet));
        }
        (counts, times)
    }

    /// The sum of all parts.
    pub(crate) fn whole(&self) -> Tally {
        let mut whole = Tally::default();
        (0..SHEETS as u64).for_each(|n| whole.merge(&self.sheet(n)));
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_tally_and_the_tallies_of_processes_add_up() {
        let boards = [SharedTally::new(Duration::from_secs(1)), SharedTally::new(Duration::from_secs(1))];
        for board in &boards {
            board.start();
            for pair in 0..10 {
                board.delivered(pair, Duration::ZERO);
                board.sheet(pair).counts.sent += 2;
                board.sheet(pair).trouble("rain", 1);
            }
        }
        let mut all = boards[0].whole();
        let sent: Tally = serde_json::from_str(&serde_json::to_string(&boards[1].whole()).unwrap()).unwrap();
        all.merge(&sent);
        assert_eq!((all.counts.sent, all.counts.delivered, all.latency.count()), (40, 20, 20));
        assert_eq!(all.troubles["rain"], 20);
        assert_eq!(all.stretches.iter().map(Times::count).sum::<u64>(), 20);
        assert_eq!(boards[0].glance(0).0.sent, 20);
    }

    #[test]
    fn every_count_is_merged() {
        let one: Counts = serde_json::from_value(
            serde_json::to_value(Counts::default())
                .unwrap()
                .as_object()
                .unwrap()
                .keys()
                .map(|name| (name.clone(), 1.into()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        )
        .unwrap();
        let mut two = one;
        two.merge(&one);
        let values = serde_json::to_value(two).unwrap();
        assert!(values.as_object().unwrap().values().all(|value| value == 2), "{values}");
    }

    #[test]
    fn what_never_arrived_counts_as_lost() {
        let (mut ledger, mut tally) = (Ledger::default(), Tally::default());
        (0..5).for_each(|_| ledger.sent());
        [0, 0, 3, 2].iter().for_each(|number| _ = ledger.arrived(*number));
        tally.close(&ledger);
        let counts = tally.counts;
        assert_eq!((counts.lost, counts.duplicated, counts.reordered, counts.foreign), (2, 1, 1, 0));
    }

    #[test]
    fn the_number_of_troubles_is_bounded() {
        let mut tally = Tally::default();
        (0..1000).for_each(|n| tally.trouble(&n.to_string(), 1));
        assert_eq!(tally.troubles.len(), TROUBLES_MAX);
    }
}
