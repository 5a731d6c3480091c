//! Logs, and the bus's counters as metrics. They never contain addresses, tokens, content or whole
//! ids.

pub mod process;
pub mod syslog;

use std::sync::{Arc, atomic::Ordering::Relaxed};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};
use serving::ops::Readiness;
use tracing::Metadata;
use tracing_subscriber::{EnvFilter, filter::filter_fn, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use self::syslog::Syslog;

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Libraries whose logs are never shown, whatever `RUST_LOG` is. They log whole subjects, which
/// contain room ids, or whole requests, which contain tokens.
const SILENCED: [&str; 3] = ["async_nats", "tungstenite", "tokio_tungstenite"];

/// Writes logs to standard error from now on, and to a syslog server if there is one, there always as
/// JSON. `RUST_LOG` chooses what is shown; the default is `info`. The terminal client never calls
/// this: its screen is for the chat.
pub fn start(format: LogFormat, syslog: Option<Syslog>) {
    let chosen = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let sent = syslog.map(|syslog| fmt::layer().json().with_writer(syslog));
    let registry = tracing_subscriber::registry().with(chosen).with(filter_fn(may_be_shown)).with(sent);
    match format {
        LogFormat::Text => registry.with(fmt::layer().with_writer(std::io::stderr)).init(),
        LogFormat::Json => registry.with(fmt::layer().json().with_writer(std::io::stderr)).init(),
    }
}

/// A filter of its own, because in `RUST_LOG` a longer target would win over a shorter one that is
/// off.
fn may_be_shown(metadata: &Metadata<'_>) -> bool {
    !SILENCED.iter().any(|library| {
        let rest = metadata.target().strip_prefix(library);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    })
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
        let registry = tracing_subscriber::registry().with(chosen).with(filter_fn(may_be_shown));
        let layer = fmt::layer().with_ansi(false).with_writer(move || writer.clone());
        tracing::subscriber::with_default(registry.with(layer), log);
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

    #[test]
    fn others_are_logged_even_if_their_names_begin_alike() {
        let log = logged(|| {
            tracing::trace!(target: "gateway::ws", "one");
            tracing::trace!(target: "tungstenite_like", "two");
        });
        assert!(log.contains("one") && log.contains("two"), "{log}");
    }
}
