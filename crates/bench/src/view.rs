//! What is shown while a run goes on: a bar where standard error is a terminal, a line per stretch otherwise.

use std::{
    collections::BTreeMap,
    io::{IsTerminal, stderr},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{
    plan::Plan,
    tally::Counts,
    times::{Digits, Times},
};

/// The live view.
pub(crate) struct View {
    bar: Option<ProgressBar>,
    pairs: u64,
    secs: u64,
    stretch: Duration,
    /// How many pairs of each crew have met.
    met: Vec<u64>,
    /// What the crews told of a stretch, until all have.
    told: BTreeMap<u64, Told>,
    crews: usize,
    sent_before: Counts,
}

struct Told {
    crews: usize,
    counts: Counts,
    latency: Times,
}

impl View {
    /// A view of a run that is about to begin.
    pub(crate) fn new(plan: &Plan, crews: usize) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(plan.pairs), ProgressDrawTarget::stderr());
            bar.set_style(style("{spinner} meeting  {bar:30} {pos}/{len} pairs  {msg}"));
            bar
        });
        Self {
            bar,
            pairs: plan.pairs,
            secs: plan.secs,
            stretch: plan.stretch(),
            met: vec![0; crews],
            told: BTreeMap::new(),
            crews,
            sent_before: Counts::default(),
        }
    }

    /// So many pairs of one crew have met.
    pub(crate) fn met(&mut self, crew: usize, pairs: u64) {
        self.met[crew] = pairs;
        if let Some(bar) = &self.bar {
            bar.set_position(self.met.iter().sum());
        }
    }

    /// All have met, and talk from now on.
    pub(crate) fn started(&mut self) {
        match &self.bar {
            Some(bar) => {
                bar.set_style(style("{spinner} {pos:>4}/{len} s {bar:30} {msg}"));
                bar.set_length(self.secs);
                bar.set_position(0);
            }
            None => eprintln!("{} pairs are there", self.pairs),
        }
    }

    /// One crew's part of a stretch.
    pub(crate) fn progress(&mut self, stretch: u64, counts: &Counts, latency: &Times) {
        let fresh = || Told { crews: 0, counts: Counts::default(), latency: Times::new(Digits::Two) };
        let told = self.told.entry(stretch).or_insert_with(fresh);
        told.crews += 1;
        told.counts.merge(counts);
        told.latency.merge(latency);
        if told.crews == self.crews
            && let Some(told) = self.told.remove(&stretch)
        {
            self.show(stretch, &told);
        }
    }

    /// Something that is worth a line.
    pub(crate) fn say(&self, what: &str) {
        match &self.bar {
            Some(bar) => bar.println(what),
            None => eprintln!("{what}"),
        }
    }

    /// The end.
    pub(crate) fn finish(&self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }

    fn show(&mut self, stretch: u64, told: &Told) {
        let second = ((stretch + 1) * self.stretch.as_secs()).min(self.secs);
        let line = line(&told.counts, &self.sent_before, &told.latency, self.stretch);
        self.sent_before = told.counts;
        match &self.bar {
            Some(bar) => {
                bar.set_position(second);
                bar.set_message(line);
            }
            None => eprintln!("{second:>4} s  {line}"),
        }
    }
}

fn line(now: &Counts, before: &Counts, latency: &Times, stretch: Duration) -> String {
    let per_second = |now: u64, before: u64| (now - before) / stretch.as_secs().max(1);
    let mut line = format!(
        "{}/s sent, {}/s delivered",
        per_second(now.sent, before.sent),
        per_second(now.delivered, before.delivered)
    );
    if let [Some(p50), Some(p99)] = [0.5, 0.99].map(|share| latency.quantile_ms(share)) {
        line += &format!(", p50 {p50:.1} ms, p99 {p99:.1} ms");
    }
    for (name, count) in
        [("met", now.met - before.met), ("cut off", now.disconnected), ("broken", now.broken)]
    {
        if count > 0 {
            line += &format!(", {count} {name}");
        }
    }
    line
}

/// A style that is known to be well-formed: a test makes them all.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_rates_of_its_stretch_and_nothing_of_what_did_not_happen() {
        let before = Counts { sent: 10, ..Counts::default() };
        let now = Counts { sent: 30, delivered: 20, disconnected: 2, ..Counts::default() };
        let mut latency = Times::new(Digits::Two);
        latency.record(Duration::from_millis(1));
        let line = line(&now, &before, &latency, Duration::from_secs(2));
        assert_eq!(line, "10/s sent, 10/s delivered, p50 1.0 ms, p99 1.0 ms, 2 cut off");
    }
}
