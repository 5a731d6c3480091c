//! Traces as a collector receives them: what each is made of, and what a collector that is away, or
//! does not answer, means for the nodes.

use std::net::SocketAddr;

use serde_json::json;
use tokio::net::TcpListener;

use crate::support::{
    certificates::Certificates,
    cluster::Cluster,
    eventually, http,
    otlp::{Collector, Span},
    person::{Person, couple, meet, talk},
    process::{Launch, Process},
    unique,
};

/// Whether a span has this name, and is of this role.
fn is(span: &Span, role: &str, name: &str) -> bool {
    span.name == name && span.of.split(' ').next() == Some(role)
}

/// Waits until a trace has a span for each of these roles and names, one of both gateways, and
/// those that they follow from: one trace, with one beginning.
async fn is_whole(
    collector: &Collector,
    trace: &[u8],
    expected: &[(&str, &str)],
    on_both: &str,
) -> Vec<Span> {
    let mut spans = Vec::new();
    eventually(&format!("{expected:?} in one trace, each with what it follows from"), async || {
        spans = collector.trace(trace);
        let has_parent = |span: &Span| span.is_root() || spans.iter().any(|other| other.id == span.parent);
        expected.iter().all(|(role, name)| spans.iter().any(|span| is(span, role, name)))
            && nodes(&spans, on_both) == 2
            && spans.iter().all(has_parent)
    })
    .await;
    assert_eq!(spans.iter().filter(|span| span.is_root()).count(), 1, "{spans:#?}");
    spans
}

