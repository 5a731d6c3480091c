//! `cipher-chat pass`: the operator's passes for helpers. Nothing here talks to a server.

mod options;
mod revoke;
mod show;
#[cfg(test)]
mod tests;

use std::{
    fs::OpenOptions,
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail};
use bus::Clock;
use passes::{LIST_BYTES, Link, Pass, PassId, Secret, keys};
use schemas::{UnixMillis, criteria::Role};

pub use self::options::{NewOptions, PassCommand, PassOptions};
use crate::{FAILED, fail};

/// Says what was asked for on standard output. A pass that is not valid is a failure, too.
pub fn main(options: &PassOptions) -> ExitCode {
    let now = Clock::start().now();
    let done = match &options.command {
        PassCommand::Key { out } => make_key(out),
        PassCommand::New(options) => new(options, now),
        PassCommand::Show { what } => given(what).and_then(|what| show::show(&what, now)),
        PassCommand::Check(options) => given(&options.pass).and_then(|pass| show::check(options, &pass, now)),
        PassCommand::Revoke(options) => revoke::revoke(options, now),
    };
    match done {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error, FAILED),
    }
}

/// Links and passes, each with the label, if there is one: for the operator's eyes.
fn new(options: &NewOptions, now: UnixMillis) -> anyhow::Result<String> {
    let key = keys::private_key(&options.key).with_context(|| options.key.display().to_string())?;
    let days = Duration::from_secs(u64::from(options.days) * 24 * 60 * 60);
    let mut text = String::new();
    for number in 1..=options.count {
        let secret = Secret::generate();
        let pass = Pass {
            key: secret.public(),
            role: Role::Offer,
            topics: (!options.topics.is_empty()).then(|| options.topics.clone()),
            expires: (now + days).as_secs(),
            id: PassId(rand::random()),
        };
        let signed = pass.sign(now, &key)?;
        let link = Link { secret, pass: Some(signed) };
        let label = options.label.as_ref().map(|label| match options.count {
            1 => format!("# {label}\n"),
            _ => format!("# {label} {number}\n"),
        });
        let until = show::time(pass.expires);
        text += &label.unwrap_or_default();
        text += &format!("# {} until {until}\n{}\n", pass.id, *link.at(&options.url.to_string()));
    }
    Ok(text)
}

/// Writes both halves of a new key, and never over another.
fn make_key(out: &Path) -> anyhow::Result<String> {
    let shown = out.with_extension("pub");
    if shown == out {
        bail!("the key needs another name than its public half, such as passes.key");
    }
    let (private, public) = keys::generate().context("there is no randomness")?;
    // Whoever may read the key can make passes.
    let files = [(out, private.as_str(), 0o600), (&*shown, public.as_str(), 0o644)];
    for (file, text, mode) in files {
        let open = OpenOptions::new().write(true).create_new(true).mode(mode).open(file);
        let written = open.and_then(|mut file| file.write_all(text.as_bytes()).and(file.sync_all()));
        written.with_context(|| file.display().to_string())?;
    }
    Ok(format!("{}\n{}\n", out.display(), shown.display()))
}

/// What was given, or what stands on standard input in place of `-`: there nobody sees it in the
/// list of processes.
fn given(what: &str) -> anyhow::Result<String> {
    if what != "-" {
        return Ok(what.to_owned());
    }
    let mut text = String::new();
    let most = u64::try_from(LIST_BYTES).unwrap_or(u64::MAX);
    io::stdin().take(most).read_to_string(&mut text).context("standard input")?;
    Ok(text.trim().to_owned())
}
