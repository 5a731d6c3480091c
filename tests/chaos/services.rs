//! Pairing and janitor replicas die, hang, or have a wrong clock.

use std::path::Path;

use serde_json::json;

use crate::support::{
    cluster::Cluster,
    eventually,
    person::{Person, couple, meet, pair, talk},
    process::Launch,
    unique,
};

/// What the Debian package `faketime` brings; `tests/run` installs it.
fn faketime() -> &'static str {
    let all = [
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
        "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    ];
    all.into_iter().find(|path| Path::new(path).is_file()).expect("the package faketime is installed")
}

/// A node whose wall clock is wrong; its monotonic clock is not.
fn at_another_time(launch: Launch, offset: &str) -> Launch {
    launch
        .variable("LD_PRELOAD", faketime())
        .variable("FAKETIME", offset)
        .variable("FAKETIME_DONT_FAKE_MONOTONIC", "1")
}

#[tokio::test]
async fn a_pairing_replica_that_dies_is_replaced_by_the_next() {
    let mut cluster = Cluster::plan().pairings(2).start().await;
    let [here, there] = [&cluster.gateways[0], &cluster.gateways[1]];
    let (mut one, mut other) = couple(here, there).await;
    let leading = async |cluster: &Cluster| {
        let mut leaders = Vec::new();
        for (n, pairing) in cluster.pairings.iter().enumerate() {
            if pairing.metric("pairing_leading").await == 1.0 {
                leaders.push(n);
            }
        }
        leaders
    };
    eventually("one of them leads", async || leading(&cluster).await.len() == 1).await;
    let mut waiting = Person::arrive(here).await;
    let topic = json!({"topic": unique("topic")});
    waiting.find(topic.clone()).await;
    let leader = leading(&cluster).await[0];
    cluster.pairings.remove(leader).kill();
    // Who waits waits on, and the chats go on.
    talk(&mut one, &mut other).await;
    let mut partner = Person::arrive(&cluster.gateways[1]).await;
    partner.find(topic).await;
    meet(&mut waiting, &mut partner).await;
    assert_eq!(leading(&cluster).await, [0]);
}

#[tokio::test]
async fn without_any_pairing_people_wait_until_there_is_one() {
    let mut cluster = Cluster::start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    cluster.pairings[0].kill();
    let topic = json!({"topic": unique("topic")});
    let mut waiting = Person::arrive(&cluster.gateways[0]).await;
    let mut partner = Person::arrive(&cluster.gateways[1]).await;
    waiting.find(topic.clone()).await;
    partner.find(topic).await;
    talk(&mut one, &mut other).await;
    waiting.has_heard_nothing().await;
    // A new one knows all who wait within one period.
    cluster.pairings[0] = cluster.start_node("pairing").await;
    meet(&mut waiting, &mut partner).await;
    talk(&mut waiting, &mut partner).await;
    talk(&mut one, &mut other).await;
}

#[tokio::test]
async fn a_pairing_replica_that_hangs_is_replaced_and_does_no_harm_when_it_wakes() {
    let cluster = Cluster::plan().pairings(2).start().await;
    let [here, there] = [&cluster.gateways[0], &cluster.gateways[1]];
    let mut people = Vec::new();
    for pause in [0, 1] {
        cluster.pairings[pause].pause();
        people.push(couple(here, there).await);
        // For a while both may believe that they lead: each two are in one room all the same.
        cluster.pairings[pause].go_on();
        for _ in 0..5 {
            people.push(couple(there, here).await);
        }
    }
    let mut rooms: Vec<_> = people.iter().map(|(one, _)| one.room.clone()).collect();
    rooms.sort();
    rooms.dedup();
    assert_eq!(rooms.len(), people.len());
    for (one, other) in &mut people {
        talk(one, other).await;
    }
}

#[tokio::test]
async fn a_crowd_that_two_replicas_speak_to_is_in_rooms_of_two() {
    // A replica leads that the other cannot hear yet: what it proposes must agree with what the other does.
    let mut cluster = Cluster::plan().pairings(1).start().await;
    let mut people = Vec::new();
    for n in 0..20 {
        people.push(Person::arrive(&cluster.gateways[n % 2]).await);
    }
    cluster.pairings[0].pause();
    let topic = json!({"topic": unique("topic")});
    for person in &mut people {
        person.find(topic.clone()).await;
    }
    // The second begins to lead and the first wakes: both know all wants, and each has a word to say.
    let second = cluster.launch("pairing").set("node-id", "a-lower-name").start();
    eventually("the second leads", async || second.metric("pairing_leading").await == 1.0).await;
    cluster.pairings[0].go_on();
    for person in &mut people {
        person.hear("paired").await;
    }
    let mut rooms: Vec<_> = people.iter().map(|person| person.room.clone()).collect();
    rooms.sort();
    rooms.dedup();
    assert_eq!(rooms.len(), 10);
    for person in &mut people {
        person.has_heard_nothing().await;
    }
}

