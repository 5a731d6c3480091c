//! `docs/metrics.md` lists what every role really exports.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use crate::support::{http, nats::NatsServer, process::Launch};

const ROLES: [&str; 3] = ["gateway", "pairing", "janitor"];

/// One metric as `/metrics` shows it.
#[derive(Default, PartialEq, Debug)]
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
            metric.labels.entry(label.to_owned()).or_default().insert(value.trim_matches('"').to_owned());
        }
    }
    metrics
}

#[tokio::test]
async fn every_metric_is_documented() {
    let nats = NatsServer::start();
    let mut all = BTreeMap::<String, (Metric, Vec<&str>)>::new();
    for role in ROLES {
        let process = Launch::new(role).set("nats", &nats.url()).start();
        for (name, metric) in read(&http::get(process.ops(), "/metrics").await.text()) {
            let (known, roles) = all.entry(name.clone()).or_insert_with(|| (Metric::default(), Vec::new()));
            assert!(roles.is_empty() || *known == metric, "{name} is different in {role}");
            (*known, _) = (metric, roles.push(role));
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
                let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
                format!("`{label}`: {}", values.join(", "))
            })
            .collect();
        let roles = if roles[..] == ROLES { "all".to_owned() } else { roles.join(", ") };
        let suffix = if kind == "counter" { "_total" } else { "" };
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
