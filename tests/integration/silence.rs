//! What silence in chats costs, on real gateways: as pairing hears it, and in tokens.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bus::{Bus, Heard, NatsOptions};
use futures_util::future::join_all;
use parking_lot::Mutex;
use schemas::{event::WantEvent, message::Message, origin_keys::OriginEvent, subject::Interest};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};

use super::{fairness::of_address, origin_keys::Carrier};
use crate::support::{
    cluster::Cluster,
    eventually,
    person::{Person, meet},
    process::Process,
    token::claims,
    unique,
};

/// A side can be silent in a chat of 20 s or more: so long, and a little more, every chat here
/// lasts. In each of its rounds the other side says something.
const ROUNDS: u32 = 7;
const ROUND: Duration = Duration::from_secs(3);

/// How somebody is in a chat.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Conduct {
    /// Sends one frame for each that it receives, as a program does that only acknowledges.
    Silent,
    /// Sends more.
    Speaks,
}

/// What pairing hears of those who wait.
struct Wants {
    delays: Arc<Mutex<HashMap<String, Duration>>>,
    _listening: JoinSet<()>,
}

impl Wants {
    async fn on(bus: &Bus) -> Self {
        let mut subscription = bus.subscribe(&[Interest::Wants]).await.unwrap();
        let delays = Arc::<Mutex<HashMap<_, _>>>::default();
        let (kept, mut listening) = (delays.clone(), JoinSet::new());
        listening.spawn(async move {
            while let Some(heard) = subscription.next().await {
                let Heard::Message { message: Message::Want { event, .. }, .. } = heard else { continue };
                let WantEvent::Waiting(wants) = event else { continue };
                kept.lock().extend(wants.into_iter().map(|want| (want.session.text(), want.delay)));
            }
        });
        Self { delays, _listening: listening }
    }

    /// Looks for somebody who never comes; it is so many seconds later that this one is offered.
    async fn is_offered_later(&self, person: &mut Person, expected: u64) {
        self.delays.lock().remove(&person.session);
        person.find(json!({"topic": unique("topic")})).await;
        let delay = || self.delays.lock().get(&person.session).copied();
        eventually("its want is published", async || delay().is_some()).await;
        assert_eq!(delay().map(|delay| delay.as_secs()), Some(expected));
        person.ask(json!({"type": "cancel"})).await;
    }
}

/// Somebody has a chat with somebody who comes for it, and who leaves at the end.
async fn chat(one: &mut Person, other: &mut Person, conduct: Conduct, criteria: Value) {
    one.find(criteria.clone()).await;
    other.find(criteria).await;
    meet(one, other).await;
    for _ in 0..ROUNDS {
        other.frame("a word").await;
        one.hear_frame().await;
        let answers = if conduct == Conduct::Silent { 1 } else { 2 };
        for _ in 0..answers {
            one.frame("an answer").await;
            other.hear_frame().await;
        }
        sleep(ROUND).await;
    }
    other.ask(json!({"type": "leave"})).await;
    other.ended("left").await;
    one.ended("left").await;
    // Whatever token follows has come by then.
    one.has_heard_nothing().await;
}

/// So many chats of one session, one after the other, each with somebody else.
async fn chats(at: &Process, address: &str, conducts: &[Conduct]) -> Person {
    let mut person = of_address(at, address).await;
    for conduct in conducts {
        let mut other = of_address(at, &format!("198.51.100.{}", rand::random::<u8>())).await;
        chat(&mut person, &mut other, *conduct, json!({"topic": unique("topic")})).await;
    }
    person
}

async fn one_session(at: &Process, wants: &Wants) {
    let mut person = of_address(at, "203.0.113.1").await;
    for (n, delay) in [5, 20, 60].into_iter().enumerate() {
        let mut other = of_address(at, &format!("198.51.100.{}", 200 + n)).await;
        let topic = json!({"topic": unique("topic")});
        chat(&mut person, &mut other, Conduct::Silent, topic).await;
        assert_eq!(claims(&person.token)["silent"], json!(n + 1), "it follows to any gateway");
        wants.is_offered_later(&mut person, delay).await;
    }
}

async fn four_sessions(at: &Process, wants: &Wants, address: &str, second: Conduct, delay: u64) {
    let conducts = [Conduct::Silent, second];
    let people = join_all((0..4).map(|_| chats(at, address, &conducts))).await;
    assert_eq!(people.len(), 4);
    let mut newcomer = of_address(at, address).await;
    wants.is_offered_later(&mut newcomer, delay).await;
}

async fn by_invite(at: &Process, wants: &Wants) {
    let mut person = of_address(at, "203.0.113.4").await;
    let mut other = of_address(at, "198.51.100.250").await;
    let invite = json!({"invite": super::matching::invite()});
    chat(&mut person, &mut other, Conduct::Silent, invite).await;
    assert_eq!(claims(&person.token).get("silent"), None);
    wants.is_offered_later(&mut person, 0).await;
}

#[tokio::test]
async fn silence_costs_a_session_and_an_origin_only_if_most_of_its_chats_were_silent() {
    let cluster = Cluster::plan().gateways(1).set("trusted-proxy", "127.0.0.0/8").start().await;
    let options = NatsOptions { urls: vec![cluster.nats.url()], ..NatsOptions::default() };
    let bus = Bus::nats(options, "listener".parse().unwrap()).await.unwrap();
    let (wants, carrier) = (Wants::on(&bus).await, Carrier::on(&bus).await);
    let has_key = |event: &OriginEvent| matches!(event, OriginEvent::Offered(_)).then_some(());
    carrier.first("there are origins", |_, event| has_key(event)).await;
    let gateway = &cluster.gateways[0];
    tokio::join!(
        one_session(gateway, &wants),
        four_sessions(gateway, &wants, "203.0.113.2", Conduct::Silent, 5),
        four_sessions(gateway, &wants, "203.0.113.3", Conduct::Speaks, 0),
        by_invite(gateway, &wants),
    );
}
