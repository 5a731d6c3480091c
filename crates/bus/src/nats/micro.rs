//! The NATS micro protocol (ADR-32): `nats micro ls`, `info`, `ping` and `stats` show the nodes of
//! a cluster. They show what a heartbeat contains anyway, whether the node is ready, and its
//! metrics.
//!
//! It is written here, since a library answers on whatever subject a question names. A node would
//! then publish on any subject in its own name.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use async_nats::{Client, Message, message::OutboundMessage};
use futures_util::StreamExt;
use schemas::{
    NodeId, Service, UnixMillis,
    subject::{self, Replies, Verb},
};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{options::FLUSH_TIMEOUT, outgoing::Outgoing, shared::Shared};

/// The endpoint that answers whether a node is ready. Without one, `nats micro stats` shows
/// nothing; its name must have no dots.
const ENDPOINT: &str = "ready";

/// How a node finds out what it tells an operator of its state.
#[derive(Clone)]
pub struct NodeState {
    /// Whether it is ready, as `/readyz` says it.
    pub ready: Arc<dyn Fn() -> String + Send + Sync>,
    /// Its metrics in the OpenMetrics text format, as `/metrics` says them.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

/// Longest text of metrics that an answer carries. With its quotation marks escaped it is still
/// smaller than the largest event.
const METRICS_BYTES: usize = schemas::limits::EVENT_BYTES / 2;

/// What a node says of itself.
pub(crate) struct Introduction {
    /// Its id, unique among the nodes of its role.
    pub(crate) node: NodeId,
    /// Its role.
    pub(crate) service: Service,
    /// The program's version.
    pub(crate) version: String,
    /// Now.
    pub(crate) started: UnixMillis,
    /// What it tells of its state.
    pub(crate) state: NodeState,
    /// To whom it answers.
    pub(crate) replies: Replies,
}

/// Answers until it is dropped.
pub(super) struct MicroService {
    _task: JoinSet<()>,
}

/// Starts to answer. `None` if the bus takes no subscription; then an operator does not see this
/// node, and nothing else changes.
pub(super) async fn start(
    client: &Client,
    introduction: Introduction,
    shared: Arc<Shared>,
    outgoing: Arc<Outgoing>,
) -> Option<MicroService> {
    let subscribing = client.subscribe(subject::SERVICES);
    let Ok(Ok(mut questions)) = timeout(FLUSH_TIMEOUT, subscribing).await else {
        tracing::warn!(
            event = "bus.not-listed",
            "cannot answer the NATS micro protocol; `nats micro ls` does not show this node"
        );
        return None;
    };
    let mut task = JoinSet::new();
    task.spawn(async move {
        let node = Answering::new(introduction);
        while let Some(question) = questions.next().await {
            let Some((inbox, answer)) = node.answer(&question) else { continue };
            // The asker asks again.
            let Some(permit) = shared.budget.try_reserve(answer.len()).filter(|_| shared.is_up()) else {
                continue;
            };
            let payload = permit.attach_to(answer.into());
            outgoing.push(OutboundMessage { subject: inbox, reply: None, payload, headers: None });
        }
    });
    Some(MicroService { _task: task })
}

/// The node, and what it has answered at its endpoint.
struct Answering {
    introduction: Introduction,
    name: String,
    started: String,
    requests: AtomicU64,
    refused: AtomicU64,
    /// In nanoseconds.
    spent: AtomicU64,
}

impl Answering {
    fn new(introduction: Introduction) -> Self {
        let name = format!("cipher-chat-{}", introduction.service.word());
        let nanos = i128::from(introduction.started.0) * 1_000_000;
        let started = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok();
        let started = started.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_default();
        let (requests, refused, spent) = Default::default();
        Self { introduction, name, started, requests, refused, spent }
    }

