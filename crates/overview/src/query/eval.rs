//! Answers a query from the samples.

use std::collections::BTreeMap;

use schemas::UnixMillis;

use super::{
    Aggregation, Answer, Comparison, Function, Grouping, Labels, Matching, Operator, Query, Selector,
    quantile,
};
use crate::samples::{Point, Samples};

/// What is asked, and when.
#[derive(Clone, Copy)]
pub(crate) struct Moment<'a> {
    pub(crate) samples: &'a Samples,
    pub(crate) now: UnixMillis,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Scalar(f64),
    Vector(Vec<(Labels, f64)>),
}

impl Value {
    /// Its values; a number has no labels.
    pub(crate) fn into_vector(self) -> Vec<(Labels, f64)> {
        match self {
            Self::Scalar(value) => vec![(Labels::new(), value)],
            Self::Vector(values) => values,
        }
    }
}

impl Moment<'_> {
    /// The answer. What has none, such as the sum of nothing, is empty.
    pub(crate) fn answer(self, query: &Query) -> Value {
        match query {
            Query::Number(number) => Value::Scalar(*number),
            Query::Series(selector) => Value::Vector(self.newest(selector)),
            Query::Minus(inner) => mapped(self.answer(inner), |value| -value),
            Query::Call(function, arguments) => self.call(*function, arguments),
            Query::Aggregate(aggregation, grouping, inner) => {
                Value::Vector(aggregated(*aggregation, grouping, self.answer(inner).into_vector()))
            }
            Query::Binary(left, operator, matching, right) => {
                combined(self.answer(left), *operator, matching, self.answer(right))
            }
        }
    }

    fn newest(self, selector: &Selector) -> Vec<(Labels, f64)> {
        self.samples.newest(selector, self.now)
    }

    /// What a function makes of the points in its window, for each series that has two or more.
    fn over(self, argument: &Query, of: impl Fn(&[Point]) -> f64) -> Value {
        let Query::Series(selector) = argument else { return Value::Vector(Vec::new()) };
        let windows = self.samples.windows(selector, self.now).into_iter();
        let full = windows.filter(|(_, points)| points.len() >= 2);
        Value::Vector(full.map(|(labels, points)| (labels, of(&points))).collect())
    }

    fn call(self, function: Function, arguments: &[Query]) -> Value {
        let value = |number: usize| self.answer(&arguments[number]);
        match function {
            Function::Rate => self.over(&arguments[0], |points| increase(points) / covered(points)),
            Function::Increase => self.over(&arguments[0], increase),
            Function::Changes => self.over(&arguments[0], changes),
            Function::MaxOverTime => self.over(&arguments[0], |points| extreme(points, f64::max)),
            Function::MinOverTime => self.over(&arguments[0], |points| extreme(points, f64::min)),
            Function::Abs => mapped(value(0), f64::abs),
            Function::Vector => Value::Vector(value(0).into_vector()),
            Function::Time => {
                // Exact: milliseconds of this millennium.
                #[expect(clippy::cast_precision_loss, reason = "see above")]
                let seconds = self.now.0 as f64 / 1000.0;
                Value::Scalar(seconds)
            }
            Function::HistogramQuantile => match value(0) {
                Value::Scalar(q) => Value::Vector(quantile::of_histograms(q, value(1).into_vector())),
                Value::Vector(_) => Value::Vector(Vec::new()),
            },
            Function::ClampMin => match value(1) {
                Value::Scalar(least) => mapped(value(0), |value| value.max(least)),
                Value::Vector(_) => Value::Vector(Vec::new()),
            },
            Function::Absent => {
                let is_there = !value(0).into_vector().is_empty();
                Value::Vector(if is_there { Vec::new() } else { vec![(Labels::new(), 1.0)] })
            }
        }
    }
}

fn mapped(value: Value, of: impl Fn(f64) -> f64) -> Value {
    match value {
        Value::Scalar(value) => Value::Scalar(of(value)),
        Value::Vector(values) => {
            Value::Vector(values.into_iter().map(|(labels, value)| (labels, of(value))).collect())
        }
    }
}

/// By how much a counter has grown. It begins at 0 again when its process does.
fn increase(points: &[Point]) -> f64 {
    let steps = points.windows(2).map(|pair| {
        let (before, after) = (pair[0].value, pair[1].value);
        if after >= before { after - before } else { after }
    });
    steps.sum()
}

fn covered(points: &[Point]) -> f64 {
    match (points.first(), points.last()) {
        (Some(first), Some(last)) => last.at.since(first.at).as_secs_f64(),
        _ => 0.0,
    }
}

