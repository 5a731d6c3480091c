//! Draining: in order, under traffic, and without losing anybody.

use bus::{Bus, NatsOptions};
use client::{Server, Session, Trust, connection::Event};
use schemas::{Service, message::Message, subject::Interest};
use serde_json::json;

use crate::support::{
    PATIENCE,
    cluster::Cluster,
    eventually, http, in_time,
    nats::free_port,
    person::{Heard, Person, couple, talk, upgrade},
    process::{Launch, Process},
};

/// Waits for `drain`; frames before it are skipped. Returns when to reconnect, in milliseconds.
async fn drained(person: &mut Person) -> u64 {
    loop {
        match person.next().await {
            Heard::Frame(_) => {}
            Heard::Control(message) if message["type"] == "drain" => {
                return message["reconnect_in_ms"].as_u64().unwrap();
            }
            other => panic!("{other:?} before the drain"),
        }
    }
}

#[tokio::test]
async fn a_gateway_drains_under_traffic_and_loses_nobody() {
    let mut cluster = Cluster::plan().set("drain-spread", "1s").set("drain-wait", "4s").start().await;
    let mut leaving = cluster.gateways.remove(0);
    let staying = &cluster.gateways[0];
    let mut couples = Vec::new();
    for _ in 0..5 {
        couples.push(couple(&leaving, staying).await);
    }
    let mut lazy = Person::arrive(&leaving).await;
    let late_token = Person::new(&leaving).await.token;
    for (one, other) in &mut couples {
        for n in 0..20 {
            one.frame(format!("{n}")).await;
            other.frame(format!("{n}")).await;
        }
    }
    leaving.terminate();
    leaving.is_not_ready().await;
    assert_eq!(http::get(leaving.ops(), "/healthz").await.status, 200, "alive until the end");
    let refused = http::call(leaving.address(), "POST", "/v1/sessions", &[], "").await;
    assert_eq!(refused.problem(), (503, "draining".into()));
    let bearer = format!("Bearer {late_token}");
    let headers = [("authorization", bearer.as_str()), ("sec-websocket-protocol", "cipher-chat.v1")];
    assert!(upgrade(leaving.address(), &headers).await.is_err());
    for (one, other) in &mut couples {
        assert!(drained(one).await <= 1000, "spread over what the operator said");
        // Until they reconnect, the chat goes on.
        one.frame("still here").await;
        while other.hear_frame().await != "still here" {}
        one.come_back(staying).await;
        talk_at_last(one, other).await;
    }
    // Those who do not reconnect are closed after the wait, and after `drain`.
    assert!(drained(&mut lazy).await <= 1000);
    assert_eq!(lazy.closed().await, Some(1012));
    assert_eq!(leaving.ended().await.code(), Some(0));
    lazy.connect(staying).await;
    for (one, other) in &mut couples {
        talk(one, other).await;
    }
}

/// Waits until a gateway has heard all that passed on the bus before.
async fn has_heard_everything(gateway: &Process, elsewhere: &Process) {
    let person = Person::new(elsewhere).await;
    assert_eq!(person.call(elsewhere, "DELETE", "/v1/sessions/me").await.status, 204);
    let dead = async || person.call(gateway, "GET", "/v1/sessions/me").await.status == 401;
    eventually("a session that was deleted after it is dead there", dead).await;
}

#[tokio::test]
async fn clients_of_a_gateway_that_stops_are_sent_to_one_that_says_where_it_is() {
    let mut cluster = Cluster::plan().gateways(0).set("drain-spread", "1s").start().await;
    let address = format!("127.0.0.1:{}", free_port());
    let url = format!("http://{address}");
    let named = cluster.launch("gateway").set("listen", &address).set("public-url", &url).ready().await;
    let unnamed = cluster.start_node("gateway").await;
    let mut leaving = cluster.start_node("gateway").await;
    let options = NatsOptions { urls: vec![cluster.nats.url()], ..NatsOptions::default() };
    let bus = Bus::nats(options, "listener".parse().unwrap()).await.unwrap();
    let mut heartbeats = bus.subscribe(&[Interest::Heartbeats(Service::Gateway)]).await.unwrap();
    let is_of_named = |heard: &bus::Heard| {
        let bus::Heard::Message { message: Message::Heartbeat { heartbeat, .. }, .. } = heard else {
            return false;
        };
        heartbeat.url.as_deref() == Some(url.as_str())
    };
    let heard = async { while !is_of_named(&heartbeats.next().await.expect("an open bus")) {} };
    in_time("a heartbeat with the address", heard).await;
    has_heard_everything(&leaving, &unnamed).await;

    // The next in the client's own order is the other one.
    let others = [&leaving, &unnamed].map(|gateway| format!("http://{}", gateway.address()));
    let urls = others.iter().chain([&url]).map(|url| url.parse().unwrap());
    let server = Server::new(urls, &Trust::System).unwrap().in_given_order();
    let mut connection = Session::open(&server).await.unwrap().connect();
    let connected = async { while connection.next_event().await != Some(Event::Connected) {} };
    in_time("a connection", connected).await;
    let mut person = Person::arrive(&leaving).await;
    leaving.terminate();
    assert_eq!(person.hear("drain").await["to"], json!(url));
    person.lose();
    let again = async { while connection.next_event().await != Some(Event::Connected) {} };
    in_time("a connection to another", again).await;
    assert_eq!(named.metric("gateway_connections_opened_total").await, 1.0);
    assert_eq!(unnamed.metric("gateway_connections_opened_total").await, 0.0);
    assert_eq!(leaving.ended().await.code(), Some(0));
}

