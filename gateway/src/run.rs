//! A gateway's life: listening before speaking, serving, and going away without losing anybody.

use std::{sync::Arc, time::Duration};

use bus::{Bus, Clock, SubscribeError};
use serving::{
    listener::{self, Door, ListenerConfig, Proxies, Tls},
    refusal::Refusal,
};
use tokio::time::{Instant, sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    address::is_trusted,
    config::{Config, Peers, ProxyProtocol},
    dispatch, keys,
    metrics::Metrics,
    node::Node,
    ordered, origins,
    rates::ConnectionGuard,
    rest::{self, AppState},
};

/// How often a stopping gateway looks whether everybody has gone.
const LOOK_AROUND: Duration = Duration::from_millis(50);
/// After the last goodbye connections have this long to end by themselves.
const LAST_GOODBYES: Duration = Duration::from_secs(3);

/// Why a gateway could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The bus did not take a subscription.
    #[error("cannot listen on the bus")]
    Subscribe(#[from] SubscribeError),
}

/// A gateway that is ready to run.
pub struct Gateway {
    node: Arc<Node>,
}

impl Gateway {
    /// A gateway on this bus.
    pub fn new(config: Config, bus: Bus, clock: Clock, metrics: Metrics) -> Self {
        Self { node: Arc::new(Node::new(config, bus, clock, metrics)) }
    }

    /// What health checks and handlers ask.
    pub fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// Serves until `shutdown`, then sends its clients away: `drain` at once, 1012 to whoever
    /// remains after the drain wait.
    ///
    /// # Errors
    /// If the bus cannot be listened on.
    pub async fn run(self, doors: Vec<Door>, shutdown: CancellationToken) -> Result<(), RunError> {
        let node = self.node;
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        // First of all: nothing that answers what is published next may be missed.
        let subscriptions = dispatch::listen(&node).await?;
        tasks.spawn(stop.clone().run_until_cancelled_owned(dispatch::run(node.clone(), subscriptions)));
        tasks.spawn(dispatch::follow_bus(node.clone(), stop.clone()));
        tasks.spawn(dispatch::watch(node.clone(), stop.clone()));
        tasks.spawn(dispatch::sync(node.clone(), stop.clone()));
        tasks.spawn(ordered::follow_orders(node.clone(), stop.clone()));
        tasks.spawn(dispatch::tick(node.clone(), stop.clone()));
        tasks.spawn(dispatch::keep_alive(node.clone(), stop.clone()));
        tasks.spawn(sign(node.clone(), stop.clone()));
        tasks.spawn(origins::run(node.clone(), stop.clone()));
        tasks.spawn(sweep(node.clone(), stop.clone()));
        let router = rest::router(AppState { node: node.clone(), tasks: tasks.clone() });
        for Door { listening, tls } in doors {
            let (router, config) = (router.clone(), listener_config(&node, tls));
            tasks.spawn(listener::serve(listening, router, config, tasks.clone(), stop.clone()));
        }
        shutdown.cancelled().await;
        drain(&node).await;
        stop.cancel();
        tasks.close();
        let _ = tokio::time::timeout(LAST_GOODBYES, tasks.wait()).await;
        Ok(())
    }
}

fn listener_config(node: &Arc<Node>, tls: Option<Tls>) -> ListenerConfig<ConnectionGuard> {
    let (request_wait, counted) = (node.config().upgrade_wait, node.clone());
    let admit = move |address| {
        let (config, rates) = (counted.config(), counted.rates());
        // Behind a proxy the socket's address says nothing; the upgrade counts the client's own.
        if is_trusted(address, &config.trusted_proxies) {
            return rates.connection(None);
        }
        match config.peers {
            Peers::Anybody => rates.connection(Some(&rates.address(address))),
            Peers::Proxies => Err(Refusal::Stranger),
        }
    };
    let told = node.clone();
    let refused = Arc::new(move |refusal: Refusal| told.refusals().refused(refusal.word()));
    let proxies = (node.config().proxy_protocol == ProxyProtocol::Spoken).then(|| proxies(node));
    ListenerConfig { tls, request_wait, admit: Arc::new(admit), proxies, refused }
}

/// Proxies that name their clients by the PROXY protocol.
fn proxies(node: &Arc<Node>) -> Proxies<ConnectionGuard> {
    let (trusting, counted) = (node.clone(), node.clone());
    let is_proxy = move |address| is_trusted(address, &trusting.config().trusted_proxies);
    let admit = move |client| {
        // Behind the one that passes bytes through there may be another, which speaks HTTP.
        let is_proxy = is_trusted(client, &counted.config().trusted_proxies);
        let rates = counted.rates();
        rates.connection((!is_proxy).then(|| rates.address(client)).as_ref())
    };
    Proxies { is_proxy: Arc::new(is_proxy), admit: Arc::new(admit) }
}

async fn sign(node: Arc<Node>, stop: CancellationToken) {
    keys::run(node.tokens(), node.bus(), *node.clock(), stop).await;
}

async fn sweep(node: Arc<Node>, stop: CancellationToken) {
    node.rates().run(stop).await;
}

async fn drain(node: &Node) {
    tracing::info!(event = "node.draining", "going away");
    node.start_draining();
    // At once: without clients it ends before its next heartbeat, and would be missed.
    dispatch::announce_heartbeat(node);
    wait_until_empty(node, node.config().drain_wait).await;
    node.close_all();
    wait_until_empty(node, LAST_GOODBYES).await;
}

async fn wait_until_empty(node: &Node, patience: Duration) {
    let deadline = Instant::now() + patience;
    while !node.is_empty() && Instant::now() < deadline {
        sleep(LOOK_AROUND).await;
    }
}
