//! The workers of a run: one in this process, or several in processes of their own. Such a process
//! is this program, started as `bench --worker`. It reads its plan as a line of JSON from standard
//! input, and later `go`; it writes its reports as lines of JSON to standard output.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    thread,
};

use anyhow::{Context, bail};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use super::{
    plan::Plan,
    processes::{self, Report},
};

/// How many reports may be queued; a worker with more waits.
const REPORTS: usize = 64;

/// The line that tells a worker to start.
const GO: &str = "go";

/// All workers of a run. Dropping it ends them.
pub(crate) struct Workers {
    reports: mpsc::Receiver<(usize, Report)>,
    starters: Vec<Starter>,
    _tasks: JoinSet<()>,
}

enum Starter {
    Here(Option<oneshot::Sender<()>>),
    Process { child: Child, stdin: ChildStdin },
}

impl Workers {
    /// Starts a worker for each plan; if there is only one, in this process.
    ///
    /// # Errors
    /// If a process cannot be started.
    pub(crate) fn start(plans: Vec<Plan>) -> anyhow::Result<Self> {
        let (sender, reports) = mpsc::channel(REPORTS);
        let mut workers = Self { reports, starters: Vec::new(), _tasks: JoinSet::new() };
        match <[Plan; 1]>::try_from(plans) {
            Ok([plan]) => {
                let (go, start) = oneshot::channel();
                let (mine, mut its) = mpsc::channel(REPORTS);
                workers._tasks.spawn(processes::run(plan, start, mine));
                workers._tasks.spawn(async move {
                    while let Some(report) = its.recv().await {
                        if sender.send((0, report)).await.is_err() {
                            return;
                        }
                    }
                });
                workers.starters.push(Starter::Here(Some(go)));
            }
            Err(plans) => {
                for (number, plan) in plans.iter().enumerate() {
                    workers.starters.push(process(number, plan, sender.clone())?);
                }
            }
        }
        Ok(workers)
    }

    /// How many workers there are.
    pub(crate) fn count(&self) -> usize {
        self.starters.len()
    }

    /// Tells all workers to start.
    ///
    /// # Errors
    /// If one of them has ended.
    pub(crate) fn go(&mut self) -> anyhow::Result<()> {
        for starter in &mut self.starters {
            match starter {
                Starter::Here(go) => {
                    let started = go.take().is_some_and(|go| go.send(()).is_ok());
                    anyhow::ensure!(started, "the worker has ended");
                }
                Starter::Process { stdin, .. } => writeln!(stdin, "{GO}").context("a worker has ended")?,
            }
        }
        Ok(())
    }

    /// The next report, and the number of its worker.
    ///
    /// # Errors
    /// If a worker has failed, or ended without a result.
    pub(crate) async fn report(&mut self) -> anyhow::Result<(usize, Report)> {
        match self.reports.recv().await {
            Some((_, Report::Failed(fault))) => bail!(fault),
            Some(report) => Ok(report),
            None => bail!("a worker has ended without a result"),
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for starter in &mut self.starters {
            if let Starter::Process { child, .. } = starter {
                // It may have ended already.
                _ = child.kill();
                _ = child.wait();
            }
        }
    }
}

fn process(number: usize, plan: &Plan, reports: mpsc::Sender<(usize, Report)>) -> anyhow::Result<Starter> {
    let program = std::env::current_exe().context("cannot find the path of this program")?;
    let mut child = Command::new(program)
        .args(["bench", "--worker"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start a worker")?;
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        bail!("a worker has no pipes");
    };
    writeln!(stdin, "{}", serde_json::to_string(plan)?).context("a worker has ended")?;
    // One thread for each worker, because reading a pipe blocks. It ends when the pipe is closed.
    thread::spawn(move || {
        let mut last = false;
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let report = serde_json::from_str(&line)
                .unwrap_or_else(|_| Report::Failed("a worker sent a malformed report".into()));
            last = matches!(report, Report::Done(_) | Report::Failed(_));
            if reports.blocking_send((number, report)).is_err() {
                return;
            }
        }
        if !last {
            // If the run has ended, nobody receives it.
            let failed = Report::Failed("a worker has ended without a result".into());
            _ = reports.blocking_send((number, failed));
        }
    });
    Ok(Starter::Process { child, stdin })
}

/// What `bench --worker` does. Ends when the process that started it has ended.
///
/// # Errors
/// If it receives no plan.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let (go, start) = oneshot::channel();
    let (plan_told, plan) = oneshot::channel();
    thread::spawn(move || {
        let mut lines = std::io::stdin().lock().lines().map_while(Result::ok);
        if plan_told.send(lines.next()).is_err() || lines.next().as_deref() != Some(GO) {
            return;
        }
        // The worker may have failed.
        _ = go.send(());
        // Waits until the pipe is closed: then the process that started this one has ended.
        if lines.next().is_none() {
            std::process::exit(0);
        }
    });
    let plan = plan.await?.context("a worker expects its plan on standard input")?;
    let plan: Plan = serde_json::from_str(&plan).context("the plan is malformed")?;
    let (reports, mut told) = mpsc::channel(REPORTS);
    let mut tasks = JoinSet::new();
    tasks.spawn(processes::run(plan, start, reports));
    while let Some(report) = told.recv().await {
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&report)?)
            .context("cannot write to standard output")?;
    }
    Ok(())
}