    /// What is answered, and where; `None` if the question is not for this node, or names no inbox.
    fn answer(&self, question: &Message) -> Option<(async_nats::Subject, Vec<u8>)> {
        let began = Instant::now();
        let verb = subject::asked_of_service(&question.subject, &self.name, &self.introduction.node)?;
        let reply = question.reply.clone();
        let reply = reply.filter(|reply| subject::is_operators_inbox(reply, self.introduction.replies));
        let Some(inbox) = reply else {
            self.refused.fetch_add(1, Relaxed);
            return None;
        };
        // Cannot fail: strings and numbers.
        let answer = match verb {
            Verb::Ping => serde_json::to_vec(&self.ping()),
            Verb::Info => serde_json::to_vec(&self.info()),
            Verb::Stats => serde_json::to_vec(&self.stats()),
            Verb::Ready => {
                let ready = (self.introduction.state.ready)();
                self.requests.fetch_add(1, Relaxed);
                self.spent.fetch_add(nanos(began.elapsed()), Relaxed);
                Ok(ready.into_bytes())
            }
        };
        Some((inbox, answer.unwrap_or_default()))
    }

    fn identity(&self, kind: &'static str) -> Identity<'_> {
        Identity {
            kind,
            name: &self.name,
            id: self.introduction.node.as_str(),
            version: &self.introduction.version,
            metadata: Metadata {
                node: self.introduction.node.as_str(),
                role: self.introduction.service.word(),
            },
        }
    }

    fn ping(&self) -> Identity<'_> {
        self.identity("io.nats.micro.v1.ping_response")
    }

    fn info(&self) -> Info<'_> {
        let Introduction { service, node, .. } = &self.introduction;
        Info {
            identity: self.identity("io.nats.micro.v1.info_response"),
            // `nats micro ls` shows it.
            description: format!("cipher-chat {} {}", service.word(), node.as_str()),
            endpoints: [EndpointInfo { endpoint: self.endpoint(), metadata: Nothing {} }],
        }
    }

    fn stats(&self) -> Stats<'_> {
        let (requests, refused) = (self.requests.load(Relaxed), self.refused.load(Relaxed));
        let spent = self.spent.load(Relaxed);
        Stats {
            identity: self.identity("io.nats.micro.v1.stats_response"),
            started: &self.started,
            endpoints: [EndpointStats {
                endpoint: self.endpoint(),
                num_requests: requests,
                num_errors: refused,
                last_error: if refused > 0 { "the reply subject is not an inbox" } else { "" },
                processing_time: spent,
                average_processing_time: spent.checked_div(requests).unwrap_or(0),
                data: self.data(),
            }],
        }
    }

    /// The metrics, without what explains them; nothing if they would not fit.
    fn data(&self) -> Option<StatsData> {
        let text = (self.introduction.state.metrics)();
        let is_sample = |line: &&str| !line.is_empty() && !line.starts_with('#');
        let metrics = text.lines().filter(is_sample).fold(String::new(), |text, line| text + line + "\n");
        (metrics.len() <= METRICS_BYTES).then_some(StatsData { metrics })
    }

    fn endpoint(&self) -> Endpoint {
        let subject = subject::ready_endpoint(&self.name, &self.introduction.node);
        Endpoint { name: ENDPOINT, subject, queue_group: "" }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What every answer begins with.
#[derive(Serialize)]
struct Identity<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'a str,
    id: &'a str,
    version: &'a str,
    metadata: Metadata<'a>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    node: &'a str,
    role: &'static str,
}

#[derive(Serialize)]
struct Info<'a> {
    #[serde(flatten)]
    identity: Identity<'a>,
    description: String,
    endpoints: [EndpointInfo; 1],
}

#[derive(Serialize)]
struct Stats<'a> {
    #[serde(flatten)]
    identity: Identity<'a>,
    started: &'a str,
    endpoints: [EndpointStats; 1],
}

#[derive(Serialize)]
struct Endpoint {
    name: &'static str,
    subject: String,
    queue_group: &'static str,
}

#[derive(Serialize)]
struct EndpointInfo {
    #[serde(flatten)]
    endpoint: Endpoint,
    metadata: Nothing,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct EndpointStats {
    #[serde(flatten)]
    endpoint: Endpoint,
    num_requests: u64,
    num_errors: u64,
    last_error: &'static str,
    /// In nanoseconds, as the next.
    processing_time: u64,
    average_processing_time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<StatsData>,
}

/// What ADR-32 leaves to each service.
#[derive(Serialize, Deserialize)]
pub(super) struct StatsData {
    /// Samples in the OpenMetrics text format.
    pub(super) metrics: String,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn node(replies: Replies) -> Answering {
        Answering::new(Introduction {
            node: "g1".parse().unwrap(),
            service: Service::Gateway,
            version: "1.2.3".into(),
            started: UnixMillis(1_800_000_000_500),
            state: NodeState {
                ready: Arc::new(|| "ready\n".into()),
                metrics: Arc::new(|| "# HELP a A.\na{b=\"c\"} 1\n# EOF\n".into()),
            },
            replies,
        })
    }

