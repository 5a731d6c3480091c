//! The metrics of all nodes in the last hour, as far as some query asks for them.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use schemas::{NodeId, UnixMillis};

use crate::query::{Labels, Selector};

/// The longest window of a query.
pub(crate) const KEPT: Duration = Duration::from_secs(60 * 60);

/// Between two points that are kept: the rates of minutes need no more.
const STEP: Duration = Duration::from_secs(10);

/// A series that nobody has told for this long is not there any more: three questions unanswered.
const STALE: Duration = Duration::from_secs(10);

/// Most samples that are read of one answer, as Prometheus reads them.
const MOST_SAMPLES: usize = 2000;

/// The name under which a node's being heard is a series, as in Prometheus.
pub(crate) const UP: &str = "up";

/// A value at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) at: UnixMillis,
    pub(crate) value: f64,
}

#[derive(Clone, Debug)]
struct Series {
    labels: Labels,
    /// At least [`STEP`] apart, the newest last.
    kept: VecDeque<Point>,
    newest: Point,
}

/// The series of each node, by name.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    /// The names that queries ask for; nothing else is kept.
    wanted: BTreeSet<String>,
    series: BTreeMap<NodeId, BTreeMap<String, Vec<Series>>>,
}

impl Samples {
    pub(crate) fn of(wanted: impl IntoIterator<Item = String>) -> Self {
        Self { wanted: wanted.into_iter().collect(), series: BTreeMap::new() }
    }

    /// Takes what a node has told, in the OpenMetrics text format. What cannot be read is passed
    /// over.
    pub(crate) fn read(&mut self, now: UnixMillis, node: &NodeId, own: &Labels, text: &str) {
        let lines = text.lines().filter(|line| !line.starts_with('#')).take(MOST_SAMPLES);
        for (name, labels, value) in lines.filter_map(sample) {
            if self.wanted.contains(name) {
                let labels = labels.into_iter().chain(own.clone()).collect();
                self.push(node, name, labels, Point { at: now, value });
            }
        }
    }

    /// Whether a node is heard.
    pub(crate) fn is_up(&mut self, now: UnixMillis, node: &NodeId, own: &Labels, is_up: bool) {
        let value = if is_up { 1.0 } else { 0.0 };
        self.push(node, UP, own.clone(), Point { at: now, value });
    }

    fn push(&mut self, node: &NodeId, name: &str, labels: Labels, point: Point) {
        let of_node = self.series.entry(node.clone()).or_default();
        let named = of_node.entry(name.to_owned()).or_default();
        let is_full = named.len() >= MOST_SAMPLES;
        match named.iter_mut().find(|series| series.labels == labels) {
            None if !is_full => {
                named.push(Series { labels, kept: VecDeque::from([point]), newest: point });
            }
            None => {}
            Some(series) => {
                series.newest = point;
                let is_due = series.kept.back().is_none_or(|last| point.at.since(last.at) >= STEP);
                if is_due {
                    series.kept.push_back(point);
                }
                while series.kept.front().is_some_and(|first| point.at.since(first.at) > KEPT) {
                    series.kept.pop_front();
                }
            }
        }
    }

    /// What a node has told is over: it is silent.
    pub(crate) fn forget_present(&mut self, node: &NodeId) {
        for (name, named) in self.series.get_mut(node).into_iter().flatten() {
            if name != UP {
                named.iter_mut().for_each(|series| series.newest.at = UnixMillis(0));
            }
        }
    }

    /// Forgets a node.
    pub(crate) fn forget(&mut self, node: &NodeId) {
        self.series.remove(node);
    }

    fn selected<'a>(&'a self, selector: &'a Selector) -> impl Iterator<Item = &'a Series> {
        let named = self.series.values().filter_map(|of_node| of_node.get(&selector.name)).flatten();
        named.filter(|series| selector.matchers.iter().all(|matcher| matcher.is_met(&series.labels)))
    }

    /// The newest samples that are not stale.
    pub(crate) fn newest(&self, selector: &Selector, now: UnixMillis) -> Vec<(Labels, f64)> {
        let fresh = self.selected(selector).filter(|series| now.since(series.newest.at) <= STALE);
        fresh.map(|series| (series.labels.clone(), series.newest.value)).collect()
    }

    /// The points of each series in the window.
    pub(crate) fn windows(&self, selector: &Selector, now: UnixMillis) -> Vec<(Labels, Vec<Point>)> {
        let window = selector.window.unwrap_or(KEPT);
        let within = |series: &Series| {
            let newest = Some(series.newest)
                .filter(|newest| series.kept.back().is_none_or(|last| last.at < newest.at));
            let points = series.kept.iter().copied().chain(newest);
            points.filter(|point| now.since(point.at) <= window).collect::<Vec<_>>()
        };
        self.selected(selector).map(|series| (series.labels.clone(), within(series))).collect()
    }
}

/// A line such as `name{label="value"} 1.5`.
fn sample(line: &str) -> Option<(&str, Labels, f64)> {
    let end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Labels::new(), rest),
    };
    let value = rest.trim_start().split(' ').next()?.parse().ok()?;
    Some((name, labels, value))
}

/// Labels up to the brace that ends them, and what follows it.
fn labels(mut rest: &str) -> Option<(Labels, &str)> {
    let mut labels = Labels::new();
    loop {
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, after) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next()? {
                (at, '"') => break at,
                (_, '\\') => match chars.next()?.1 {
                    'n' => value.push(' '),
                    other => value.push(other),
                },
                (_, other) => value.push(other),
            }
        };
        // Whoever is shown it has a terminal that would obey.
        value.retain(|c| !c.is_control());
        labels.insert(name.to_owned(), value);
        rest = &after[end + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_name_labels_and_a_value() {
        let of = |line: &'static str| {
            let (name, labels, value) = sample(line)?;
            Some((name, labels.into_iter().collect::<Vec<_>>(), value))
        };
        assert_eq!(of("a_total 3"), Some(("a_total", vec![], 3.0)));
        let labelled = vec![("b".to_owned(), "c, }\" ".to_owned()), ("d".to_owned(), String::new())];
        assert_eq!(of(r#"a{b="c, }\"\n",d=""} 0.5 1700000000"#), Some(("a", labelled, 0.5)));
        assert_eq!(of(r#"a_bucket{le="+Inf"} 2 # {trace="x"} 1"#).map(|(.., value)| value), Some(2.0));
        for nonsense in ["", "a", "a{", r#"a{b="c} 1"#, "a{} x", r#"a{b="c"}"#] {
            assert_eq!(of(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_series_takes_little_and_forgets_after_an_hour() {
        let (node, own): (NodeId, _) = ("g1".parse().unwrap(), Labels::new());
        let mut samples = Samples::of(["a".to_owned()]);
        for second in 0..2 * 60 * 60 {
            samples.read(UnixMillis::from_secs(second), &node, &own, "a 1\nb 1\n");
        }
        let of_node = &samples.series[&node];
        assert!(!of_node.contains_key("b"), "nobody asks for it");
        assert!(of_node["a"][0].kept.len() <= 361, "{}", of_node["a"][0].kept.len());
        let text = (0..5000).map(|n| format!("a{{n=\"{n}\"}} 1\n")).collect::<String>();
        samples.read(UnixMillis::from_secs(9000), &node, &own, &text);
        assert!(samples.series[&node]["a"].len() <= MOST_SAMPLES);
    }
}
