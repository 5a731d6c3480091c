//! Gateways crash, hang and start again; their clients go on at other gateways.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::support::{
    cluster::Cluster,
    eventually,
    person::{Heard, Person, couple, get_through, talk},
};

/// The promise is 5 s; the rest is for a busy machine.
const SOON: Duration = Duration::from_secs(5 + 10);

/// Waits until the person is told that the peer is away or online; frames before it are skipped.
async fn is_told_of_peer(person: &mut Person, state: &str) {
    loop {
        match person.next().await {
            Heard::Control(message) if message == json!({"type": "peer", "state": state}) => return,
            Heard::Control(message) => assert_eq!(message["type"], "peer"),
            Heard::Frame(_) => {}
            closed => panic!("{closed:?}"),
        }
    }
}

#[tokio::test]
async fn clients_of_a_gateway_that_crashed_go_on_at_another() {
    let mut cluster = Cluster::start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    let (mut both, mut here) = couple(&cluster.gateways[0], &cluster.gateways[0]).await;
    talk(&mut one, &mut other).await;
    cluster.gateways[0].kill();
    let died = Instant::now();
    assert_eq!(one.closed().await, None, "no goodbye");
    other.peer_is("away").await;
    assert!(died.elapsed() < SOON, "{:?}", died.elapsed());
    let staying = &cluster.gateways[1];
    one.come_back(staying).await;
    other.peer_is("online").await;
    talk(&mut one, &mut other).await;
    // No other gateway held the room of these two, but both have their tickets.
    both.connect(staying).await;
    both.resume().await;
    both.hear("resumed").await;
    both.peer_is("away").await;
    here.come_back(staying).await;
    both.peer_is("online").await;
    talk(&mut both, &mut here).await;
}

#[tokio::test]
async fn a_gateway_may_crash_again_and_again() {
    let mut cluster = Cluster::start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    for _ in 0..3 {
        let next = cluster.start_node("gateway").await;
        let mut dead = std::mem::replace(&mut cluster.gateways[0], next);
        dead.kill();
        other.peer_is("away").await;
        one.come_back(&cluster.gateways[0]).await;
        other.peer_is("online").await;
        talk(&mut one, &mut other).await;
    }
}

#[tokio::test]
async fn a_gateway_that_starts_again_with_its_id_is_not_taken_for_the_one_before() {
    let mut cluster = Cluster::start().await;
    let launch = cluster.launch("gateway").set("node-id", "reborn");
    let mut first = launch.ready().await;
    let (mut one, mut other) = couple(&first, &cluster.gateways[0]).await;
    first.kill();
    // At once, before anybody notices its silence.
    let second = launch.ready().await;
    other.peer_is("away").await;
    one.come_back(&second).await;
    other.peer_is("online").await;
    talk(&mut one, &mut other).await;
}

#[tokio::test]
async fn a_session_is_replaced_while_its_old_gateway_hangs() {
    let cluster = Cluster::start().await;
    let [hanging, staying] = [&cluster.gateways[0], &cluster.gateways[1]];
    let (mut one, mut other) = couple(hanging, staying).await;
    let old = one.release();
    hanging.pause();
    other.peer_is("away").await;
    one.come_back(staying).await;
    other.peer_is("online").await;
    talk(&mut one, &mut other).await;
    // The old one goes on, still holds the session, and learns that it does not.
    hanging.go_on();
    let mut replaced = Person::new(staying).await;
    replaced.take(old);
    assert_eq!(replaced.closed().await, Some(4102));
    hanging.is_ready().await;
    talk(&mut one, &mut other).await;
    assert_eq!(one.whereabouts(hanging).await, ("paired".into(), true));
}

#[tokio::test]
async fn a_gateway_that_hangs_for_a_while_is_away_and_then_back() {
    let cluster = Cluster::start().await;
    let [hanging, staying] = [&cluster.gateways[0], &cluster.gateways[1]];
    let (mut one, mut other) = couple(hanging, staying).await;
    hanging.pause();
    other.peer_is("away").await;
    hanging.go_on();
    is_told_of_peer(&mut other, "online").await;
    // The client of the gateway that hung may be told the same of the other, for a moment.
    get_through(&mut one, &mut other).await;
    get_through(&mut other, &mut one).await;
}

