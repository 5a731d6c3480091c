//! What the processes of a run do, and the limits of all its parameters.

use std::{path::PathBuf, time::Duration};

use clap::ValueEnum;
use client::{Server, ServerUrl, Trust};
use serde::{Deserialize, Serialize};

/// Longest run, in seconds. It bounds what is kept of a run, and ends one that was forgotten.
pub(crate) const SECS_MAX: u64 = 3600;
/// Most pairs: more than one machine has ports for.
pub(crate) const PAIRS_MAX: u64 = 100_000;
/// Most messages per second of one pair.
pub(crate) const RATE_MAX: f64 = 10_000.0;
/// Most messages of one direction that are in flight at once: half of what the end-to-end channel
/// allows, so that the channel holds nothing back.
pub(crate) const WINDOW_MAX: u64 = 32;
/// Most processes of one run.
pub(crate) const PROCESSES_MAX: u64 = 64;
/// Most pairs that connect at once, in all processes: a crowd, not an attack.
pub(crate) const CONNECTING_MAX: u64 = 4096;
/// Most stretches that the curves over time consist of; each takes a second or more.
pub(crate) const STRETCHES: u64 = 120;

/// What the pairs do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scenario {
    /// Pairs that are connected and send nothing: what a connection costs
    Idle,
    /// Chats at a fixed rate per pair: the latency that people see
    Steady,
    /// As many messages as a window in flight allows: the highest throughput
    Saturation,
    /// People who connect, meet somebody, chat, go on to the next, and leave
    Churn,
    /// Chats whose connections are all lost at once, and resumed
    Storm,
    /// Chats beside some people who do not read what they are sent
    Slow,
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// Plain frames: only the server's work; what is in flight when a connection breaks is lost
    Opaque,
    /// Texts over the end-to-end encrypted channel, as people send them: nothing may be lost
    E2e,
}

/// What one process of a run does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// What the pairs do.
    pub scenario: Scenario,
    /// What they send.
    pub content: Content,
    /// The servers; side `a` of a pair begins with one, side `b` with the next.
    pub urls: Vec<String>,
    /// Both sides of all pairs begin with the first server instead.
    pub together: bool,
    /// The file of the trusted certificate authorities; without one, those of the system.
    pub ca: Option<PathBuf>,
    /// How many pairs this process has.
    pub pairs: u64,
    /// Of these, how many have a side that does not read.
    pub slow_pairs: u64,
    /// How many connect at once.
    pub connecting: u64,
    /// How long the pairs chat, in seconds.
    pub secs: u64,
    /// Messages per second and pair, from both sides in turn.
    pub rate: f64,
    /// Messages of one direction that are in flight at once.
    pub window: u64,
    /// Bytes of a message.
    pub size: usize,
    /// Who breaks the connections.
    pub cut: Cut,
}

/// Who breaks the connections in a storm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Cut {
    /// The clients themselves, all at once.
    Clients,
    /// A gateway that is killed.
    Gateway,
}

impl Plan {
    /// How long the pairs chat.
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs(self.secs)
    }

    /// When connections are broken in a storm: early enough that all can be resumed before the end.
    pub(crate) fn storm_after(&self) -> Duration {
        self.duration() / 3
    }

    /// The length of one stretch of the curves over time.
    pub(crate) fn stretch(&self) -> Duration {
        Duration::from_secs(self.secs.div_ceil(STRETCHES).max(1))
    }

    /// The servers, once for each URL with that URL first; if all begin together, once for each
    /// URL but the first, with that URL second.
    ///
    /// # Errors
    /// If a URL is malformed, or the certificate authorities cannot be read.
    pub(crate) fn servers(&self) -> anyhow::Result<Vec<Server>> {
        let mut urls: Vec<ServerUrl> = self.urls.iter().map(|url| url.parse()).collect::<Result<_, _>>()?;
        let trust = self.ca.clone().map_or(Trust::System, Trust::Ca);
        let mut servers = Vec::new();
        // Those that begin together part when their server is lost, and share the others.
        let fixed = usize::from(self.together && urls.len() > 1);
        for _ in fixed..urls.len() {
            servers.push(Server::new(urls.clone(), &trust)?.in_given_order());
            urls[fixed..].rotate_left(1);
        }
        Ok(servers)
    }

    /// The same for `processes` processes, each with its share of the pairs.
    pub(crate) fn shares(&self, processes: u64) -> Vec<Self> {
        let share = |all: u64, n: u64| all / processes + u64::from(n < all % processes);
        let part = |n| Self {
            pairs: share(self.pairs, n),
            slow_pairs: share(self.slow_pairs, n),
            connecting: share(self.connecting, n).max(1),
            ..self.clone()
        };
        (0..processes).map(part).filter(|plan| plan.pairs > 0).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A plan for tests to change.
    pub(crate) fn plan() -> Plan {
        Plan {
            scenario: Scenario::Steady,
            content: Content::Opaque,
            urls: vec!["http://127.0.0.1:1".into(), "http://127.0.0.1:2".into()],
            together: false,
            ca: None,
            pairs: 10,
            slow_pairs: 4,
            connecting: 2,
            secs: 10,
            rate: 1.0,
            window: 4,
            size: 128,
            cut: Cut::Clients,
        }
    }

    #[test]
    fn processes_share_all_pairs_between_them() {
        let shares = plan().shares(3);
        let sum = |what: fn(&Plan) -> u64| shares.iter().map(what).sum::<u64>();
        assert_eq!(sum(|plan| plan.pairs), 10);
        assert_eq!(sum(|plan| plan.slow_pairs), 4);
        assert!(shares.iter().all(|plan| plan.slow_pairs <= plan.pairs && plan.connecting >= 1));
        assert_eq!(
            Plan { pairs: 2, slow_pairs: 1, ..plan() }.shares(5).len(),
            2,
            "no process is started without pairs"
        );
    }

    #[test]
    fn a_long_run_has_no_more_stretches_than_a_short_one() {
        for (secs, stretch) in [(1, 1), (120, 1), (121, 2), (3600, 30)] {
            assert_eq!(Plan { secs, ..plan() }.stretch(), Duration::from_secs(stretch), "{secs}");
        }
    }

    #[test]
    fn a_plan_survives_json() {
        let text = serde_json::to_string(&plan()).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan());
    }

    #[test]
    fn each_server_is_the_first_of_some_pair() {
        let firsts: Vec<_> =
            plan().servers().unwrap().iter().map(|server| server.urls()[0].to_string()).collect();
        assert_eq!(firsts, plan().urls);
    }

    #[test]
    fn those_who_begin_together_share_the_other_servers() {
        let orders = |urls: &[&str]| -> Vec<Vec<String>> {
            let urls = urls.iter().map(ToString::to_string).collect();
            let servers = Plan { urls, together: true, ..plan() }.servers().unwrap();
            servers.iter().map(|server| server.urls().iter().map(ToString::to_string).collect()).collect()
        };
        let [a, b, c] = ["http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3"];
        assert_eq!(orders(&[a, b, c]), [[a, b, c], [a, c, b]]);
        assert_eq!(orders(&[a]), [[a]], "one server is all there is");
    }
}
