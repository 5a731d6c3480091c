//! Giving an order to a cluster, over NATS and as the operator.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, bail};
use bus::{Bus, Heard, NatsOptions, Status, Subscription};
use schemas::{
    BootId, NodeId, Service,
    limits::HEARTBEAT,
    message::{Answer, Message},
    order::{Outcome, SignedOrder},
    subject::{Interest, OPERATOR},
};
use tokio::time::{Instant, timeout, timeout_at};

use super::{Answers, OrderOptions, nowhere};

/// How long to wait for a NATS server.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// How long to listen who is there: two heartbeats of each may be lost.
const LISTEN: Duration = HEARTBEAT.saturating_mul(3);

/// How often an order is repeated for those who have not answered, once a second.
const TIMES: u32 = 3;

/// The nodes that run, as the operator sees them.
pub(super) struct Cluster {
    bus: Bus,
    nodes: BTreeMap<NodeId, BootId>,
}

impl Cluster {
    /// Connects, and listens who is there.
    pub(super) async fn join(options: &OrderOptions) -> anyhow::Result<Self> {
        let nats = NatsOptions {
            urls: options.nats.clone(),
            ca: options.nats_ca.clone(),
            cert: options.nats_cert.clone(),
            key: options.nats_key.clone(),
        };
        let certified = nats.names().ok().flatten().and_then(|names| names.into_iter().next());
        let me = match certified {
            Some(name) => name,
            None => OPERATOR.parse().context("the operator has no name")?,
        };
        let bus = Bus::nats(nats, me).await.context("cannot join the bus")?;
        let mut status = bus.status();
        let up = status.wait_for(|status| *status == Status::Up);
        if !matches!(timeout(CONNECT_PATIENCE, up).await, Ok(Ok(_))) {
            bail!("no NATS server can be reached: the order was not given");
        }
        let heartbeats = bus.subscribe(&Service::ALL.map(Interest::Heartbeats)).await?;
        let nodes = listen(heartbeats).await;
        if nodes.is_empty() {
            bail!("no node is heard: the order was not given");
        }
        Ok(Self { bus, nodes })
    }

    /// The run of a node.
    pub(super) fn boot_of(&self, node: &NodeId) -> anyhow::Result<BootId> {
        match self.nodes.get(node) {
            Some(boot) => Ok(*boot),
            None => nowhere(&format!("no node {} is heard", node.as_str())),
        }
    }

    /// Publishes the order until all nodes have answered, or a few times.
    pub(super) async fn give(self, order: &SignedOrder) -> Answers {
        let answers = give(&self.bus, self.nodes.into_keys(), order).await;
        self.bus.drain().await;
        answers
    }
}

/// Publishes an order until these nodes have answered, or a few times.
pub async fn give(bus: &Bus, nodes: impl Iterator<Item = NodeId>, order: &SignedOrder) -> Answers {
    let mut answers: Answers = nodes.map(|node| (node, None)).collect();
    for _ in 0..TIMES {
        collect(bus, order, &mut answers).await;
        if answers.values().all(Option::is_some) {
            break;
        }
    }
    answers
}

/// What is answered within a second.
async fn collect(bus: &Bus, order: &SignedOrder, answers: &mut Answers) {
    let deadline = Instant::now() + HEARTBEAT;
    if let Ok(mut receipts) = bus.ask(Message::Order(Box::new(order.clone()))) {
        while let Ok(Some(answer)) = timeout_at(deadline, receipts.next()).await {
            let Answer::Receipt(receipt) = answer else { continue };
            let known = answers.entry(receipt.node).or_default();
            // Said again, it is known to who has taken it; what was refused stays refused.
            if known.is_none_or(|before: Outcome| !before.stands()) {
                *known = Some(receipt.outcome);
            }
            if answers.values().all(Option::is_some) {
                return;
            }
        }
    }
    tokio::time::sleep_until(deadline).await;
}

async fn listen(mut heartbeats: Subscription) -> BTreeMap<NodeId, BootId> {
    let (mut nodes, deadline) = (BTreeMap::new(), Instant::now() + LISTEN);
    while let Ok(Some(heard)) = timeout_at(deadline, heartbeats.next()).await {
        if let Heard::Message { message: Message::Heartbeat { from, heartbeat, .. }, .. } = heard {
            nodes.insert(from, heartbeat.boot);
        }
    }
    nodes
}
