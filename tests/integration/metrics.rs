//! `docs/metrics.md` lists what every role really exports.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use crate::support::{
    http,
    process::Launch,
    secure::{Pki, SecureCluster},
};

const ROLES: [&str; 3] = ["gateway", "pairing", "janitor"];

/// Most values of one label: they are words of a table, never what a client or a person is called.
const LABEL_VALUES: usize = 20;

/// One metric as `/metrics` shows it.
#[derive(Clone, Default, Debug)]
struct Metric {
    kind: String,
    unit: String,
    help: String,
    labels: BTreeMap<String, BTreeSet<String>>,
}

/// Reads the OpenMetrics text format.
fn read(text: &str) -> BTreeMap<String, Metric> {
    let mut metrics = BTreeMap::<String, Metric>::new();
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some(comment) = line.strip_prefix("# ") {
            let (what, rest) = comment.split_once(' ').unwrap();
            let (name, said) = rest.split_once(' ').unwrap();
            let metric = metrics.entry(name.to_owned()).or_default();
            let field = match what {
                "HELP" => &mut metric.help,
                "TYPE" => &mut metric.kind,
                "UNIT" => &mut metric.unit,
                _ => panic!("{line}"),
            };
            *field = said.to_owned();
            continue;
        }
        let (series, _) = line.rsplit_once(' ').unwrap();
        let (sample, labels) = series.split_once('{').unwrap_or((series, ""));
        let name = metrics.keys().rfind(|name| {
            sample == *name || sample.strip_prefix(name.as_str()).is_some_and(|end| end.starts_with('_'))
        });
        let metric = metrics.get_mut(&name.unwrap_or_else(|| panic!("{line} has no TYPE")).clone()).unwrap();
        for label in labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty()) {
            let (label, value) = label.split_once('=').unwrap();
            // The bounds of a histogram.
            if label == "le" {
                continue;
            }
            metric.labels.entry(label.to_owned()).or_default().insert(value.trim_matches('"').to_owned());
        }
    }
    metrics
}

#[tokio::test]
async fn every_metric_is_documented() {
    // With all certificates: when they end is among the metrics.
    let cluster = SecureCluster::start(Pki::with_gateways(&["gateway-1"])).await;
    let mut all = BTreeMap::<String, (Metric, Vec<&str>)>::new();
    for role in ROLES {
        let process = cluster.launch_with_doors(role, &format!("{role}-1")).start();
        for (name, metric) in read(&cluster.watch(&process, "/metrics").await.text()) {
            let (known, roles) = all.entry(name.clone()).or_insert_with(|| (Metric::default(), Vec::new()));
            let mut merged = metric.clone();
            for (label, values) in &known.labels {
                merged.labels.entry(label.clone()).or_default().extend(values.iter().cloned());
            }
            let is_described_alike = |known: &Metric| {
                (&known.kind, &known.unit, &known.help) == (&metric.kind, &metric.unit, &metric.help)
            };
            assert!(roles.is_empty() || is_described_alike(known), "{name} is different in {role}");
            for (label, values) in &merged.labels {
                assert!(values.len() <= LABEL_VALUES, "{name} has too many values of {label}: {values:?}");
            }
            (*known, _) = (merged, roles.push(role));
        }
    }
    let serve = read(&http::get(Launch::new("serve").start().ops(), "/metrics").await.text());
    assert_eq!(
        serve.keys().collect::<Vec<_>>(),
        all.keys().collect::<Vec<_>>(),
        "serve exports what the three roles do"
    );
    derived::block("docs/metrics.md", "metrics", &table(&all));
}

fn table(all: &BTreeMap<String, (Metric, Vec<&str>)>) -> String {
    let mut table =
        "| name | type | unit | labels | roles | meaning |\n|---|---|---|---|---|---|\n".to_owned();
    for (name, (Metric { kind, unit, help, labels }, roles)) in all {
        let unit = if unit.is_empty() { "–" } else { unit };
        let labels: Vec<_> = labels
            .iter()
            .map(|(label, values)| {
                // The program's version, which every release changes.
                if kind == "info" {
                    return format!("`{label}`");
                }
                let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
                format!("`{label}`: {}", values.join(", "))
            })
            .collect();
        let roles = if roles[..] == ROLES { "all".to_owned() } else { roles.join(", ") };
        let suffix = match kind.as_str() {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        let help = help.trim_end_matches('.');
        writeln!(
            table,
            "| `{name}{suffix}` | {kind} | {unit} | {} | {roles} | {help} |",
            labels.join("<br>")
        )
        .unwrap();
    }
    table
}
