//! Traces, as an operator keeps them: the spans of [`spans`] go through `tracing-opentelemetry`
//! into a bounded queue, and from there to a collector, by OTLP over gRPC.
//!
//! Nothing waits for the collector. What it does not take in time is dropped and counted. What is
//! kept is decided at the beginning of a trace, before its first span is made, and everybody who goes
//! on with it keeps it, too.

mod keeper;
mod queue;

use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter as _},
};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use spans::{Counts, Sample};
use tokio::{sync::mpsc, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};
use tracing::Subscriber;
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

use self::{
    keeper::OpenTelemetry,
    queue::{QUEUED_SPANS, Queue},
};

/// How long the collector may take to be connected, and again for one batch.
const COLLECTOR_WAIT: Duration = Duration::from_secs(5);

/// How long a node that stops waits for its last spans to be sent.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Where traces go, and how many of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The collector: `http://HOST:PORT` or `https://HOST:PORT`.
    pub endpoint: String,
    /// The file of the authorities (PEM) of its certificate; without it those of the system count.
    pub ca: Option<PathBuf>,
    /// The part of all traces that is kept, from 0 to 1.
    pub sample: f64,
}

/// Whose spans they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// What the process does.
    pub role: &'static str,
    /// Its name on the bus.
    pub node: String,
    /// The program's version.
    pub version: &'static str,
}

/// Why traces cannot be sent with these options.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file of authorities cannot be read.
    #[error("cannot read the authorities of the collector")]
    Authorities(#[source] io::Error),
    /// The authorities cannot be used, or the system has none.
    #[error("the authorities of the collector cannot be used: {0}")]
    Tls(String),
    /// The URL is none.
    #[error("this is not the address of a collector")]
    Endpoint,
}

/// Why the exporter could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot prepare to send traces")]
pub struct ExportError(#[from] ExporterBuildError);

impl Config {
    /// The way to the collector.
    fn endpoint(&self) -> Result<Endpoint, ConfigError> {
        let endpoint = Endpoint::from_shared(self.endpoint.clone()).map_err(|_| ConfigError::Endpoint)?;
        let endpoint = endpoint.connect_timeout(COLLECTOR_WAIT).timeout(COLLECTOR_WAIT);
        if !self.endpoint.starts_with("https://") {
            return Ok(endpoint);
        }
        let tls = match &self.ca {
            Some(file) => {
                let authorities = fs::read(file).map_err(ConfigError::Authorities)?;
                // Of a file without any, nothing would be believed, and nothing said.
                if !CertificateDer::pem_slice_iter(&authorities).any(|found| found.is_ok()) {
                    return Err(ConfigError::Tls("there is no certificate in the file".to_owned()));
                }
                ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authorities))
            }
            None => ClientTlsConfig::new().with_native_roots(),
        };
        endpoint.tls_config(tls).map_err(|fault| ConfigError::Tls(causes(&fault)))
    }

    /// Finds out whether traces could be sent.
    ///
    /// # Errors
    /// If the URL, or the file of authorities, is not what it should be.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.endpoint().map(drop)
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    let all = std::iter::successors(error.source(), |cause| cause.source());
    all.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Traces that are made, and not sent yet: that begins with [`Traces::send`].
pub struct Traces {
    provider: SdkTracerProvider,
    resource: Resource,
    endpoint: Endpoint,
    sample: Sample,
    queue: mpsc::Receiver<SpanData>,
    counts: Arc<Counts>,
}

impl Traces {
    /// Prepares traces of a service.
    ///
    /// # Errors
    /// As [`Config::check`].
    pub fn new(config: &Config, service: &Service, counts: Arc<Counts>) -> Result<Self, ConfigError> {
        let endpoint = config.endpoint()?;
        // Nothing is found out about the machine, and nothing is taken from the environment.
        let resource = Resource::builder_empty()
            .with_attributes([
                KeyValue::new("service.namespace", "cipher-chat"),
                KeyValue::new("service.name", service.role),
                KeyValue::new("service.instance.id", service.node.clone()),
                KeyValue::new("service.version", service.version),
            ])
            .build();
        let (sender, queue) = mpsc::channel(QUEUED_SPANS);
        let provider = SdkTracerProvider::builder()
            // Of a trace that is not kept no span is made.
            .with_sampler(Sampler::AlwaysOn)
            .with_resource(resource.clone())
            .with_span_processor(Queue::new(sender, counts.clone()))
            .build();
        Ok(Self { provider, resource, endpoint, sample: Sample::new(config.sample), queue, counts })
    }

    /// What takes spans, and nothing else, from `tracing`.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("cipher-chat"))
            // Spans are told apart by their names, not by where they are in the source.
            .with_location(false)
            .with_target(false)
            .with_threads(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(filter_fn(|metadata| metadata.is_span() && metadata.target() == spans::TARGET))
    }

    /// Sends spans until [`Sending::stop`]. To be called in a runtime.
    ///
    /// # Errors
    /// If the exporter cannot be made, because of its environment variables (`OTEL_…`).
    pub fn send(self) -> Result<Sending, ExportError> {
        let Self { provider, resource, endpoint, sample, queue, counts } = self;
        let exporter = SpanExporter::builder().with_tonic().with_channel(endpoint.connect_lazy());
        let mut exporter = exporter.with_timeout(COLLECTOR_WAIT).build()?;
        exporter.set_resource(&resource);
        spans::install(Box::new(OpenTelemetry), sample);
        let stop = CancellationToken::new();
        let mut task = JoinSet::new();
        task.spawn(queue::send(exporter, queue, counts, stop.clone()));
        Ok(Sending { stop, task, _provider: provider })
    }
}

/// Spans are being sent.
#[must_use = "what is not stopped is not sent to its end"]
pub struct Sending {
    stop: CancellationToken,
    task: JoinSet<()>,
    /// Spans end with it.
    _provider: SdkTracerProvider,
}

impl Sending {
    /// Sends what waits, for a while; what the collector does not take by then is lost.
    pub async fn stop(mut self) {
        self.stop.cancel();
        // What has not ended by then ends with the set.
        let _ = timeout(LAST_WAIT, self.task.join_next()).await;
    }
}