fn changes(points: &[Point]) -> f64 {
    points.windows(2).map(|pair| if pair[0].value == pair[1].value { 0.0 } else { 1.0 }).sum()
}

fn extreme(points: &[Point], of: fn(f64, f64) -> f64) -> f64 {
    points.iter().map(|point| point.value).fold(f64::NAN, of)
}

fn aggregated(
    aggregation: Aggregation,
    grouping: &Grouping,
    values: Vec<(Labels, f64)>,
) -> Vec<(Labels, f64)> {
    let mut groups: BTreeMap<Labels, Vec<f64>> = BTreeMap::new();
    for (labels, value) in values {
        groups.entry(grouping.of(&labels)).or_default().push(value);
    }
    let of = |values: &[f64]| {
        #[expect(clippy::cast_precision_loss, reason = "there are far fewer series")]
        let count = values.len() as f64;
        match aggregation {
            Aggregation::Sum => values.iter().sum(),
            Aggregation::Count => count,
            Aggregation::Min => values.iter().copied().fold(f64::NAN, f64::min),
            Aggregation::Max => values.iter().copied().fold(f64::NAN, f64::max),
            Aggregation::Avg => values.iter().sum::<f64>() / count,
        }
    };
    groups.into_iter().map(|(labels, values)| (labels, of(&values))).collect()
}

fn combined(left: Value, operator: Operator, matching: &Matching, right: Value) -> Value {
    let keys = |values: &[(Labels, f64)]| -> Vec<Labels> {
        values.iter().map(|(labels, _)| matching.of(labels)).collect()
    };
    let vectors = |left: Value, right: Value| (left.into_vector(), right.into_vector());
    match operator {
        Operator::Or => {
            let (left, right) = vectors(left, right);
            let known = keys(&left);
            let more = right.into_iter().filter(|(labels, _)| !known.contains(&matching.of(labels)));
            Value::Vector(left.into_iter().chain(more.collect::<Vec<_>>()).collect())
        }
        Operator::And | Operator::Unless => {
            let (left, right) = vectors(left, right);
            let known = keys(&right);
            let wanted = operator == Operator::And;
            let kept = left.into_iter().filter(|(labels, _)| known.contains(&matching.of(labels)) == wanted);
            Value::Vector(kept.collect())
        }
        Operator::Compare(comparison, answer) => {
            compared(left, matching, right, |a, b| comparison.result(a, b, answer))
        }
        Operator::Add => compared(left, matching, right, |a, b| Some(a + b)),
        Operator::Subtract => compared(left, matching, right, |a, b| Some(a - b)),
        Operator::Multiply => compared(left, matching, right, |a, b| Some(a * b)),
        Operator::Divide => compared(left, matching, right, |a, b| Some(a / b)),
    }
}

/// What comes of each pair of values, where something does. A number is paired with everything.
fn compared(left: Value, matching: &Matching, right: Value, of: impl Fn(f64, f64) -> Option<f64>) -> Value {
    match (left, right) {
        (Value::Scalar(a), Value::Scalar(b)) => of(a, b).map_or(Value::Vector(Vec::new()), Value::Scalar),
        (Value::Vector(values), Value::Scalar(b)) => {
            Value::Vector(values.into_iter().filter_map(|(labels, a)| Some((labels, of(a, b)?))).collect())
        }
        (Value::Scalar(a), Value::Vector(values)) => {
            Value::Vector(values.into_iter().filter_map(|(labels, b)| Some((labels, of(a, b)?))).collect())
        }
        (Value::Vector(left), Value::Vector(right)) => {
            let right: BTreeMap<_, _> =
                right.into_iter().map(|(labels, value)| (matching.of(&labels), value)).collect();
            let pairs = left.into_iter().filter_map(|(labels, a)| {
                let b = right.get(&matching.of(&labels))?;
                Some((labels, of(a, *b)?))
            });
            Value::Vector(pairs.collect())
        }
    }
}

impl Comparison {
    fn result(self, a: f64, b: f64, answer: Answer) -> Option<f64> {
        let is_true = match self {
            Self::Equal => a == b,
            Self::Different => a != b,
            Self::Less => a < b,
            Self::Greater => a > b,
            Self::AtMost => a <= b,
            Self::AtLeast => a >= b,
        };
        match answer {
            Answer::Filter => is_true.then_some(a),
            Answer::Bool => Some(if is_true { 1.0 } else { 0.0 }),
        }
    }
}
