//! The results of a run, from which all its outputs are made.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    plan::{Content, Cut, Plan, Scenario},
    servers::Watched,
    tally::{Counts, Tally},
    times::Times,
};

/// The version of the JSON; incremented with every incompatible change.
const FORMAT: u32 = 1;

/// If less than this share of the messages is delivered, something holds the senders back.
const EXPECTED_SHARE: f64 = 0.9;

/// The results of a run, as they are written as JSON.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Summary {
    /// [`FORMAT`].
    pub format: u32,
    /// This program's version.
    pub version: &'static str,
    /// What was done.
    pub plan: Plan,
    /// By how many processes.
    pub processes: usize,
    /// How long it took until all had met, in seconds.
    pub arrival_seconds: f64,
    /// What was counted.
    pub counts: Counts,
    /// Messages that arrived per second.
    pub delivered_per_second: f64,
    /// From when a message was due until it arrived.
    pub latency: Quantiles,
    /// From the request for a session until its connection is ready.
    pub connecting: Quantiles,
    /// From `find` until both may send.
    pub meeting: Quantiles,
    /// From the loss of a connection until the chat is resumed.
    pub recovery: Quantiles,
    /// The curve of latencies: shares, and milliseconds.
    pub curve: Vec<(f64, f64)>,
    /// Seconds of one stretch.
    pub stretch_seconds: u64,
    /// How many messages arrived in each stretch, and their latency.
    pub stretches: Vec<Quantiles>,
    /// The servers on this machine that were named.
    pub servers: Vec<Watched>,
    /// Whether the promises were kept.
    pub verdict: Verdict,
    /// What went wrong, and how often.
    pub troubles: BTreeMap<String, u64>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// Quantiles of times, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Quantiles {
    /// How many times there are.
    pub count: u64,
    /// The median.
    pub p50: Option<f64>,
    /// What nine of ten do not exceed.
    pub p90: Option<f64>,
    /// Likewise 99 of a hundred.
    pub p99: Option<f64>,
    /// Likewise 999 of a thousand.
    pub p999: Option<f64>,
    /// The longest.
    pub max: Option<f64>,
}

/// Whether the promises were kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// They were.
    Kept,
    /// Messages were lost, doubled or reordered where that must not be, or chats broke.
    Broken,
}

impl Quantiles {
    /// Of these times.
    pub(crate) fn of(times: &Times) -> Self {
        let at = |share| times.quantile_ms(share);
        Self {
            count: times.count(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: times.max_ms(),
        }
    }
}

impl Verdict {
    /// Whether messages may be lost depends on the plan: nobody repeats a frame on a broken
    /// connection.
    pub(crate) fn of(plan: &Plan, counts: &Counts) -> Self {
        let frames_may_vanish = plan.content == Content::Opaque && counts.disconnected > 0;
        let wrong = counts.duplicated + counts.reordered + counts.foreign + counts.broken;
        let lost = if frames_may_vanish { 0 } else { counts.lost };
        if wrong + lost == 0 { Self::Kept } else { Self::Broken }
    }
}

impl Summary {
    /// Makes the summary at the end of a run.
    pub(crate) fn new(
        plan: &Plan,
        processes: usize,
        arrival_seconds: f64,
        tally: &Tally,
        servers: Vec<Watched>,
    ) -> Self {
        let delivered_per_second = tally.counts.delivered as f64 / plan.secs as f64;
        let stretches = plan.secs.div_ceil(plan.stretch().as_secs());
        Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION"),
            processes,
            arrival_seconds,
            counts: tally.counts,
            delivered_per_second,
            latency: Quantiles::of(&tally.latency),
            connecting: Quantiles::of(&tally.connecting),
            meeting: Quantiles::of(&tally.meeting),
            recovery: Quantiles::of(&tally.recovery),
            curve: tally.latency.curve(),
            stretch_seconds: plan.stretch().as_secs(),
            stretches: tally.stretches.iter().take(stretches as usize).map(Quantiles::of).collect(),
            servers,
            verdict: Verdict::of(plan, &tally.counts),
            troubles: tally.troubles.clone(),
            notes: notes(plan, &tally.counts, delivered_per_second),
            plan: plan.clone(),
        }
    }

    /// Memory per connection of all named servers, in bytes: with everybody connected, less what
    /// they used before. `None` if they did not grow, because they had kept memory of earlier
    /// connections.
    pub(crate) fn memory_per_connection(&self) -> Option<f64> {
        let grown = self.servers.iter().map(|server| {
            let there = server.samples.first()?.memory;
            Some(f64::from(u32::try_from(there.saturating_sub(server.before.memory) / 1024).ok()?) * 1024.0)
        });
        let grown: f64 = grown.sum::<Option<f64>>()?;
        let settled = self.plan.scenario != Scenario::Churn && grown > 0.0;
        settled.then(|| grown / (2 * self.plan.pairs) as f64)
    }

