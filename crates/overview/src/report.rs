//! What an operator is shown: values only, for the screen, for the page and for scripts.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use schemas::{
    NodeId, Service, UnixMillis,
    event::Load,
    order::{OrderKind, OrderMark},
};
use serde::Serialize;

use crate::{
    alarms::{Over, Raised, Severity},
    cluster::Figures,
    columns::Column,
    nodes::{Key, Known, Nodes},
    query::Labels,
    rules::Rule,
};

/// A cluster at one moment.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// When.
    pub time: UnixMillis,
    /// How much of it is known.
    pub standing: Standing,
    /// All nodes, by role and name.
    pub nodes: Vec<Node>,
    /// How many people there are.
    pub people: People,
    /// What is wrong or about to be: what wakes somebody up first.
    pub alarms: Vec<Alarm>,
    /// What was wrong, the last first.
    pub past: Vec<Past>,
    /// The operator's orders that are in force somewhere.
    pub orders: Vec<InForce>,
    /// The last ten minutes.
    pub history: History,
}

/// How much is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// There is no connection to the bus: what is shown is old.
    BusDown,
    /// Not all have answered yet.
    Looking,
    /// Some nodes do not tell their metrics: alarms about all nodes together are not raised.
    Partial,
    /// Everything.
    Whole,
}

/// How a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is not heard any more.
    Silent,
    /// Clients are sent elsewhere.
    NotReady,
    /// It is about to stop.
    Draining,
    /// It works, and something is missing.
    Degraded,
    /// It is heard, and does not tell its metrics.
    Unknown,
    /// All is well.
    Ready,
}

impl State {
    /// The word that is shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::NotReady => "not ready",
            Self::Draining => "draining",
            Self::Degraded => "degraded",
            Self::Unknown => "unknown",
            Self::Ready => "ready",
        }
    }
}

/// One role of a node. What it does not tell, or what is not its role's, is `None`.
#[derive(Clone, Debug, Serialize)]
pub struct Node {
    /// Its id.
    pub node: NodeId,
    /// Its role.
    pub role: &'static str,
    /// Its boot id as decimal digits: a number of JSON would not hold it.
    pub boot: String,
    /// The version that it runs.
    pub version: String,
    /// How it is.
    pub state: State,
    /// For how long it has been heard, or not been heard, in milliseconds.
    pub for_ms: u64,
    /// How often it was seen to start again.
    pub restarts: u32,
    /// Open connections.
    pub connections: Option<u32>,
    /// People who wait.
    pub waiting: Option<u32>,
    /// People who chat.
    pub chatting: Option<u32>,
    /// Frames a second.
    pub frames: Option<f64>,
    /// Requests a second.
    pub requests: Option<f64>,
    /// Refusals a second.
    pub refused: Option<f64>,
    /// Matches a second.
    pub matches: Option<f64>,
    /// What one of a hundred requests takes longer than, in seconds.
    pub slowest_request: Option<f64>,
    /// What one of a hundred people waits longer than, in seconds.
    pub slowest_match: Option<f64>,
    /// Processors in use.
    pub processor: Option<f64>,
    /// Memory in use, in bytes.
    pub memory: Option<f64>,
    /// The share of the files that it may open.
    pub files: Option<f64>,
    /// Until the first of its certificates ends, in seconds.
    pub certificate: Option<f64>,
}

impl Node {
    pub(crate) fn of(now: UnixMillis, (service, node): &Key, known: &Known, figures: &Figures) -> Self {
        let is_heard = known.is_heard(now);
        let figure = |column: Column| figures.get(&(column, node.clone())).copied().filter(|_| is_heard);
        let of_role = |role: Service, column: Column| figure(column).filter(|_| *service == role);
        let is_gateway = *service == Service::Gateway && is_heard;
        let Load { connections, waiting, chatting } = known.heartbeat.load;
        let state = match (figure(Column::Ready), figure(Column::Lacks)) {
            _ if !is_heard => State::Silent,
            _ if known.heartbeat.draining => State::Draining,
            (Some(0.0), _) => State::NotReady,
            (Some(_), Some(lacks)) if lacks > 0.0 => State::Degraded,
            (Some(_), _) => State::Ready,
            (None, _) => State::Unknown,
        };
        let since = if is_heard { known.since } else { known.heard };
        Self {
            node: node.clone(),
            role: service.word(),
            boot: Nodes::boot(known).0.to_string(),
            version: shown(&known.heartbeat.version),
            state,
            for_ms: schemas::time::millis(now.since(since)),
            restarts: known.restarts,
            connections: is_gateway.then_some(connections),
            waiting: is_gateway.then_some(waiting),
            chatting: is_gateway.then_some(chatting),
            frames: of_role(Service::Gateway, Column::Frames),
            requests: of_role(Service::Gateway, Column::Requests),
            refused: of_role(Service::Gateway, Column::Refused),
            matches: of_role(Service::Pairing, Column::Matches),
            slowest_request: of_role(Service::Gateway, Column::SlowestRequest),
            slowest_match: of_role(Service::Gateway, Column::SlowestMatch),
            processor: figure(Column::Processor),
            memory: figure(Column::Memory),
            files: figure(Column::Files),
            certificate: figure(Column::Certificate),
        }
    }
}

