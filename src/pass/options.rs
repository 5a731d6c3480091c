//! The options of `cipher-chat pass`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use client::ServerUrl;
use schemas::criteria::Topic;

/// Most passes of one call: a help line has fewer helpers.
const COUNT: std::ops::RangeInclusive<i64> = 1..=1000;

/// Longest life of a pass in days, as `passes::LONGEST_LIFE` is.
const DAYS: std::ops::RangeInclusive<i64> = 1..=92;

/// The options of `cipher-chat pass`.
#[derive(Args, Clone, Debug)]
pub struct PassOptions {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: PassCommand,
}

/// What can be done with passes.
#[derive(Clone, Debug, Subcommand)]
pub enum PassCommand {
    /// Make the key that signs passes, and its public half (.pub) for --pass-key
    Key {
        /// File of the new key
        #[arg(long, value_name = "FILE", default_value = "passes.key")]
        out: PathBuf,
    },
    /// Make passes: links for helpers, on standard output
    New(NewOptions),
    /// Say what a pass or a link holds, whoever has signed it. Its secret is not shown
    Show {
        /// The link or the pass; - reads it from standard input
        #[arg(value_name = "LINK|PASS|-")]
        what: String,
    },
    /// Say whether a pass is valid
    Check(CheckPassOptions),
    /// Take passes back: write the signed list for --revoked-passes and `order revoke-passes`
    Revoke(RevokeOptions),
}

/// The options of `cipher-chat pass new`.
#[derive(Args, Clone, Debug)]
pub struct NewOptions {
    /// File of the key that signs passes
    #[arg(long, value_name = "FILE")]
    pub(super) key: PathBuf,
    /// The server, as helpers open it
    #[arg(long, value_name = "URL", default_value = "http://localhost:8080")]
    pub(super) url: ServerUrl,
    /// The topics that the helper may offer [default: every topic, and none]
    #[arg(long, value_name = "TOPIC[,TOPIC…]", value_delimiter = ',')]
    pub(super) topics: Vec<Topic>,
    /// For how many days: whoever has a stolen link has it as long
    #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u32).range(DAYS))]
    pub(super) days: u32,
    /// For you alone: printed above each link, and not in the pass
    #[arg(long, value_name = "TEXT", value_parser = label)]
    pub(super) label: Option<String>,
    /// How many passes. Seekers cannot tell that two of them are one helper's
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(COUNT))]
    pub(super) count: u32,
}

/// The options of `cipher-chat pass check`.
#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("whose").required(true).multiple(false).args(["key", "pass_key"]))]
pub struct CheckPassOptions {
    /// File of the key that signs passes
    #[arg(long, value_name = "FILE")]
    pub(super) key: Option<PathBuf>,
    /// File of its public half
    #[arg(long, value_name = "FILE")]
    pub(super) pass_key: Option<PathBuf>,
    /// File of the list of revoked passes
    #[arg(long, value_name = "FILE")]
    pub(super) list: Option<PathBuf>,
    /// The pass, or a link with it; - reads it from standard input
    #[arg(value_name = "PASS|LINK|-")]
    pub(super) pass: String,
}

/// The options of `cipher-chat pass revoke`.
#[derive(Args, Clone, Debug)]
pub struct RevokeOptions {
    /// File of the key that signs passes
    #[arg(long, value_name = "FILE")]
    pub(super) key: PathBuf,
    /// File of the list. What it holds stays revoked until it is over
    #[arg(long, value_name = "FILE")]
    pub(super) list: PathBuf,
    /// The ids of the passes, or the passes, or links with them. None signs the list anew, which clients want
    /// daily
    #[arg(value_name = "ID|PASS|LINK")]
    pub(super) passes: Vec<String>,
}

/// One line that cannot be taken for a link.
fn label(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err("a label is one line".into());
    }
    Ok(text.to_owned())
}
