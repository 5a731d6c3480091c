//! Turns the options of a run into the plan of its processes. Reports all faults of the options at
//! once, before anything starts.

use std::net::{IpAddr, ToSocketAddrs};

use client::ServerUrl;

use super::{
    ledger::STAMP_BYTES,
    options::BenchOptions,
    plan::{
        CONNECTING_MAX, Content, Cut, PAIRS_MAX, PROCESSES_MAX, Plan, RATE_MAX, SECS_MAX, Scenario,
        WINDOW_MAX,
    },
    servers::{WATCHED_MAX, is_ours},
};

/// The largest text of the end-to-end channel, in bytes.
const TEXT_BYTES: usize = client::channel::limits::MAX_TEXT;
/// The largest frame, in bytes.
const FRAME_BYTES: usize = schemas::limits::FRAME_BYTES;

/// Open files that a process needs besides two for each pair: its own, and those for sessions that
/// are being opened.
const FILES_BESIDES: u64 = 64;

/// A run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    /// What all of its processes do together.
    pub plan: Plan,
    /// How many processes there are.
    pub processes: u64,
}

/// Checks all options. `files` is how many files one process may open; `resolve` finds the
/// addresses of a server.
///
/// # Errors
/// All faults of the options.
pub(crate) fn check(
    options: &BenchOptions,
    files: u64,
    resolve: impl Fn(&ServerUrl) -> std::io::Result<Vec<IpAddr>>,
) -> Result<Run, Vec<String>> {
    let mut faults = Vec::new();
    let storm = options.scenario == Scenario::Storm;
    let slow = options.scenario == Scenario::Slow;
    let content = options.content.unwrap_or(if storm { Content::E2e } else { Content::Opaque });
    if options.kill.is_some() && !storm {
        faults.push("--kill belongs to the storm scenario".into());
    }
    if let Some(pid) = options.kill.filter(|pid| !is_ours(*pid)) {
        faults.push(format!("--kill {pid}: not a process of this program on this machine"));
    }
    if slow && content == Content::E2e {
        faults.push(
            "--content e2e: its window is too small to fill buffers; the slow scenario needs opaque".into(),
        );
    }
    let largest = match content {
        Content::Opaque => FRAME_BYTES,
        Content::E2e => TEXT_BYTES,
    };
    if !(STAMP_BYTES..=largest).contains(&options.size) {
        faults.push(format!("--size {}: from {STAMP_BYTES} to {largest} bytes", options.size));
    }
    if !(options.rate > 0.0 && options.rate <= RATE_MAX) {
        faults.push(format!("--rate {}: more than 0, at most {RATE_MAX} per second and pair", options.rate));
    }
    if options.pid.len() > WATCHED_MAX {
        faults.push(format!("--pid: at most {WATCHED_MAX} processes"));
    }
    let pairs = options.pairs;
    let bound = |name: &str, value: u64, max: u64| {
        (!(1..=max).contains(&value)).then(|| format!("--{name} {value}: from 1 to {max}"))
    };
    let per_process = files.saturating_sub(FILES_BESIDES + 2 * options.connecting.min(pairs)).max(2) / 2;
    let processes = options.processes.unwrap_or(pairs.div_ceil(per_process));
    faults.extend(bound("secs", options.secs, SECS_MAX));
    faults.extend(bound("pairs", pairs, PAIRS_MAX));
    faults.extend(bound("window", options.window, WINDOW_MAX));
    faults.extend(bound("connecting", options.connecting, CONNECTING_MAX));
    faults.extend(bound("processes", processes, PROCESSES_MAX));
    faults.extend(bound("slow", options.slow, 100));
    if pairs.div_ceil(processes.max(1)) > per_process {
        faults.push(format!("{pairs} pairs: with {files} open files each, this needs more --processes"));
    }
    for url in &options.url {
        faults.extend(foreign(url, options, &resolve));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let plan = Plan {
        scenario: options.scenario,
        content,
        urls: options.url.iter().map(ToString::to_string).collect(),
        together: options.together,
        ca: options.ca.clone(),
        pairs,
        slow_pairs: if slow { (pairs * options.slow).div_ceil(100) } else { 0 },
        connecting: options.connecting,
        secs: options.secs,
        rate: options.rate,
        window: options.window,
        size: options.size,
        cut: if storm && (options.kill.is_some() || options.wait_for_kill) {
            Cut::Gateway
        } else {
            Cut::Clients
        },
    };
    Ok(Run { plan, processes })
}

/// The addresses of a server, as the system resolves them.
///
/// # Errors
/// If the system cannot resolve its name.
pub(crate) fn resolve(url: &ServerUrl) -> std::io::Result<Vec<IpAddr>> {
    Ok((url.bare_host(), url.port()).to_socket_addrs()?.map(|address| address.ip()).collect())
}

/// Why a server may not be loaded, if it may not. A load generator must not load anybody's server.
fn foreign(
    url: &ServerUrl,
    options: &BenchOptions,
    resolve: impl Fn(&ServerUrl) -> std::io::Result<Vec<IpAddr>>,
) -> Option<String> {
    let addresses = match resolve(url) {
        Ok(addresses) if !addresses.is_empty() => addresses,
        Ok(_) => return Some(format!("{url}: this name has no address")),
        Err(error) => return Some(format!("{url}: {error}")),
    };
    let elsewhere = addresses.iter().find(|address| !address.to_canonical().is_loopback())?;
    (!options.i_own_this_target).then(|| {
        format!("{url} is {elsewhere}, not this machine: give --i-own-this-target if you may load it")
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct TestCli {
        #[command(flatten)]
        options: BenchOptions,
    }

    const FILES: u64 = 20_000;

    fn options(words: &str) -> BenchOptions {
        TestCli::try_parse_from(["bench"].into_iter().chain(words.split_whitespace())).unwrap().options
    }

    fn at(words: &str, address: [u8; 4]) -> Result<Run, Vec<String>> {
        check(&options(words), FILES, |_| Ok(vec![[127, 0, 0, 1].into(), address.into()]))
    }

    fn here(words: &str) -> Result<Run, Vec<String>> {
        at(words, [127, 0, 0, 1])
    }

    #[test]
    fn another_machine_is_loaded_only_by_its_owner() {
        let fault = at("steady --url https://chat.example", [192, 0, 2, 1]).unwrap_err().join(" ");
        assert!(fault.contains("--i-own-this-target") && fault.contains("192.0.2.1"), "{fault}");
        assert!(at("steady --url https://chat.example --i-own-this-target", [192, 0, 2, 1]).is_ok());
        assert!(here("steady --url https://localhost").is_ok());
        let mapped = |address: &str| vec![address.parse().unwrap()];
        let run = |address: &str| check(&options("steady"), FILES, |_| Ok(mapped(address)));
        assert!(run("::ffff:127.0.0.1").is_ok() && run("::1").is_ok());
        assert!(run("::ffff:192.0.2.1").is_err() && run("0.0.0.0").is_err());
        assert!(check(&options("steady"), FILES, |_| Ok(vec![])).is_err());
    }

    #[test]
    fn every_fault_is_reported_at_once() {
        let faults = here("steady --secs 0 --pairs 1000000 --rate 0 --size 31 --kill 1").unwrap_err();
        for option in ["--secs", "--pairs", "--rate", "--size", "--kill"] {
            assert!(faults.iter().any(|fault| fault.contains(option)), "{option}: {faults:?}");
        }
    }

    #[test]
    fn values_out_of_bounds_are_refused() {
        for words in [
            "steady --secs 3601",
            "steady --rate inf",
            "steady --rate NaN",
            "steady --rate 10001",
            "saturation --window 33",
            "steady --size 65537",
            "steady --content e2e --size 8193",
            "slow --content e2e",
            "slow --slow 101",
            "storm --kill 1",
            "steady --processes 65",
        ] {
            assert!(here(words).is_err(), "{words}");
        }
        for words in
            ["steady --secs 3600 --rate 0.1", "steady --content e2e --size 8192", "steady --size 65536"]
        {
            assert!(here(words).is_ok(), "{words}");
        }
    }

    #[test]
    fn a_run_has_as_many_processes_as_its_sockets_need() {
        let processes = |words: &str| here(words).unwrap().processes;
        assert_eq!(processes("idle --pairs 9000"), 1);
        assert_eq!(processes("idle --pairs 40000"), 5);
        assert_eq!(processes("idle --pairs 10 --processes 3"), 3);
        assert!(here("idle --pairs 40000 --processes 2").is_err());
    }

    #[test]
    fn content_and_slow_pairs_follow_from_the_scenario() {
        assert_eq!(here("storm").unwrap().plan.content, Content::E2e);
        assert_eq!(here("storm --content opaque").unwrap().plan.content, Content::Opaque);
        assert_eq!(here("steady").unwrap().plan.content, Content::Opaque);
        assert_eq!(here("slow --pairs 5").unwrap().plan.slow_pairs, 1);
        assert_eq!(here("steady").unwrap().plan.slow_pairs, 0);
        assert_eq!(here("storm --wait-for-kill").unwrap().plan.cut, Cut::Gateway);
    }
}
