//! Times and numbers.

use std::time::Duration;

use gateway::rates::BURST;

use super::{Show, Value, Wrong};
use crate::duration;

impl Value for Duration {
    const FORM: &'static str = "TIME";

    fn parse(text: &str) -> Result<Self, Wrong> {
        Ok(duration::parse(text)?)
    }
}

impl Show for Duration {
    fn show(&self) -> String {
        duration::show(*self)
    }
}

/// A sustained rate, with a burst.
#[derive(Clone, Copy, Debug)]
pub struct Rate(pub u32);

impl Value for Rate {
    const FORM: &'static str = "COUNT";

    fn note() -> Option<String> {
        Some(format!("A burst of {BURST} times as much is let through; 0 turns the limit off."))
    }

    fn parse(text: &str) -> Result<Self, Wrong> {
        Ok(Self(count(text)?))
    }
}

impl Show for Rate {
    fn show(&self) -> String {
        self.0.to_string()
    }
}

/// The most that there may be at once.
#[derive(Clone, Copy, Debug)]
pub struct Bound(pub u32);

impl Value for Bound {
    const FORM: &'static str = "COUNT";

    fn note() -> Option<String> {
        Some("0 turns the limit off.".to_owned())
    }

    fn parse(text: &str) -> Result<Self, Wrong> {
        Ok(Self(count(text)?))
    }
}

impl Show for Bound {
    fn show(&self) -> String {
        self.0.to_string()
    }
}

/// The most that there may be at once, and there must be some.
#[derive(Clone, Copy, Debug)]
pub struct Most(pub u32);

impl Value for Most {
    const FORM: &'static str = "COUNT";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match text.parse() {
            Ok(most) if most > 0 => Ok(Self(most)),
            _ => Err(format!("{text:?} is not a whole number from 1 to {}", u32::MAX).into()),
        }
    }
}

/// How many hashes a new session costs; none if it is off.
#[derive(Clone, Copy, Debug)]
pub struct Admission(pub Option<u32>);

/// The most that an operator may ask for: with four times as many a phone works for some ten
/// seconds.
const HASHES: u32 = 1_000_000;

impl Value for Admission {
    const FORM: &'static str = "off|COUNT";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match text.parse() {
            _ if text == "off" => Ok(Self(None)),
            Ok(hashes) if (1..=HASHES).contains(&hashes) => Ok(Self(Some(hashes))),
            _ => Err(format!("{text:?} is neither off nor a whole number from 1 to {HASHES}").into()),
        }
    }
}

impl Show for Admission {
    fn show(&self) -> String {
        self.0.map_or_else(|| "off".to_owned(), |hashes| hashes.to_string())
    }
}

fn count(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("{text:?} is not a whole number from 0 to {}", u32::MAX))
}

/// A part of something: from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample(pub f64);

/// One trace of a hundred.
pub const SAMPLE: Sample = Sample(0.01);

impl Value for Sample {
    const FORM: &'static str = "NUMBER";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match text.parse() {
            Ok(part) if (0.0..=1.0).contains(&part) => Ok(Self(part)),
            _ => Err(format!("{text:?} is not a part: write a number from 0 to 1, such as 0.01").into()),
        }
    }
}

impl Show for Sample {
    fn show(&self) -> String {
        self.0.to_string()
    }
}
