//! The one binary: every role of cipher-chat, the terminal client, and the operator's small tools.

#![allow(unreachable_pub, reason = "nothing is outside of a binary: `pub` is for the other modules")]

mod decode;
mod duration;
mod memory;
mod options;
mod process;
mod roles;
mod telemetry;

use std::process::ExitCode;

use bench::Outcome;
use clap::Parser;

use crate::options::{Cli, Command};

/// Memory is wiped when it is freed: keys, tokens and frames do not outlive their use.
#[global_allocator]
static ALLOCATOR: wipe::Wiping = wipe::Wiping;

/// A failure while running.
const FAILED: u8 = 1;
/// The options are wrong; nothing was started. (What clap itself exits with.)
const WRONG_OPTIONS: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse_from(options::with_default_command(std::env::args_os()));
    match cli.command {
        Command::Serve(options) => roles::main(roles::Role::Serve, &options),
        Command::Gateway(options) => roles::main(roles::Role::Gateway, &options),
        Command::Pairing(options) => roles::main(roles::Role::Pairing, &options.into()),
        Command::Janitor(options) => roles::main(roles::Role::Janitor, &options.into()),
        Command::Chat(options) => {
            process::run(async { terminal::run(options).await.unwrap_or_else(|error| fail(&error, FAILED)) })
        }
        Command::Bench(options) => process::run(async {
            match bench::run(options, process::stop_signal()).await {
                Ok(Outcome::Kept) => ExitCode::SUCCESS,
                Ok(Outcome::Broken) => ExitCode::from(FAILED),
                Ok(Outcome::WrongOptions) => ExitCode::from(WRONG_OPTIONS),
                Err(error) => fail(&error, FAILED),
            }
        }),
        Command::Decode => decode::main(),
    }
}

/// Shows an error with its causes on standard error.
fn fail(error: &anyhow::Error, code: u8) -> ExitCode {
    eprintln!("cipher-chat: {error:#}");
    ExitCode::from(code)
}
