//! `cipher-chat bench`: the operator's load generator, built on the project's own client library.
//! Described in `docs/bench.md`.

mod check;
mod hint;
mod html;
mod ledger;
mod meet;
mod options;
mod pair;
mod participant;
mod plan;
mod plot;
mod processes;
mod report;
mod servers;
mod table;
mod talk;
mod tally;
mod times;
mod view;
mod workers;

use std::{io::Write, time::Duration};

use anyhow::{Context, bail};
use tokio::time::{Instant, sleep_until, timeout_at};

use self::{
    check::Run,
    plan::{Cut, Plan, Scenario},
    processes::Report,
    report::{Summary, Verdict},
    servers::Watched,
    tally::Tally,
    view::View,
    workers::Workers,
};

pub use self::options::BenchOptions;

/// How long all pairs may take to meet: a minute, and a second for every this many pairs.
const PAIRS_PER_SECOND: u64 = 50;
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(60);

/// How long the last messages and the closing of connections may take after the end.
const END_TIMEOUT: Duration = Duration::from_secs(90);

/// How a run has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every promise was kept.
    Kept,
    /// A message was lost, doubled or reordered, or a chat broke.
    Broken,
    /// The options were wrong: their faults have been shown, and nothing was started.
    WrongOptions,
}

/// Loads a server until the run is over or `stop` resolves, and shows the result.
///
/// # Errors
/// If the run cannot be done or its outputs cannot be written.
pub async fn run(
    options: BenchOptions,
    stop: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<Outcome> {
    if options.worker {
        workers::serve().await?;
        return Ok(Outcome::Kept);
    }
    let (files, _) =
        rlimit::getrlimit(rlimit::Resource::NOFILE).context("cannot tell how many files may be open")?;
    let run = match check::check(&options, files, check::resolve) {
        Ok(run) => run,
        Err(faults) => {
            faults.iter().for_each(|fault| eprintln!("cipher-chat: {fault}"));
            return Ok(Outcome::WrongOptions);
        }
    };
    let summary = tokio::select! {
        summary = drive(&run, &options) => summary?,
        stopped = stop => {
            stopped?;
            bail!("stopped before the end");
        }
    };
    write(&summary, &options)?;
    Ok(match summary.verdict {
        Verdict::Kept => Outcome::Kept,
        Verdict::Broken => Outcome::Broken,
    })
}

/// Runs the processes, from their start to the summary.
async fn drive(run: &Run, options: &BenchOptions) -> anyhow::Result<Summary> {
    let plan = &run.plan;
    let mut servers: Vec<Watched> =
        options.pid.iter().map(|pid| Watched::new(*pid)).collect::<Result<_, _>>()?;
    let began = Instant::now();
    let mut workers = Workers::start(plan.shares(run.processes))?;
    let mut view = View::new(plan, workers.count());
    arrive(plan, &mut workers, &mut view).await?;
    let arrival = began.elapsed().as_secs_f64();
    look(&mut servers, 0.0);
    workers.go()?;
    view.started();
    let tally = talk(plan, options, &mut workers, &mut view, &mut servers).await?;
    view.finish();
    Ok(Summary::new(plan, workers.count(), arrival, &tally, servers))
}

/// Waits until all have met.
async fn arrive(plan: &Plan, workers: &mut Workers, view: &mut View) -> anyhow::Result<()> {
    let deadline = Instant::now() + ARRIVAL_TIMEOUT + Duration::from_secs(plan.pairs / PAIRS_PER_SECOND);
    let mut waited_for = workers.count();
    while waited_for > 0 {
        let report = timeout_at(deadline, workers.report()).await;
        match report.context("not all pairs have met in time: try fewer pairs")?? {
            (process, Report::Met(pairs)) => view.met(process, pairs),
            (_, Report::Ready) => waited_for -= 1,
            _ => bail!("a worker sent a report that was not expected before the start"),
        }
    }
    Ok(())
}

/// Waits until the chats have ended.
async fn talk(
    plan: &Plan,
    options: &BenchOptions,
    workers: &mut Workers,
    view: &mut View,
    servers: &mut [Watched],
) -> anyhow::Result<Tally> {
    let start = Instant::now();
    let deadline = start + plan.duration() + END_TIMEOUT;
    let mut storm =
        (plan.scenario == Scenario::Storm && plan.cut == Cut::Gateway).then(|| start + plan.storm_after());
    let mut next_look = start + plan.stretch();
    let (mut all, mut waited_for) = (Tally::default(), workers.count());
    while waited_for > 0 {
        tokio::select! {
            report = workers.report() => match report? {
                (_, Report::Progress { stretch, counts, latency }) => view.progress(stretch, &counts, &latency),
                (_, Report::Done(tally)) => {
                    all.merge(&tally);
                    waited_for -= 1;
                }
                _ => bail!("a worker sent a report that was not expected after the start"),
            },
            () = sleep_until(next_look), if next_look <= start + plan.duration() => {
                look(servers, (next_look - start).as_secs_f64());
                next_look += plan.stretch();
            }
            () = sleep_until(storm.unwrap_or(deadline)), if storm.is_some() => {
                storm = None;
                break_gateway(options.kill, view)?;
            }
            () = sleep_until(deadline) => bail!("the workers did not end in time"),
        }
    }
    Ok(all)
}

fn look(servers: &mut [Watched], second: f64) {
    servers.iter_mut().for_each(|server| server.look(second));
}

fn break_gateway(pid: Option<u32>, view: &View) -> anyhow::Result<()> {
    let Some(pid) = pid else {
        view.note("now end a gateway, for example with `kill -KILL`");
        return Ok(());
    };
    // It was ours when the run began, but the process id may have been reused since.
    anyhow::ensure!(servers::is_ours(pid), "the gateway {pid} has already ended");
    let status = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
    anyhow::ensure!(status.context("cannot run kill")?.success(), "cannot end the gateway {pid}");
    view.note(&format!("killed the gateway {pid}"));
    Ok(())
}

fn write(summary: &Summary, options: &BenchOptions) -> anyhow::Result<()> {
    if let Some(path) = &options.html {
        std::fs::write(path, html::page(summary))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let json = || serde_json::to_string_pretty(summary).context("cannot write JSON");
    match &options.json {
        Some(path) if path.as_os_str() == "-" => {
            eprintln!("{summary}");
            writeln!(std::io::stdout(), "{}", json()?).context("cannot write to standard output")?;
        }
        path => {
            if let Some(path) = path {
                std::fs::write(path, json()? + "\n")
                    .with_context(|| format!("cannot write {}", path.display()))?;
            }
            writeln!(std::io::stdout(), "{summary}").context("cannot write to standard output")?;
        }
    }
    Ok(())
}
