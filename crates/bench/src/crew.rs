//! All pairs of one process: they meet, wait for the start, talk, and what became of it is told.

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
    tally::{Board, Counts, Tally},
    times::Times,
};

/// How often is told how many have met.
const MEETING_NEWS: Duration = Duration::from_millis(250);

/// What a process tells whoever has started it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Report {
    /// So many pairs have met.
    Met(u64),
    /// All have; they wait for the start.
    Ready,
    /// One stretch is over.
    Progress {
        /// Which, from 0.
        stretch: u64,
        /// What is counted so far.
        counts: Counts,
        /// Latencies of what arrived in it.
        latency: Box<Times>,
    },
    /// All is over.
    Done(Box<Tally>),
    /// It cannot be done.
    Failed(String),
}

/// Somebody who hears the reports; whoever does not any more wants nothing more.
pub(crate) type Reports = mpsc::Sender<Report>;

/// Does one process's share of a run. `start` is resolved when all processes are ready.
pub(crate) async fn run(plan: Plan, start: oneshot::Receiver<()>, reports: Reports) {
    if let Err(fault) = try_run(plan, start, &reports).await {
        // Whoever has gone does not want to know.
        _ = reports.send(Report::Failed(format!("{fault:#}"))).await;
    }
}

async fn try_run(plan: Plan, start: oneshot::Receiver<()>, reports: &Reports) -> anyhow::Result<()> {
    let doors = Semaphore::new(usize::try_from(plan.connecting)?);
    let board = Board::new(plan.stretch());
    let job = Arc::new(Job { servers: plan.servers()?, board, doors, plan });
    let met = Arc::new(AtomicU64::new(0));
    let (go, started) = watch::channel(None);
    let mut pairs = JoinSet::new();
    for number in 0..job.plan.pairs {
        pairs.spawn(live(job.clone(), number, met.clone(), started.clone()));
    }
    all_meet(&job, &met, &mut pairs, reports).await?;
    reports.send(Report::Ready).await?;
    start.await?;
    let begin = job.board.start();
    go.send_replace(Some(begin));
    let watching = tell_progress(&job, begin, reports);
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
            told = &mut watching => told?,
        }
    }
    reports.send(Report::Done(Box::new(job.board.whole()))).await?;
    Ok(())
}

/// One pair, from its arrival to its end.
async fn live(
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
            // Until then the connections are to be kept alive.
            _ = pair.hear() => pair.check()?,
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
    let mut news = interval(MEETING_NEWS);
    loop {
        let so_far = met.load(Ordering::Relaxed);
        if so_far == job.plan.pairs {
            return Ok(());
        }
        tokio::select! {
            _ = news.tick() => reports.send(Report::Met(so_far)).await?,
            // Nobody ends before the start but by a failure.
            Some(pair) = pairs.join_next() => pair??,
        }
    }
}

/// Tells of each stretch when it is over; pending after the last.
async fn tell_progress(job: &Job, begin: Instant, reports: &Reports) -> anyhow::Result<()> {
    let stretch = job.plan.stretch();
    let last = job.plan.duration().div_duration_f64(stretch).ceil() as u64;
    for n in 0..last {
        sleep_until(begin + stretch * u32::try_from(n + 1)?).await;
        let (counts, latency) = job.board.glance(usize::try_from(n)?);
        reports.send(Report::Progress { stretch: n, counts, latency: Box::new(latency) }).await?;
    }
    std::future::pending().await
}
