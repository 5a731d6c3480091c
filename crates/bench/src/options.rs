//! The options of a run.

use std::path::PathBuf;

use clap::Args;
use client::ServerUrl;

use super::plan::{Content, Scenario};

/// The options of `cipher-chat bench`.
#[derive(Args, Clone, Debug)]
pub struct BenchOptions {
    /// What the pairs of people do
    #[arg(value_enum, default_value = "steady")]
    pub scenario: Scenario,
    /// The servers to load, or proxies before them, separated by commas. The first person of a pair
    /// connects to one of them, the second person to the next
    #[arg(long, value_name = "URL[,URL…]", value_delimiter = ',', default_value = "http://127.0.0.1:8080")]
    pub url: Vec<ServerUrl>,
    /// All people connect to the first of the servers, and to the others only when that one is lost
    #[arg(long)]
    pub together: bool,
    /// Trust only the certificate authorities in this PEM file [default: those of this system]
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Confirms that servers on other machines are yours. Without it, only servers on this machine
    /// are loaded
    #[arg(long)]
    pub i_own_this_target: bool,
    /// How many pairs of people chat at the same time
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    pub pairs: u64,
    /// How long they chat, in seconds, from when all pairs have met
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    pub secs: u64,
    /// How many messages a pair sends in a second; its two people send in turn. Scenarios steady,
    /// storm and slow
    #[arg(long, value_name = "COUNT", default_value_t = 1.0)]
    pub rate: f64,
    /// How many messages each person has under way at once: the next is sent when one arrives.
    /// Scenario saturation
    #[arg(long, value_name = "COUNT", default_value_t = 8)]
    pub window: u64,
    /// How long a message is, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 128)]
    pub size: usize,
    /// What the messages are [default: e2e in the scenario storm, otherwise opaque]
    #[arg(long, value_enum)]
    pub content: Option<Content>,
    /// In how many of 100 pairs one person stops reading. Scenario slow
    #[arg(long, value_name = "PERCENT", default_value_t = 10)]
    pub slow: u64,
    /// Kill the gateway with this process id (SIGKILL) after a third of the time. Scenario storm
    /// [default: no gateway is killed, the clients cut their connections]
    #[arg(long, value_name = "PID")]
    pub kill: Option<u32>,
    /// Tell you when to end a gateway yourself, for one on another machine. Scenario storm
    #[arg(long, conflicts_with = "kill")]
    pub wait_for_kill: bool,
    /// Measure memory and processor time of the server processes with these ids, separated by
    /// commas. They have to be on this machine
    #[arg(long, value_name = "PID[,PID…]", value_delimiter = ',')]
    pub pid: Vec<u32>,
    /// How many pairs connect at the same time, before the chats begin
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    pub connecting: u64,
    /// How many processes of this program share the work [default: as few as the limit of open
    /// files allows]
    #[arg(long, value_name = "COUNT")]
    pub processes: Option<u64>,
    /// Write the results as JSON to this file. With -, to standard output
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the results to this file as a page with charts, which needs no other file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Run as one of several processes
    #[arg(long, hide = true)]
    pub worker: bool,
}
