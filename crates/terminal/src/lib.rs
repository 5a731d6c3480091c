//! `cipher-chat chat`: the terminal client, for one chat after the other.
//!
//! At a terminal it takes the whole screen. In a script, or with `--plain`, it uses plain lines:
//! the peer's texts go to standard output, everything else to standard error. With `--json` it
//! reads and writes lines of JSON. Nothing is written anywhere else.

mod clock;
mod command;
mod completion;
mod conversation;
mod draft;
mod entry_rows;
mod full_screen;
mod helper_text;
mod hidden;
mod input;
mod json;
mod keys;
mod layout;
mod log;
mod model;
mod opening;
mod options;
mod outcome;
mod outlook_text;
mod output;
mod painter;
mod plain;
mod plan;
mod popup_text;
mod recent;
mod report_text;
mod saying;
mod service_text;
mod state;
mod stop;
mod streams;
mod terminal;
mod text;
mod vanishing_text;
mod view;

use std::process::ExitCode;

use anyhow::Context;
use client::{Server, Trust};

pub use self::options::ChatOptions;
use self::{
    conversation::Conversation,
    full_screen::FullScreen,
    input::Typist,
    json::Json,
    output::{Output, Reporter},
    plain::Plain,
    terminal::Terminal,
};

/// The exit code for options that are wrong; nothing was started.
const WRONG_OPTIONS: u8 = 2;

/// Runs until somebody quits, or until the input and its last chat have ended.
///
/// # Errors
/// If the server cannot be reached, or refuses. Later faults are shown. The exit code tells how it
/// ended: see `docs/terminal.md`.
pub async fn run(options: ChatOptions) -> anyhow::Result<ExitCode> {
    let plan = match options.plan(hidden::first_line) {
        Ok(plan) => plan,
        Err(fault) => {
            eprintln!("cipher-chat: {fault}");
            return Ok(ExitCode::from(WRONG_OPTIONS));
        }
    };
    let trust = options.ca.clone().map_or(Trust::System, Trust::Ca);
    let server = Server::new(plan.urls.clone(), &trust)?;
    let chat = opening::open(&server, &plan).await.context("cannot open a session")?;
    let output = Output::of(&options);
    if output == Output::Plain && Terminal::is_there() && !options.plain {
        return FullScreen::new(server, chat, plan).run().await;
    }
    let (reporter, typist): (Box<dyn Reporter>, _) = match output {
        Output::Plain => (Box::new(Plain::new()), Typist::of_input()),
        Output::Json => (Box::new(Json::new()), Typist::Program),
    };
    Conversation::new(chat, reporter, typist, plan).run().await
}
