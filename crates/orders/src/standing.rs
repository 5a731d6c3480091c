//! The orders of one process, as its services share them.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use parking_lot::Mutex;
use schemas::{
    BootId, NodeId, UnixMillis,
    event::OrdersAnswer,
    order::{OrderMark, Outcome, SignedOrder},
    orders::{Bringer, OrderKey, Orders, Rules},
};
use tokio::sync::watch;

use crate::metrics::Metrics;

/// What is in force here. Cheap to clone; all clones are the same. By default nothing is, and no
/// order is taken.
#[derive(Clone, Default)]
pub struct Standing(Arc<Shared>);

#[derive(Default)]
struct Shared {
    orders: Mutex<Orders>,
    rules: watch::Sender<Arc<Rules>>,
    taken: AtomicU64,
    metrics: Metrics,
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Standing(…)")
    }
}

impl Standing {
    /// Judges orders by the operator's key. Without one none is taken.
    pub fn new(key: Option<OrderKey>, metrics: Metrics) -> Self {
        Self(Arc::new(Shared { orders: Mutex::new(Orders::new(key)), metrics, ..Shared::default() }))
    }

    /// What the orders come to now, and from now on.
    pub fn rules(&self) -> watch::Receiver<Arc<Rules>> {
        self.0.rules.subscribe()
    }

    /// What the orders come to now.
    pub fn now(&self) -> Arc<Rules> {
        self.0.rules.borrow().clone()
    }

    /// Takes an order, if it counts. If not, nothing changes, and that is counted.
    pub fn take(&self, now: UnixMillis, order: &SignedOrder, bringer: Bringer) -> Outcome {
        let mut orders = self.0.orders.lock();
        let outcome = orders.take(now, order, bringer);
        self.publish(now, &orders);
        drop(orders);
        // Several keepers bring the same, and what is over: that is how it should be.
        let is_usual = bringer == Bringer::Keeper
            && matches!(outcome, Outcome::Known | Outcome::OutOfOrder | Outcome::Expired);
        if !is_usual {
            self.0.metrics.count(order.kind(), outcome);
        }
        if outcome == Outcome::Taken {
            self.0.taken.fetch_add(1, Relaxed);
            tracing::info!(
                event = "order.taken",
                kind = order.kind().word(),
                number = order.number.0,
                expires = order.expires.0,
                "an order of the operator is in force"
            );
        }
        outcome
    }

    /// Lets time pass: what ends, ends.
    pub fn refresh(&self, now: UnixMillis) {
        self.publish(now, &self.0.orders.lock());
    }

    fn publish(&self, now: UnixMillis, orders: &Orders) {
        let kinds: Vec<_> = orders.in_force(now).map(SignedOrder::kind).collect();
        self.0.metrics.show(&kinds);
        let rules = orders.rules(now);
        self.0.rules.send_if_modified(|before| {
            let is_new = **before != rules;
            if is_new {
                *before = Arc::new(rules);
            }
            is_new
        });
    }

    /// How heartbeats tell of the orders in force.
    pub fn marks(&self, now: UnixMillis) -> Vec<OrderMark> {
        self.0.orders.lock().marks(now)
    }

    /// The orders in force.
    pub fn in_force(&self, now: UnixMillis) -> Vec<SignedOrder> {
        self.0.orders.lock().in_force(now).cloned().collect()
    }

    /// What another node is to know.
    pub fn kept(&self, now: UnixMillis) -> OrdersAnswer {
        OrdersAnswer { orders: self.0.orders.lock().kept(now) }
    }

    /// Whether another node has newer orders.
    pub fn is_behind(&self, marks: &[OrderMark]) -> bool {
        self.0.orders.lock().is_behind(marks)
    }

    /// Whether this run of this node is told to stop.
    pub fn drains(&self, now: UnixMillis, node: &NodeId, boot: BootId) -> bool {
        self.0.orders.lock().drains(now, node, boot)
    }

    /// How many orders it has taken.
    pub fn taken(&self) -> u64 {
        self.0.taken.load(Relaxed)
    }
}
