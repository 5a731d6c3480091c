//! Traces, if this program was built with them (the feature `traces`) and an operator wants them
//! (`--otlp-endpoint`).

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, NoLabelSet},
    metrics::MetricType,
};
use spans::Counts;
use tracing_subscriber::{Layer, Registry};

/// What takes spans from `tracing`.
pub type TraceLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Where traces go, and how many.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceOptions {
    /// The collector's URL.
    pub endpoint: String,
    /// The file of the authorities of its certificate.
    pub ca: Option<PathBuf>,
    /// The part of them that is kept, from 0 to 1.
    pub sample: f64,
}

/// Why there can be no traces.
#[derive(Debug, PartialEq, Eq)]
pub enum TraceFault {
    /// The file of authorities.
    #[cfg_attr(not(feature = "traces"), expect(dead_code, reason = "nothing reads it"))]
    Authorities(String),
    /// Anything else.
    Endpoint(String),
}

/// Traces of this process, or none.
pub struct Traces {
    counts: Arc<Counts>,
    #[cfg(feature = "traces")]
    made: Option<otlp::Traces>,
}

/// Spans are being sent, or there are none.
#[must_use = "what is not stopped is not sent to its end"]
pub struct Sending(#[cfg(feature = "traces")] Option<otlp::Sending>);

#[cfg(feature = "traces")]
mod with {
    use otlp::{Config, ConfigError, Service};

    use super::{Counts, Sending, TraceFault, TraceLayer, TraceOptions, Traces};
    impl TraceOptions {
        fn config(&self) -> Config {
            Config { endpoint: self.endpoint.clone(), ca: self.ca.clone(), sample: self.sample }
        }

        /// Finds out whether traces could be sent.
        ///
        /// # Errors
        /// If an option does not fit.
        pub fn check(&self) -> Result<(), TraceFault> {
            let with_causes = |fault| format!("{:#}", anyhow::Error::new(fault));
            self.config().check().map_err(|fault| match fault {
                ConfigError::Authorities(_) | ConfigError::Tls(_) => {
                    TraceFault::Authorities(with_causes(fault))
                }
                ConfigError::Endpoint => TraceFault::Endpoint(with_causes(fault)),
            })
        }
    }

    impl Traces {
        /// Prepares them, if they are wanted.
        ///
        /// # Errors
        /// If a file of the options has changed since they were read.
        pub fn new(options: Option<&TraceOptions>, role: &'static str, node: &str) -> anyhow::Result<Self> {
            let counts = std::sync::Arc::<Counts>::default();
            let service = Service { role, node: node.to_owned(), version: env!("CARGO_PKG_VERSION") };
            let make =
                |options: &TraceOptions| otlp::Traces::new(&options.config(), &service, counts.clone());
            let made = options.map(make).transpose()?;
            Ok(Self { counts, made })
        }

        /// What takes spans.
        pub fn layer(&self) -> Option<TraceLayer> {
            self.made.as_ref().map(|made| Box::new(made.layer()) as TraceLayer)
        }

        /// Sends spans from now on. To be called in a runtime.
        ///
        /// # Errors
        /// If the environment of OpenTelemetry (`OTEL_…`) does not fit.
        pub fn send(self) -> anyhow::Result<Sending> {
            Ok(Sending(self.made.map(otlp::Traces::send).transpose()?))
        }
    }

    impl Sending {
        /// Sends what waits, for two seconds at most.
        pub async fn stop(self) {
            if let Some(sending) = self.0 {
                sending.stop().await;
            }
        }
    }
}

#[cfg(not(feature = "traces"))]
mod without {
    use super::{Counts, Sending, TraceFault, TraceLayer, TraceOptions, Traces};

    impl TraceOptions {
        /// There can be none.
        ///
        /// # Errors
        /// Always.
        pub fn check(&self) -> Result<(), TraceFault> {
            let fault = "this program was built without traces: build it with `--features traces`, or take one \
                         that is shipped";
            Err(TraceFault::Endpoint(fault.to_owned()))
        }
    }

    impl Traces {
        /// There are none.
        ///
        /// # Errors
        /// Never.
        pub fn new(_: Option<&TraceOptions>, _: &'static str, _: &str) -> anyhow::Result<Self> {
            Ok(Self { counts: std::sync::Arc::<Counts>::default() })
        }

        /// There is none.
        pub fn layer(&self) -> Option<TraceLayer> {
            None
        }

        /// Nothing is sent.
        ///
        /// # Errors
        /// Never.
        pub fn send(self) -> anyhow::Result<Sending> {
            Ok(Sending())
        }
    }

    impl Sending {
        /// Nothing is left.
        pub async fn stop(self) {}
    }
}

impl Traces {
    /// What becomes of spans.
    pub fn metrics(&self) -> SpanMetrics {
        SpanMetrics(self.counts.clone())
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traces(…)")
    }
}

/// Shows among the metrics what became of spans.
#[derive(Debug)]
pub struct SpanMetrics(Arc<Counts>);

impl Collector for SpanMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let help = "Spans that the collector of --otlp-endpoint has taken";
        let mut sent = encoder.encode_descriptor("node_spans_sent", help, None, MetricType::Counter)?;
        sent.encode_counter::<NoLabelSet, _, u64>(&self.0.sent.load(Relaxed), None)?;
        let help =
            "Spans that were dropped: too many waited (full), or the collector did not take them (unsent)";
        let mut dropped = encoder.encode_descriptor("node_spans_dropped", help, None, MetricType::Counter)?;
        for (cause, counter) in [("full", &self.0.full), ("unsent", &self.0.unsent)] {
            let cause = [("cause", cause)];
            let mut of_cause = dropped.encode_family(&cause)?;
            of_cause.encode_counter::<NoLabelSet, _, u64>(&counter.load(Relaxed), None)?;
        }
        Ok(())
    }
}