    /// Processor time per message of all named servers, in microseconds.
    pub(crate) fn cpu_per_message(&self) -> Option<f64> {
        let cpu: f64 = self.servers.iter().map(Watched::cpu).sum();
        let counted = self.counts.delivered > 0 && !self.servers.is_empty();
        counted.then(|| cpu * 1e6 / self.counts.delivered as f64)
    }
}

fn notes(plan: &Plan, counts: &Counts, delivered_per_second: f64) -> Vec<String> {
    let mut notes = Vec::new();
    let asked = plan.rate * (plan.pairs - plan.slow_pairs) as f64;
    if plan.scenario == Scenario::Steady && plan.secs > 1 && delivered_per_second < asked * EXPECTED_SHARE {
        notes.push(format!(
            "{delivered_per_second:.0} of {asked:.0} messages per second arrived in time: the server or this program is at \
             its limit, or the server's --frame-rate or --byte-rate holds senders back (0 turns one off)"
        ));
    }
    if plan.scenario == Scenario::Saturation {
        notes
            .push("the server's --frame-rate and --byte-rate limit each connection (0 turns one off)".into());
    }
    if plan.content == Content::Opaque && counts.lost > 0 && counts.disconnected > 0 {
        notes.push(format!(
            "{} frames were lost with broken connections; nobody repeats frames. --content e2e shows what people would see",
            counts.lost
        ));
    }
    if plan.scenario == Scenario::Storm && plan.cut == Cut::Gateway && counts.disconnected == 0 {
        notes.push("no connection was lost: was the gateway among the servers?".into());
    }
    if plan.scenario == Scenario::Slow && counts.slow_closed < plan.slow_pairs {
        notes.push(format!(
            "the server closed the connection of {} of {} people who do not read. For the others, the sockets' buffers and \
             the outbox of 256 KiB were not full yet: try a longer run, or the server's --byte-rate 0",
            counts.slow_closed, plan.slow_pairs
        ));
    }
    notes
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{plan::tests::plan, servers::Sample, tally::SharedTally};

    /// A summary in which every part has a value.
    pub(crate) fn summary() -> Summary {
        let tally = SharedTally::new(Duration::from_secs(1));
        tally.start();
        (0..100).for_each(|pair| tally.delivered(pair, Duration::ZERO));
        let mut tally = tally.whole();
        tally.counts.lost = 1;
        tally.trouble("<script>alert(1)</script> & more", 2);
        let sample = |second: f64| Sample { second, memory: (second as u64 + 2) << 20, cpu: second };
        let samples = (1..11).map(|n| sample(f64::from(n))).collect();
        let server = Watched { pid: 7, name: "a<b".into(), before: sample(0.0), samples };
        Summary::new(&plan(), 2, 1.5, &tally, vec![server])
    }

    #[test]
    fn whether_messages_may_be_lost_depends_on_the_plan() {
        let verdict = |content, lost, disconnected, broken| {
            let counts = Counts { lost, disconnected, broken, ..Counts::default() };
            Verdict::of(&Plan { content, ..plan() }, &counts)
        };
        assert_eq!(verdict(Content::Opaque, 0, 0, 0), Verdict::Kept);
        assert_eq!(verdict(Content::Opaque, 1, 0, 0), Verdict::Broken);
        assert_eq!(verdict(Content::Opaque, 1, 1, 0), Verdict::Kept, "a frame on a broken connection");
        assert_eq!(verdict(Content::E2e, 1, 1, 0), Verdict::Broken, "a text is never lost");
        assert_eq!(verdict(Content::E2e, 0, 1, 1), Verdict::Broken, "a chat broke");
        for wrong in [
            Counts { duplicated: 1, ..Counts::default() },
            Counts { reordered: 1, ..Counts::default() },
            Counts { foreign: 1, ..Counts::default() },
        ] {
            assert_eq!(Verdict::of(&plan(), &wrong), Verdict::Broken);
        }
    }

    #[test]
    fn notes_name_what_may_have_held_senders_back() {
        let notes = |scenario, counts, rate| notes(&Plan { scenario, ..plan() }, &counts, rate).join("\n");
        assert!(notes(Scenario::Steady, Counts::default(), 1.0).contains("--frame-rate"));
        assert_eq!(
            notes(Scenario::Steady, Counts::default(), 6.0),
            "",
            "six pairs of one message per second"
        );
        assert!(notes(Scenario::Slow, Counts::default(), 0.0).contains("0 of 4"));
    }
}
