//! All pairs of one process: they meet, wait for the start, and chat; the process reports the
//! results.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    sync::{Semaphore, mpsc, oneshot, watch},
    task::JoinSet,
    time::{Instant, interval, sleep_until},
};

use super::{
    pair::{Job, Pair},
    plan::{Plan, Scenario},
    talk,
    tally::{Counts, SharedTally, Tally},
    times::Times,
};

/// How often a process reports how many pairs have met.
const MEETING_REPORTS: Duration = Duration::from_millis(250);

/// What a process reports to the one that started it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Report {
    /// This many pairs have met.
    Met(u64),
    /// All have met, and are waiting for the start.
    Ready,
    /// One stretch has passed.
    Progress {
        /// Its number, from 0.
        stretch: u64,
        /// What is counted so far.
        counts: Counts,
        /// Latencies of the messages that arrived in it.
        latency: Box<Times>,
    },
    /// The run has ended.
    Done(Box<Tally>),
    /// The run cannot go on.
    Failed(String),
}

/// Where the reports go. Once it is closed, nobody needs them any more.
pub(crate) type Reports = mpsc::Sender<Report>;

/// Does one process's share of a run. `start` is resolved when all processes are ready.
pub(crate) async fn run(plan: Plan, start: oneshot::Receiver<()>, reports: Reports) {
    if let Err(fault) = try_run(plan, start, &reports).await {
        // Nobody may be left to receive it.
        _ = reports.send(Report::Failed(format!("{fault:#}"))).await;
    }
}

async fn try_run(plan: Plan, start: oneshot::Receiver<()>, reports: &Reports) -> anyhow::Result<()> {
    let connecting = Semaphore::new(usize::try_from(plan.connecting)?);
    let tally = SharedTally::new(plan.stretch());
    let job = Arc::new(Job { servers: plan.servers()?, tally, connecting, plan });
    let met = Arc::new(AtomicU64::new(0));
    let (go, started) = watch::channel(None);
    let mut pairs = JoinSet::new();
    for number in 0..job.plan.pairs {
        pairs.spawn(run_pair(job.clone(), number, met.clone(), started.clone()));
    }
    all_meet(&job, &met, &mut pairs, reports).await?;
    reports.send(Report::Ready).await?;
    start.await?;
    let begin = job.tally.start();
    go.send_replace(Some(begin));
    let watching = report_progress(&job, begin, reports);
    let talking = async {
        while let Some(pair) = pairs.join_next().await {
            pair??;
        }
        anyhow::Ok(())
    };
    tokio::pin!(watching, talking);
    loop {
        tokio::select! {
            over = &mut talking => {
                over?;
                break;
            }
            reported = &mut watching => reported?,
        }
    }
    reports.send(Report::Done(Box::new(job.tally.whole()))).await?;
    Ok(())
}

/// One pair, from its first connection to its end.
async fn run_pair(
    job: Arc<Job>,
    number: u64,
    met: Arc<AtomicU64>,
    mut started: watch::Receiver<Option<Instant>>,
) -> anyhow::Result<()> {
    if job.plan.scenario == Scenario::Churn {
        met.fetch_add(1, Ordering::Relaxed);
        let start = *started.wait_for(Option::is_some).await?;
        return Ok(talk::churn(job, number, start.unwrap_or_else(Instant::now)).await?);
    }
    let mut pair = Pair::meet(&job, number).await?;
    met.fetch_add(1, Ordering::Relaxed);
    let start = loop {
        tokio::select! {
            start = started.wait_for(Option::is_some) => break *start?,
            // Until then the connections have to be kept alive.
            _ = pair.next_event() => pair.check()?,
        }
    };
    talk::talk(pair, start.unwrap_or_else(Instant::now)).await;
    Ok(())
}

/// Waits until every pair has met.
async fn all_meet(
    job: &Job,
    met: &AtomicU64,
    pairs: &mut JoinSet<anyhow::Result<()>>,
    reports: &Reports,
) -> anyhow::Result<()> {
    let mut ticks = interval(MEETING_REPORTS);
    loop {
        let so_far = met.load(Ordering::Relaxed);
        if so_far == job.plan.pairs {
            return Ok(());
        }
        tokio::select! {
            _ = ticks.tick() => reports.send(Report::Met(so_far)).await?,
            // Before the start, a pair ends only if it has failed.
            Some(pair) = pairs.join_next() => pair??,
        }
    }
}

/// Reports each stretch when it has passed; pending after the last.
async fn report_progress(job: &Job, begin: Instant, reports: &Reports) -> anyhow::Result<()> {
    let stretch = job.plan.stretch();
    let last = job.plan.duration().div_duration_f64(stretch).ceil() as u64;
    for n in 0..last {
        sleep_until(begin + stretch * u32::try_from(n + 1)?).await;
        let (counts, latency) = job.tally.glance(usize::try_from(n)?);
        reports.send(Report::Progress { stretch: n, counts, latency: Box::new(latency) }).await?;
    }
    std::future::pending().await
}