#[tokio::test]
async fn a_janitor_may_die_and_be_replaced_and_nobody_notices() {
    let mut cluster = Cluster::start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    cluster.janitors[0].kill();
    talk(&mut one, &mut other).await;
    one.lose();
    other.peer_is("away").await;
    one.come_back(&cluster.gateways[1]).await;
    other.peer_is("online").await;
    cluster.janitors[0] = cluster.start_node("janitor").await;
    let janitor = &cluster.janitors[0];
    eventually("it knows what lives", async || {
        let metrics = crate::support::http::get(janitor.ops(), "/metrics").await.text();
        metrics.contains(r#"janitor_held{kind="rooms"} 1"#)
            && metrics.contains(r#"janitor_held{kind="sessions"} 2"#)
    })
    .await;
    talk(&mut one, &mut other).await;
    one.ask(json!({"type": "leave"})).await;
    one.ended("left").await;
    other.ended("left").await;
}

/// Life goes on beside such a janitor: what it concludes forgets nothing that lives.
async fn lives_beside_a_janitor(offset: &str) {
    let mut cluster = Cluster::plan().janitors(0).set("grace", "4s").start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    let janitor = at_another_time(cluster.launch("janitor"), offset).ready().await;
    let leased = async || janitor.metric("janitor_held").await >= 3.0;
    eventually("it knows what lives", leased).await;
    let idle = Person::new(&cluster.gateways[0]).await;
    // A session deleted, a room ended and a side away: each as without it.
    let (deleted, mut left) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    assert_eq!(deleted.call(&cluster.gateways[1], "DELETE", "/v1/sessions/me").await.status, 204);
    left.ended("left").await;
    one.lose();
    other.peer_is("away").await;
    one.come_back(&cluster.gateways[1]).await;
    other.peer_is("online").await;
    talk(&mut one, &mut other).await;
    // Long enough for it to decide something: it decides nothing for two periods after its start.
    let said = async || janitor.metric("janitor_said").await + janitor.metric("janitor_held").await > 0.0;
    eventually("it goes about its work", said).await;
    let late = cluster.start_node("gateway").await;
    cluster.gateways.push(late);
    for gateway in &cluster.gateways {
        assert_eq!(idle.whereabouts(gateway).await, ("idle".into(), false), "every key verifies still");
        assert_eq!(one.whereabouts(gateway).await, ("paired".into(), true));
        assert_eq!(deleted.call(gateway, "GET", "/v1/sessions/me").await.status, 401);
    }
    talk(&mut one, &mut other).await;
    one.lose();
    other.peer_is("away").await;
    other.ended("expired").await;
}

#[tokio::test]
async fn a_janitor_two_hours_ahead_ends_nothing_that_lives() {
    lives_beside_a_janitor("+2h").await;
}

#[tokio::test]
async fn a_janitor_two_hours_behind_ends_nothing_that_lives() {
    lives_beside_a_janitor("-2h").await;
}

#[tokio::test]
async fn a_janitor_that_hangs_and_wakes_ends_nothing_that_lives() {
    let mut cluster = Cluster::plan().set("grace", "2s").start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    let janitor = &cluster.janitors[0];
    eventually("it knows what lives", async || janitor.metric("janitor_held").await >= 3.0).await;
    janitor.pause();
    let (mut late, mut partner) = couple(&cluster.gateways[1], &cluster.gateways[0]).await;
    one.lose();
    other.peer_is("away").await;
    one.come_back(&cluster.gateways[1]).await;
    other.peer_is("online").await;
    // A room ends by its grace without a janitor, and that is known to a gateway that starts.
    late.lose();
    partner.peer_is("away").await;
    partner.ended("expired").await;
    cluster.janitors[0].go_on();
    cluster.janitors[0].is_ready().await;
    let started = cluster.start_node("gateway").await;
    late.connect(&started).await;
    late.resume().await;
    late.ended("expired").await;
    talk(&mut one, &mut other).await;
    pair(&mut late, &mut Person::arrive(&cluster.gateways[0]).await).await;
}

#[tokio::test]
async fn a_gateway_with_a_clock_that_is_a_little_off_serves_like_any_other() {
    let mut cluster = Cluster::plan().gateways(1).start().await;
    for offset in ["+3s", "-3s"] {
        let off = at_another_time(cluster.launch("gateway"), offset).ready().await;
        let (mut one, mut other) = couple(&off, &cluster.gateways[0]).await;
        talk(&mut one, &mut other).await;
        // To and fro: the newer attachment wins whatever the clocks say.
        one.come_back(&cluster.gateways[0]).await;
        other.frame("x").await;
        while !matches!(one.next().await, crate::support::person::Heard::Frame(_)) {}
        let old = one.let_go();
        one.connect(&off).await;
        drop(old);
        one.resume().await;
        one.hear("resumed").await;
        other.frame("y").await;
        while !matches!(one.next().await, crate::support::person::Heard::Frame(_)) {}
    }
}