    fn ask(node: &Answering, subject: &str, reply: Option<&str>) -> Option<Vec<u8>> {
        let question = Message {
            subject: subject.into(),
            reply: reply.map(Into::into),
            payload: bytes::Bytes::new(),
            headers: None,
            status: None,
            description: None,
            length: 0,
        };
        let (inbox, answer) = node.answer(&question)?;
        assert_eq!(Some(inbox.as_str()), reply);
        Some(answer)
    }

    fn json_of(node: &Answering, subject: &str) -> Value {
        serde_json::from_slice(&ask(node, subject, Some("_INBOX_ops.abc")).unwrap()).unwrap()
    }

    #[test]
    fn an_operator_sees_what_the_node_is_and_what_it_has_answered() {
        let node = node(Replies::OfNodes);
        let ping = json_of(&node, "$SRV.PING");
        let known = json!({"node": "g1", "role": "gateway"});
        assert_eq!(
            ping,
            json!({
                "type": "io.nats.micro.v1.ping_response", "name": "cipher-chat-gateway", "id": "g1",
                "version": "1.2.3", "metadata": known
            })
        );
        let info = json_of(&node, "$SRV.INFO.cipher-chat-gateway");
        assert_eq!(info["description"], "cipher-chat gateway g1");
        assert_eq!(info["endpoints"][0]["metadata"], json!({}));
        let asked = info["endpoints"][0]["subject"].as_str().unwrap().to_owned();
        assert_eq!(ask(&node, &asked, Some("_INBOX_ops.abc")).as_deref(), Some(&b"ready\n"[..]));
        let stats = json_of(&node, "$SRV.STATS.cipher-chat-gateway.g1");
        assert_eq!(stats["started"], "2027-01-15T08:00:00.5Z");
        let endpoint = &stats["endpoints"][0];
        assert_eq!((&endpoint["num_requests"], &endpoint["last_error"]), (&json!(1), &json!("")));
        assert!(!endpoint["name"].as_str().unwrap().contains('.'));
        assert_eq!(endpoint["data"], json!({"metrics": "a{b=\"c\"} 1\n"}));
    }

    #[test]
    fn metrics_that_would_not_fit_are_left_out() {
        let mut node = node(Replies::OfNodes);
        node.introduction.state.metrics = Arc::new(|| "a 1\n".repeat(METRICS_BYTES / 4));
        let answer = ask(&node, "$SRV.STATS", Some("_INBOX_ops.abc")).unwrap();
        assert!(answer.len() < schemas::limits::EVENT_BYTES, "{}", answer.len());
        node.introduction.state.metrics = Arc::new(|| "a 1\n".repeat(METRICS_BYTES / 4 + 1));
        assert_eq!(json_of(&node, "$SRV.STATS")["endpoints"][0]["data"], Value::Null);
    }

    #[test]
    fn it_answers_in_inboxes_only_and_counts_what_it_refuses() {
        let strict = node(Replies::OfNodes);
        for reply in [None, Some("cc.v1.want.g1"), Some("_INBOX.abc"), Some("_INBOX_g1.>"), Some("$SRV.PING")]
        {
            assert_eq!(ask(&strict, "$SRV.PING", reply), None, "{reply:?}");
        }
        let stats = json_of(&strict, "$SRV.STATS");
        assert_eq!(stats["endpoints"][0]["num_errors"], 5);
        assert_ne!(stats["endpoints"][0]["last_error"], "");
        let open = node(Replies::OfAnybody);
        assert!(ask(&open, "$SRV.PING", Some("_INBOX.abc.1")).is_some());
        assert_eq!(ask(&open, "$SRV.PING", Some("cc.v1.want.g1")), None);
    }

    #[test]
    fn what_is_for_others_is_not_answered() {
        let node = node(Replies::OfNodes);
        for subject in ["$SRV.PING.other", "$SRV.INFO.cipher-chat-gateway.g2", "$SRV.STOP", "$SRV"] {
            assert_eq!(ask(&node, subject, Some("_INBOX_ops.abc")), None, "{subject}");
        }
    }
}