/// How many gateways have spans of this name in a trace.
fn nodes(spans: &[Span], name: &str) -> usize {
    let gateways = spans.iter().filter(|span| is(span, "gateway", name));
    let mut nodes: Vec<_> = gateways.map(|span| span.of.as_str()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes.len()
}

#[tokio::test]
async fn a_match_is_one_trace_over_both_gateways_and_pairing() {
    let collector = Collector::start().await;
    let cluster = collector.of_cluster(Cluster::plan()).start().await;
    let [here, there] = [&cluster.gateways[0], &cluster.gateways[1]];
    let topic = unique("topic");
    let (mut older, mut younger) = (Person::arrive(here).await, Person::arrive(there).await);
    older.find(json!({"topic": topic})).await;
    younger.find(json!({"topic": topic})).await;
    meet(&mut older, &mut younger).await;

    let pair = collector.has("a match", |span| is(span, "pairing", "pair")).await;
    let expected = [
        ("gateway", "match"),
        ("gateway", "control find"),
        ("pairing", "pair"),
        ("gateway", "process cc.v1.match.{node}"),
        ("gateway", "process cc.v1.room.{room}.at-{own}.{node}"),
    ];
    let spans = is_whole(&collector, &pair.trace, &expected, "process cc.v1.match.{node}").await;
    let first = spans.iter().find(|span| span.is_root()).unwrap();
    assert_eq!((first.name.as_str(), first.attribute("cipher_chat.outcome")), ("match", Some("paired")));
    assert!(pair.parent == first.id && first.of.contains("gateway-"), "{spans:#?}");
    let heard = spans.iter().find(|span| span.name == "process cc.v1.match.{node}").unwrap();
    for (attribute, value) in [
        ("messaging.system", "nats"),
        ("messaging.operation.type", "process"),
        ("messaging.destination.template", "cc.v1.match.{node}"),
        ("cipher_chat.event", "pair"),
    ] {
        assert_eq!(heard.attribute(attribute), Some(value), "{heard:#?}");
    }

    // The other search has a trace of its own, and the two name each other.
    let other = collector
        .has("the younger search", |span| is(span, "gateway", "match") && span.trace != pair.trace)
        .await;
    assert_eq!(other.attribute("cipher_chat.outcome"), Some("paired"));
    assert_ne!(other.of, first.of, "it was on the other gateway");
    assert_eq!((pair.links, other.links), (vec![other.trace], vec![pair.trace]));
}

#[tokio::test]
async fn a_resume_is_one_trace_over_both_gateways_and_so_is_an_end() {
    let collector = Collector::start().await;
    let cluster = collector.of_cluster(Cluster::plan()).start().await;
    let [here, there] = [&cluster.gateways[0], &cluster.gateways[1]];
    let (mut one, mut other) = couple(here, there).await;
    one.lose();
    other.peer_is("away").await;
    one.come_back(here).await;
    other.peer_is("online").await;
    let resume = collector.has("a resume", |span| is(span, "gateway", "resume")).await;
    assert_eq!(resume.attribute("cipher_chat.outcome"), Some("resumed"));
    assert!(resume.is_root());
    let joined = "process cc.v1.joined.{own}.{room}";
    let answer = "process cc.v1.room.{room}.at-{own}.{node}";
    let expected = [("gateway", "control resume"), ("gateway", answer), ("janitor", joined)];
    is_whole(&collector, &resume.trace, &expected, joined).await;
    assert_eq!(here.metric("gateway_resume_wait_seconds_count").await, 1.0);
    assert_eq!(here.metric("gateway_control_duration_seconds_count").await, 2.0, "find and resume");

    one.ask(json!({"type": "leave"})).await;
    other.ended("left").await;
    let leave = collector.has("a leave", |span| is(span, "gateway", "control leave")).await;
    let news = "process cc.v1.room.{room}.peer.{node}";
    let spans = is_whole(&collector, &leave.trace, &[("gateway", news)], "end").await;
    let end = spans.iter().find(|span| span.name == "end").unwrap();
    assert_eq!(end.attribute("cipher_chat.end.reason"), Some("left"));
}

#[tokio::test]
async fn requests_are_named_by_their_routes_and_go_on_with_no_trace_of_a_client() {
    let collector = Collector::start().await;
    let node = collector.of_process(Launch::new("serve")).ready().await;
    let theirs = "4bf92f3577b34da6a3ce929d0e0e4736";
    let headers = [("traceparent", &*format!("00-{theirs}-00f067aa0ba902b7-01")), ("tracestate", "a=b")];
    let path = unique("PrivatePath");
    let answer = http::call(node.address(), "GET", &format!("/v1/{path}?{path}"), &headers, "").await;
    assert_eq!(answer.status, 404);
    http::call(node.address(), "PRIVATE", "/v1/status", &headers, "").await;
    let answer = http::call(node.address(), "POST", "/v1/sessions", &headers, "").await;
    let mut person = Person::with(answer);
    person.connect(&node).await;
    let span = collector.has("a request", |span| span.name == "POST /v1/sessions").await;
    assert_eq!(span.attribute("http.response.status_code"), Some("201"), "{span:#?}");
    assert_eq!(span.attribute("http.route"), Some("/v1/sessions"));
    let upgrade = collector.has("an upgrade", |span| span.name == "upgrade").await;
    assert_eq!(upgrade.attribute("http.response.status_code"), Some("101"), "{upgrade:#?}");
    let none = collector.has("a request for nothing", |span| span.name == "GET").await;
    assert_eq!(
        (none.attribute("http.route"), none.attribute("http.response.status_code")),
        (None, Some("404"))
    );
    collector
        .has("a request of no known method", |span| span.attribute("http.request.method") == Some("_OTHER"))
        .await;
    for span in collector.spans() {
        let trace: String = span.trace.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_ne!(trace, theirs, "{span:#?}");
    }
    let text = collector.text();
    assert!(!text.contains(&path) && !text.contains("PRIVATE"), "{text}");
}

#[tokio::test]
async fn what_every_node_does_by_itself_is_traced_and_nothing_is_if_none_is_kept() {
    let (collector, silent) = (Collector::start().await, Collector::start().await);
    let mut cluster = collector.of_cluster(Cluster::plan()).start().await;
    for name in ["sync", "announce keys", "process cc.v1.key.{key}.{role}.{node}"] {
        collector.has(name, |span| span.name == name).await;
    }
    let node = cluster.launch("gateway").set("otlp-endpoint", &silent.url()).set("trace-sample", "0");
    let mut node = node.ready().await;
    let mut person = Person::arrive(&node).await;
    person.find(json!({"topic": unique("topic")})).await;
    person.lose();
    node.terminate();
    assert!(node.ended().await.success());
    // Others keep theirs: their announcements are acted on there, too, as parts of those traces.
    let own = silent.spans().into_iter().filter(Span::is_root).collect::<Vec<_>>();
    assert!(own.is_empty(), "{own:#?}");
}

#[tokio::test]
async fn what_a_node_does_last_is_sent_before_it_ends() {
    let collector = Collector::start().await;
    let mut node = collector.of_process(Launch::new("serve")).ready().await;
    let person = Person::new(&node).await;
    assert_eq!(person.call(&node, "DELETE", "/v1/sessions/me").await.status, 204);
    node.terminate();
    assert!(node.ended().await.success());
    assert!(collector.names().contains("DELETE /v1/sessions/me"), "{:?}", collector.names());
}

/// Everything that people do works, and the node ends.
async fn is_unmoved(mut node: Process) {
    let (mut one, mut other) = (Person::arrive(&node).await, Person::arrive(&node).await);
    let topic = unique("topic");
    one.find(json!({"topic": topic})).await;
    other.find(json!({"topic": topic})).await;
    meet(&mut one, &mut other).await;
    talk(&mut one, &mut other).await;
    one.lose();
    other.lose();
    node.terminate();
    assert!(node.ended().await.success());
}

#[tokio::test]
async fn a_collector_that_never_answers_holds_nobody_up() {
    // It accepts connections, as the system does for it, and reads nothing.
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", hanging.local_addr().unwrap());
    let node = Launch::new("serve").set("otlp-endpoint", &url).set("trace-sample", "1").ready().await;
    // While the exporter waits for its first answer, and gives up by its own time-out.
    let (mut one, mut other) = couple(&node, &node).await;
    talk(&mut one, &mut other).await;
    eventually("what nobody takes is counted", async || node.metric("node_spans_dropped_total").await > 0.0)
        .await;
    assert_eq!(node.metric("node_spans_sent_total").await, 0.0);
    is_unmoved(node).await;
}

#[tokio::test]
async fn spans_are_counted_as_lost_while_the_collector_is_away_and_sent_when_it_is_back() {
    let address: SocketAddr = {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        free.local_addr().unwrap()
    };
    let url = format!("http://{address}");
    let node = Launch::new("serve").set("otlp-endpoint", &url).set("trace-sample", "1").ready().await;
    Person::new(&node).await;
    eventually("spans are lost", async || node.metric("node_spans_dropped_total").await > 0.0).await;
    node.has_logged("traces.lost").await;
    assert_eq!(node.metric("node_spans_sent_total").await, 0.0);
    let collector = Collector::start_at(address).await;
    eventually("spans are sent", async || {
        Person::new(&node).await;
        node.metric("node_spans_sent_total").await > 0.0
    })
    .await;
    assert!(collector.names().contains("POST /v1/sessions"));
    node.has_logged("traces.sent").await;
    is_unmoved(node).await;
}

#[tokio::test]
async fn a_collector_with_a_certificate_is_believed_if_its_authority_is() {
    let certificates = Certificates::for_names(&["localhost"]);
    let read = |name: &str| std::fs::read_to_string(certificates.file(name)).unwrap();
    let collector = Collector::start_with_tls(read("ours-localhost.pem"), read("ours-localhost.key")).await;
    let with = |ca: &str| collector.of_process(Launch::new("serve")).set("otlp-ca", &certificates.text(ca));
    let stranger = with("theirs.pem").ready().await;
    Person::new(&stranger).await;
    eventually("spans are lost", async || stranger.metric("node_spans_dropped_total").await > 0.0).await;
    assert!(collector.spans().is_empty());
    let node = with("ours.pem").ready().await;
    Person::new(&node).await;
    collector.has("a request", |span| span.name == "POST /v1/sessions").await;
}
