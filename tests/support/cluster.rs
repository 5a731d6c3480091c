//! Gateways, pairing and janitor replicas on a NATS server of their own.

use super::{
    nats::NatsServer,
    process::{Launch, Process},
};

/// A cluster to be started; by default two gateways, a pairing and a janitor replica.
pub(crate) struct Plan {
    gateways: usize,
    pairings: usize,
    janitors: usize,
    options: Vec<(String, String)>,
    traced: bool,
}

impl Plan {
    /// Sets the number of gateways.
    pub(crate) fn gateways(mut self, count: usize) -> Self {
        self.gateways = count;
        self
    }

    /// Sets the number of pairing replicas.
    pub(crate) fn pairings(mut self, count: usize) -> Self {
        self.pairings = count;
        self
    }

    /// Sets the number of janitor replicas.
    pub(crate) fn janitors(mut self, count: usize) -> Self {
        self.janitors = count;
        self
    }

    /// Sets an option of all nodes.
    pub(crate) fn set(mut self, option: &str, value: &str) -> Self {
        self.options.push((option.into(), value.into()));
        self
    }

    /// Logs everything.
    pub(crate) fn traced(mut self) -> Self {
        self.traced = true;
        self
    }

    /// Starts it and waits until every node is ready.
    pub(crate) async fn start(self) -> Cluster {
        let nats = NatsServer::start();
        let mut cluster = Cluster {
            gateways: Vec::new(),
            pairings: Vec::new(),
            janitors: Vec::new(),
            nats,
            options: self.options,
            traced: self.traced,
            started: 0,
        };
        // All at the same time: a pairing replica listens for three seconds before it leads.
        let start = |cluster: &mut Cluster, role, count| -> Vec<_> {
            (0..count).map(|_| cluster.launch(role).start()).collect()
        };
        cluster.pairings = start(&mut cluster, "pairing", self.pairings);
        cluster.janitors = start(&mut cluster, "janitor", self.janitors);
        cluster.gateways = start(&mut cluster, "gateway", self.gateways);
        for process in cluster.processes() {
            process.is_ready().await;
        }
        cluster
    }
}

/// A running cluster.
pub(crate) struct Cluster {
    pub(crate) gateways: Vec<Process>,
    pub(crate) pairings: Vec<Process>,
    pub(crate) janitors: Vec<Process>,
    pub(crate) nats: NatsServer,
    options: Vec<(String, String)>,
    traced: bool,
    started: usize,
}

impl Cluster {
    /// The default plan.
    pub(crate) fn plan() -> Plan {
        Plan { gateways: 2, pairings: 1, janitors: 1, options: Vec::new(), traced: false }
    }

    /// Two gateways, a pairing and a janitor replica.
    pub(crate) async fn start() -> Self {
        Self::plan().start().await
    }

    /// A further node of this cluster, which can be configured before it is started.
    pub(crate) fn launch(&mut self, role: &'static str) -> Launch {
        self.started += 1;
        let mut launch = Launch::new(role)
            .set("nats", &self.nats.url())
            .set("node-id", &format!("{role}-{}", self.started));
        for (option, value) in &self.options {
            launch = launch.set(option, value);
        }
        if self.traced { launch.traced() } else { launch }
    }

    /// Starts a further node and waits until it is ready.
    pub(crate) async fn start_node(&mut self, role: &'static str) -> Process {
        self.launch(role).ready().await
    }

    /// Every process of it.
    pub(crate) fn processes(&self) -> impl Iterator<Item = &Process> {
        self.gateways.iter().chain(&self.pairings).chain(&self.janitors)
    }
}
