//! Constants that programs in other languages and the documents need too.

use std::time::Duration;

/// A constant as the documents and the page show it.
#[derive(Clone, Copy, Debug)]
pub struct Constant {
    /// Its name.
    pub name: &'static str,
    /// What it is, with its unit and its reason.
    pub meaning: &'static str,
    /// Its value.
    pub value: Value,
}

/// The value of a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number of what the meaning says.
    Number(u64),
    /// A time.
    Time(Duration),
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Number(number as u64)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<Duration> for Value {
    fn from(time: Duration) -> Self {
        Self::Time(time)
    }
}

/// Declares constants, and `all()`, which lists them with their comments: no list is kept by hand.
macro_rules! constants {
    ($( $(#[doc = $meaning:literal])+ $name:ident: $type:ty = $value:expr; )+) => {
        $( $(#[doc = $meaning])+ pub const $name: $type = $value; )+

        /// All constants of this module, in this order.
        pub fn all() -> Vec<$crate::constants::Constant> {
            vec![$( $crate::constants::Constant {
                name: stringify!($name),
                meaning: concat!($($meaning),+).trim_ascii(),
                value: $name.into(),
            } ),+]
        }
    };
}

pub(crate) use constants;
