//! The fold: what is known of a cluster, and what follows from it.

use std::collections::BTreeMap;

use bus::{Observed, Status};
use schemas::{NodeId, Service, UnixMillis, event::Heartbeat};

use crate::{
    alarms::{Alarms, Knowledge},
    columns::Column,
    history::{Recent, Sums},
    nodes::{Change, Known, Nodes},
    query::{Labels, Moment, Query},
    report::{self, Report, Standing},
    rules::{self, Rule, RulesError},
    samples::{Samples, UP},
};

/// The job of all nodes, as Prometheus names it.
const JOB: &str = "cipher-chat";

/// The figures of each node.
pub(crate) type Figures = BTreeMap<(Column, NodeId), f64>;

/// What is known of a cluster.
#[derive(Debug)]
pub struct Cluster {
    rules: Vec<Rule>,
    columns: Vec<(Column, Query)>,
    pub(crate) nodes: Nodes,
    samples: Samples,
    pub(crate) alarms: Alarms,
    pub(crate) recent: Recent,
    bus: Status,
    /// Since when the bus is down.
    lost: Option<UnixMillis>,
    rounds: u64,
}

impl Cluster {
    /// Nothing is known yet.
    ///
    /// # Errors
    /// If the alarms that are built in cannot be used: a fault of this program.
    pub fn new() -> Result<Self, RulesError> {
        let rules = rules::built_in()?;
        let columns = Column::queries()
            .map_err(|source| RulesError::Query { alarm: "(a column)".to_owned(), source })?;
        let mut wanted = vec![UP.to_owned()];
        rules.iter().for_each(|rule| rule.query.names(&mut wanted));
        columns.iter().for_each(|(_, query)| query.names(&mut wanted));
        Ok(Self {
            rules,
            columns,
            nodes: Nodes::default(),
            samples: Samples::of(wanted),
            alarms: Alarms::default(),
            recent: Recent::default(),
            bus: Status::Down,
            lost: None,
            rounds: 0,
        })
    }

    /// Takes what was heard.
    pub fn hear(&mut self, now: UnixMillis, heard: Observed) {
        match heard {
            Observed::Bus(status) => self.bus(now, status),
            Observed::Asked => self.round(now),
            Observed::Heartbeat { service, from, heartbeat } => self.heartbeat(now, service, from, heartbeat),
            Observed::Metrics { service, from, samples } => {
                let Some(samples) = samples else { return };
                let key = (service, from);
                if self.nodes.answered(now, &key) {
                    self.samples.read(now, &key.1, &own(&key.1), &samples);
                }
            }
        }
    }

    /// How often all nodes were asked.
    pub fn rounds(&self) -> u64 {
        self.rounds
    }

    fn bus(&mut self, now: UnixMillis, status: Status) {
        match status {
            Status::Down => {
                self.lost.get_or_insert(now);
            }
            Status::Up => {
                if let Some(lost) = self.lost.take() {
                    self.nodes.discount(now);
                    self.alarms.discount(now.since(lost), now);
                }
            }
        }
        self.bus = status;
    }

    fn heartbeat(&mut self, now: UnixMillis, service: Service, from: NodeId, heartbeat: Heartbeat) {
        self.nodes.hear(now, (service, from), heartbeat);
    }

    /// Before a question is answered: what is known by the answers to the one before.
    fn round(&mut self, now: UnixMillis) {
        self.rounds += 1;
        for change in self.nodes.expire(now) {
            match change {
                Change::Forgotten(node) => self.samples.forget(&node),
                Change::Silent(node) => {
                    self.samples.forget_present(&node);
                    self.samples.is_up(now, &node, &own(&node), false);
                }
            }
        }
        let heard: Vec<_> = self.nodes.heard(now).map(|((_, id), _)| id.clone()).collect();
        for node in heard {
            self.samples.is_up(now, &node, &own(&node), true);
        }
        let knowledge = self.knowledge(now);
        let moment = Moment { samples: &self.samples, now };
        self.alarms.look(&self.rules, moment, knowledge);
        if knowledge != Knowledge::None {
            let sums = self.sums(now);
            self.recent.push(now, sums);
        }
    }

    pub(crate) fn knowledge(&self, now: UnixMillis) -> Knowledge {
        if self.bus == Status::Down || self.rounds < 2 {
            Knowledge::None
        } else if self.nodes.heard(now).all(|(_, known)| known.tells_metrics(now)) {
            Knowledge::Whole
        } else {
            Knowledge::Partial
        }
    }

    fn sums(&self, now: UnixMillis) -> Sums {
        let load = report::People::of(self.heard_loads(now));
        let figures = self.figures(now);
        let sum = |column: Column| -> f64 {
            let heard = |node: &NodeId| self.nodes.heard(now).any(|((_, id), _)| id == node);
            let of_column = figures.iter().filter(|((of, node), _)| *of == column && heard(node));
            of_column.map(|(_, value)| value).sum()
        };
        Sums {
            connections: f64::from(load.connections),
            waiting: f64::from(load.waiting),
            chatting: f64::from(load.chatting),
            frames: sum(Column::Frames),
            refused: sum(Column::Refused),
        }
    }

    fn heard_loads(&self, now: UnixMillis) -> impl Iterator<Item = schemas::event::Load> {
        let gateways = self.nodes.heard(now).filter(|((service, _), _)| *service == Service::Gateway);
        gateways.map(|(_, known): (_, &Known)| known.heartbeat.load)
    }

    fn figures(&self, now: UnixMillis) -> Figures {
        let moment = Moment { samples: &self.samples, now };
        let mut figures = Figures::new();
        for (column, query) in &self.columns {
            for (labels, value) in moment.answer(query).into_vector() {
                let node = labels.get("node").and_then(|node| node.parse().ok());
                if let Some(node) = node.filter(|_| value.is_finite()) {
                    figures.insert((*column, node), value);
                }
            }
        }
        figures
    }

    /// What an operator is shown.
    pub fn report(&self, now: UnixMillis) -> Report {
        let standing = match (self.bus, self.knowledge(now)) {
            (Status::Down, _) => Standing::BusDown,
            (_, Knowledge::None) => Standing::Looking,
            (_, Knowledge::Partial) => Standing::Partial,
            (_, Knowledge::Whole) => Standing::Whole,
        };
        let figures = self.figures(now);
        // Who has left is forgotten in the next round, and is nobody to worry about until then.
        let nodes = self.nodes.0.iter().filter(|(_, known)| !known.has_left(now));
        let nodes = nodes.map(|(key, known)| report::Node::of(now, key, known, &figures));
        let raised = self.alarms.raised.iter();
        let mut alarms: Vec<_> = raised
            .map(|((rule, labels), raised)| report::Alarm::of(&self.rules[*rule], labels, raised))
            .collect();
        alarms.sort_by(|one, other| one.order().cmp(&other.order()));
        let past = self.alarms.past.iter().rev();
        Report {
            time: now,
            standing,
            nodes: nodes.collect(),
            people: report::People::of(self.heard_loads(now)),
            alarms,
            past: past.map(|over| report::Past::of(&self.rules[over.rule], over)).collect(),
            orders: report::InForce::of(now, self.nodes.heard(now)),
            history: self.recent.report(),
        }
    }
}

/// The labels that a node's series have besides their own, as Prometheus gives them.
fn own(node: &NodeId) -> Labels {
    Labels::from([("job".to_owned(), JOB.to_owned()), ("node".to_owned(), node.as_str().to_owned())])
}
