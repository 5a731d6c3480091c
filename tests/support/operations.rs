//! The files of `operations/`, as they are deployed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// One alarm.
pub(crate) struct Rule {
    pub(crate) alarm: String,
    pub(crate) query: String,
    pub(crate) severity: String,
    pub(crate) runbook: String,
}

/// A file of `operations/`.
pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("operations").join(name)
}

/// All alarms.
pub(crate) fn rules() -> Vec<Rule> {
    let rules: Value = serde_saphyr::from_str(&fs::read_to_string(file("alerts.yml")).unwrap()).unwrap();
    let groups = rules["groups"].as_array().unwrap();
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().unwrap());
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("a text: {value}")).to_owned();
    rules
        .map(|rule| Rule {
            alarm: text(&rule["alert"]),
            query: text(&rule["expr"]),
            severity: text(&rule["labels"]["severity"]),
            runbook: text(&rule["annotations"]["runbook"]),
        })
        .collect()
}

/// Whether a query is about what keeps logs and traces. `tests/operations/run` starts that; here it
/// is not there.
pub(crate) fn asks_stores(query: &str) -> bool {
    query.contains("job=\"stores\"") || query.contains("vl_")
}

/// All dashboards, by their files.
pub(crate) fn dashboards() -> Vec<(String, Value)> {
    let files = fs::read_dir(file("dashboards")).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: &PathBuf| serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    files.map(|path| (path.display().to_string(), read(&path))).collect()
}

/// What the panels of the dashboards ask.
pub(crate) fn dashboard_queries() -> Vec<String> {
    let mut queries = Vec::new();
    for (file, dashboard) in dashboards() {
        for panel in dashboard["panels"].as_array().unwrap() {
            let targets = panel["targets"].as_array().map(Vec::as_slice).unwrap_or_default();
            assert!(panel["type"] == "row" || !targets.is_empty(), "{file}: {panel}");
            queries.extend(targets.iter().map(|target| target["expr"].as_str().unwrap().to_owned()));
        }
    }
    queries
}
