//! What is published of the service as a whole: how much it is used, reported and ordered about.

use std::sync::Arc;

use axum::{Json, extract::State};
use schemas::transparency::Totals;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    node::Node,
    problem::{Problem, ProblemBody},
};

/// Below this a count is not told: nobody is to be found in a small number.
const FEW: u64 = 10;

/// Counts of all gateways that are running. A count below ten is told as `<10`.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Transparency {
    /// The gateway that has run longest has counted since then, in seconds since the Unix epoch.
    /// One that starts again begins anew.
    #[schema(example = 1_800_000_000)]
    since: u64,
    /// Since then all of them have counted.
    #[schema(example = 1_800_003_600)]
    complete_since: u64,
    /// Sessions that were opened.
    #[schema(example = "1204")]
    sessions: String,
    /// Chats that began.
    #[schema(example = "530")]
    chats: String,
    /// Chats that were reported, by category.
    reports: Reports,
    /// Orders of the operator, such as a pause, that the gateways have carried out.
    #[schema(example = "<10")]
    orders: String,
}

/// Reports by category.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Reports {
    /// Insults, threats, harassment.
    #[schema(example = "12")]
    abuse: String,
    /// Advertising, bots.
    #[schema(example = "31")]
    spam: String,
    /// One of the two seemed to be a child.
    #[schema(example = "<10")]
    minor: String,
    /// Anything else.
    #[schema(example = "<10")]
    other: String,
}

/// Tells how much the service is used and reported, counted once an hour.
///
/// It needs no token. It says nothing of anybody, and nothing of what was said.
#[utoipa::path(get, path = "/v1/transparency", tag = "status", security(()),
    responses(
        (status = 200, description = "The counts", body = Transparency),
        (status = 503, body = ProblemBody, content_type = "application/problem+json",
            description = "The node has just started"),
    ))]
pub(super) async fn show(State(node): State<Arc<Node>>) -> Result<Json<Transparency>, Problem> {
    node.published_counts().map(|totals| Json(told(totals))).ok_or(Problem::Unavailable)
}

fn told(totals: Totals) -> Transparency {
    let Totals { since, complete_since, sessions, chats, reports, orders } = totals;
    Transparency {
        since: since.as_secs(),
        complete_since: complete_since.as_secs(),
        sessions: count(sessions),
        chats: count(chats),
        reports: Reports {
            abuse: count(reports.abuse),
            spam: count(reports.spam),
            minor: count(reports.minor),
            other: count(reports.other),
        },
        orders: count(orders),
    }
}

fn count(count: u64) -> String {
    if count < FEW { format!("<{FEW}") } else { count.to_string() }
}

#[cfg(test)]
mod tests {
    use schemas::{UnixMillis, event::ReportCounts};

    use super::*;

    #[test]
    fn small_counts_are_not_told() {
        let reports = ReportCounts { abuse: 0, spam: 9, minor: 10, other: 11 };
        let (since, complete_since) = (UnixMillis::from_secs(1), UnixMillis::from_secs(2));
        let told = told(Totals { since, complete_since, sessions: 1000, chats: 9, reports, orders: 1 });
        let expected = serde_json::json!({
            "since": 1, "complete_since": 2, "sessions": "1000", "chats": "<10",
            "reports": {"abuse": "<10", "spam": "<10", "minor": "10", "other": "11"}, "orders": "<10"
        });
        assert_eq!(serde_json::to_value(told).unwrap(), expected);
    }
}
