//! Many people at once.

use std::collections::HashMap;

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{
    cluster::Cluster,
    person::{Heard, Person},
};

const PEOPLE: usize = 500;

#[tokio::test]
async fn five_hundred_people_who_connect_at_once_are_in_rooms_of_two() {
    let cluster = Cluster::start().await;
    // One queue for all of them: only the server decides who meets whom.
    let people = join_all((0..PEOPLE).map(|n| {
        let at = &cluster.gateways[n % 2];
        async move {
            let mut person = Person::arrive(at).await;
            person.find(json!({"topic": "everybody"})).await;
            person
        }
    }))
    .await;
    let mut people = join_all(people.into_iter().map(|mut person| async move {
        person.hear("paired").await;
        person
    }))
    .await;
    let mut rooms: HashMap<String, Vec<usize>> = HashMap::new();
    for (n, person) in people.iter().enumerate() {
        rooms.entry(person.room.clone()).or_default().push(n);
    }
    assert_eq!(rooms.len(), PEOPLE / 2);
    let mut partners = vec![0; PEOPLE];
    for pair in rooms.values() {
        let [one, other] = pair[..] else { panic!("{} in one room", pair.len()) };
        (partners[one], partners[other]) = (other, one);
        let mut sides = [&people[one].side, &people[other].side];
        sides.sort();
        assert_eq!(sides, ["a", "b"]);
    }
    for (n, person) in people.iter_mut().enumerate() {
        for part in 0..3 {
            person.frame(format!("{n}, part {part}")).await;
        }
    }
    join_all(people.iter_mut().zip(&partners).map(|(person, partner)| async move {
        for part in 0..3 {
            assert_eq!(person.next().await, Heard::Frame(format!("{partner}, part {part}").into()));
        }
        person.has_heard_nothing().await;
    }))
    .await;
}
