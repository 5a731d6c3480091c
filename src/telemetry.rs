//! Logs, and the bus's counters as metrics. What they never hold: addresses, tokens, content, whole ids.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::counter::ConstCounter,
};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

impl LogFormat {
    /// Reads the option.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("{text:?} is not a log format: choose text or json")),
        }
    }
}

/// Writes logs to standard error from now on. `RUST_LOG` chooses what is shown; without it, what an operator needs.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // It logs whole subjects, and so whole room ids.
    let filter = match "async_nats=off".parse() {
        Ok(silence) => filter.add_directive(silence),
        Err(_) => filter,
    };
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Text => registry.with(fmt::layer().with_writer(std::io::stderr)).init(),
        LogFormat::Json => registry.with(fmt::layer().json().with_writer(std::io::stderr)).init(),
    }
}

/// Shows what went wrong on the bus among the metrics.
#[derive(Debug)]
pub struct BusMetrics(pub Arc<bus::Counters>);

impl Collector for BusMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let counters = &self.0;
        for (name, help, counter) in [
            ("bus_dropped_down", "Messages dropped because the bus was down", &counters.dropped_down),
            (
                "bus_dropped_full",
                "Messages refused because too much waited for the bus",
                &counters.dropped_full,
            ),
            ("bus_too_large", "Messages larger than a message may be", &counters.too_large),
            ("bus_undecodable", "Messages that were not what their subject promises", &counters.undecodable),
            ("bus_wrong_speaker", "Events from the wrong speaker", &counters.wrong_speaker),
            ("bus_overflowed", "Subscriptions that were read too slowly", &counters.overflowed),
            ("bus_gaps", "Times when messages may have been missed", &counters.gaps),
            ("bus_connects", "Connections made to the bus", &counters.connects),
            ("bus_failed_connects", "Connections that could not be made", &counters.failed_connects),
            ("bus_server_errors", "Errors that a server reported", &counters.server_errors),
        ] {
            let counter = ConstCounter::new(counter.load(Relaxed));
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        Ok(())
    }
}
