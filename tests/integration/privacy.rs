//! What must never be logged: everything that two people can do, at the highest log level, and then
//! a search through everything that was written.

use serde_json::json;

use super::matching::invite;
use crate::support::{
    cluster::Cluster,
    http, in_time,
    person::{Heard, Person, couple, meet, talk, text},
    raw::{FIN, Raw},
    unique,
};

/// The secrets that nobody may find, each with a name.
#[derive(Default)]
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    fn keep(&mut self, what: &'static str, secret: impl Into<String>) {
        let secret = secret.into();
        assert!(secret.len() > 8, "{what} that would be found anywhere");
        self.0.push((what, secret));
    }

    /// Keeps all secrets that a person has now.
    fn keep_all_of(&mut self, person: &Person) {
        self.keep("a token", person.token.as_str());
        // The signature alone would be enough.
        self.keep("a signature", person.token.rsplit_once('.').unwrap().1);
        self.keep("a session", person.session.as_str());
        self.keep("a session without hyphens", person.session.replace('-', ""));
        if !person.room.is_empty() {
            self.keep("a ticket", person.ticket.as_str());
            self.keep("a room", person.room.as_str());
        }
    }

    fn is_absent_from(&self, place: &str, text: &str) {
        for (what, secret) in &self.0 {
            if let Some(at) = text.find(secret.as_str()) {
                let line = text[..at].rfind('\n').map_or(0, |start| start + 1);
                let shown = text[line..].lines().next().unwrap_or_default();
                panic!("{what} in {place}: {}", &shown.chars().take(600).collect::<String>());
            }
        }
    }
}

/// Everything that two people can do.
async fn whole_life(cluster: &Cluster, secrets: &mut Secrets) {
    let [here, there] = [&cluster.gateways[0], &cluster.gateways[1]];
    let (mut one, mut other) = (Person::arrive(here).await, Person::arrive(there).await);
    let (topic, code) = (unique("PrivateTopic"), invite());
    for (criteria, role) in
        [(json!({"topic": topic}), None), (json!({"invite": code}), Some(["seek", "offer"]))]
    {
        let mut both = [criteria.clone(), criteria];
        if let Some(roles) = role {
            both.iter_mut().zip(roles).for_each(|(criteria, role)| criteria["role"] = role.into());
        }
        let [first, second] = both;
        // The same two would not be matched again so soon, so others meet by the invite.
        if role.is_some() {
            (one, other) = (Person::arrive(there).await, Person::arrive(here).await);
        }
        one.find(first).await;
        other.find(second).await;
        meet(&mut one, &mut other).await;
        secrets.keep_all_of(&one);
        secrets.keep_all_of(&other);
        let content = unique("PrivateContent");
        one.frame(content.clone()).await;
        assert_eq!(other.hear_frame().await, content);
        secrets.keep("a frame", content);
    }
    secrets.keep("a topic", topic.clone());
    secrets.keep("a topic as it is compared", topic.to_lowercase());
    secrets.keep("an invite", code);
    // Lost and resumed elsewhere, replaced, looked up, renewed.
    one.lose();
    other.peer_is("away").await;
    one.come_back(here).await;
    other.peer_is("online").await;
    let old = one.release();
    one.come_back(there).await;
    drop(old);
    secrets.keep_all_of(&one);
    one.whereabouts(here).await;
    let renewed = one.call(here, "POST", "/v1/sessions/me/token").await.json();
    secrets.keep("a renewed token", text(&renewed, "token"));
    one.ask(json!({"type": "report", "category": "other"})).await;
    one.hear_at_last("ended").await;
    secrets.keep_all_of(&one);
    other.ask(json!({"type": "next", "topic": topic})).await;
    other.hear_at_last("ended").await;
    other.hear("waiting").await;
    assert_eq!(other.call(here, "DELETE", "/v1/sessions/me").await.status, 204);
    assert_eq!(other.closed().await, Some(4103));
}

