//! What each member shows to whom: its certificates and the authorities that it believes.

use schemas::subject::OPERATOR;

use crate::{
    authority::Authority,
    plan::{Kind, Member},
};

/// What a certificate may be shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usage {
    /// As a server's.
    Server,
    /// As a client's.
    Client,
}

/// A certificate that a member needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeafPlan {
    pub(crate) authority: Authority,
    pub(crate) usages: &'static [Usage],
    /// DNS names and addresses.
    pub(crate) names: Vec<String>,
}

/// How a browser on the same machine names it.
const LOCALHOST: &str = "localhost";

const SERVER: &[Usage] = &[Usage::Server];
const CLIENT: &[Usage] = &[Usage::Client];
/// A NATS server accepts routes and opens them.
const BOTH: &[Usage] = &[Usage::Server, Usage::Client];

impl Member {
    /// Its certificates. `hosts` are the names of the service.
    pub(crate) fn leaves(&self, hosts: &[String]) -> Vec<LeafPlan> {
        let leaf = |authority, usages, names| LeafPlan { authority, usages, names };
        let public = || leaf(Authority::Public, SERVER, hosts.to_vec());
        match self.kind {
            Kind::Gateway => vec![
                leaf(Authority::Bus, CLIENT, self.client_names()),
                // Nginx knows its gateways by one name: it has one for all servers of an upstream.
                leaf(Authority::Edge, SERVER, [self.server_names(), vec![self.kind.word().into()]].concat()),
                leaf(Authority::Operations, SERVER, self.server_names()),
                public(),
            ],
            Kind::Pairing | Kind::Janitor => vec![
                leaf(Authority::Bus, CLIENT, self.client_names()),
                leaf(Authority::Operations, SERVER, self.server_names()),
            ],
            Kind::Nats => vec![
                leaf(Authority::Bus, SERVER, self.server_names()),
                leaf(Authority::Route, BOTH, self.server_names()),
            ],
            Kind::Proxy => vec![leaf(Authority::Edge, CLIENT, self.client_names()), public()],
            Kind::Watcher => vec![leaf(Authority::Operations, CLIENT, self.client_names())],
            Kind::Console => vec![
                // It asks in the operator's name: nodes answer in no other inbox.
                leaf(Authority::Bus, CLIENT, [self.client_names(), vec![OPERATOR.into()]].concat()),
                // Where it is published: on the loopback of its machine.
                leaf(Authority::Operations, SERVER, [self.server_names(), vec![LOCALHOST.into()]].concat()),
            ],
            // For the bus, and for the page of the console.
            Kind::Operator => vec![
                leaf(Authority::Bus, CLIENT, self.client_names()),
                leaf(Authority::Operations, CLIENT, self.client_names()),
            ],
            Kind::System => vec![leaf(Authority::Bus, CLIENT, self.client_names())],
        }
    }

    /// The authorities that it believes: those of its own links. Browsers believe the public one.
    pub(crate) fn believes(&self) -> Vec<Authority> {
        let leaves = self.leaves(&[]).into_iter().map(|leaf| leaf.authority);
        leaves.filter(|authority| *authority != Authority::Public).collect()
    }

    /// What others reach it by.
    fn server_names(&self) -> Vec<String> {
        [std::slice::from_ref(&self.name), &self.hosts].concat()
    }

    /// Who it is: by name, by kind, and by generation. No member has the word for a kind as its
    /// name.
    fn client_names(&self) -> Vec<String> {
        vec![self.name.clone(), self.kind.word().into(), self.generation_name()]
    }

    /// The file of names of its clients, one a line, and the kind of these clients.
    pub(crate) fn client_lists(&self) -> &'static [(&'static str, Kind)] {
        match self.kind {
            Kind::Gateway => &[("edge-names.txt", Kind::Proxy), ("operations-names.txt", Kind::Watcher)],
            Kind::Pairing | Kind::Janitor => &[("operations-names.txt", Kind::Watcher)],
            Kind::Console => &[("operations-names.txt", Kind::Operator)],
            Kind::Nats | Kind::Proxy | Kind::Watcher | Kind::Operator | Kind::System => &[],
        }
    }
}
