//! The part of PromQL that our alarms and charts are written in: read, and answered from the
//! [samples](crate::samples) of the last hour.
//!
//! Differences to Prometheus: nothing is extrapolated to the edges of a window, so a rate is taken
//! over the time that is really covered.

mod eval;
mod lexer;
mod parser;
mod quantile;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

pub(crate) use self::eval::Moment;

/// Reads a time such as `5m`.
pub(crate) fn duration(text: &str) -> Result<Duration, QueryError> {
    lexer::duration(text).map_err(|what| QueryError { what, query: text.to_owned() })
}

/// Why a query cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} in the query: {query}")]
pub struct QueryError {
    what: String,
    query: String,
}

/// The labels of a sample, without its name.
pub(crate) type Labels = BTreeMap<String, String>;

/// A query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Query {
    Number(f64),
    /// The newest samples of these series, or those of a time.
    Series(Selector),
    /// A function.
    Call(Function, Vec<Query>),
    /// One value of many.
    Aggregate(Aggregation, Grouping, Box<Query>),
    Binary(Box<Query>, Operator, Matching, Box<Query>),
    Minus(Box<Query>),
}

/// Which series.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Selector {
    pub(crate) name: String,
    pub(crate) matchers: Vec<Matcher>,
    pub(crate) window: Option<Duration>,
}

/// What a label has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Matcher {
    pub(crate) label: String,
    /// Any of these, or any text.
    pub(crate) values: Result<Vec<String>, AnyText>,
    pub(crate) negated: bool,
}

/// `.*` and `.+`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnyText {
    OrNone,
    ButNone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Rate,
    Increase,
    Changes,
    Abs,
    Vector,
    Time,
    HistogramQuantile,
    ClampMin,
    MaxOverTime,
    MinOverTime,
    Absent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregation {
    Sum,
    Count,
    Min,
    Max,
    Avg,
}

/// Which labels stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Grouping {
    By(Vec<String>),
    Without(Vec<String>),
}

/// By which labels two sides belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Matching {
    On(Vec<String>),
    Ignoring(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Or,
    And,
    Unless,
    /// A comparison, which leaves out what it is not true of, or says 0 and 1.
    Compare(Comparison, Answer),
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Different,
    Less,
    Greater,
    AtMost,
    AtLeast,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Filter,
    Bool,
}

impl Query {
    /// Reads a query.
    pub(crate) fn parse(text: &str) -> Result<Self, QueryError> {
        parser::parse(text).map_err(|what| QueryError { what, query: text.to_owned() })
    }

    /// The names of all series that it asks for.
    pub(crate) fn names(&self, names: &mut Vec<String>) {
        match self {
            Self::Number(_) => {}
            Self::Series(selector) => names.push(selector.name.clone()),
            Self::Call(_, inner) => inner.iter().for_each(|query| query.names(names)),
            Self::Aggregate(_, _, inner) | Self::Minus(inner) => inner.names(names),
            Self::Binary(left, _, _, right) => {
                left.names(names);
                right.names(names);
            }
        }
    }
}

impl Matcher {
    pub(crate) fn is_met(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.label).map_or("", String::as_str);
        let is_one = match &self.values {
            Ok(values) => values.iter().any(|one| one == value),
            Err(AnyText::OrNone) => true,
            Err(AnyText::ButNone) => !value.is_empty(),
        };
        is_one != self.negated
    }
}

impl Grouping {
    /// The labels that stay.
    pub(crate) fn of(&self, labels: &Labels) -> Labels {
        kept(labels, |name| match self {
            Self::By(names) => names.iter().any(|one| one == name),
            Self::Without(names) => !names.iter().any(|one| one == name),
        })
    }
}

impl Matching {
    pub(crate) fn of(&self, labels: &Labels) -> Labels {
        kept(labels, |name| match self {
            Self::On(names) => names.iter().any(|one| one == name),
            Self::Ignoring(names) => !names.iter().any(|one| one == name),
        })
    }
}

fn kept(labels: &Labels, is_kept: impl Fn(&str) -> bool) -> Labels {
    labels
        .iter()
        .filter(|(name, _)| is_kept(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
