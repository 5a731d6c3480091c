//! What an operator sees of a cluster: its nodes, what they do, and what is wrong with them.
//!
//! [`Cluster`] is a fold over what nodes say of themselves: heartbeats, and metrics. Everything
//! but [`watch`] is pure: it has no clock and no socket. The alarms are those of
//! `operations/alerts.yml`, which Prometheus uses too: they are built in, and their queries are
//! answered from what was heard. Nothing here names a person, a room, a session or an address.

mod alarms;
mod cluster;
mod columns;
mod history;
mod nodes;
mod query;
mod report;
mod rules;
mod samples;
mod text;
pub mod watch;

#[cfg(test)]
mod tests;

pub use self::{
    alarms::Severity,
    cluster::Cluster,
    query::QueryError,
    report::{Alarm, History, InForce, Node, Past, People, Report, Standing, State},
    rules::RulesError,
    text::{amount, bytes, lasting, percent, time_left},
};