/// A frame is relayed each way; `peer` messages before it are skipped.
async fn talk_at_last(one: &mut Person, other: &mut Person) {
    one.frame("there").await;
    other.frame("back").await;
    for (person, expected) in [(one, "back"), (other, "there")] {
        loop {
            match person.next().await {
                Heard::Frame(frame) if frame == expected => break,
                Heard::Frame(_) => {}
                Heard::Control(message) => assert_eq!(message["type"], "peer"),
                closed => panic!("{closed:?}"),
            }
        }
    }
}

#[tokio::test]
async fn an_operator_waits_no_longer_than_clients_stay() {
    let mut serve = Launch::new("serve").ready().await;
    let mut person = Person::arrive(&serve).await;
    serve.terminate();
    person.hear("drain").await;
    person.lose();
    let began = tokio::time::Instant::now();
    assert_eq!(serve.ended().await.code(), Some(0));
    // The drain wait is 8 s, but nobody is connected.
    assert!(began.elapsed() < PATIENCE);
}

#[tokio::test]
async fn serve_without_a_cluster_ends_its_rooms_when_it_stops() {
    let mut serve =
        Launch::new("serve").set_all(&[("drain-spread", "100ms"), ("drain-wait", "500ms")]).ready().await;
    let (mut one, mut other) = couple(&serve, &serve).await;
    let mut waiting = Person::arrive(&serve).await;
    waiting.find(json!({"topic": "nobody comes"})).await;
    serve.terminate();
    for person in [&mut one, &mut other] {
        let mut heard = Vec::new();
        let code = loop {
            match person.next().await {
                Heard::Control(message) => heard.push(message),
                Heard::Closed(code) => break code,
                frame => panic!("{frame:?}"),
            }
        };
        assert!(heard.contains(&json!({"type": "ended", "reason": "shutdown"})), "{heard:?}");
        assert!(heard.iter().any(|message| message["type"] == "drain"), "{heard:?}");
        assert_eq!(code, Some(1012));
    }
    assert_eq!(waiting.closed().await, Some(1012));
    assert_eq!(serve.ended().await.code(), Some(0));
}

#[tokio::test]
async fn a_gateway_that_drains_withdraws_its_wants() {
    let mut cluster = Cluster::start().await;
    let leaving = cluster.gateways.remove(0);
    let staying = &cluster.gateways[0];
    let topic = json!({"topic": "waiting"});
    let mut one = Person::arrive(&leaving).await;
    one.find(topic.clone()).await;
    leaving.terminate();
    drained(&mut one).await;
    one.ask(json!({"type": "find", "topic": "waiting"})).await;
    loop {
        match one.next().await {
            Heard::Control(message) if message["type"] == "error" => {
                assert_eq!(message["code"], "unavailable");
                break;
            }
            Heard::Control(message) => assert_eq!(message["type"], "waiting"),
            other => panic!("{other:?}"),
        }
    }
    one.connect(staying).await;
    one.find(topic.clone()).await;
    let mut other = Person::arrive(staying).await;
    other.find(topic).await;
    crate::support::person::meet(&mut one, &mut other).await;
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut serve = Launch::new("serve").ready().await;
    let _person = Person::arrive(&serve).await;
    serve.terminate();
    serve.has_logged("going away").await;
    serve.terminate();
    assert!(serve.ended().await.code().is_some(), "an end of its own");
}

#[tokio::test]
async fn signals_that_do_not_ask_for_the_end_end_nothing() {
    const SIGNALS: [&str; 3] = ["HUP", "USR1", "USR2"];
    let mut cluster = Cluster::start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    for process in cluster.processes() {
        for signal in SIGNALS {
            process.signal(signal);
            process.has_logged(&format!("SIG{signal}")).await;
        }
    }
    talk(&mut one, &mut other).await;
    // While it goes away, too: its clients still have time to reconnect elsewhere.
    cluster.gateways[0].terminate();
    drained(&mut one).await;
    for signal in SIGNALS {
        cluster.gateways[0].signal(signal);
    }
    one.frame("still here").await;
    while other.hear_frame().await != "still here" {}
    one.lose();
    assert_eq!(cluster.gateways[0].ended().await.code(), Some(0));
}

#[tokio::test]
async fn pairing_and_janitor_stop_in_order_too() {
    let mut cluster = Cluster::start().await;
    for role in [&mut cluster.pairings, &mut cluster.janitors] {
        role[0].terminate();
        assert_eq!(role[0].ended().await.code(), Some(0));
    }
}
