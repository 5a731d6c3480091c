//! NATS is lost, hangs, and comes back.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep_until};

use crate::support::{
    cluster::Cluster,
    http,
    person::{Heard, Person, couple, get_through, meet, pair, talk},
    process::Launch,
};

/// Waits until the peer is online.
async fn is_told_that_the_peer_is_online(person: &mut Person) {
    loop {
        match person.next().await {
            Heard::Control(message) if message == json!({"type": "peer", "state": "online"}) => return,
            Heard::Control(message) => assert_eq!(message["type"], "peer"),
            heard => panic!("{heard:?}"),
        }
    }
}

/// Waits until the peer is online, and then exchanges frames.
async fn talk_once_online(one: &mut Person, other: &mut Person) {
    for person in [&mut *one, &mut *other] {
        is_told_that_the_peer_is_online(person).await;
    }
    talk(one, other).await;
}

/// Resumes the room, and tries again as long as the gateway answers that it cannot yet.
async fn back_in_the_room(person: &mut Person) {
    loop {
        person.resume().await;
        match person.next().await {
            Heard::Control(message) if message["type"] == "resumed" => return,
            Heard::Control(message) => assert_eq!(message["code"], "unavailable", "{message}"),
            heard => panic!("{heard:?}"),
        }
    }
}

#[tokio::test]
async fn without_nats_gateways_stay_up_and_relay_again_when_it_is_back() {
    let mut cluster = Cluster::start().await;
    let [here, there] = [&cluster.gateways[0], &cluster.gateways[1]];
    let (mut one, mut other) = couple(here, there).await;
    let (mut near, mut nearer) = couple(here, here).await;
    let mut waiting = Person::arrive(here).await;
    waiting.find(json!({"topic": "until it is back"})).await;
    cluster.nats.kill();
    for process in cluster.processes() {
        process.is_not_ready().await;
        assert_eq!(http::get(process.ops(), "/healthz").await.status, 200);
    }
    // People on different gateways see each other away; people on one gateway go on.
    one.peer_is("away").await;
    other.peer_is("away").await;
    talk(&mut near, &mut nearer).await;
    let mut newcomer = Person::arrive(here).await;
    newcomer.ask(json!({"type": "find"})).await;
    assert_eq!(newcomer.error().await, "unavailable");
    newcomer.ask(json!({"type": "resume", "ticket": one.ticket})).await;
    assert_eq!(newcomer.error().await, "bad-ticket");
    let ticket = one.ticket.clone();
    one.connect(here).await;
    one.ask(json!({"type": "resume", "ticket": ticket})).await;
    assert_eq!(one.error().await, "unavailable");
    assert_eq!(newcomer.whereabouts(here).await, ("idle".into(), true));
    near.lose();
    nearer.peer_is("away").await;
    cluster.nats.restart();
    for process in cluster.processes() {
        process.is_ready().await;
    }
    back_in_the_room(&mut one).await;
    other.peer_is("online").await;
    talk(&mut one, &mut other).await;
    near.come_back(&cluster.gateways[1]).await;
    nearer.peer_is("online").await;
    talk(&mut near, &mut nearer).await;
    newcomer.find(json!({"topic": "until it is back"})).await;
    // Those who were waiting before still are.
    meet(&mut waiting, &mut newcomer).await;
}

#[tokio::test]
async fn people_who_stay_connected_are_online_again() {
    let mut cluster = Cluster::start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    for _ in 0..2 {
        cluster.nats.kill();
        one.peer_is("away").await;
        other.peer_is("away").await;
        cluster.nats.restart();
        talk_once_online(&mut one, &mut other).await;
    }
    pair(&mut Person::arrive(&cluster.gateways[0]).await, &mut Person::arrive(&cluster.gateways[1]).await)
        .await;
}

#[tokio::test]
async fn the_grace_does_not_run_out_while_nats_is_gone() {
    let mut cluster = Cluster::plan().set("grace", "2s").start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    let (mut lost, mut left) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    cluster.nats.kill();
    one.peer_is("away").await;
    other.peer_is("away").await;
    left.peer_is("away").await;
    lost.lose();
    // Longer than the grace: twice the silence after which a node counts as lost.
    let mut clock = Person::arrive(&cluster.gateways[1]).await;
    let began = tokio::time::Instant::now();
    while began.elapsed() < std::time::Duration::from_secs(4) {
        clock.has_heard_nothing().await;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    cluster.nats.restart();
    talk_once_online(&mut one, &mut other).await;
    lost.come_back(&cluster.gateways[1]).await;
    left.peer_is("online").await;
    talk(&mut lost, &mut left).await;
}

#[tokio::test]
async fn nats_that_hangs_counts_as_lost() {
    let cluster = Cluster::start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    cluster.nats.pause();
    for gateway in &cluster.gateways {
        gateway.is_not_ready().await;
    }
    one.peer_is("away").await;
    other.peer_is("away").await;
    cluster.nats.resume();
    for gateway in &cluster.gateways {
        gateway.is_ready().await;
    }
    talk_once_online(&mut one, &mut other).await;
}

#[tokio::test]
async fn all_chats_are_back_soon_after_nats_has_hung() {
    /// In a round of ten seconds so many would not all be back soon by chance.
    const COUPLES: usize = 20;
    /// The promise is 4 s; the rest is for a busy machine.
    const BACK: Duration = Duration::from_secs(4 + 3);
    let cluster = Cluster::start().await;
    let mut people = Vec::new();
    for _ in 0..COUPLES {
        let (one, other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
        people.extend([one, other]);
    }
    cluster.nats.pause();
    let end = Instant::now() + Duration::from_secs(20);
    for person in &mut people {
        person.peer_is("away").await;
    }
    sleep_until(end).await;
    cluster.nats.resume();
    let began = Instant::now();
    for person in &mut people {
        is_told_that_the_peer_is_online(person).await;
    }
    assert!(began.elapsed() < BACK, "{:?}", began.elapsed());
    for couple in people.chunks_mut(2) {
        let [one, other] = couple else { panic!("a couple") };
        get_through(one, other).await;
    }
}

#[tokio::test]
async fn a_node_that_starts_before_nats_waits_for_it() {
    let mut cluster = Cluster::plan().gateways(0).janitors(0).pairings(0).start().await;
    cluster.nats.kill();
    let early = cluster.launch("gateway").start();
    early.is_not_ready().await;
    let refused = http::call(early.address(), "POST", "/v1/sessions", &[], "").await;
    assert_eq!(refused.problem(), (503, "unavailable".into()));
    cluster.nats.restart();
    early.is_ready().await;
    Person::arrive(&early).await;
}

#[tokio::test]
async fn serve_over_nats_is_a_node_of_a_cluster() {
    let mut cluster = Cluster::plan().gateways(1).start().await;
    let url = cluster.nats.url();
    let mut serve = Launch::new("serve").set("nats", &url).ready().await;
    let (mut one, mut other) = couple(&serve, &cluster.gateways[0]).await;
    talk(&mut one, &mut other).await;
    // There are other gateways, so its clients can go on there.
    serve.terminate();
    one.hear("drain").await;
    one.come_back(&cluster.gateways[0]).await;
    // It may be back before anybody has noticed.
    get_through(&mut one, &mut other).await;
    get_through(&mut other, &mut one).await;
    assert_eq!(serve.ended().await.code(), Some(0));
    cluster.pairings[0].kill();
}
