//! `cipher-chat top`: a cluster in a terminal, from the bus alone.
//!
//! What is shown comes from [`overview`]. Here are the model of the screen, which keys change,
//! its drawing, and the loop that gives both a terminal and a bus.

mod column;
mod model;
mod options;
mod screen;
#[cfg(test)]
mod tests;
mod view;

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail};
use bus::{Clock, Watcher};
use overview::{Cluster, Report, watch};
use tokio::time::timeout;

pub use self::options::TopOptions;
use self::{column::Column, model::Model, screen::Screen};

/// Options that are wrong; nothing was started.
const WRONG_OPTIONS: u8 = 2;
/// No node is heard.
const NOBODY: u8 = 1;

/// Between the questions of `--once`.
const SOON: Duration = Duration::from_secs(1);

/// After so many questions there are rates. Who was not known before the first answers in vain; the
/// next two answers are compared, and are there when the fourth question is asked.
const ROUNDS_FOR_RATES: u64 = 4;

/// How long `--once` waits for the bus.
const PATIENCE: Duration = Duration::from_secs(20);

/// How wide the table of `--once` is.
const PRINTED_COLUMNS: u16 = 132;

/// Runs until somebody quits, or once.
///
/// # Errors
/// If the options cannot work, or the terminal fails.
pub async fn run(options: TopOptions) -> anyhow::Result<ExitCode> {
    let (nats, name) = match options.nats() {
        Ok(found) => found,
        Err(fault) => {
            eprintln!("cipher-chat: {:#}", anyhow::Error::new(fault));
            return Ok(ExitCode::from(WRONG_OPTIONS));
        }
    };
    let every = if options.once { SOON } else { watch::EVERY };
    let watcher = Watcher::open(nats, &name, every).await.context("cannot watch the bus")?;
    let watched = Watched { watcher, clock: Clock::start(), cluster: Cluster::new()? };
    if options.once {
        return watched.once(&options).await;
    }
    if options.json {
        return watched.lines().await;
    }
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        bail!("this is no terminal: use --once, or --json");
    }
    Screen::open(Model::new(options.sort)).context("cannot use the terminal")?.run(watched).await
}

/// A cluster that is watched.
struct Watched {
    watcher: Watcher,
    clock: Clock,
    cluster: Cluster,
}

impl Watched {
    /// Waits until something is heard.
    async fn hear(&mut self) {
        let heard = self.watcher.next().await;
        self.cluster.hear(self.clock.now(), heard);
    }

    fn report(&self) -> Report {
        self.cluster.report(self.clock.now())
    }

    async fn once(mut self, options: &TopOptions) -> anyhow::Result<ExitCode> {
        let looking = async {
            while self.cluster.rounds() < ROUNDS_FOR_RATES {
                self.hear().await;
            }
        };
        let in_time = timeout(PATIENCE, looking).await;
        let report = self.report();
        if options.json {
            say(&serde_json::to_string(&report)?)?;
        } else {
            say(&printed(report.clone(), options.sort))?;
        }
        if in_time.is_err() {
            eprintln!("cipher-chat: the bus cannot be reached, or does not let this certificate in");
        } else if report.nodes.is_empty() {
            eprintln!("cipher-chat: no node is heard");
        }
        Ok(ExitCode::from(if report.nodes.is_empty() { NOBODY } else { 0 }))
    }

    /// A line for each look, until nobody reads them.
    async fn lines(mut self) -> anyhow::Result<ExitCode> {
        loop {
            let before = self.cluster.rounds();
            self.hear().await;
            if self.cluster.rounds() > before && say(&serde_json::to_string(&self.report())?).is_err() {
                return Ok(ExitCode::SUCCESS);
            }
        }
    }
}

/// The table as lines of text.
fn printed(report: Report, sort: Column) -> String {
    let mut model = Model::new(sort);
    let lines = report.nodes.len() + report.alarms.len();
    model.report = Some(report);
    let height = u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(view::FIXED_LINES);
    view::text(&model, PRINTED_COLUMNS, height)
}

/// `println!` panics if nobody reads.
fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}
