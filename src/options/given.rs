//! Reads the command line, the environment and a file as text. The command line has precedence,
//! then the environment.
//!
//! It continues after a fault, so that all faults can be reported together. (clap stops at the
//! first.)

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::PathBuf,
};

use super::{
    faults::{Faults, Place, nearest},
    file, help,
    role::Role,
    secrecy::flag,
    spec::{PREFIX, Row},
    table::{CONFIG, TABLE},
    value::{Repeat, Wrong},
};

/// What was given for the options of one role.
#[derive(Debug, Default)]
pub struct Given(BTreeMap<&'static str, Text>);

/// What was given for one option.
#[derive(Debug, PartialEq, Eq)]
pub struct Text {
    /// Where it was given.
    pub source: Source,
    /// The value, or why it cannot be used. The parts of a list are joined by commas.
    pub value: Result<String, Wrong>,
}

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The command line.
    Flag,
    /// The environment.
    Variable,
    /// This file of `--config`.
    File(String),
}

impl Source {
    /// The option's name in a message. It includes the variable or the file if the value was given
    /// there.
    pub fn name(&self, row: &dyn Row) -> String {
        match self {
            Self::Flag => row.flag(),
            Self::Variable | Self::File(_) => format!("{} ({})", row.flag(), self.origin(row)),
        }
    }

    /// Where a value comes from.
    pub fn origin(&self, row: &dyn Row) -> String {
        match self {
            Self::Flag => "command line".to_owned(),
            Self::Variable => row.variable(),
            Self::File(path) => path.clone(),
        }
    }
}

impl Given {
    /// Reads the words after the role, the environment, and the file that one of them names. Words,
    /// variables and keys that are not options are faults.
    pub fn collect(
        role: Role,
        words: &[OsString],
        environment: impl Iterator<Item = (OsString, OsString)>,
        faults: &mut Faults,
    ) -> Self {
        let flags = flags(role, words, faults);
        let variables = variables(environment, faults);
        let path = flags.get(CONFIG.spec.name).and_then(|values| values.last());
        let path = path.or_else(|| variables.get(&CONFIG.variable())).cloned().flatten();
        let path = path.map(PathBuf::from);
        let in_file = path.as_deref().map(|path| file::read(path, faults)).unwrap_or_default();
        let path = path.map(|path| path.display().to_string()).unwrap_or_default();
        let rows = TABLE.iter().filter(|row| row.is_of(role));
        let given = rows.filter_map(|row| {
            let name = row.spec().name;
            let of_file = in_file.get(name);
            let (source, values) = match (flags.get(name), variables.get(&row.variable()), of_file) {
                (Some(values), _, _) => (Source::Flag, Ok(values.clone())),
                (None, Some(value), _) => (Source::Variable, Ok(vec![value.clone()])),
                (None, None, Some(values)) => (Source::File(path.clone()), raw(values)),
                (None, None, None) => return None,
            };
            let value = values.and_then(|values| joined(*row, &source, &values));
            Some((name, Text { source, value }))
        });
        Self(given.collect())
    }

    /// What was given for an option, if it can be used, and where.
    pub fn get(&self, row: &dyn Row) -> Option<(&str, &Source)> {
        let Text { source, value } = self.0.get(row.spec().name)?;
        value.as_deref().ok().map(|value| (value, source))
    }

    /// Removes and returns what was given for an option.
    pub fn take(&mut self, row: &dyn Row) -> Option<Text> {
        self.0.remove(row.spec().name)
    }
}

/// A value as it was given; `None` if a flag has no value.
type Raw = Option<OsString>;

/// The values of a file, as those of a flag are.
fn raw(values: &Result<Vec<String>, Wrong>) -> Result<Vec<Raw>, Wrong> {
    match values {
        Ok(values) if values.is_empty() => {
            Err("the list is empty: name something, or leave the option out".to_owned().into())
        }
        Ok(values) => Ok(values.iter().map(|value| Some(value.into())).collect()),
        Err(Wrong(faults)) => Err(Wrong(faults.clone())),
    }
}

