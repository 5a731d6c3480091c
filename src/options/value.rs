//! The types of options: how a value is written, read and shown.

mod address;
mod choice;
mod name;
mod number;

pub use self::{
    address::{Addresses, Origins, OtlpEndpoint, PublicUrl, Urls},
    choice::Switch,
    name::CertificateName,
    number::{Admission, Bound, Most, Rate, SAMPLE, Sample},
};

/// A type of option values.
pub trait Value: Sized {
    /// How help and documents write a value of this type.
    const FORM: &'static str;
    /// Whether an option of this type may be given several times.
    const REPEAT: Repeat = Repeat::Once;

    /// The value that an option of this type has if it is given without one.
    const ALONE: Option<&'static str> = None;

    /// A sentence for the help of every option of this type.
    fn note() -> Option<String> {
        None
    }

    /// Parses a value.
    ///
    /// # Errors
    /// All faults in it. Each message says how to write a value.
    fn parse(text: &str) -> Result<Self, Wrong>;
}

/// A value that can be a default.
pub trait Show {
    /// The text that parses to this value.
    fn show(&self) -> String;
}

/// How often an option may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Once.
    Once,
    /// Any number of times: the values form one list.
    List,
}

/// The faults of a value, a sentence for each.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong(pub Vec<String>);

impl From<String> for Wrong {
    fn from(fault: String) -> Self {
        Self(vec![fault])
    }
}

/// The items of a comma-separated list.
fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// Parses all items of a list, so that all faults are reported.
pub(super) fn each<T>(list: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, Wrong> {
    let (mut values, mut faults) = (Vec::new(), Vec::new());
    for item in items(list) {
        match parse(item) {
            Ok(value) => values.push(value),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(values) } else { Err(Wrong(faults)) }
}
