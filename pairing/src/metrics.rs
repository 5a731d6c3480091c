//! The metrics of pairing. They are counts only: none names a person, a topic or an invite.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};

use crate::pool::{Pool, PoolCounts};

/// Pairing's part of `/metrics`. Clones share their values.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    waiting: Gauge,
    leading: Gauge,
    matches: Counter,
    repeated: Counter,
    spent: Counter,
    refused: Counter,
    silent: Counter,
    forgotten: Counter,
    unsent: Counter,
    gaps: Counter,
}

impl Metrics {
    /// Registers them, each with the prefix `pairing_`. Every metric is named here, or this does
    /// not compile; `docs/metrics.md` lists them.
    #[deny(unused_variables)]
    pub fn register(&self, registry: &mut Registry) {
        let Self { waiting, leading, matches, repeated, spent, refused, silent, forgotten, unsent, gaps } =
            self.clone();
        let registry = registry.sub_registry_with_prefix("pairing");
        registry.register("waiting", "Wants in the pool", waiting);
        registry.register("leading", "1 while this replica is the one that matches", leading);
        registry.register("matches", "Pairs matched", matches);
        registry.register(
            "repeated",
            "Matches sent again because a gateway seemed not to have received them",
            repeated,
        );
        registry.register("spent", "Wants refused because their invite was spent", spent);
        registry.register(
            "refused",
            "Wants refused because the pool was full or they were malformed",
            refused,
        );
        registry.register("silent", "Wants dropped because no gateway repeated them", silent);
        let help = "Wants that were matched or withdrawn, and are no longer remembered";
        registry.register("forgotten", help, forgotten);
        registry.register("unsent", "Messages that the bus did not take", unsent);
        registry.register("gaps", "Times in which messages may have been missed", gaps);
    }

    /// How many wants have been removed since the start. A large increase means that much memory
    /// has been freed.
    pub fn moved(&self) -> u64 {
        2 * self.matches.get() + self.forgotten.get()
    }

    pub(crate) fn observe(&self, pool: &Pool) {
        let PoolCounts { matches, repeated, spent, refused, silent, forgotten } = pool.counts();
        set(&self.matches, matches);
        set(&self.repeated, repeated);
        set(&self.spent, spent);
        set(&self.refused, refused);
        set(&self.silent, silent);
        set(&self.forgotten, forgotten);
        self.waiting.set(i64::try_from(pool.waiting()).unwrap_or(i64::MAX));
    }

    pub(crate) fn leading(&self, leads: bool) {
        self.leading.set(leads.into());
    }

    pub(crate) fn unsent(&self) {
        self.unsent.inc();
    }

    pub(crate) fn gap(&self) {
        self.gaps.inc();
    }
}

/// The pool counts; this copies the count.
fn set(counter: &Counter<u64, AtomicU64>, value: u64) {
    counter.inner().store(value, Ordering::Relaxed);
}
