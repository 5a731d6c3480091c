//! What a run is to do, as its processes are told, and how much of everything there may be.

use std::{path::PathBuf, time::Duration};

use clap::ValueEnum;
use client::{Server, ServerUrl, Trust};
use serde::{Deserialize, Serialize};

/// Longest run, in seconds: what is kept of a run stays small, and a forgotten one ends.
pub(crate) const SECS_MAX: u64 = 3600;
/// Most pairs: more than one machine has ports for.
pub(crate) const PAIRS_MAX: u64 = 100_000;
/// Most messages per second of one pair.
pub(crate) const RATE_MAX: f64 = 10_000.0;
/// Most messages of one direction that are on their way at once: half of what the end-to-end channel allows, so that it holds nothing back.
pub(crate) const WINDOW_MAX: u64 = 32;
/// Most processes of one run.
pub(crate) const PROCESSES_MAX: u64 = 64;
/// Most pairs that connect at once, in all: a crowd that arrives, not an attack.
pub(crate) const CONNECTING_MAX: u64 = 4096;
/// Of how many stretches the curves over time consist at most; each takes a second or more.
pub(crate) const STRETCHES: u64 = 120;

/// What the pairs do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scenario {
    /// Pairs that are connected and say nothing: what a connection costs
    Idle,
    /// Chats at a fixed rate per pair: the latency that people see
    Steady,
    /// As much as a window of messages on their way allows: the most that passes
    Saturation,
    /// People who come, find somebody, talk, go on to the next, and leave
    Churn,
    /// Chats whose connections are all lost at once, and made again
    Storm,
    /// Chats beside some people who do not read what they are sent
    Slow,
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// Frames as they are: the server's work alone; what is under way when a connection breaks is lost
    Opaque,
    /// Texts over the end-to-end encrypted channel, as people use it: nothing may be lost
    E2e,
}

/// What one process of a run does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// What the pairs do.
    pub scenario: Scenario,
    /// What they send.
    pub content: Content,
    /// The servers; side `a` of a pair begins at one, side `b` at the next.
    pub urls: Vec<String>,
    /// Whose certificates are believed; the system's without.
    pub ca: Option<PathBuf>,
    /// How many pairs this process has.
    pub pairs: u64,
    /// Of these, how many have a side that does not read.
    pub slow_pairs: u64,
    /// How many connect at once.
    pub connecting: u64,
    /// How long the pairs talk, in seconds.
    pub secs: u64,
    /// Messages per second and pair, from both sides in turn.
    pub rate: f64,
    /// Messages of one direction that are on their way at once.
    pub window: u64,
    /// Bytes of a message.
    pub size: usize,
    /// Whether this process cuts its own connections.
    pub cut: Cut,
}

/// Who breaks the connections in a storm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Cut {
    /// The clients themselves, all at once.
    Clients,
    /// Somebody who ends a gateway.
    Gateway,
}

impl Plan {
    /// How long the pairs talk.
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs(self.secs)
    }

    /// When connections get lost in a storm: early enough that everybody can be back before the end.
    pub(crate) fn storm_after(&self) -> Duration {
        self.duration() / 3
    }

    /// How long one stretch of the curves over time is.
    pub(crate) fn stretch(&self) -> Duration {
        Duration::from_secs(self.secs.div_ceil(STRETCHES).max(1))
    }

    /// The service as seen from each of its addresses first.
    ///
    /// # Errors
    /// If an address is none, or nobody can be believed over TLS.
    pub(crate) fn servers(&self) -> anyhow::Result<Vec<Server>> {
        let mut urls: Vec<ServerUrl> = self.urls.iter().map(|url| url.parse()).collect::<Result<_, _>>()?;
        let trust = self.ca.clone().map_or(Trust::System, Trust::Ca);
        let mut servers = Vec::new();
        for _ in 0..urls.len() {
            servers.push(Server::new(urls.clone(), &trust)?);
            urls.rotate_left(1);
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
            "nobody is started for nothing"
        );
    }

    #[test]
    fn a_long_run_has_no_more_stretches_than_a_short_one() {
        for (secs, stretch) in [(1, 1), (120, 1), (121, 2), (3600, 30)] {
            assert_eq!(Plan { secs, ..plan() }.stretch(), Duration::from_secs(stretch), "{secs}");
        }
    }

    #[test]
    fn a_plan_comes_to_another_process_as_it_is() {
        let text = serde_json::to_string(&plan()).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan());
    }

    #[test]
    fn each_server_is_somebodys_first() {
        let firsts: Vec<_> =
            plan().servers().unwrap().iter().map(|server| server.urls()[0].to_string()).collect();
        assert_eq!(firsts, plan().urls);
    }
}
