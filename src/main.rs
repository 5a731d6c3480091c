//! The one binary: every role of cipher-chat, the terminal client, and the operator's small tools.

#![allow(unreachable_pub, reason = "nothing is outside of a binary: `pub` is for the other modules")]

mod decode;
mod duration;
mod memory;
mod notify;
mod ops_listeners;
mod options;
mod order;
mod orders_http;
mod page;
mod pass;
mod pass_list;
mod passed;
mod probe;
mod process;
mod reload;
mod roles;
mod sockets;
mod telemetry;
mod watching;

use std::{env, process::ExitCode};

use bench::Outcome;
use bus::Clock;
use pki::{PkiError, PkiOptions};

use crate::options::{CheckOptions, Request, Tool};

/// Memory is wiped when it is freed: keys, tokens and frames do not outlive their use.
#[global_allocator]
static ALLOCATOR: wipe::Wiping = wipe::Wiping;

/// A failure while running.
const FAILED: u8 = 1;
/// The options are wrong; nothing was started. (What clap itself exits with.)
const WRONG_OPTIONS: u8 = 2;

fn main() -> ExitCode {
    let words = options::with_default_command(env::args_os());
    match options::request(&words, env::vars_os()) {
        Ok(Request::Node(role, words)) => roles::main(role, &words),
        Ok(Request::Tool(tool)) => run(tool),
        Err(faults) => {
            eprintln!("{faults}");
            ExitCode::from(WRONG_OPTIONS)
        }
    }
}

fn run(tool: Tool) -> ExitCode {
    match tool {
        Tool::Chat(options) => {
            process::run(async { terminal::run(options).await.unwrap_or_else(|error| fail(&error, FAILED)) })
        }
        Tool::Bench(options) => process::run(async {
            match bench::run(options, process::stop_signal()).await {
                Ok(Outcome::Kept) => ExitCode::SUCCESS,
                Ok(Outcome::Broken) => ExitCode::from(FAILED),
                Ok(Outcome::WrongOptions) => ExitCode::from(WRONG_OPTIONS),
                Err(error) => fail(&error, FAILED),
            }
        }),
        Tool::Top(options) => {
            process::run(async { top::run(*options).await.unwrap_or_else(|error| fail(&error, FAILED)) })
        }
        Tool::Decode => decode::main(),
        Tool::Pki(options) => certificates(&options),
        Tool::Check(options) => check(&options),
        Tool::Config => {
            print!("{}", options::commented_file());
            ExitCode::SUCCESS
        }
        Tool::Probe(options) => probe::main(&options),
        Tool::Order(options) => process::run(order::main(*options)),
        Tool::Page(options) => process::run(page::main(options)),
        Tool::Pass(options) => pass::main(&options),
    }
}

/// Says what would be in force, or all that is wrong.
fn check(options: &CheckOptions) -> ExitCode {
    let (role, words) = options.role();
    match options::check(role, words, env::vars_os()) {
        Ok(account) => {
            print!("{account}");
            ExitCode::SUCCESS
        }
        Err(faults) => {
            eprintln!("{faults}");
            ExitCode::from(WRONG_OPTIONS)
        }
    }
}

/// Makes what is missing, and names each file that was written.
fn certificates(options: &PkiOptions) -> ExitCode {
    match pki::run(options, Clock::start().now()) {
        Ok(written) if written.is_empty() => println!("nothing to do"),
        Ok(written) => written.iter().for_each(|file| println!("{file}")),
        Err(PkiError::Plan(error)) => return fail(&error.into(), WRONG_OPTIONS),
        Err(error) => return fail(&error.into(), FAILED),
    }
    ExitCode::SUCCESS
}

/// Shows an error with its causes on standard error.
fn fail(error: &anyhow::Error, code: u8) -> ExitCode {
    eprintln!("cipher-chat: {}", options::without_secrets(&format!("{error:#}")));
    ExitCode::from(code)
}
