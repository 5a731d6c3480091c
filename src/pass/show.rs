//! What a pass says, and whether it is valid.

use std::fs;

use anyhow::{Context, bail};
use passes::{Link, Pass, PassKeys, Revocations, keys};
use schemas::UnixMillis;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::options::CheckPassOptions;

/// What a pass or a link holds, without its secret.
pub(super) fn show(what: &str, now: UnixMillis) -> anyhow::Result<String> {
    let text = match Link::parse(what) {
        Ok(Link { secret, pass: Some(text) }) => {
            let pass = Pass::read(&text).context("the link holds no pass after its secret")?;
            if pass.key != secret.public() {
                bail!("the secret of the link is not that of its pass");
            }
            text
        }
        Ok(Link { pass: None, .. }) => return Ok("a link without a pass: the desk asks for it\n".into()),
        Err(_) => what.to_owned(),
    };
    let pass = Pass::read(&text).context("neither a pass nor the link of a helper")?;
    let is_over = pass.expires <= now.as_secs();
    Ok(told(&pass)
        + if is_over { "It has expired.\n" } else { "Whether the operator signed it, `pass check` tells.\n" })
}

/// Whether a pass is valid. One that is not is a failure that says why.
pub(super) fn check(options: &CheckPassOptions, pass: &str, now: UnixMillis) -> anyhow::Result<String> {
    let keys = match (&options.key, &options.pass_key) {
        (Some(file), _) => {
            PassKeys::of(&keys::private_key(file).with_context(|| file.display().to_string())?)
        }
        (None, Some(file)) => PassKeys::from_file(file).with_context(|| file.display().to_string())?,
        (None, None) => bail!("--key or --pass-key is needed"),
    };
    let text = pass_of(pass)?;
    let believed = Pass::verify(&text, &keys, now)?;
    if let Some(file) = &options.list {
        let list = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let list =
            Revocations::verify(list.trim(), &keys, now).with_context(|| file.display().to_string())?;
        if list.contains(&believed.pass().id) {
            bail!("the pass is revoked");
        }
    }
    Ok(told(believed.pass()) + "It is valid.\n")
}

/// The pass of a link, or what is given.
pub(super) fn pass_of(given: &str) -> anyhow::Result<String> {
    match Link::parse(given) {
        Ok(link) => link.pass.context("the link holds no pass"),
        Err(_) => Ok(given.to_owned()),
    }
}

fn told(pass: &Pass) -> String {
    let topics = match &pass.topics {
        None => "every topic, and none".to_owned(),
        Some(topics) => topics.iter().map(|topic| topic.folded()).collect::<Vec<_>>().join(", "),
    };
    let role = if pass.role == schemas::criteria::Role::Offer { "offer" } else { "seek" };
    format!("id      {}\nrole    {role}\ntopics  {topics}\nuntil   {}\n", pass.id, time(pass.expires))
}

/// A time of day for people (RFC 3339).
pub(super) fn time(seconds: u64) -> String {
    let date = i64::try_from(seconds).ok().and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    date.and_then(|date| date.format(&Rfc3339).ok()).unwrap_or_else(|| seconds.to_string())
}
