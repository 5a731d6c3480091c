//! Taking passes back.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::Path,
};

use anyhow::Context;
use passes::{Pass, PassId, PassKeys, Revocations, keys};
use schemas::UnixMillis;

use super::{options::RevokeOptions, show};

/// Adds the passes to the list, which is written as a whole or not at all.
pub(super) fn revoke(options: &RevokeOptions, now: UnixMillis) -> anyhow::Result<String> {
    let key = keys::private_key(&options.key).with_context(|| options.key.display().to_string())?;
    let keys = PassKeys::of(&key);
    let file = &options.list;
    let mut list = read(file, &keys, now).with_context(|| file.display().to_string())?;
    for given in &options.passes {
        let (id, end) = id_of(given, &keys)?;
        list.add(id, end, now);
    }
    let signed = list.sign(now, &key)?;
    replace(file, &signed).with_context(|| file.display().to_string())?;
    let count = Revocations::verify(&signed, &keys, now)?.ids().count();
    Ok(format!("{}: {count} revoked\n", file.display()))
}

/// A list that is not there is empty. One that cannot be believed is not replaced in silence.
fn read(file: &Path, keys: &PassKeys, now: UnixMillis) -> anyhow::Result<Revocations> {
    match fs::read_to_string(file) {
        Ok(list) => Ok(Revocations::verify(list.trim(), keys, now)?),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Revocations::default()),
        Err(error) => Err(error.into()),
    }
}

/// The id, and the end if a pass that this key has signed tells it: another's end could take the
/// id off the list too early.
fn id_of(given: &str, keys: &PassKeys) -> anyhow::Result<(PassId, Option<u64>)> {
    if let Ok(id) = PassId::try_from(given.to_owned()) {
        return Ok((id, None));
    }
    let text = show::pass_of(given)?;
    let pass = Pass::read(&text).context("neither the id of a pass nor a pass")?;
    // At the time of its end at the latest it was valid.
    let before_its_end = UnixMillis::from_secs(pass.expires.saturating_sub(1));
    Pass::verify(&text, keys, before_its_end)?;
    Ok((pass.id, Some(pass.expires)))
}

fn replace(file: &Path, list: &str) -> anyhow::Result<()> {
    let mut new = file.as_os_str().to_owned();
    new.push(".new");
    let mut written = File::create(&new)?;
    written.write_all(format!("{list}\n").as_bytes())?;
    written.sync_all()?;
    Ok(fs::rename(&new, file)?)
}
