//! People of the lab (`tests/lab/run`): they chat with the project's own library while the lab
//! takes the cluster apart, and account for each text.
//!
//! Orders come as lines on standard input, answers go as lines of JSON to standard output:
//!
//! | order | what happens |
//! |---|---|
//! | `begin` | a new account |
//! | `fault` | from now on something is broken |
//! | `healed` | nothing is broken any more: from now on recoveries are timed |
//! | `storm` | everybody loses the connection at once |
//! | `nap SECONDS` | one in three stops reading for so long |
//! | `report SECONDS` | nobody writes; when all has arrived, or after so long, the account is printed |
//! | `end` | everybody says goodbye, and the program ends |

mod account;
mod churn;
mod orders;
mod pairs;
mod rooms;
mod text;

use std::{path::PathBuf, time::Duration};

use anyhow::Context;
use clap::{Parser, ValueEnum};
use client::{Server, ServerUrl, Trust};

use crate::orders::Desk;

/// People who chat in the lab.
#[derive(Clone, Debug, Parser)]
struct Options {
    /// What they do
    crowd: Crowd,
    /// Where the first of each pair connects
    #[arg(long)]
    url: ServerUrl,
    /// Where the second connects
    #[arg(long)]
    other_url: ServerUrl,
    /// Whom they trust
    #[arg(long)]
    ca: PathBuf,
    /// How many: pairs, or people who look for anybody
    #[arg(long)]
    count: usize,
    /// How many texts each writes in a second
    #[arg(long, default_value_t = 1.0)]
    rate: f64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Crowd {
    /// Two and two, who meet by an invite and stay together
    Pairs,
    /// Everybody for themselves: they find, go on to the next, leave, report, drop out, come back
    Churn,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(run(options))
}

async fn run(options: Options) -> anyhow::Result<()> {
    let trust = Trust::Ca(options.ca.clone());
    let servers = [&options.url, &options.other_url]
        .map(|url| Server::new([url.clone()], &trust).with_context(|| format!("{url}")));
    let [first, second] = servers;
    let servers = [first?, second?];
    anyhow::ensure!(options.rate > 0.0, "the rate is not positive");
    let pause = Duration::from_secs_f64(1.0 / options.rate);
    let desk = Desk::open();
    match options.crowd {
        Crowd::Pairs => pairs::run(servers, options.count, pause, desk).await,
        Crowd::Churn => churn::run(servers, options.count, pause, desk).await,
    }
}