/// Longest version that is shown: semantic versions are shorter.
const VERSION_CHARS: usize = 64;

/// A version as whoever publishes on the bus has written it, for terminals, which obey some
/// characters.
fn shown(version: &str) -> String {
    version.chars().filter(char::is_ascii_graphic).take(VERSION_CHARS).collect()
}

/// How many people there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct People {
    /// Open connections.
    pub connections: u32,
    /// People who wait.
    pub waiting: u32,
    /// People who chat.
    pub chatting: u32,
}

impl People {
    pub(crate) fn of(loads: impl Iterator<Item = Load>) -> Self {
        loads.fold(Self::default(), |sum, load| Self {
            connections: sum.connections.saturating_add(load.connections),
            waiting: sum.waiting.saturating_add(load.waiting),
            chatting: sum.chatting.saturating_add(load.chatting),
        })
    }
}

/// Most orders that are shown: of each kind one is in force, and for a moment an older one.
const MOST_ORDERS: usize = 32;

/// An order that is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InForce {
    /// What is ordered.
    pub kind: OrderKind,
    /// When it was signed: its number.
    pub since: UnixMillis,
    /// When it ends.
    pub until: UnixMillis,
    /// At how many nodes it is in force.
    pub nodes: usize,
    /// How many nodes are heard.
    pub of: usize,
}

impl InForce {
    /// By kind, the newest of each first. After `resume` all is as usual: it is not shown.
    pub(crate) fn of<'a>(now: UnixMillis, heard: impl Iterator<Item = (&'a Key, &'a Known)>) -> Vec<Self> {
        let mut all = BTreeSet::new();
        let mut having: BTreeMap<_, BTreeSet<&NodeId>> = BTreeMap::new();
        for ((_, node), known) in heard {
            all.insert(node);
            for &OrderMark(kind, number, until) in &known.heartbeat.orders {
                if now < until && kind != OrderKind::Resume {
                    having.entry((kind, Reverse(number), until)).or_default().insert(node);
                }
            }
        }
        let of = all.len();
        let orders = having.into_iter().take(MOST_ORDERS);
        orders
            .map(|((kind, Reverse(since), until), nodes)| Self { kind, since, until, nodes: nodes.len(), of })
            .collect()
    }
}

/// Something that is wrong, or is about to be.
#[derive(Clone, Debug, Serialize)]
pub struct Alarm {
    /// Its name, and its section in the runbook.
    pub name: String,
    /// Whom it concerns.
    pub severity: Severity,
    /// Whether it has lasted for long enough.
    pub firing: bool,
    /// What is wrong, in a sentence.
    pub summary: String,
    /// The node that it is about.
    pub node: Option<String>,
    /// Since when.
    pub since: UnixMillis,
}

impl Alarm {
    pub(crate) fn of(rule: &Rule, labels: &Labels, raised: &Raised) -> Self {
        Self {
            name: rule.name.clone(),
            severity: rule.severity,
            firing: raised.is_firing,
            summary: raised.summary.clone(),
            node: labels.get("node").cloned(),
            since: raised.since,
        }
    }

    pub(crate) fn order(&self) -> (bool, Severity, UnixMillis, &str, Option<&str>) {
        (!self.firing, self.severity, self.since, &self.name, self.node.as_deref())
    }
}

/// Something that was wrong.
#[derive(Clone, Debug, Serialize)]
pub struct Past {
    /// Its name, and its section in the runbook.
    pub name: String,
    /// Whom it concerned.
    pub severity: Severity,
    /// What was wrong.
    pub summary: String,
    /// From when.
    pub since: UnixMillis,
    /// Until when.
    pub until: UnixMillis,
}

impl Past {
    pub(crate) fn of(rule: &Rule, over: &Over) -> Self {
        let Over { since, until, summary, .. } = over;
        let (name, severity) = (rule.name.clone(), rule.severity);
        Self { name, severity, summary: summary.clone(), since: *since, until: *until }
    }
}

/// The last ten minutes of the whole cluster, the newest value last.
#[derive(Clone, Debug, Serialize)]
pub struct History {
    /// The time between two values.
    pub step_ms: u64,
    /// The time of the newest.
    pub until: Option<UnixMillis>,
    /// Open connections.
    pub connections: Vec<f64>,
    /// People who wait.
    pub waiting: Vec<f64>,
    /// People who chat.
    pub chatting: Vec<f64>,
    /// Frames a second.
    pub frames: Vec<f64>,
    /// Refusals a second.
    pub refused: Vec<f64>,
}
