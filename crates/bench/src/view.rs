//! What is shown during a run: a progress bar if standard error is a terminal, otherwise a line for
//! each stretch.

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
    /// How many pairs of each process have met.
    met: Vec<u64>,
    /// What the processes have reported of a stretch, until all have.
    so_far: BTreeMap<u64, StretchSoFar>,
    processes: usize,
    sent_before: Counts,
}

struct StretchSoFar {
    processes: usize,
    counts: Counts,
    latency: Times,
}

impl View {
    /// A view of a run that is about to begin.
    pub(crate) fn new(plan: &Plan, processes: usize) -> Self {
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
            met: vec![0; processes],
            so_far: BTreeMap::new(),
            processes,
            sent_before: Counts::default(),
        }
    }

    /// This many pairs of one process have met.
    pub(crate) fn met(&mut self, process: usize, pairs: u64) {
        self.met[process] = pairs;
        if let Some(bar) = &self.bar {
            bar.set_position(self.met.iter().sum());
        }
    }

    /// All have met, and chat from now on.
    pub(crate) fn started(&mut self) {
        match &self.bar {
            Some(bar) => {
                bar.set_style(style("{spinner} {pos:>4}/{len} s {bar:30} {msg}"));
                bar.set_length(self.secs);
                bar.set_position(0);
            }
            None => eprintln!("{} pairs have met", self.pairs),
        }
    }

    /// One process's part of a stretch.
    pub(crate) fn progress(&mut self, stretch: u64, counts: &Counts, latency: &Times) {
        let fresh =
            || StretchSoFar { processes: 0, counts: Counts::default(), latency: Times::new(Digits::Two) };
        let so_far = self.so_far.entry(stretch).or_insert_with(fresh);
        so_far.processes += 1;
        so_far.counts.merge(counts);
        so_far.latency.merge(latency);
        if so_far.processes == self.processes
            && let Some(so_far) = self.so_far.remove(&stretch)
        {
            self.show(stretch, &so_far);
        }
    }

    /// Shows a line of text.
    pub(crate) fn note(&self, what: &str) {
        match &self.bar {
            Some(bar) => bar.println(what),
            None => eprintln!("{what}"),
        }
    }

    /// Ends the view.
    pub(crate) fn finish(&self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }

    fn show(&mut self, stretch: u64, so_far: &StretchSoFar) {
        let second = ((stretch + 1) * self.stretch.as_secs()).min(self.secs);
        let line = line(&so_far.counts, &self.sent_before, &so_far.latency, self.stretch);
        self.sent_before = so_far.counts;
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

/// The style of a template. The templates are constants and well-formed.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_shows_the_rates_of_its_stretch_and_no_zero_counts() {
        let before = Counts { sent: 10, ..Counts::default() };
        let now = Counts { sent: 30, delivered: 20, disconnected: 2, ..Counts::default() };
        let mut latency = Times::new(Digits::Two);
        latency.record(Duration::from_millis(1));
        let line = line(&now, &before, &latency, Duration::from_secs(2));
        assert_eq!(line, "10/s sent, 10/s delivered, p50 1.0 ms, p99 1.0 ms, 2 cut off");
    }
}
