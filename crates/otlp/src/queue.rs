//! Spans between their end and the collector: a bounded queue, and the task that empties it.
//!
//! OpenTelemetry's own batches have a thread of their own, block at the end, and do not tell how
//! many spans they have dropped.

use std::{
    mem,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use opentelemetry::Context;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanExporter, SpanProcessor},
};
use spans::Counts;
use tokio::{sync::mpsc, time::sleep};
use tokio_util::sync::CancellationToken;

/// Most spans that wait to be sent, in about 4 MB: a second of 4000 a second.
pub(crate) const QUEUED_SPANS: usize = 4096;

/// Most spans of one message: some 300 KB, where collectors take 4 MiB.
const BATCH: usize = 512;

/// How often what waits is sent.
const PAUSE: Duration = Duration::from_millis(500);

/// The end of the queue into which spans go. Never waits.
#[derive(Debug)]
pub(crate) struct Queue {
    sender: mpsc::Sender<SpanData>,
    counts: Arc<Counts>,
}

impl Queue {
    pub(crate) fn new(sender: mpsc::Sender<SpanData>, counts: Arc<Counts>) -> Self {
        Self { sender, counts }
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.sender.try_send(span).is_err() {
            self.counts.full.fetch_add(1, Relaxed);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Whether the collector takes what it is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Collector {
    Takes,
    Refuses,
}

/// Sends what is in the queue, and what comes, until `stop`; then what is left.
pub(crate) async fn send<E: SpanExporter>(
    exporter: E,
    mut queue: mpsc::Receiver<SpanData>,
    counts: Arc<Counts>,
    stop: CancellationToken,
) {
    let mut collector = Collector::Takes;
    loop {
        let is_last = stop.run_until_cancelled(sleep(PAUSE)).await.is_none();
        loop {
            let batch: Vec<_> = std::iter::from_fn(|| queue.try_recv().ok()).take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            let spans = batch.len() as u64;
            let now = match exporter.export(batch).await {
                Ok(()) => Collector::Takes,
                Err(_) => Collector::Refuses,
            };
            let counter = if now == Collector::Takes { &counts.sent } else { &counts.unsent };
            counter.fetch_add(spans, Relaxed);
            tell(mem::replace(&mut collector, now), now);
        }
        if is_last {
            return;
        }
    }
}

/// Says when the collector begins to refuse, and when it takes spans again. What it says is not
/// told: it may quote what it was sent.
fn tell(before: Collector, now: Collector) {
    match (before, now) {
        (Collector::Takes, Collector::Refuses) => {
            tracing::warn!(
                event = "traces.lost",
                "the collector of --otlp-endpoint takes no spans; they are dropped"
            )
        }
        (Collector::Refuses, Collector::Takes) => {
            tracing::info!(event = "traces.sent", "the collector of --otlp-endpoint takes spans again")
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::future;

    use opentelemetry::trace::{Tracer, TracerProvider};
    use opentelemetry_sdk::{
        error::OTelSdkError,
        trace::{Sampler, SdkTracerProvider},
    };
    use parking_lot::Mutex;
    use tokio::{
        task::JoinSet,
        time::{Instant, timeout},
    };

    use super::*;

    /// A collector that keeps the names of the spans, refuses them, or never answers.
    #[derive(Clone, Debug)]
    enum Fake {
        Keeps(Arc<Mutex<Vec<usize>>>),
        Refuses,
        Hangs,
    }

    impl SpanExporter for Fake {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            match self {
                Self::Keeps(batches) => {
                    batches.lock().push(batch.len());
                    Ok(())
                }
                Self::Refuses => Err(OTelSdkError::InternalFailure("no".to_owned())),
                Self::Hangs => future::pending().await,
            }
        }
    }

    struct Rig {
        provider: SdkTracerProvider,
        queue: mpsc::Receiver<SpanData>,
        counts: Arc<Counts>,
    }

    impl Rig {
        fn new(capacity: usize, sampler: Sampler) -> Self {
            let (sender, queue) = mpsc::channel(capacity);
            let counts = Arc::<Counts>::default();
            let provider = SdkTracerProvider::builder()
                .with_sampler(sampler)
                .with_span_processor(Queue::new(sender, counts.clone()))
                .build();
            Self { provider, queue, counts }
        }

        fn spans(&self, count: usize) {
            let tracer = self.provider.tracer("test");
            (0..count).for_each(|_| drop(tracer.start("one")));
        }

        fn counted(counts: &Counts) -> [u64; 3] {
            [&counts.sent, &counts.full, &counts.unsent].map(|counter| counter.load(Relaxed))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_no_room_is_dropped_and_counted_and_the_rest_is_sent_in_batches() {
        let rig = Rig::new(2 * BATCH, Sampler::AlwaysOn);
        rig.spans(2 * BATCH + 7);
        let (batches, stop) = (Arc::<Mutex<Vec<_>>>::default(), CancellationToken::new());
        stop.cancel();
        send(Fake::Keeps(batches.clone()), rig.queue, rig.counts.clone(), stop).await;
        assert_eq!(*batches.lock(), [BATCH, BATCH]);
        assert_eq!(Rig::counted(&rig.counts), [2 * BATCH as u64, 7, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_sampled_takes_no_room() {
        let mut rig = Rig::new(1, Sampler::AlwaysOff);
        rig.spans(5);
        assert!(rig.queue.try_recv().is_err());
        assert_eq!(Rig::counted(&rig.counts), [0, 0, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_collector_refuses_is_counted() {
        let rig = Rig::new(8, Sampler::AlwaysOn);
        rig.spans(3);
        let stop = CancellationToken::new();
        stop.cancel();
        send(Fake::Refuses, rig.queue, rig.counts.clone(), stop).await;
        assert_eq!(Rig::counted(&rig.counts), [0, 0, 3]);
    }

    /// In virtual time: without its own limit, `stop` would never return.
    #[tokio::test(start_paused = true)]
    async fn stopping_waits_two_seconds_for_a_collector_that_hangs() {
        let rig = Rig::new(8, Sampler::AlwaysOn);
        rig.spans(3);
        let (stop, began) = (CancellationToken::new(), Instant::now());
        let mut task = JoinSet::new();
        task.spawn(send(Fake::Hangs, rig.queue, rig.counts.clone(), stop.clone()));
        let sending = crate::Sending { stop, task, _provider: rig.provider };
        timeout(Duration::from_secs(3600), sending.stop()).await.unwrap();
        assert_eq!(began.elapsed(), crate::LAST_WAIT);
        assert_eq!(Rig::counted(&rig.counts), [0, 0, 0]);
    }
}
