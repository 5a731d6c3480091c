//! One address with many sessions among people of other addresses, on a server that believes what a
//! proxy says of addresses; and reports.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::future::join_all;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{
    http,
    person::{Heard, Person},
    process::{Launch, Process},
    unique,
};

/// Behind a proxy on loopback, as tests are.
async fn behind_proxy() -> Process {
    Launch::new("serve").set("trusted-proxy", "127.0.0.0/8").ready().await
}

pub(super) async fn of_address(at: &Process, address: &str) -> Person {
    let headers = [("x-forwarded-for", address)];
    let mut person = Person::with(http::call(at.address(), "POST", "/v1/sessions", &headers, "").await);
    person.connect_from(at, address).await;
    person
}

/// Looks for somebody, and for somebody else as soon as it has met somebody, until it has met so
/// many. Returns the rooms.
async fn meet_many(mut person: Person, topic: Value, most: usize) -> Vec<String> {
    let (mut next, mut rooms) = (topic, Vec::new());
    next["type"] = "next".into();
    person.ask(next.clone()).await;
    loop {
        if let Heard::Control(message) = person.next().await
            && message["type"] == "paired"
        {
            rooms.push(person.room.clone());
            if rooms.len() == most {
                return rooms;
            }
            person.ask(next.clone()).await;
        }
    }
}

/// Looks for somebody whenever it is alone, and never leaves or says anything. Tells the rooms.
async fn wait_always(mut silent: Person, topic: Value, rooms: Arc<Mutex<BTreeSet<String>>>) {
    let mut find = topic;
    find["type"] = "find".into();
    silent.ask(find.clone()).await;
    loop {
        match silent.next().await {
            Heard::Control(message) if message["type"] == "ended" => silent.ask(find.clone()).await,
            Heard::Control(message) if message["type"] == "paired" => {
                // Two of its kind do not stay together: all are to meet people.
                let is_first = rooms.lock().insert(silent.room.clone());
                if !is_first {
                    silent.ask(json!({"type": "leave"})).await;
                }
            }
            Heard::Control(_) | Heard::Frame(_) => {}
            Heard::Closed(_) => return,
        }
    }
}

#[tokio::test]
async fn sixty_sessions_of_one_address_do_not_meet_everybody() {
    const MEETINGS: usize = 6;
    let (serve, topic) = (behind_proxy().await, json!({"topic": unique("topic")}));
    let (silent_rooms, mut silent) = (Arc::<Mutex<BTreeSet<String>>>::default(), JoinSet::new());
    for _ in 0..60 {
        let person = of_address(&serve, "203.0.113.1").await;
        silent.spawn(wait_always(person, topic.clone(), silent_rooms.clone()));
    }
    let people = join_all((0..20).map(|n| {
        let serve = &serve;
        async move { of_address(serve, &format!("198.51.100.{n}")).await }
    }));
    let met = join_all(people.await.into_iter().map(|person| meet_many(person, topic.clone(), MEETINGS)));
    let met: Vec<_> = met.await.into_iter().flatten().collect();
    let silent_rooms = silent_rooms.lock();
    let with_silent = met.iter().filter(|room| silent_rooms.contains(*room)).count();
    assert_eq!(met.len(), 20 * MEETINGS);
    assert!(with_silent * 100 < met.len() * 35, "{with_silent} of {} meetings", met.len());
}

#[tokio::test]
async fn who_insults_and_leaves_first_is_reported_all_the_same() {
    let serve = behind_proxy().await;
    let mut one = of_address(&serve, "198.51.100.1").await;
    let mut other = of_address(&serve, "198.51.100.2").await;
    let topic = json!({"topic": unique("topic")});
    for person in [&mut one, &mut other] {
        person.find(topic.clone()).await;
    }
    one.hear("paired").await;
    other.hear("paired").await;
    other.ask(json!({"type": "leave"})).await;
    one.ended("left").await;
    other.ended("left").await;
    one.ask(json!({"type": "report", "category": "abuse"})).await;
    // One remembers the chat, the other the report.
    one.renewed().await;
    one.renewed().await;
    // Neither they nor anybody else of that address meet the one who has reported.
    let mut third = of_address(&serve, "198.51.100.2").await;
    one.find(topic.clone()).await;
    other.find(topic.clone()).await;
    third.find(topic.clone()).await;
    let rooms = [other.hear("paired").await, third.hear("paired").await];
    assert_eq!(rooms[0]["room"], rooms[1]["room"], "they meet each other");
    one.ask(json!({"type": "report", "category": "abuse"})).await;
    assert_eq!(one.error().await, "no-room", "a chat is reported once");
}

#[tokio::test]
async fn only_so_many_of_one_address_wait_at_once() {
    let serve = Launch::new("serve").set("waiting-per-address", "1").ready().await;
    let (mut one, mut other) = (Person::arrive(&serve).await, Person::arrive(&serve).await);
    one.find(json!({"topic": unique("topic")})).await;
    other.ask(json!({"type": "find", "topic": unique("topic")})).await;
    assert_eq!(other.error().await, "rate");
    one.ask(json!({"type": "cancel"})).await;
    // Answered behind the cancel.
    one.ask(json!({"type": "ping"})).await;
    one.hear("pong").await;
    other.find(json!({"topic": unique("topic")})).await;
}
