//! A collector of OpenTelemetry: real gRPC, which keeps what it is sent.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{AnyValue, KeyValue, any_value::Value},
};
use parking_lot::Mutex;
use tokio::{net::TcpListener, task::JoinSet};
use tonic::{
    Request, Response, Status,
    transport::{Identity, Server, ServerTlsConfig, server::TcpIncoming},
};

use super::{cluster::Plan, eventually, process::Launch};

/// A span as it came.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    /// `gateway gateway-1`: the role, and the node.
    pub(crate) of: String,
    pub(crate) name: String,
    pub(crate) trace: Vec<u8>,
    pub(crate) id: Vec<u8>,
    /// Empty in the first span of a trace.
    pub(crate) parent: Vec<u8>,
    /// The other traces that it names.
    pub(crate) links: Vec<Vec<u8>>,
    pub(crate) attributes: BTreeMap<String, String>,
}

impl Span {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    /// Whether a trace begins with it.
    pub(crate) fn is_root(&self) -> bool {
        self.parent.is_empty()
    }
}

#[derive(Default)]
struct Kept {
    spans: Vec<Span>,
    /// All that came, as text.
    text: String,
}

#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<Kept>>);

#[tonic::async_trait]
impl TraceService for Keeper {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let request = request.into_inner();
        let mut kept = self.0.lock();
        kept.text.push_str(&format!("{request:#?}\n"));
        for of_resource in request.resource_spans {
            let resource = attributes(of_resource.resource.unwrap().attributes);
            let of = format!("{} {}", resource["service.name"], resource["service.instance.id"]);
            for span in of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                kept.spans.push(Span {
                    of: of.clone(),
                    name: span.name,
                    trace: span.trace_id,
                    id: span.span_id,
                    parent: span.parent_span_id,
                    links: span.links.into_iter().map(|link| link.trace_id).collect(),
                    attributes: attributes(span.attributes),
                });
            }
        }
        Ok(Response::new(ExportTraceServiceResponse { partial_success: None }))
    }
}

fn attributes(list: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Option<AnyValue>| match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    list.into_iter().map(|attribute| (attribute.key, text(attribute.value))).collect()
}

/// The collector. It ends with the test.
pub(crate) struct Collector {
    address: SocketAddr,
    scheme: &'static str,
    keeper: Keeper,
    _task: JoinSet<()>,
}

impl Collector {
    /// One on a free port.
    pub(crate) async fn start() -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into()).await
    }

    /// One at this address.
    pub(crate) async fn start_at(address: SocketAddr) -> Self {
        Self::serve(address, Server::builder(), "http").await
    }

    /// One with a certificate.
    pub(crate) async fn start_with_tls(certificate: String, key: String) -> Self {
        let tls = ServerTlsConfig::new().identity(Identity::from_pem(certificate, key));
        let server = Server::builder().tls_config(tls).unwrap();
        Self::serve(([127, 0, 0, 1], 0).into(), server, "https").await
    }

    async fn serve(address: SocketAddr, mut server: Server, scheme: &'static str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let (address, keeper, mut task) = (listener.local_addr().unwrap(), Keeper::default(), JoinSet::new());
        let serving = server.add_service(TraceServiceServer::new(keeper.clone()));
        task.spawn(async move { serving.serve_with_incoming(TcpIncoming::from(listener)).await.unwrap() });
        Self { address, scheme, keeper, _task: task }
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        match self.scheme {
            // Its certificate has the name.
            "https" => format!("https://localhost:{}", self.address.port()),
            scheme => format!("{scheme}://{}", self.address),
        }
    }

    /// A cluster whose nodes send all traces here.
    pub(crate) fn of_cluster(&self, plan: Plan) -> Plan {
        plan.set("otlp-endpoint", &self.url()).set("trace-sample", "1")
    }

    /// A process that sends all traces here.
    pub(crate) fn of_process(&self, launch: Launch) -> Launch {
        launch.set("otlp-endpoint", &self.url()).set("trace-sample", "1")
    }

    /// All that came so far.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.keeper.0.lock().spans.clone()
    }

    /// The names of all spans that came.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.spans().into_iter().map(|span| span.name).collect()
    }

    /// All that came, as text.
    pub(crate) fn text(&self) -> String {
        self.keeper.0.lock().text.clone()
    }

    /// The spans of a trace.
    pub(crate) fn trace(&self, trace: &[u8]) -> Vec<Span> {
        self.spans().into_iter().filter(|span| span.trace == trace).collect()
    }

    /// Waits for a span.
    pub(crate) async fn has(&self, what: &str, is_it: impl Fn(&Span) -> bool) -> Span {
        let mut found = None;
        eventually(&format!("{what} among the spans"), async || {
            found = self.spans().into_iter().find(&is_it);
            found.is_some()
        })
        .await;
        found.unwrap()
    }
}
