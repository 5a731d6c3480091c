//! Where a cluster is watched from.

use std::{sync::Arc, time::Duration};

use bus::{Bus, Heard, Observed, SubscribeError, Subscription, Watcher};
use schemas::{NodeId, Service, message::Message, subject::Interest};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often nodes are asked for their metrics.
pub const EVERY: Duration = Duration::from_secs(2);

/// What there is to hear.
pub enum Source {
    /// All nodes, as somebody who watches the bus.
    Cluster(Box<Watcher>),
    /// This process, and who else it hears.
    Own(Box<Own>),
}

impl Source {
    /// Waits for what is heard next. Nothing is lost if this is dropped while it waits.
    pub async fn next(&mut self) -> Observed {
        match self {
            Self::Cluster(watcher) => watcher.next().await,
            Self::Own(own) => own.next().await,
        }
    }
}

/// A process that watches itself. Others on its bus are heard, and do not tell it their metrics.
pub struct Own {
    heard: Subscription,
    status: tokio::sync::watch::Receiver<bus::Status>,
    told: Option<bus::Status>,
    node: NodeId,
    roles: Vec<Service>,
    /// The roles whose metrics are to be told now.
    due: Vec<Service>,
    metrics: Arc<dyn Fn() -> String + Send + Sync>,
    rounds: Interval,
}

impl Own {
    /// Watches the node of this bus, which fills these roles. `metrics` tells them in the
    /// OpenMetrics text format.
    ///
    /// # Errors
    /// If the bus takes no subscription.
    pub async fn open(
        bus: &Bus,
        roles: Vec<Service>,
        metrics: Arc<dyn Fn() -> String + Send + Sync>,
    ) -> Result<Self, SubscribeError> {
        let heard = bus.subscribe(&Interest::of_all()).await?;
        let mut rounds = interval(EVERY);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (status, node) = (bus.status(), bus.node().clone());
        Ok(Self { heard, status, told: None, node, roles, due: Vec::new(), metrics, rounds })
    }

    async fn next(&mut self) -> Observed {
        loop {
            let now = *self.status.borrow_and_update();
            if self.told.replace(now) != Some(now) {
                return Observed::Bus(now);
            }
            if let Some(service) = self.due.pop() {
                let samples = Some((self.metrics)());
                return Observed::Metrics { service, from: self.node.clone(), samples };
            }
            tokio::select! {
                changed = self.status.changed() => if changed.is_err() {
                    // The bus is over, and nothing more will be heard.
                    std::future::pending::<()>().await;
                },
                _ = self.rounds.tick() => {
                    self.due.clone_from(&self.roles);
                    return Observed::Asked;
                }
                heard = self.heard.next() => match heard {
                    Some(Heard::Message { message: Message::Heartbeat { service, from, heartbeat }, .. }) => {
                        return Observed::Heartbeat { service, from, heartbeat };
                    }
                    Some(_) => {}
                    None => std::future::pending().await,
                },
            }
        }
    }
}
