//! The rows of the [table](super::table): their fields and types.

use std::{fmt, marker::PhantomData};

use super::{
    role::Role,
    value::{Repeat, Show, Value},
};

/// The prefix of all environment variables of the program.
pub const PREFIX: &str = "CIPHER_CHAT_";

/// The fields that all rows have. A row without one of them does not compile.
#[derive(Debug)]
pub struct Spec {
    /// Its name: the flag without the leading hyphens.
    pub name: &'static str,
    /// The heading under which help and documents show it.
    pub group: Group,
    /// The roles that know it.
    pub roles: &'static [Role],
    /// A valid value other than the default.
    pub example: &'static str,
    /// What it means: complete sentences, with unit and range.
    pub help: &'static str,
}

/// Headings, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Where options are read from.
    Configuration,
    /// Addresses and certificates.
    Listeners,
    /// NATS and the node's name there.
    Bus,
    /// What the operator orders while the service runs.
    Orders,
    /// Who may use the server, and how people meet.
    Service,
    /// How long keys, tokens and absences last.
    Lifetimes,
    /// Rates and bounds.
    Limits,
    /// Time limits of connections, and of a gateway that stops.
    Connections,
    /// What is told to operators: logs, and traces.
    Logs,
}

impl Group {
    /// All of them.
    #[cfg(test)]
    pub const ALL: [Self; 9] = [
        Self::Configuration,
        Self::Listeners,
        Self::Bus,
        Self::Orders,
        Self::Service,
        Self::Lifetimes,
        Self::Limits,
        Self::Connections,
        Self::Logs,
    ];

    /// Its text.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Configuration => "Configuration",
            Self::Listeners => "Listeners and TLS",
            Self::Bus => "Bus",
            Self::Orders => "Orders",
            Self::Service => "Who may use the server, and how people meet",
            Self::Lifetimes => "Lifetimes",
            Self::Limits => "Limits",
            Self::Connections => "Connections and stopping",
            Self::Logs => "Logs and traces",
        }
    }
}

/// An option that always has a value.
#[derive(Debug)]
pub struct Setting<T> {
    /// The fields that all rows have.
    pub spec: Spec,
    /// Its default: the same constant that the code uses.
    pub default: T,
}

/// An option that has no value unless it is given.
#[derive(Debug)]
pub struct Optional<T> {
    /// The fields that all rows have.
    pub spec: Spec,
    /// What applies without it, in a few words.
    pub without: &'static str,
    /// The roles that require it.
    pub required_by: &'static [Role],
    /// The type of its value.
    pub kind: PhantomData<fn() -> T>,
}

/// What applies if an option is not given.
#[derive(Debug, PartialEq, Eq)]
pub enum Default {
    /// A value, as it would be written.
    Value(String),
    /// No value: what applies then, in a few words.
    None(&'static str),
}

impl fmt::Display for Default {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => f.write_str(value),
            Self::None(what) => f.write_str(what),
        }
    }
}

/// A row of the table, whatever the type of its value.
pub trait Row: Sync {
    /// The fields that all rows have.
    fn spec(&self) -> &Spec;
    /// How its value is written.
    fn form(&self) -> &'static str;
    /// Whether it may be given several times.
    fn repeat(&self) -> Repeat;
    /// Its value if it is given without one.
    fn alone(&self) -> Option<&'static str>;
    /// What applies if it is not given.
    fn default(&self) -> Default;
    /// Whether this role requires it.
    fn is_required_by(&self, role: Role) -> bool;
    /// Its help text, with the note of its type.
    fn help(&self) -> String;

    /// Its flag on the command line.
    fn flag(&self) -> String {
        format!("--{}", self.spec().name)
    }

    /// Its environment variable.
    fn variable(&self) -> String {
        format!("{PREFIX}{}", self.spec().name.replace('-', "_").to_uppercase())
    }

    /// The roles that know it, as text.
    fn roles(&self) -> String {
        let words: Vec<_> = self.spec().roles.iter().map(|role| role.word()).collect();
        match words.split_last() {
            Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
            _ => words.concat(),
        }
    }

    /// Whether this role knows it.
    fn is_of(&self, role: Role) -> bool {
        self.spec().roles.contains(&role)
    }
}

impl<T: Value + Show + Sync> Row for Setting<T> {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn form(&self) -> &'static str {
        T::FORM
    }

    fn repeat(&self) -> Repeat {
        T::REPEAT
    }

    fn alone(&self) -> Option<&'static str> {
        T::ALONE
    }

    fn default(&self) -> Default {
        Default::Value(self.default.show())
    }

    fn is_required_by(&self, _: Role) -> bool {
        false
    }

    fn help(&self) -> String {
        with_note::<T>(&self.spec)
    }
}

impl<T: Value> Row for Optional<T> {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn form(&self) -> &'static str {
        T::FORM
    }

    fn repeat(&self) -> Repeat {
        T::REPEAT
    }

    fn alone(&self) -> Option<&'static str> {
        T::ALONE
    }

    fn default(&self) -> Default {
        Default::None(self.without)
    }

    fn is_required_by(&self, role: Role) -> bool {
        self.required_by.contains(&role)
    }

    fn help(&self) -> String {
        with_note::<T>(&self.spec)
    }
}

fn with_note<T: Value>(spec: &Spec) -> String {
    match T::note() {
        Some(note) => format!("{} {note}", spec.help),
        None => spec.help.to_owned(),
    }
}
