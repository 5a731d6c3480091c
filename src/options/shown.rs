//! What the operator tells whoever comes, as option values.

use std::{fs, path::Path};

use gateway::about::{About, ExitUrl, Presence, Shown, WELCOME_CHARS};

use super::{
    reader::Reader,
    table::{CONSENT, EXIT_URL, OPERATOR_CONTACT, OPERATOR_NAME, SHOW_PRESENCE, WELCOME},
    value::{Switch, Value, Wrong},
};

/// A file longer than this is not read to its end: no character takes more than four bytes.
const WELCOME_BYTES: u64 = 8 * WELCOME_CHARS as u64;

impl<const MOST: usize> Value for Shown<MOST> {
    const FORM: &'static str = "TEXT";

    fn parse(text: &str) -> Result<Self, Wrong> {
        Ok(Self::parse(text).map_err(|fault| fault.to_string())?)
    }
}

impl Value for ExitUrl {
    const FORM: &'static str = "URL";

    fn parse(text: &str) -> Result<Self, Wrong> {
        Ok(Self::parse(text).map_err(|fault| fault.to_string())?)
    }
}

pub(super) fn about(reader: &mut Reader) -> About {
    let path = reader.find(&WELCOME);
    let welcome = path.and_then(|path| read(&path).map_err(|fault| reader.wrong(&WELCOME, &fault)).ok());
    About {
        name: reader.find(&OPERATOR_NAME),
        contact: reader.find(&OPERATOR_CONTACT),
        welcome,
        consent: reader.find(&CONSENT),
        exit_url: reader.find(&EXIT_URL),
        presence: match reader.get(&SHOW_PRESENCE) {
            Switch::On => Presence::Shown,
            Switch::Off => Presence::Hidden,
        },
    }
}

fn read(path: &Path) -> Result<Shown<WELCOME_CHARS>, String> {
    let named = |fault: String| format!("{}: {fault}", path.display());
    let length = fs::metadata(path).map_err(|fault| named(fault.to_string()))?.len();
    if length > WELCOME_BYTES {
        return Err(named(format!("it is longer than {WELCOME_BYTES} bytes")));
    }
    let text = fs::read_to_string(path).map_err(|fault| named(fault.to_string()))?;
    Shown::parse(&text).map_err(|fault| named(fault.to_string()))
}
