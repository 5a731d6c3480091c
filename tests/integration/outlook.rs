//! What those who wait are told of what they may expect, and who is said to be there before anybody
//! waits.

use serde_json::{Value, json};

use crate::support::{
    cluster::Cluster,
    eventually, http,
    person::{Person, meet},
    process::{Launch, Process},
    unique,
};

async fn seeker(at: &Process, topic: &str) -> Person {
    let mut person = Person::arrive(at).await;
    person.find(json!({"topic": topic, "role": "seek"})).await;
    person
}

async fn presence(at: &Process) -> Value {
    http::get(at.address(), "/v1/status").await.json()["presence"].clone()
}

#[tokio::test]
async fn people_at_two_gateways_are_told_how_many_are_before_them_and_who_is_there() {
    let mut cluster = Cluster::plan().pairings(0).start().await;
    let pairing = cluster.launch("pairing").set("fair-by", "age").ready().await;
    let topic = unique("topic");
    let mut first = seeker(&cluster.gateways[0], &topic).await;
    first.expects(json!({"ahead": 0})).await;
    let mut second = seeker(&cluster.gateways[1], &topic).await;
    // Told once a second: whoever comes only then is surely the younger, also by another's clock.
    second.expects(json!({"ahead": 1})).await;
    let mut third = seeker(&cluster.gateways[0], &topic).await;
    third.expects(json!({"ahead": 2})).await;
    let mut helper = Person::arrive(&cluster.gateways[1]).await;
    helper.find(json!({"topic": topic, "role": "offer"})).await;
    meet(&mut first, &mut helper).await;
    // The helper is on duty: it talks to somebody.
    second.expects(json!({"ahead": 0, "partners": "few"})).await;
    third.expects(json!({"ahead": 1, "partners": "few"})).await;
    drop(pairing);
}

#[tokio::test]
async fn nobody_is_said_to_be_there_where_nobody_is() {
    let server = Launch::new("serve").ready().await;
    let topic = unique("topic");
    let mut first = seeker(&server, &topic).await;
    first.expects(json!({"partners": "none"})).await;
    let mut alone = Person::arrive(&server).await;
    alone.find(json!({})).await;
    alone.expects(json!({"partners": "none"})).await;
    let mut helper = Person::arrive(&server).await;
    helper.find(json!({"topic": topic, "role": "offer"})).await;
    meet(&mut first, &mut helper).await;
    let mut second = seeker(&server, &topic).await;
    second.expects(json!({"partners": "few"})).await;
}

#[tokio::test]
async fn whoever_asks_is_told_who_is_there_only_if_the_operator_wants_it() {
    let hidden = Launch::new("serve").ready().await;
    assert_eq!(presence(&hidden).await, Value::Null);
    let open = Launch::new("serve").set("show-presence", "true").set("topics", "grief,debt").ready().await;
    let nobody = |topic: &str| json!({"topic": topic, "helpers": "none", "seekers": "none", "others": "none", "waiting": "none"});
    let without = json!({"helpers": "none", "seekers": "none", "others": "none", "waiting": "none"});
    let all_empty = json!([without, nobody("grief"), nobody("debt")]);
    eventually("nobody is there", async || presence(&open).await == all_empty).await;
    let mut helper = Person::arrive(&open).await;
    helper.find(json!({"topic": "grief", "role": "offer"})).await;
    let mut grief = nobody("grief");
    grief["helpers"] = "few".into();
    let one_helps = json!([without, grief, nobody("debt")]);
    eventually("a helper is there", async || presence(&open).await == one_helps).await;
}

#[tokio::test]
async fn gateways_of_a_cluster_tell_who_is_there_although_nobody_is_at_them() {
    let mut cluster = Cluster::plan().pairings(0).start().await;
    let pairing = cluster.launch("pairing").ready().await;
    let asked = cluster.launch("gateway").set("show-presence", "true").ready().await;
    let mut talker = Person::arrive(&cluster.gateways[0]).await;
    talker.find(json!({})).await;
    // A replica that has just begun to lead cannot know that nobody else is there.
    eventually("somebody is there", async || presence(&asked).await == json!([{"others": "few"}])).await;
    drop(pairing);
}
