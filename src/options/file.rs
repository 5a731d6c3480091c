//! Options in a file (TOML), under their own names. What stands there is the default of this
//! machine: the environment and the command line win over it.

use std::{collections::BTreeMap, fs, path::Path};

use toml::{Table, Value};

use super::{
    faults::{Faults, Place, nearest},
    secrecy,
    spec::Row,
    table::{CONFIG, TABLE, place},
    value::Wrong,
};

/// A file of all options with every comment is a tenth of that.
const FILE_BYTES: usize = 1024 * 1024;

/// What is given for each option.
pub type Values = BTreeMap<&'static str, Result<Vec<String>, Wrong>>;

/// Reads a file. What is no option is a fault; what is one of another role is left to it. A file
/// that cannot be read is told where the value of `--config` is.
pub fn read(path: &Path, faults: &mut Faults) -> Values {
    let Ok(bytes) = fs::read(path) else { return Values::new() };
    let table = match table(&bytes) {
        Ok(table) => table,
        Err(fault) => {
            faults.add(place(&CONFIG), format!("{}: {}: {fault}", CONFIG.flag(), path.display()));
            return Values::new();
        }
    };
    let mut values = Values::new();
    for (key, value) in table {
        match TABLE.iter().find(|row| row.spec().name == key) {
            Some(row) if row.spec().name == CONFIG.spec.name => {
                let fault = "a file cannot name another file";
                faults.add(place(&CONFIG), format!("{}: {}: {fault}", CONFIG.flag(), path.display()));
            }
            Some(row) => drop(values.insert(row.spec().name, texts(value))),
            None => faults.add(Place::Key, unknown(&key, path)),
        }
    }
    values
}

fn table(bytes: &[u8]) -> Result<Table, String> {
    if bytes.len() > FILE_BYTES {
        return Err(format!("it is longer than {FILE_BYTES} bytes"));
    }
    let text = str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    text.parse::<Table>().map_err(|fault| {
        let line = fault.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        // The message itself quotes no value; a key may be anything.
        let message = secrecy::without(fault.message(), secrecy::secrets(text));
        format!("line {line} is not TOML: {message}")
    })
}

fn unknown(key: &str, path: &Path) -> String {
    let shown = secrecy::key(key);
    let names = TABLE.iter().map(|row| row.spec().name);
    match nearest(key, names) {
        Some(near) => format!("{}: {shown} is not an option: did you mean {near}?", path.display()),
        None => format!("{}: {shown} is not an option", path.display()),
    }
}

fn texts(value: Value) -> Result<Vec<String>, Wrong> {
    match value {
        Value::Array(items) => items.into_iter().map(text).collect(),
        value => text(value).map(|text| vec![text]),
    }
}

fn text(value: Value) -> Result<String, Wrong> {
    match value {
        Value::String(text) => Ok(text),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Boolean(truth) => Ok(truth.to_string()),
        Value::Float(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => {
            Err("write a string, a whole number, true or false, or a list of them".to_owned().into())
        }
    }
}
