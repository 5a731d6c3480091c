//! The options of a run.

use std::path::PathBuf;

use clap::Args;
use client::ServerUrl;

use super::plan::{Content, Scenario};

/// The options of `cipher-chat bench`.
#[derive(Args, Clone, Debug)]
pub struct BenchOptions {
    /// What the pairs do
    #[arg(value_enum, default_value = "steady")]
    pub scenario: Scenario,
    /// The servers or their proxies, comma-separated: side a of a pair connects to one, side b to
    /// the next
    #[arg(long, value_name = "URL[,URL…]", value_delimiter = ',', default_value = "http://127.0.0.1:8080")]
    pub url: Vec<ServerUrl>,
    /// Trust only the certificate authorities in this file (PEM) [default: those of this system]
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// The servers are not on this machine, and I may load them
    #[arg(long)]
    pub i_own_this_target: bool,
    /// How many pairs of people
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    pub pairs: u64,
    /// How long they chat, in seconds
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    pub secs: u64,
    /// Messages per second and pair, from both sides in turn (steady, storm, slow)
    #[arg(long, value_name = "COUNT", default_value_t = 1.0)]
    pub rate: f64,
    /// Messages of each side that are in flight at once (saturation)
    #[arg(long, value_name = "COUNT", default_value_t = 8)]
    pub window: u64,
    /// Size of a message, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 128)]
    pub size: usize,
    /// What is sent [default: e2e in a storm, otherwise opaque]
    #[arg(long, value_enum)]
    pub content: Option<Content>,
    /// Percentage of the pairs in which one side does not read (slow)
    #[arg(long, value_name = "PERCENT", default_value_t = 10)]
    pub slow: u64,
    /// End this gateway with SIGKILL after a third of the time (storm) [default: the clients cut
    /// their connections]
    #[arg(long, value_name = "PID")]
    pub kill: Option<u32>,
    /// Tell you when to end a gateway yourself, which may be on another machine (storm)
    #[arg(long, conflicts_with = "kill")]
    pub wait_for_kill: bool,
    /// Server processes on this machine whose memory and processor time to measure, comma-separated
    #[arg(long, value_name = "PID[,PID…]", value_delimiter = ',')]
    pub pid: Vec<u32>,
    /// How many pairs connect at once
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    pub connecting: u64,
    /// How many processes share the work [default: as many as the limit of open files requires]
    #[arg(long, value_name = "COUNT")]
    pub processes: Option<u64>,
    /// Write the results as JSON to this file; - is standard output
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the results as a self-contained page with curves to this file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Run as one of several processes
    #[arg(long, hide = true)]
    pub worker: bool,
}
