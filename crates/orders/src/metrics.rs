//! What a node counts of orders. No label holds a text or a node.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use schemas::order::{OrderKind, Outcome};

/// Counters and gauges of the orders of one process. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    taken: Family<KindLabel, Counter>,
    refused: Family<CauseLabel, Counter>,
    in_force: Family<KindLabel, Gauge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CauseLabel {
    cause: &'static str,
}

impl Metrics {
    /// Makes them part of what `/metrics` shows. Every metric is named here, or this does not
    /// compile; `docs/metrics.md` lists them.
    #[deny(unused_variables)]
    pub fn register(&self, registry: &mut Registry) {
        let Self { taken, refused, in_force } = self.clone();
        let registry = registry.sub_registry_with_prefix("orders");
        // Each series is there from the start, so that the first of its kind is seen as an
        // increase.
        for kind in OrderKind::ALL {
            drop(taken.get_or_create(&KindLabel { kind: kind.word() }));
            drop(in_force.get_or_create(&KindLabel { kind: kind.word() }));
        }
        for outcome in Outcome::ALL.iter().filter(|outcome| **outcome != Outcome::Taken) {
            drop(refused.get_or_create(&CauseLabel { cause: outcome.word() }));
        }
        registry.register("taken", "Orders of the operator that were taken, by kind", taken);
        registry.register("refused", "Orders that changed nothing, by cause", refused);
        registry.register("in_force", "Whether an order of this kind is in force", in_force);
    }

    pub(crate) fn count(&self, kind: OrderKind, outcome: Outcome) {
        match outcome {
            Outcome::Taken => drop(self.taken.get_or_create(&KindLabel { kind: kind.word() }).inc()),
            refused => drop(self.refused.get_or_create(&CauseLabel { cause: refused.word() }).inc()),
        }
    }

    pub(crate) fn show(&self, in_force: &[OrderKind]) {
        for kind in OrderKind::ALL {
            let is_in_force = i64::from(in_force.contains(kind));
            self.in_force.get_or_create(&KindLabel { kind: kind.word() }).set(is_in_force);
        }
    }
}
