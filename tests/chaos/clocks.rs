//! Nodes whose wall clock is wrong.

use std::path::Path;

use crate::support::{
    cluster::Cluster,
    eventually,
    http::{self, call},
    person::{Heard, Person, couple, talk},
    process::Launch,
};

/// Runs chats beside a janitor with a wrong clock: its conclusions must end nothing that is in use.
async fn lives_beside_a_janitor(offset: &str) {
    let mut cluster = Cluster::plan().janitors(0).set("grace", "4s").start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    // It says that its clock is wrong, and is not ready; it works all the same.
    let janitor = at_another_time(cluster.launch("janitor"), offset).start();
    let leased = async || janitor.metric("janitor_held").await >= 3.0;
    eventually("it knows what is in use", leased).await;
    let idle = Person::new(&cluster.gateways[0]).await;
    // A deleted session, an ended room and a side that is away: each as with a right clock.
    let (deleted, mut left) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    assert_eq!(deleted.call(&cluster.gateways[1], "DELETE", "/v1/sessions/me").await.status, 204);
    left.ended("left").await;
    one.lose();
    other.peer_is("away").await;
    one.come_back(&cluster.gateways[1]).await;
    other.peer_is("online").await;
    talk(&mut one, &mut other).await;
    // Long enough for the janitor to decide: it decides nothing for two periods after its start.
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
async fn a_janitor_two_hours_ahead_ends_nothing_that_is_in_use() {
    lives_beside_a_janitor("+2h").await;
}

#[tokio::test]
async fn a_janitor_two_hours_behind_ends_nothing_that_is_in_use() {
    lives_beside_a_janitor("-2h").await;
}

#[tokio::test]
async fn a_gateway_with_a_clock_that_is_a_little_off_serves_like_any_other() {
    let mut cluster = Cluster::plan().gateways(1).start().await;
    for offset in ["+3s", "-3s"] {
        let off = at_another_time(cluster.launch("gateway"), offset).ready().await;
        let (mut one, mut other) = couple(&off, &cluster.gateways[0]).await;
        talk(&mut one, &mut other).await;
        // In both directions the newer attachment wins, whatever the clocks are.
        one.come_back(&cluster.gateways[0]).await;
        other.frame("x").await;
        while !matches!(one.next().await, Heard::Frame(_)) {}
        let old = one.release();
        one.connect(&off).await;
        drop(old);
        one.resume().await;
        one.hear("resumed").await;
        other.frame("y").await;
        while !matches!(one.next().await, Heard::Frame(_)) {}
    }
}

/// Three other nodes know better: what has expired or was deleted is not believed.
#[tokio::test]
async fn a_gateway_with_a_wrong_clock_is_not_ready_and_judges_no_token() {
    for (offset, direction) in [("-30s", "behind"), ("+30s", "ahead of")] {
        let mut cluster = Cluster::plan()
            .gateways(1)
            .set("token-life", "15s")
            .set("key-rotation", "15s")
            .set("grace", "5s")
            .start()
            .await;
        let wrong = at_another_time(cluster.launch("gateway"), offset).start();
        wrong.has_logged(&format!("{direction} the clocks of the other nodes")).await;
        wrong.is_not_ready().await;
        let said = http::get(wrong.ops(), "/readyz").await.text();
        assert!(said.contains(direction) && said.contains("restart this node"), "{said}");
        assert!(wrong.metric("node_clock_skew_milliseconds").await.abs() > 25_000.0);
        assert_eq!(wrong.metric("node_ready").await, 0.0);
        let right = &cluster.gateways[0];
        assert_eq!(right.readiness().await, 200, "one that is wrong misleads nobody");
        let (live, deleted) = (Person::new(right).await, Person::new(right).await);
        assert_eq!(deleted.call(right, "DELETE", "/v1/sessions/me").await.status, 204);
        for person in [&live, &deleted] {
            assert_eq!(person.call(&wrong, "GET", "/v1/sessions/me").await.status, 503, "{offset}");
        }
        assert_eq!(call(wrong.address(), "POST", "/v1/sessions", &[], "").await.status, 503);
        let expired = async || live.call(right, "GET", "/v1/sessions/me").await.status == 401;
        eventually("it has expired", expired).await;
        assert_eq!(live.call(&wrong, "GET", "/v1/sessions/me").await.status, 503, "{offset}");
    }
}

/// What the Debian package `faketime` brings; `tests/setup` installs it, and without it
/// `tests/run` leaves this file out.
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
