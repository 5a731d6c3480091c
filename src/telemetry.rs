//! Logs, traces, and metrics of the process and the bus. They never contain addresses, tokens,
//! content or whole ids.

pub mod process;
pub mod syslog;
pub mod traces;

use std::sync::{Arc, atomic::Ordering::Relaxed};

use bus::{Bus, Queued, Status};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};
use serving::ops::Readiness;
use tracing::Metadata;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    fmt,
    layer::{Filter, SubscriberExt},
    util::SubscriberInitExt,
};

use self::{syslog::Syslog, traces::TraceLayer};

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Libraries whose logs are never shown, whatever `RUST_LOG` is. They log whole subjects, which
/// contain room ids, or whole requests, which contain tokens; those that send traces log addresses.
const SILENCED: [&str; 7] =
    ["async_nats", "tungstenite", "tokio_tungstenite", "h2", "hyper_util", "tonic", "tower"];

/// Writes logs to standard error from now on, and to a syslog server if there is one, there always
/// as JSON. `RUST_LOG` chooses what is shown; the default is `info`. Spans go to traces alone, if
/// there are any, whatever `RUST_LOG` is. The terminal client never calls this: its screen is for
/// the chat.
pub fn start(format: LogFormat, syslog: Option<Syslog>, traces: Option<TraceLayer>) {
    let sent = syslog.map(|syslog| fmt::layer().json().with_writer(syslog).with_filter(shown()));
    let registry = tracing_subscriber::registry().with(traces).with(sent);
    let written = fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Text => registry.with(written.with_filter(shown())).init(),
        LogFormat::Json => registry.with(written.json().with_filter(shown())).init(),
    }
}

/// What `RUST_LOG` chooses of what may be shown.
fn shown<S>() -> impl Filter<S> {
    let chosen = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    FilterExt::<S>::and(chosen, filter_fn(may_be_shown))
}

/// A filter of its own, because in `RUST_LOG` a longer target would win over a shorter one that is
/// off.
fn may_be_shown(metadata: &Metadata<'_>) -> bool {
    let is_silenced = |library: &&str| {
        let rest = metadata.target().strip_prefix(library);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    !SILENCED.iter().any(is_silenced) && metadata.target() != spans::TARGET
}

/// Shows among the metrics how the bus is, and what went wrong on it.
#[derive(Debug)]
pub struct BusMetrics(pub Bus);

impl Collector for BusMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let up = ConstGauge::new(i64::from(*self.0.status().borrow() == Status::Up));
        up.encode(encoder.encode_descriptor(
            "bus_up",
            "Whether the bus is connected",
            None,
            up.metric_type(),
        )?)?;
        let Queued { bytes, frame_bytes } = self.0.queued();
        let help = "Bytes that wait for the server of the bus, of which there is a limit for each kind";
        let mut queued =
            encoder.encode_descriptor("bus_queued", help, Some(&Unit::Bytes), MetricType::Gauge)?;
        for (kind, bytes) in [("events", bytes.saturating_sub(frame_bytes)), ("frames", frame_bytes)] {
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            queued.encode_family(&[("kind", kind)])?.encode_gauge(&bytes)?;
        }
        let counters = self.0.counters();
        for (name, help, counter) in [
            ("bus_dropped_down", "Messages dropped because the bus was down", &counters.dropped_down),
            (
                "bus_dropped_full",
                "Messages refused because too much was queued for the bus",
                &counters.dropped_full,
            ),
            ("bus_too_large", "Messages larger than a message may be", &counters.too_large),
            (
                "bus_undecodable",
                "Messages that do not decode as their subject demands",
                &counters.undecodable,
            ),
            (
                "bus_wrong_speaker",
                "Events that the publisher's role may not publish",
                &counters.wrong_speaker,
            ),
            (
                "bus_doubted_keys",
                "Statements about keys that nobody, or the wrong node, vouches for",
                &counters.doubted_keys,
            ),
            (
                "bus_stamps_ahead",
                "Messages dropped because they name a stamp that is a day or more in the future",
                &counters.stamps_ahead,
            ),
            (
                "bus_overflowed",
                "Messages dropped because a subscription was read too slowly",
                &counters.overflowed,
            ),
            ("bus_gaps", "Times in which messages may have been missed", &counters.gaps),
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

/// Shows among the metrics what a gateway holds: read when it is asked for, since it takes a look
/// at each connection.
#[derive(Clone)]
pub struct GatewayLevels(pub Arc<gateway::node::Node>);

impl std::fmt::Debug for GatewayLevels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GatewayLevels")
    }
}

