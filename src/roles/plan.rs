//! What a process of a role consists of, as its options say.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use bus::NatsOptions;
use gateway::config::Config;
use pairing::FairBy;
use schemas::{Service, lifetimes::Lifetimes};

use crate::{
    options::{Gateway, Janitor, Listener, Node, Pairing, Serve},
    telemetry::process::Use,
};

/// A node, and the services that it consists of.
pub(super) struct Plan {
    pub(super) node: Node,
    pub(super) nats: Option<NatsOptions>,
    pub(super) pairing: Option<PairingPlan>,
    pub(super) janitor: Option<Lifetimes>,
    pub(super) edge: Option<Edge>,
}

impl Plan {
    /// Where the certificates are that this process shows.
    pub(super) fn certificate_files(&self) -> BTreeMap<Use, PathBuf> {
        // All listeners of a kind show the same, or none.
        let shown = |listener: &Listener| listener.tls.as_ref().map(|tls| tls.cert.clone());
        let clients = self.edge.iter().flat_map(|edge| &edge.listeners).find_map(shown);
        let bus = self.nats.as_ref().and_then(|nats| nats.cert.clone());
        let files = [
            (Use::Bus, bus),
            (Use::Clients, clients),
            (Use::Operations, self.node.ops.iter().find_map(shown)),
        ];
        files.into_iter().filter_map(|(used, file)| Some((used, file?))).collect()
    }

    /// The roles that the node fills.
    pub(super) fn roles(&self) -> Vec<Service> {
        let fills = |role: &Service| match role {
            Service::Gateway => self.edge.is_some(),
            Service::Pairing => self.pairing.is_some(),
            Service::Janitor => self.janitor.is_some(),
        };
        Service::ALL.into_iter().filter(fills).collect()
    }
}

/// How pairing is to do its work.
pub(super) struct PairingPlan {
    /// How long it listens before it publishes matches.
    pub(super) listen_first: Duration,
    pub(super) fair_by: FairBy,
}

/// A gateway, and the listeners for its clients.
pub(super) struct Edge {
    pub(super) listeners: Vec<Listener>,
    pub(super) config: Config,
}

impl From<Serve> for Plan {
    fn from(Serve { node, nats, clients, gateway, fair_by }: Serve) -> Self {
        // On a bus of its own there are no other replicas to listen to.
        let listen_first = nats.as_ref().map_or(Duration::ZERO, |_| pairing::LISTEN_FIRST);
        let pairing = Some(PairingPlan { listen_first, fair_by });
        let janitor = Some(gateway.lifetimes);
        Self { node, nats, pairing, janitor, edge: Some(Edge { listeners: clients, config: gateway }) }
    }
}

impl From<Gateway> for Plan {
    fn from(Gateway { node, nats, clients, gateway }: Gateway) -> Self {
        let edge = Some(Edge { listeners: clients, config: gateway });
        Self { node, nats: Some(nats), pairing: None, janitor: None, edge }
    }
}

impl From<Pairing> for Plan {
    fn from(Pairing { node, nats, fair_by }: Pairing) -> Self {
        let pairing = Some(PairingPlan { listen_first: pairing::LISTEN_FIRST, fair_by });
        Self { node, nats: Some(nats), pairing, janitor: None, edge: None }
    }
}

impl From<Janitor> for Plan {
    fn from(Janitor { node, nats, lifetimes }: Janitor) -> Self {
        Self { node, nats: Some(nats), pairing: None, janitor: Some(lifetimes), edge: None }
    }
}
