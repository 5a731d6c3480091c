//! What operators are given for their own tools fits together: alarms, runbook, dashboards, tests.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

use crate::support::operations::{self, Rule};

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The names that the table in docs/metrics.md has.
fn documented() -> BTreeSet<String> {
    let text = text("docs/metrics.md");
    let names = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// The names of ours in a query.
fn named(query: &str) -> impl Iterator<Item = &str> {
    query
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("cipher_chat_"))
}

#[test]
fn every_metric_of_alarms_and_dashboards_is_exported() {
    let documented = documented();
    let queries: Vec<String> = operations::rules().into_iter().map(|rule| rule.query).collect();
    for query in queries.iter().chain(&operations::dashboard_queries()) {
        let names: Vec<_> = named(query).collect();
        let is_of_others = ["vector(1)", "up{", "vl_"].iter().any(|own| query.contains(own));
        assert!(!names.is_empty() || is_of_others, "{query}");
        for name in names {
            let histogram = ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end));
            let is_known =
                documented.contains(name) || histogram.is_some_and(|name| documented.contains(name));
            assert!(is_known, "{name}, in {query}");
        }
    }
}

#[test]
fn every_alarm_has_a_section_in_the_runbook_and_no_section_is_left_over() {
    let runbook = text("docs/runbook.md");
    let sections: Vec<_> = runbook.split("\n### ").skip(1).collect();
    let titles: BTreeSet<_> = sections.iter().map(|section| section.lines().next().unwrap()).collect();
    let rules = operations::rules();
    let alarms: BTreeSet<_> = rules.iter().map(|rule| rule.alarm.as_str()).collect();
    assert_eq!(titles, alarms);
    assert_eq!(rules.len(), alarms.len(), "each name once");
    for section in sections {
        for part in ["**For people:**", "**Look:**", "**Do:**"] {
            assert_eq!(section.matches(part).count(), 1, "{part} in {section}");
        }
    }
    for Rule { alarm, runbook, severity, .. } in &rules {
        assert_eq!(*runbook, format!("docs/runbook.md#{}", alarm.to_lowercase()));
        assert!(["page", "ticket", "none"].contains(&severity.as_str()), "{alarm}: {severity}");
    }
}

#[test]
fn every_alarm_is_tested() {
    let tests = text("tests/operations/alerts.yml");
    let firing = |alarm: &str| format!("alertname=\"{alarm}\", alertstate=\"firing\"");
    let untested: Vec<_> = operations::rules().into_iter().map(|rule| rule.alarm).collect();
    let untested: Vec<_> =
        untested.iter().filter(|alarm| *alarm != "Watchdog" && !tests.contains(&firing(alarm))).collect();
    assert!(untested.is_empty(), "{untested:?}");
}

#[test]
fn dashboards_are_found_by_grafana_and_show_what_prometheus_has() {
    let mut ids = BTreeSet::new();
    for (file, dashboard) in operations::dashboards() {
        assert!(ids.insert(dashboard["uid"].as_str().unwrap().to_owned()), "{file}");
        let panels = dashboard["panels"].as_array().unwrap();
        let mut numbers = BTreeSet::new();
        for panel in panels {
            assert!(numbers.insert(panel["id"].as_u64().unwrap()), "{panel}");
            if panel["type"] == "row" {
                continue;
            }
            assert_ne!(panel["description"], Value::Null, "{panel}");
            assert_eq!(panel["datasource"]["uid"], "prometheus", "{panel}");
        }
    }
    assert!(text("operations/grafana/datasources/stores.yml").contains("uid: prometheus\n"));
}

/// What the sources of all packages have behind `event = `, in a call that logs.
fn logged(dir: &Path, events: &mut BTreeSet<String>) {
    for path in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            logged(&path, events);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(path).unwrap();
            let named = source.split("event = \"").skip(1).filter_map(|rest| rest.split_once('"'));
            events.extend(named.map(|(event, _)| event.to_owned()));
        }
    }
}

#[test]
fn every_event_of_the_logs_is_documented() {
    let mut events = BTreeSet::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let packages =
        ["bus", "console", "health", "orders", "otlp", "serving"].map(|name| format!("crates/{name}/src"));
    let own = ["src", "gateway/src", "pairing/src", "janitor/src"].map(str::to_owned);
    for package in own.iter().chain(&packages) {
        logged(&root.join(package), &mut events);
    }
    let text = text("docs/logs.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let documented: Vec<_> = rows.map(|(event, _)| event.to_owned()).collect();
    assert_eq!(documented, events.into_iter().collect::<Vec<_>>(), "in the order of the alphabet");
}
