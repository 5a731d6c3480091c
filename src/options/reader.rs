//! Parses what was given into values of the options' types, and collects all faults.

use std::collections::{BTreeMap, BTreeSet};

use schemas::BootId;

use super::{
    faults::{Faults, Place},
    given::{Given, Source},
    role::Role,
    secrecy,
    spec::{Optional, Row, Setting},
    table::place,
    value::{Value, Wrong},
};

/// Reads the options of one role. After a fault it continues with the default, so that it finds the
/// other faults too.
pub struct Reader {
    /// The role whose options it reads.
    pub role: Role,
    /// The boot id of the node.
    pub boot: BootId,
    given: Given,
    faults: Faults,
    /// The options that were given and have been read, and where they were given.
    seen: BTreeMap<&'static str, Source>,
    /// The options that have a fault.
    faulty: BTreeSet<&'static str>,
    /// What no message may repeat.
    secrets: Vec<String>,
}

impl Reader {
    /// A reader of what was given. `faults` are those found so far.
    pub fn new(role: Role, boot: BootId, given: Given, faults: Faults) -> Self {
        Self {
            role,
            boot,
            given,
            faults,
            seen: BTreeMap::new(),
            faulty: BTreeSet::new(),
            secrets: Vec::new(),
        }
    }

    /// The value of an option that always has one.
    pub fn get<T: Value + Clone>(&mut self, setting: &'static Setting<T>) -> T
    where
        Setting<T>: Row,
    {
        self.read(setting).unwrap_or_else(|| setting.default.clone())
    }

    /// The value of an option that may have none.
    pub fn find<T: Value>(&mut self, option: &'static Optional<T>) -> Option<T> {
        let value = self.read(option);
        if value.is_none() && option.is_required_by(self.role) && self.is_sound(option) {
            let (role, flag, example) = (self.role.word(), option.flag(), option.spec.example);
            self.wrong(option, &format!("{role} needs it: give for example {flag} {example}"));
        }
        value
    }

    fn read<T: Value>(&mut self, row: &'static dyn Row) -> Option<T> {
        debug_assert!(row.is_of(self.role), "{} is no option of {:?}", row.flag(), self.role);
        let text = self.given.take(row)?;
        self.seen.insert(row.spec().name, text.source);
        let secrets = text.value.as_deref().map(secrecy::secrets).into_iter().flatten();
        self.secrets.extend(secrets.map(str::to_owned));
        match text.value.and_then(|text| T::parse(&text)) {
            Ok(value) => Some(value),
            Err(Wrong(faults)) => {
                faults.iter().for_each(|fault| self.wrong(row, fault));
                None
            }
        }
    }

    /// Whether this option was given, valid or not. It must have been read before.
    pub fn is_given(&self, row: &dyn Row) -> bool {
        self.seen.contains_key(row.spec().name)
    }

    /// Whether this option has no fault so far.
    pub fn is_sound(&self, row: &dyn Row) -> bool {
        !self.faulty.contains(row.spec().name)
    }

    /// Adds a fault of one option.
    pub fn wrong(&mut self, row: &dyn Row, fault: &str) {
        self.faults.add(place(row), format!("{}: {}", self.name(row), self.without_secrets(fault)));
        self.faulty.insert(row.spec().name);
    }

    /// Adds a conflict between options, unless one of them has a fault already: its value is then
    /// not the one that was given.
    pub fn conflict(&mut self, rows: &[&dyn Row], fault: &str) {
        if rows.iter().all(|row| self.is_sound(*row)) {
            let first = rows.iter().map(|row| place(*row)).min();
            let names: Vec<_> = rows.iter().map(|row| self.name(*row)).collect();
            let fault = self.without_secrets(fault);
            self.faults.add(first.unwrap_or(Place::Variable), format!("{}: {fault}", names.join(" and ")));
        }
    }

    fn without_secrets(&self, fault: &str) -> String {
        secrecy::without(fault, self.secrets.iter().map(String::as_str))
    }

    /// The name of an option in a message.
    fn name(&self, row: &dyn Row) -> String {
        let source = self.seen.get(row.spec().name).unwrap_or(&Source::Flag);
        source.name(row)
    }

    /// All faults that were found.
    pub fn into_faults(self) -> Faults {
        self.faults
    }
}
