//! Pairing and janitor replicas crash or hang.

use serde_json::json;

use crate::support::{
    cluster::Cluster,
    eventually,
    person::{Person, couple, meet, pair, talk},
    unique,
};

#[tokio::test]
async fn a_pairing_replica_that_crashes_is_replaced_by_the_next() {
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
    // Those who are waiting go on waiting, and the chats go on.
    talk(&mut one, &mut other).await;
    let mut partner = Person::arrive(&cluster.gateways[1]).await;
    partner.find(topic).await;
    meet(&mut waiting, &mut partner).await;
    assert_eq!(leading(&cluster).await, [0]);
}

#[tokio::test]
async fn without_pairing_people_wait_until_there_is_one() {
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
    // A new replica knows all who are waiting within one period.
    cluster.pairings[0] = cluster.start_node("pairing").await;
    meet(&mut waiting, &mut partner).await;
    talk(&mut waiting, &mut partner).await;
    talk(&mut one, &mut other).await;
}

#[tokio::test]
async fn a_pairing_replica_that_hangs_is_replaced_and_does_no_harm_when_it_goes_on() {
    let cluster = Cluster::plan().pairings(2).start().await;
    let [here, there] = [&cluster.gateways[0], &cluster.gateways[1]];
    let mut people = Vec::new();
    for pause in [0, 1] {
        cluster.pairings[pause].pause();
        people.push(couple(here, there).await);
        // For a while both may lead. Every two people are in one room nevertheless.
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
async fn a_crowd_that_two_replicas_match_is_in_rooms_of_two() {
    // A replica leads that the other does not know yet: both must propose the same rooms.
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
    // The second begins to lead and the first goes on: both know all wants, and both publish
    // matches.
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
async fn a_janitor_may_crash_and_be_replaced_and_nobody_notices() {
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
    eventually("it knows what is in use", async || {
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

#[tokio::test]
async fn a_janitor_that_hangs_and_goes_on_ends_nothing_that_is_in_use() {
    let mut cluster = Cluster::plan().set("grace", "2s").start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    let janitor = &cluster.janitors[0];
    eventually("it knows what is in use", async || janitor.metric("janitor_held").await >= 3.0).await;
    janitor.pause();
    let (mut late, mut partner) = couple(&cluster.gateways[1], &cluster.gateways[0]).await;
    one.lose();
    other.peer_is("away").await;
    one.come_back(&cluster.gateways[1]).await;
    other.peer_is("online").await;
    // A room ends by its grace without a janitor, and a gateway that starts learns that.
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