impl Collector for GatewayLevels {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let (bytes, clients) = self.0.outbox_levels();
        let keys = self.0.tokens().known_keys().len();
        for (name, help, unit, value) in [
            ("gateway_outbox", "Bytes that wait for clients' sockets", Some(&Unit::Bytes), bytes),
            ("gateway_outbox_clients", "Clients for whose sockets something waits", None, clients),
            ("gateway_keys", "Keys by which this gateway can check tokens, its own among them", None, keys),
        ] {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, unit, gauge.metric_type())?)?;
        }
        Ok(())
    }
}

/// Tells whether a node is ready, and how far its clock is from the others'.
type AskHealth = Box<dyn Fn() -> (Readiness, i64) + Send + Sync>;

/// Shows the state of a node among the metrics, so that an alarm can be set on it.
pub struct HealthMetrics(pub AskHealth);

impl std::fmt::Debug for HealthMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HealthMetrics")
    }
}

impl Collector for HealthMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let (readiness, skew) = (self.0)();
        let faults = i64::try_from(readiness.faults.len()).unwrap_or(i64::MAX);
        let lacks = i64::try_from(readiness.lacks.len()).unwrap_or(i64::MAX);
        for (name, help, value) in [
            ("node_ready", "Whether clients may be sent to this node", i64::from(readiness.is_ready())),
            ("node_faults", "Reasons why this node is not ready", faults),
            ("node_lacks", "Roles that no node fills, and without which this node works on", lacks),
            (
                "node_clock_skew_milliseconds",
                "How far the clocks of the others are ahead, if more than the leeway",
                skew,
            ),
        ] {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use parking_lot::Mutex;
    use tracing_subscriber::Registry;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged while everything is asked for, also by name.
    fn logged(log: impl FnOnce()) -> String {
        let written = Written::default();
        let writer = written.clone();
        let chosen =
            EnvFilter::new("trace,tungstenite::handshake=trace,async_nats=trace,tokio_tungstenite=trace");
        let filter = FilterExt::<Registry>::and(chosen, filter_fn(may_be_shown));
        let layer = fmt::layer().with_ansi(false).with_writer(move || writer.clone()).with_filter(filter);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        String::from_utf8(written.0.lock().clone()).unwrap()
    }

    #[test]
    fn libraries_that_log_secrets_stay_silent_whatever_is_asked_for() {
        let log = logged(|| {
            tracing::error!(target: "tungstenite", "secret");
            tracing::trace!(target: "tungstenite::handshake::client", "secret");
            tracing::debug!(target: "tokio_tungstenite::compat", "secret");
            tracing::warn!(target: "async_nats::connection", "secret");
        });
        assert_eq!(log, "");
    }

    /// They would be told again in each line that is logged within them.
    #[test]
    fn spans_of_traces_are_no_part_of_logs() {
        let log = logged(|| {
            let _entered = spans::span!("PrivateSpan").entered();
            tracing::info!("within");
        });
        assert!(log.contains("within") && !log.contains("PrivateSpan"), "{log}");
    }

    #[test]
    fn others_are_logged_even_if_their_names_begin_alike() {
        let log = logged(|| {
            tracing::trace!(target: "gateway::ws", "one");
            tracing::trace!(target: "tungstenite_like", "two");
        });
        assert!(log.contains("one") && log.contains("two"), "{log}");
    }
}