/// Everything that is refused.
async fn whole_misuse(cluster: &Cluster, secrets: &mut Secrets) {
    let [here, there] = [&cluster.gateways[0], &cluster.gateways[1]];
    let (mut one, other) = couple(here, there).await;
    let wrong = unique("PrivateNonsense");
    for message in [
        json!({"type": wrong}),
        json!({"type": "find", "topic": wrong.repeat(4)}),
        json!({"type": "find", "invite": wrong}),
        json!({"type": "find", "lang": wrong}),
        json!({"type": "find", "role": wrong}),
        json!({"type": "resume", "ticket": wrong}),
        json!({"type": "resume", "ticket": other.ticket}),
        json!({"type": "report", "category": wrong}),
    ] {
        one.ask(message).await;
        one.error().await;
    }
    for (method, path) in [("GET", format!("/v1/{wrong}")), ("POST", format!("/v1/sessions?{wrong}"))] {
        let headers = [
            ("content-type", "application/json"),
            ("x-forwarded-for", "198.51.100.177"),
            ("user-agent", &wrong),
        ];
        http::call(here.address(), method, &path, &headers, &format!("{{\"{wrong}\":1}}")).await;
    }
    http::with_token(here.address(), "GET", "/v1/sessions/me", &wrong).await;
    secrets.keep("nonsense", wrong.clone());
    secrets.keep("a forwarded address", "198.51.100.177");
    secrets.keep_all_of(&one);
    secrets.keep_all_of(&other);
    let person = Person::new(here).await;
    secrets.keep_all_of(&person);
    let mut raw = Raw::open(here.address(), &person.token).await;
    raw.send(FIN | 0x40 | 1, wrong.as_bytes()).await;
    assert_eq!(raw.close_code().await, Some(1002));
    one.lose();
}

#[tokio::test]
async fn nothing_private_is_logged_or_counted() {
    let plan = Cluster::plan().traced().set("grace", "1s").set("session-rate", "100");
    #[cfg(feature = "traces")]
    let collector = crate::support::otlp::Collector::start().await;
    #[cfg(feature = "traces")]
    let plan = collector.of_cluster(plan);
    let mut cluster = plan.start().await;
    let mut secrets = Secrets::default();
    whole_life(&cluster, &mut secrets).await;
    whole_misuse(&cluster, &mut secrets).await;
    // Failures log more than successes: the bus is lost and comes back, a gateway stops.
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    secrets.keep_all_of(&one);
    secrets.keep_all_of(&other);
    cluster.nats.stop();
    cluster.gateways[0].is_not_ready().await;
    cluster.nats.restart();
    for gateway in &cluster.gateways {
        gateway.is_ready().await;
    }
    cluster.gateways[0].kill();
    let expired = async {
        while !matches!(other.next().await, Heard::Control(message) if message["type"] == "ended") {}
    };
    in_time("the room expires", expired).await;
    one.lose();
    for process in cluster.processes() {
        let log = process.log();
        assert!(log.contains("DEBUG"), "more is logged than an operator sees");
        secrets.is_absent_from("a log", &log);
        // Only a client's address has this form without one of our ports.
        for line in log.lines().filter(|line| line.contains("127.0.0.1")) {
            assert!(is_of_a_listener(&cluster, line), "an address in: {line}");
        }
    }
    for process in cluster.processes().skip(1) {
        let metrics = http::get(process.ops(), "/metrics").await.text();
        secrets.is_absent_from("metrics", &metrics);
        assert!(!metrics.contains("127.0.0.1"), "an address in metrics");
    }
    secrets.is_absent_from("the log of NATS", &cluster.nats.log());
    #[cfg(feature = "traces")]
    {
        for name in ["match", "resume", "end", "upgrade", "control report", "POST /v1/sessions", "pair"] {
            collector.has(name, |span| span.name == name).await;
        }
        let traces = collector.text();
        secrets.is_absent_from("traces", &traces);
        assert!(!traces.contains("127.0.0.1"), "an address in traces");
    }
}

/// Whether all addresses in a line are those on which this cluster listens.
fn is_of_a_listener(cluster: &Cluster, line: &str) -> bool {
    let mut ours: Vec<u16> = cluster.processes().map(|process| process.ops().port()).collect();
    ours.extend(cluster.gateways.iter().map(|gateway| gateway.address().port()));
    ours.push(cluster.nats.port());
    line.split("127.0.0.1").skip(1).all(|rest| {
        let port: String = rest.trim_start_matches(':').chars().take_while(char::is_ascii_digit).collect();
        port.parse().is_ok_and(|port: u16| ours.contains(&port))
    })
}

#[tokio::test]
async fn chatting_leaves_no_line_in_an_ordinary_log() {
    let cluster = Cluster::start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    // Besides, pairing logs that it leads.
    let logs =
        || -> Vec<_> { cluster.gateways.iter().chain(&cluster.janitors).map(|node| node.log()).collect() };
    let before = logs();
    for _ in 0..20 {
        talk(&mut one, &mut other).await;
    }
    one.ask(json!({"type": "leave"})).await;
    one.ended("left").await;
    other.ended("left").await;
    assert_eq!(before, logs());
}
