//! The command line, and the environment variables and keys of a file of the same names.
//!
//! One [table] describes all options of the roles of a node. What was [given], there or in a
//! [file](mod@file), is first collected as text, then parsed into the [configuration] of one role.
//! All faults are reported together, before anything starts. The commands that are not roles,
//! `chat` and `bench`, describe their options themselves, with clap.

mod account;
mod configuration;
mod desk;
mod faults;
mod file;
mod given;
mod help;
mod helpers;
mod listeners;
mod ordered;
mod reader;
mod role;
mod secrecy;
mod shown;
mod spec;
mod table;
mod value;

#[cfg(test)]
mod docs;
#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod tests;

use std::ffi::OsString;

use clap::FromArgMatches;
use schemas::BootId;

pub use self::{
    account::file as commented_file,
    configuration::{Configuration, Console, Gateway, Janitor, Node, Pairing, Serve},
    faults::Faults,
    help::{CheckOptions, Tool, usage, with_default_command},
    helpers::read_list,
    listeners::Listener,
    role::Role,
    spec::Row,
    table::{LISTEN, OPS_LISTEN},
};
use self::{faults::Place, given::Given, reader::Reader};

/// What the command line asks for.
#[derive(Debug)]
pub enum Request {
    /// To run a node of this role, with these words after it.
    Node(Role, Vec<OsString>),
    /// To run another command.
    Tool(Tool),
}

/// Determines what all words of the command line ask for. If they ask for help, this prints it and
/// ends the process.
///
/// # Errors
/// If the command is not a role, and a word, value or variable is wrong. (Those of a role are
/// reported by [`read`].)
pub fn request(
    words: &[OsString],
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Request, Faults> {
    let role = words.get(1).and_then(|word| Role::ALL.into_iter().find(|role| word == role.word()));
    let help = words.iter().find(|word| *word == "--help" || *word == "-h");
    let words = match (role, help) {
        (Some(role), None) => return Ok(Request::Node(role, words[2..].to_vec())),
        // Help comes before any fault.
        (Some(_), Some(help)) => [&words[..2], std::slice::from_ref(help)].concat(),
        (None, _) => words.to_vec(),
    };
    let matches = help::command().try_get_matches_from(words);
    let mut faults = Faults::default();
    given::variables(environment, &mut faults);
    match matches.and_then(|matches| Tool::from_arg_matches(&matches)) {
        Ok(tool) if faults.is_empty() => Ok(Request::Tool(tool)),
        Ok(_) => Err(faults),
        // Help and version are no faults.
        Err(fault) if !fault.use_stderr() => fault.exit(),
        Err(fault) => {
            faults.add(Place::Option(0), secrecy::told(&fault));
            Err(faults)
        }
    }
}

/// A message without the secrets among the words and variables that this process was given.
pub fn without_secrets(message: &str) -> String {
    let variables = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(spec::PREFIX));
    let given = std::env::args_os().chain(variables.map(|(_, value)| value));
    let given: Vec<_> = given.map(|value| value.to_string_lossy().into_owned()).collect();
    secrecy::without(message, given.iter().flat_map(|value| secrecy::secrets(value)))
}

/// Reads and checks the options of a role.
///
/// # Errors
/// All faults.
pub fn read<C: Configuration>(
    words: &[OsString],
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Result<C, Faults> {
    read_as(BootId(rand::random()), words, environment)
}

/// Reads and checks the options of a role, and says what would be in force: each value, and where
/// it comes from.
///
/// # Errors
/// All faults.
pub fn check(
    role: Role,
    words: &[OsString],
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Result<String, Faults> {
    let environment: Vec<_> = environment.collect();
    let given = Given::collect(role, words, environment.iter().cloned(), &mut Faults::default());
    let (boot, environment) = (BootId(0), environment.into_iter());
    match role {
        Role::Serve => read_as::<Serve>(boot, words, environment).map(drop),
        Role::Gateway => read_as::<Gateway>(boot, words, environment).map(drop),
        Role::Pairing => read_as::<Pairing>(boot, words, environment).map(drop),
        Role::Janitor => read_as::<Janitor>(boot, words, environment).map(drop),
        Role::Console => read_as::<Console>(boot, words, environment).map(drop),
    }?;
    Ok(account::of(role, &given))
}

fn read_as<C: Configuration>(
    boot: BootId,
    words: &[OsString],
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Result<C, Faults> {
    let mut faults = Faults::default();
    let given = Given::collect(C::ROLE, words, environment, &mut faults);
    let mut reader = Reader::new(C::ROLE, boot, given, faults);
    // What stands in it has been collected; whether it can be read is told here.
    let _ = reader.find(&table::CONFIG);
    let configuration = C::read(&mut reader);
    let faults = reader.into_faults();
    if faults.is_empty() { Ok(configuration) } else { Err(faults) }
}
