//! `cipher-chat bench`: the operator's load generator, on the project's own client library. Described in `docs/bench.md`.

mod check;
mod crew;
mod hint;
mod html;
mod ledger;
mod meet;
mod member;
mod pair;
mod plan;
mod plot;
mod report;
mod servers;
mod table;
mod talk;
mod tally;
mod times;
mod view;
mod workers;

use std::{io::Write, path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use clap::Args;
use client::ServerUrl;
use tokio::time::{Instant, sleep_until, timeout_at};

use self::{
    check::Run,
    crew::Report,
    plan::{Content, Cut, Plan, Scenario},
    report::{Summary, Verdict},
    servers::Watched,
    tally::Tally,
    view::View,
    workers::Workers,
};

/// How long all may take to meet: a second for every this many pairs, and a minute.
const PAIRS_PER_SECOND: u64 = 50;
const ARRIVAL_PATIENCE: Duration = Duration::from_secs(60);

/// How long the last words and goodbyes may take after the end.
const END_PATIENCE: Duration = Duration::from_secs(90);

/// What `cipher-chat bench` is told.
#[derive(Args, Clone, Debug)]
pub struct BenchOptions {
    /// What the pairs do
    #[arg(value_enum, default_value = "steady")]
    pub scenario: Scenario,
    /// The servers, comma-separated, straight or through a proxy: side a of a pair goes to one, side b to the next
    #[arg(long, value_name = "URL[,URL…]", value_delimiter = ',', default_value = "http://127.0.0.1:8080")]
    pub url: Vec<ServerUrl>,
    /// Believe only the certificate authorities in this file (PEM) [default: those of this system]
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// The servers are not on this machine, and I may load them
    #[arg(long)]
    pub i_own_this_target: bool,
    /// How many pairs of people
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    pub pairs: u64,
    /// How long they talk, in seconds
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    pub secs: u64,
    /// Messages per second and pair, from both sides in turn (steady, storm, slow)
    #[arg(long, value_name = "COUNT", default_value_t = 1.0)]
    pub rate: f64,
    /// Messages of each side that are on their way at once (saturation)
    #[arg(long, value_name = "COUNT", default_value_t = 8)]
    pub window: u64,
    /// Bytes of a message
    #[arg(long, value_name = "BYTES", default_value_t = 128)]
    pub size: usize,
    /// What is sent [default: e2e in a storm, otherwise opaque]
    #[arg(long, value_enum)]
    pub content: Option<Content>,
    /// Of a hundred pairs, how many have a side that does not read (slow)
    #[arg(long, value_name = "PERCENT", default_value_t = 10)]
    pub slow: u64,
    /// End this gateway with SIGKILL after a third of the time (storm) [default: the clients cut their connections]
    #[arg(long, value_name = "PID")]
    pub kill: Option<u32>,
    /// Say when somebody else is to end a gateway, which may be on another machine (storm)
    #[arg(long, conflicts_with = "kill")]
    pub wait_for_kill: bool,
    /// Server processes on this machine whose memory and processor time are measured, comma-separated
    #[arg(long, value_name = "PID[,PID…]", value_delimiter = ',')]
    pub pid: Vec<u32>,
    /// How many pairs connect at once
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    pub connecting: u64,
    /// How many processes share the work [default: as many as their open files demand]
    #[arg(long, value_name = "COUNT")]
    pub processes: Option<u64>,
    /// Write what came of it as JSON; - is standard output
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write a page with curves, which stands for itself
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Be one of several processes
    #[arg(long, hide = true)]
    pub worker: bool,
}

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

/// From the start of the processes to the summary.
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

/// Until all have met.
async fn arrive(plan: &Plan, workers: &mut Workers, view: &mut View) -> anyhow::Result<()> {
    let deadline = Instant::now() + ARRIVAL_PATIENCE + Duration::from_secs(plan.pairs / PAIRS_PER_SECOND);
    let mut waited_for = workers.count();
    while waited_for > 0 {
        let report = timeout_at(deadline, workers.report()).await;
        match report.context("it takes too long until all have met: try fewer pairs")?? {
            (crew, Report::Met(pairs)) => view.met(crew, pairs),
            (_, Report::Ready) => waited_for -= 1,
            _ => bail!("a worker is ahead of its time"),
        }
    }
    Ok(())
}

/// Until all is said.
async fn talk(
    plan: &Plan,
    options: &BenchOptions,
    workers: &mut Workers,
    view: &mut View,
    servers: &mut [Watched],
) -> anyhow::Result<Tally> {
    let start = Instant::now();
    let deadline = start + plan.duration() + END_PATIENCE;
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
                _ => bail!("a worker repeats itself"),
            },
            () = sleep_until(next_look), if next_look <= start + plan.duration() => {
                look(servers, (next_look - start).as_secs_f64());
                next_look += plan.stretch();
            }
            () = sleep_until(storm.unwrap_or(deadline)), if storm.is_some() => {
                storm = None;
                break_gateway(options.kill, view)?;
            }
            () = sleep_until(deadline) => bail!("the workers do not come to an end"),
        }
    }
    Ok(all)
}

fn look(servers: &mut [Watched], second: f64) {
    servers.iter_mut().for_each(|server| server.look(second));
}

fn break_gateway(pid: Option<u32>, view: &View) -> anyhow::Result<()> {
    let Some(pid) = pid else {
        view.say("now end a gateway, for example with `kill -KILL`");
        return Ok(());
    };
    // It was ours when the run began; a process id may have been given to another since.
    anyhow::ensure!(servers::is_ours(pid), "the gateway {pid} has ended before its time");
    let status = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
    anyhow::ensure!(status.context("cannot run kill")?.success(), "cannot end the gateway {pid}");
    view.say(&format!("the gateway {pid} is ended"));
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