#[tokio::test]
async fn all_chats_are_back_soon_after_a_gateway_that_hung_runs_again() {
    /// Without a word at once each chat waits for its turn in a round of ten seconds: that all of
    /// so many have it soon is not to be expected once in a hundred runs.
    const COUPLES: usize = 20;
    /// The promise is 4 s; the rest is for a busy machine.
    const BACK: Duration = Duration::from_secs(4 + 3);
    let cluster = Cluster::plan().set("session-rate", "0").start().await;
    let [hanging, staying] = [&cluster.gateways[0], &cluster.gateways[1]];
    let mut couples = Vec::new();
    for _ in 0..COUPLES {
        couples.push(couple(hanging, staying).await);
    }
    for pause in [5, 20].map(Duration::from_secs) {
        hanging.pause();
        let end = Instant::now() + pause;
        for (_, other) in &mut couples {
            is_told_of_peer(other, "away").await;
        }
        tokio::time::sleep_until(end).await;
        hanging.go_on();
        let began = Instant::now();
        for (_, other) in &mut couples {
            is_told_of_peer(other, "online").await;
        }
        assert!(began.elapsed() < BACK, "{:?}", began.elapsed());
        for (one, other) in &mut couples {
            get_through(one, other).await;
            get_through(other, one).await;
        }
    }
}

#[tokio::test]
async fn a_token_of_a_lost_gateway_is_valid_where_its_key_was_never_announced() {
    let mut cluster = Cluster::start().await;
    let person = Person::new(&cluster.gateways[0]).await;
    cluster.gateways[0].kill();
    let mut late = cluster.start_node("gateway").await;
    assert_eq!(person.whereabouts(&late).await, ("idle".into(), false));
    // Also when all gateways that knew the key are gone: the janitor keeps it.
    cluster.gateways[1].kill();
    late.kill();
    let last = cluster.start_node("gateway").await;
    assert_eq!(person.whereabouts(&last).await, ("idle".into(), false));
    let mut person = person;
    person.connect(&last).await;
}

#[tokio::test]
async fn gateways_that_start_together_know_each_others_keys_at_once() {
    let mut cluster = Cluster::plan().pairings(0).janitors(0).gateways(0).start().await;
    for _ in 0..3 {
        let gateways: Vec<_> = (0..3).map(|_| cluster.launch("gateway").start()).collect();
        for gateway in &gateways {
            gateway.is_ready().await;
        }
        for issuer in &gateways {
            let person = Person::new(issuer).await;
            for verifier in &gateways {
                let answer = person.call(verifier, "POST", "/v1/sessions/me/token").await;
                assert_eq!(answer.status, 200, "{}", answer.text());
            }
        }
    }
}

#[tokio::test]
async fn a_session_deleted_before_its_gateway_crashed_stays_deleted() {
    let mut cluster = Cluster::start().await;
    let mut person = Person::arrive(&cluster.gateways[0]).await;
    assert_eq!(person.call(&cluster.gateways[0], "DELETE", "/v1/sessions/me").await.status, 204);
    assert_eq!(person.closed().await, Some(4103));
    cluster.gateways[0].kill();
    let late = cluster.start_node("gateway").await;
    for at in [&cluster.gateways[1], &late] {
        eventually("the token is dead", async || {
            person.call(at, "GET", "/v1/sessions/me").await.status == 401
        })
        .await;
    }
}

#[tokio::test]
async fn a_room_whose_side_was_lost_with_its_gateway_ends_after_the_grace() {
    let mut cluster = Cluster::plan().set("grace", "2s").start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    cluster.gateways[0].kill();
    other.peer_is("away").await;
    other.ended("expired").await;
    let late = cluster.start_node("gateway").await;
    one.connect(&late).await;
    one.resume().await;
    one.ended("expired").await;
}

#[tokio::test]
async fn a_match_with_somebody_whose_gateway_has_just_crashed_is_never_shown() {
    let mut cluster = Cluster::start().await;
    let topic = json!({"topic": "ghosts"});
    let mut ghost = Person::arrive(&cluster.gateways[0]).await;
    ghost.find(topic.clone()).await;
    cluster.gateways[0].kill();
    // The pool still contains the lost want for some seconds.
    let mut one = Person::arrive(&cluster.gateways[1]).await;
    one.find(topic.clone()).await;
    let mut other = Person::arrive(&cluster.gateways[1]).await;
    other.find(topic).await;
    crate::support::person::meet(&mut one, &mut other).await;
    talk(&mut one, &mut other).await;
}
