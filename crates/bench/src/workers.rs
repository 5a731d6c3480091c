//! One crew in this process, or several in processes of their own: the same program, started again as `bench --worker`. It is told its
//! plan as a line of JSON on standard input and later `go`, and tells its reports as lines of JSON on standard output.

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
    crew::{self, Report},
    plan::Plan,
};

/// Reports that may wait for whoever reads them; a crew with more waits.
const REPORTS: usize = 64;

/// What tells a worker to start.
const GO: &str = "go";

/// All crews of a run. Dropping it ends them.
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
    /// Starts a crew for each plan: a single one in this process.
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
                workers._tasks.spawn(crew::run(plan, start, mine));
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

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.starters.len()
    }

    /// Lets all of them talk.
    ///
    /// # Errors
    /// If one of them has ended.
    pub(crate) fn go(&mut self) -> anyhow::Result<()> {
        for starter in &mut self.starters {
            match starter {
                Starter::Here(go) => {
                    let started = go.take().is_some_and(|go| go.send(()).is_ok());
                    anyhow::ensure!(started, "the crew has ended");
                }
                Starter::Process { stdin, .. } => writeln!(stdin, "{GO}").context("a worker has ended")?,
            }
        }
        Ok(())
    }

    /// The next report, and whose it is.
    ///
    /// # Errors
    /// If a crew has failed, or ended without a word.
    pub(crate) async fn report(&mut self) -> anyhow::Result<(usize, Report)> {
        match self.reports.recv().await {
            Some((_, Report::Failed(fault))) => bail!(fault),
            Some(report) => Ok(report),
            None => bail!("a worker has ended without a word"),
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for starter in &mut self.starters {
            if let Starter::Process { child, .. } = starter {
                // One that is done has ended already.
                _ = child.kill();
                _ = child.wait();
            }
        }
    }
}

fn process(number: usize, plan: &Plan, reports: mpsc::Sender<(usize, Report)>) -> anyhow::Result<Starter> {
    let program = std::env::current_exe().context("cannot find the own program")?;
    let mut child = Command::new(program)
        .args(["bench", "--worker"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start a worker")?;
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        bail!("a worker without pipes");
    };
    writeln!(stdin, "{}", serde_json::to_string(plan)?).context("a worker has ended")?;
    // A thread each: reading a pipe blocks. It ends with the pipe.
    thread::spawn(move || {
        let mut last = false;
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let report = serde_json::from_str(&line)
                .unwrap_or_else(|_| Report::Failed("a worker speaks nonsense".into()));
            last = matches!(report, Report::Done(_) | Report::Failed(_));
            if reports.blocking_send((number, report)).is_err() {
                return;
            }
        }
        if !last {
            // Nobody listens any more if the run is over.
            _ = reports.blocking_send((number, Report::Failed("a worker has ended without a word".into())));
        }
    });
    Ok(Starter::Process { child, stdin })
}

/// What `bench --worker` does. Ends when whoever has started it is gone.
///
/// # Errors
/// If it is not told a plan.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let (go, start) = oneshot::channel();
    let (plan_told, plan) = oneshot::channel();
    thread::spawn(move || {
        let mut lines = std::io::stdin().lock().lines().map_while(Result::ok);
        if plan_told.send(lines.next()).is_err() || lines.next().as_deref() != Some(GO) {
            return;
        }
        // The crew may have failed.
        _ = go.send(());
        // Until the end of the pipe: then nobody wants to know any more.
        if lines.next().is_none() {
            std::process::exit(0);
        }
    });
    let plan = plan.await?.context("a worker is told its plan on standard input")?;
    let plan: Plan = serde_json::from_str(&plan).context("not a plan")?;
    let (reports, mut told) = mpsc::channel(REPORTS);
    let mut tasks = JoinSet::new();
    tasks.spawn(crew::run(plan, start, reports));
    while let Some(report) = told.recv().await {
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&report)?)
            .context("nobody listens any more")?;
    }
    Ok(())
}
