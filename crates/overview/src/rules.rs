//! The alarms of `operations/alerts.yml`, which are built in: as JSON, so that no program needs a
//! parser of YAML. A test writes that file from the other.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    alarms::Severity,
    query::{Query, QueryError, duration},
};

/// What Prometheus uses, as far as it is used here.
const FILE: &str = include_str!("alarms.json");

/// Why the alarms cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The file has another form.
    #[error("the file of alarms cannot be read")]
    File(#[from] serde_json::Error),
    /// An alarm asks for more than is answered here.
    #[error("the alarm {alarm} cannot be used")]
    Query {
        /// Its name.
        alarm: String,
        /// Why not.
        source: QueryError,
    },
    /// An alarm with a time or a severity of another form.
    #[error("the alarm {alarm} has a wrong {what}")]
    Field {
        /// Its name.
        alarm: String,
        /// What is wrong.
        what: &'static str,
    },
}

/// One alarm.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) query: Query,
    /// How long its query must have had an answer.
    pub(crate) hold: Duration,
    pub(crate) severity: Severity,
    /// With places for labels and the value.
    pub(crate) summary: String,
}

/// An alarm as the file has it.
#[derive(Serialize, Deserialize)]
struct Alert {
    alert: String,
    expr: String,
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    hold: Option<String>,
    severity: String,
    summary: String,
}

/// All alarms that are built in.
pub(crate) fn built_in() -> Result<Vec<Rule>, RulesError> {
    read(FILE)
}

fn read(text: &str) -> Result<Vec<Rule>, RulesError> {
    let alerts: Vec<Alert> = serde_json::from_str(text)?;
    alerts.into_iter().map(rule).collect()
}

fn rule(alert: Alert) -> Result<Rule, RulesError> {
    let Alert { alert: name, expr, hold, severity, summary } = alert;
    let wrong = |what: &'static str| RulesError::Field { alarm: name.clone(), what };
    let query = Query::parse(&expr).map_err(|source| RulesError::Query { alarm: name.clone(), source })?;
    let hold = hold.map_or(Ok(Duration::ZERO), |text| duration(&text).map_err(|_| wrong("time")))?;
    let severity = Severity::from_word(&severity).ok_or_else(|| wrong("severity"))?;
    Ok(Rule { name, query, hold, severity, summary })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const OF_PROMETHEUS: &str =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../operations/alerts.yml"));

    #[derive(Deserialize)]
    struct Rules {
        groups: Vec<Group>,
    }

    #[derive(Deserialize)]
    struct Group {
        rules: Vec<OfPrometheus>,
    }

    #[derive(Deserialize)]
    struct OfPrometheus {
        alert: String,
        expr: String,
        #[serde(rename = "for")]
        hold: Option<String>,
        labels: BTreeMap<String, String>,
        annotations: BTreeMap<String, String>,
    }

    impl From<OfPrometheus> for Alert {
        fn from(mut alert: OfPrometheus) -> Self {
            Self {
                alert: alert.alert,
                expr: alert.expr,
                hold: alert.hold,
                severity: alert.labels.remove("severity").unwrap(),
                summary: alert.annotations.remove("summary").unwrap(),
            }
        }
    }

    #[test]
    fn every_alarm_that_prometheus_raises_is_raised_here() {
        let rules: Rules = serde_saphyr::from_str(OF_PROMETHEUS).unwrap();
        let alerts: Vec<_> =
            rules.groups.into_iter().flat_map(|group| group.rules).map(Alert::from).collect();
        assert_eq!(alerts.len(), OF_PROMETHEUS.matches("- alert: ").count());
        let text = serde_json::to_string_pretty(&alerts).unwrap();
        derived::file("crates/overview/src/alarms.json", &(text.clone() + "\n"));
        for rule in read(&text).unwrap_or_else(|error| panic!("{error:?}")) {
            let mut names = Vec::new();
            rule.query.names(&mut names);
            assert!(!names.is_empty() || rule.name == "Watchdog", "{}", rule.name);
        }
    }

    #[test]
    fn an_alarm_that_is_not_understood_is_a_fault_by_name() {
        let file = |expr: &str, hold: &str, severity: &str| {
            format!(
                r#"[{{"alert":"A","expr":"{expr}","for":"{hold}","severity":"{severity}","summary":"s"}}]"#
            )
        };
        assert!(read(&file("a > 1", "1m", "page")).is_ok());
        for (wrong, expected) in [
            (file("a >", "1m", "page"), "the alarm A cannot be used"),
            (file("a > 1", "1x", "page"), "the alarm A has a wrong time"),
            (file("a > 1", "1m", "loud"), "the alarm A has a wrong severity"),
        ] {
            assert_eq!(read(&wrong).unwrap_err().to_string(), expected);
        }
        assert!(matches!(read("- x"), Err(RulesError::File(_))));
    }
}