/// The values of each flag, by its name.
fn flags(role: Role, words: &[OsString], faults: &mut Faults) -> BTreeMap<&'static str, Vec<Raw>> {
    let mut flags = BTreeMap::<_, Vec<Raw>>::new();
    let mut words = words.iter().enumerate().peekable();
    while let Some((number, word)) = words.next() {
        let Some((name, inline)) = as_flag(word) else {
            let word = if Role::ALL.into_iter().any(|role| word == role.word()) {
                &*word.to_string_lossy()
            } else {
                "a word"
            };
            faults.add(Place::Word(number), format!("{word} is not expected here: options begin with --"));
            continue;
        };
        // A word that begins with two hyphens is the next option. Anything else is the value: for
        // -1 the fault is then that it is not a valid one.
        let value = inline.or_else(|| {
            let next = words.next_if(|(_, next)| !next.as_bytes().starts_with(b"--"));
            next.map(|(_, next)| next.clone())
        });
        match TABLE.iter().find(|row| row.is_of(role) && row.flag() == name) {
            Some(row) => {
                let value = value.or_else(|| row.alone().map(OsString::from));
                flags.entry(row.spec().name).or_default().push(value);
            }
            None => faults.add(Place::Word(number), unknown_flag(role, &name)),
        }
    }
    flags
}

/// Splits a word that begins with a hyphen into the flag and the value after `=`.
fn as_flag(word: &OsStr) -> Option<(String, Raw)> {
    let bytes = word.as_bytes();
    if !bytes.starts_with(b"-") {
        return None;
    }
    let end = bytes.iter().position(|byte| *byte == b'=').unwrap_or(bytes.len());
    let name = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let value = bytes.get(end + 1..).map(|value| OsStr::from_bytes(value).to_owned());
    Some((name, value))
}

fn unknown_flag(role: Role, name: &str) -> String {
    let shown = flag(name);
    if let Some(row) = TABLE.iter().find(|row| row.flag() == name) {
        return format!("{name} is an option of {}, not of {}", row.roles(), role.word());
    }
    let known: Vec<_> = TABLE.iter().filter(|row| row.is_of(role)).map(|row| row.flag()).collect();
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("{shown} is not an option: did you mean {near}?"),
        None => format!("{shown} is not an option"),
    }
}

/// The variables of this program that are set, those of other roles and commands included. A
/// variable with the program's prefix that no option has is a fault.
pub fn variables(
    environment: impl Iterator<Item = (OsString, OsString)>,
    faults: &mut Faults,
) -> BTreeMap<String, Raw> {
    let known = help::variables();
    let mut variables = BTreeMap::new();
    for (name, value) in environment {
        let name = name.to_string_lossy().into_owned();
        if known.contains(&name) {
            variables.insert(name, Some(value));
        } else if let Some(rest) = name.strip_prefix(PREFIX) {
            let known = known.iter().filter_map(|known| known.strip_prefix(PREFIX));
            let text = match nearest(rest, known) {
                Some(near) => {
                    format!("{name} is not a variable of this program: did you mean {PREFIX}{near}?")
                }
                None => format!("{name} is not a variable of this program"),
            };
            faults.add(Place::Variable, text);
        }
    }
    variables
}

/// Combines all values that were given for an option.
fn joined(row: &dyn Row, source: &Source, values: &[Raw]) -> Result<String, Wrong> {
    let (mut texts, mut faults) = (Vec::new(), Vec::new());
    for value in values {
        match value.as_deref().map(OsStr::to_str) {
            None => faults.push(format!("a value is missing: write {} {}", row.flag(), row.form())),
            Some(None) => faults.push("the value is not UTF-8".to_owned()),
            Some(Some("")) if *source == Source::Variable => {
                faults.push("the variable is empty: give it a value, or unset it".to_owned());
            }
            Some(Some("")) => faults.push("the value is empty: give one, or leave the option out".to_owned()),
            Some(Some(text)) => texts.push(text),
        }
    }
    if values.len() > 1 && row.repeat() == Repeat::Once {
        faults.push(format!("it is given {} times: give it once", values.len()));
    }
    if faults.is_empty() { Ok(texts.join(",")) } else { Err(Wrong(faults)) }
}
