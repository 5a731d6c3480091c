//! Who is matched with whom, across two gateways.

use serde_json::{Value, json};

use crate::support::{
    cluster::Cluster,
    eventually, in_time,
    person::{Heard, Person, couple, meet, pair, talk},
    process::{Launch, Process},
    unique,
};

/// Two people with these criteria, on two gateways, meet and can chat.
async fn they_meet(cluster: &Cluster, criteria: [Value; 2]) {
    let [first, second] = criteria;
    let mut one = Person::arrive(&cluster.gateways[0]).await;
    let mut other = Person::arrive(&cluster.gateways[1]).await;
    one.find(first).await;
    other.find(second).await;
    meet(&mut one, &mut other).await;
    talk(&mut one, &mut other).await;
    one.ask(json!({"type": "leave"})).await;
    one.ended("left").await;
    other.ended("left").await;
}

/// The person is still waiting after others have met whose criteria fit.
async fn is_passed_over(cluster: &Cluster, waiting: &mut Person, criteria: [Value; 2]) {
    they_meet(cluster, criteria).await;
    waiting.has_heard_nothing().await;
}

#[tokio::test]
async fn two_people_at_two_gateways_meet_by_every_criterion() {
    let cluster = Cluster::start().await;
    they_meet(&cluster, [json!({}), json!({})]).await;
    they_meet(&cluster, [json!({"topic": "Straße ﬁnance"}), json!({"topic": "  STRASSE FINANCE\t"})]).await;
    they_meet(&cluster, [json!({"topic": "한국"}), json!({"topic": "\u{1112}\u{1161}\u{11ab}국"})]).await;
    they_meet(&cluster, [json!({"role": "seek"}), json!({"role": "offer"})]).await;
    they_meet(
        &cluster,
        [json!({"topic": "help", "role": "offer"}), json!({"topic": "Help", "role": "seek"})],
    )
    .await;
    they_meet(&cluster, [json!({"lang": "pt-BR"}), json!({"lang": "PT"})]).await;
    they_meet(&cluster, [json!({"lang": "ko"}), json!({})]).await;
    let code = invite();
    they_meet(&cluster, [json!({"invite": code, "role": "offer"}), json!({"invite": code, "role": "seek"})])
        .await;
}

#[tokio::test]
async fn people_whose_criteria_do_not_fit_go_on_waiting() {
    let cluster = Cluster::start().await;
    let topic = unique("topic");
    let of_topic = json!({"topic": topic});
    let mut seeker = Person::arrive(&cluster.gateways[0]).await;
    seeker.find(json!({"topic": topic, "role": "seek"})).await;
    // No role is matched only with no role, and `seek` is not matched with `seek`.
    is_passed_over(&cluster, &mut seeker, [of_topic.clone(), of_topic]).await;
    let mut second = Person::arrive(&cluster.gateways[1]).await;
    second.find(json!({"topic": topic, "role": "seek"})).await;
    let mut other_topic = Person::arrive(&cluster.gateways[1]).await;
    other_topic.find(json!({"topic": unique("topic"), "role": "offer"})).await;
    let mut no_topic = Person::arrive(&cluster.gateways[1]).await;
    no_topic.find(json!({"role": "offer"})).await;
    is_passed_over(&cluster, &mut seeker, [json!({}), json!({})]).await;
    second.has_heard_nothing().await;
    // One seeker goes: which of two an offer meets is chance while two gateways that started at
    // once still count one address as two origins.
    second.ask(json!({"type": "cancel"})).await;
    second.has_heard_nothing().await;
    let mut offer = Person::arrive(&cluster.gateways[1]).await;
    offer.find(json!({"topic": topic, "role": "offer"})).await;
    meet(&mut seeker, &mut offer).await;
    for waiting in [&mut second, &mut other_topic, &mut no_topic] {
        waiting.has_heard_nothing().await;
    }
}

#[tokio::test]
async fn two_languages_meet_only_after_one_has_waited_ten_seconds() {
    let cluster = Cluster::start().await;
    let topic = unique("topic");
    let began = tokio::time::Instant::now();
    let mut korean = Person::arrive(&cluster.gateways[0]).await;
    let mut german = Person::arrive(&cluster.gateways[1]).await;
    korean.find(json!({"topic": topic, "lang": "ko"})).await;
    german.find(json!({"topic": topic, "lang": "de-AT"})).await;
    meet(&mut korean, &mut german).await;
    assert!(began.elapsed() >= schemas::limits::LANGUAGE_PATIENCE, "kept apart until then");
    // Somebody without a language is matched with any at once, and first.
    let mut one = Person::arrive(&cluster.gateways[0]).await;
    let mut other = Person::arrive(&cluster.gateways[1]).await;
    let mut any = Person::arrive(&cluster.gateways[1]).await;
    one.find(json!({"topic": topic, "lang": "ko"})).await;
    other.find(json!({"topic": topic, "lang": "de"})).await;
    any.find(json!({"topic": topic})).await;
    any.hear("paired").await;
}

#[tokio::test]
async fn an_invite_is_spent_when_its_two_people_have_met() {
    let cluster = Cluster::start().await;
    let code = invite();
    let mut one = Person::arrive(&cluster.gateways[0]).await;
    let mut other = Person::arrive(&cluster.gateways[1]).await;
    one.find(json!({"invite": code, "role": "offer"})).await;
    other.find(json!({"invite": code, "role": "seek"})).await;
    meet(&mut one, &mut other).await;
    for at in [0, 1] {
        let mut third = Person::arrive(&cluster.gateways[at]).await;
        third.ask(json!({"type": "find", "invite": code, "role": "seek"})).await;
        // A gateway that does not know yet waits for the answer of pairing.
        match third.next().await {
            Heard::Control(message) if message == json!({"type": "waiting"}) => {
                assert_eq!(third.error().await, "invite-spent");
            }
            Heard::Control(message) => assert_eq!(message["code"], "invite-spent"),
            other => panic!("{other:?}"),
        }
        third.find(json!({"topic": unique("another")})).await;
    }
    talk(&mut one, &mut other).await;
}

#[tokio::test]
async fn two_who_have_just_talked_are_kept_apart() {
    let cluster = Cluster::start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    one.ask(json!({"type": "leave"})).await;
    one.ended("left").await;
    other.ended("left").await;
    let topic = json!({"topic": unique("topic")});
    one.find(topic.clone()).await;
    other.find(topic.clone()).await;
    let mut third = Person::arrive(&cluster.gateways[1]).await;
    let mut fourth = Person::arrive(&cluster.gateways[0]).await;
    third.find(topic.clone()).await;
    fourth.find(topic).await;
    // Each has met somebody, and not the same person again.
    for person in [&mut one, &mut other, &mut third, &mut fourth] {
        person.hear("paired").await;
    }
    assert_ne!(one.room, other.room);
    assert_ne!(third.room, fourth.room);
}

#[tokio::test]
async fn two_who_parted_with_a_report_stay_apart_whatever_they_ask_for() {
    let serve = Launch::new("serve").ready().await;
    let (mut one, mut other) = couple(&serve, &serve).await;
    one.ask(json!({"type": "report", "category": "abuse"})).await;
    one.ended("reported").await;
    other.ended("left").await;
    let topic = json!({"topic": unique("topic")});
    one.find(topic.clone()).await;
    other.find(topic.clone()).await;
    // Also with a newer token: it contains what keeps them apart.
    let mut again = [one, other];
    for person in &mut again {
        person.lose();
        person.connect(&serve).await;
        person.find(topic.clone()).await;
    }
    others_meet(&serve, &topic, &mut again).await;
}

#[tokio::test]
async fn an_invite_brings_two_together_again_who_have_just_talked_but_not_after_a_report() {
    let cluster = Cluster::start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    one.ask(json!({"type": "leave"})).await;
    one.ended("left").await;
    other.ended("left").await;
    let fresh = json!({"invite": invite()});
    one.find(fresh.clone()).await;
    other.find(fresh).await;
    meet(&mut one, &mut other).await;
    talk(&mut one, &mut other).await;
    one.ask(json!({"type": "report", "category": "abuse"})).await;
    one.ended("reported").await;
    other.ended("left").await;
    let another = json!({"invite": invite()});
    one.find(another.clone()).await;
    other.find(another.clone()).await;
    // Somebody else with this code is matched with one of the two: they still wait for each other.
    let mut third = Person::arrive(&cluster.gateways[1]).await;
    third.find(another).await;
    third.hear("paired").await;
}

/// Two others meet each other, or each meets one of the two who are waiting; those two never meet
/// each other.
async fn others_meet(at: &Process, topic: &Value, waiting: &mut [Person; 2]) {
    let mut others = [Person::arrive(at).await, Person::arrive(at).await];
    for other in &mut others {
        other.find(topic.clone()).await;
        other.hear("paired").await;
    }
    let [one, other] = waiting;
    one.hear("paired").await;
    other.hear("paired").await;
    assert_ne!(one.room, other.room);
}

#[tokio::test]
async fn nobody_is_matched_with_themselves() {
    let cluster = Cluster::start().await;
    let topic = json!({"topic": unique("topic")});
    let mut person = Person::arrive(&cluster.gateways[0]).await;
    person.find(topic.clone()).await;
    person.find(topic.clone()).await;
    // From another gateway, before it knows that the first connection is over.
    person.connect(&cluster.gateways[1]).await;
    person.find(topic.clone()).await;
    person.ask(json!({"type": "next", "topic": topic["topic"]})).await;
    person.hear("waiting").await;
    let mut other = Person::arrive(&cluster.gateways[0]).await;
    other.find(topic).await;
    meet(&mut person, &mut other).await;
    talk(&mut person, &mut other).await;
}

#[tokio::test]
async fn whoever_stops_waiting_meets_nobody() {
    let serve = Launch::new("serve").ready().await;
    let topic = json!({"topic": unique("topic")});
    let mut gone = Person::arrive(&serve).await;
    gone.find(topic.clone()).await;
    gone.lose();
    eventually("the loss is noticed", async || gone.whereabouts(&serve).await == ("idle".into(), false))
        .await;
    let mut cancelled = Person::arrive(&serve).await;
    cancelled.find(topic.clone()).await;
    cancelled.ask(json!({"type": "cancel"})).await;
    cancelled.has_heard_nothing().await;
    let mut one = Person::arrive(&serve).await;
    let mut other = Person::arrive(&serve).await;
    one.find(topic.clone()).await;
    other.find(topic).await;
    meet(&mut one, &mut other).await;
    cancelled.has_heard_nothing().await;
    assert_eq!(cancelled.whereabouts(&serve).await, ("idle".into(), true));
}

#[tokio::test]
async fn people_with_different_versions_of_the_channel_never_meet_and_the_older_is_told() {
    let cluster = Cluster::start().await;
    let topic = unique("topic");
    let mut old = Person::arrive(&cluster.gateways[0]).await;
    let mut new = Person::arrive(&cluster.gateways[1]).await;
    old.find(json!({"topic": topic, "channel": 1})).await;
    new.find(json!({"topic": topic})).await;
    // Within `in_time`; it takes ten seconds.
    assert_eq!(old.error().await, "other-version");
    new.has_heard_nothing().await;
    // With its page loaded again the older one is met.
    old.find(json!({"topic": topic})).await;
    meet(&mut old, &mut new).await;
    talk(&mut old, &mut new).await;
}

#[tokio::test]
async fn next_ends_the_chat_and_finds_another_person() {
    let cluster = Cluster::start().await;
    let (mut one, mut other) = couple(&cluster.gateways[0], &cluster.gateways[1]).await;
    let topic = json!({"topic": unique("topic")});
    let mut third = Person::arrive(&cluster.gateways[1]).await;
    third.find(topic.clone()).await;
    one.ask(json!({"type": "next", "topic": topic["topic"]})).await;
    one.ended("left").await;
    one.hear("waiting").await;
    other.ended("left").await;
    meet(&mut one, &mut third).await;
    talk(&mut one, &mut third).await;
    other.has_heard_nothing().await;
}

#[tokio::test]
async fn what_the_operator_does_not_offer_is_refused() {
    let serve = Launch::new("serve").set("topics", "Music,Straße").set("matching", "random").ready().await;
    let mut one = Person::arrive(&serve).await;
    one.ask(json!({"type": "find", "topic": "politics"})).await;
    assert_eq!(one.error().await, "topic-not-offered");
    one.ask(json!({"type": "find", "invite": invite()})).await;
    assert_eq!(one.error().await, "matching-not-offered");
    one.find(json!({"topic": "STRASSE"})).await;
    let status = one.call(&serve, "GET", "/v1/status").await.json();
    assert_eq!(status["topics"], json!(["Music", "Straße"]));
    assert_eq!(status["matching"], json!(["random"]));
    let invites_only = Launch::new("serve").set("matching", "invite").ready().await;
    let mut one = Person::arrive(&invites_only).await;
    let mut other = Person::arrive(&invites_only).await;
    for criteria in [json!({"type": "find"}), json!({"type": "next", "topic": "music"})] {
        one.ask(criteria).await;
        assert_eq!(one.error().await, "matching-not-offered");
    }
    let code = invite();
    one.find(json!({"invite": code})).await;
    other.find(json!({"invite": code})).await;
    in_time("they meet", meet(&mut one, &mut other)).await;
}

#[tokio::test]
async fn a_couple_may_part_and_meet_others_many_times() {
    let serve = Launch::new("serve").ready().await;
    let mut people = Vec::new();
    for _ in 0..4 {
        people.push(Person::arrive(&serve).await);
    }
    let [a, b, c, d] = people.try_into().ok().unwrap();
    let (mut a, mut b, mut c, mut d) = (a, b, c, d);
    for _ in 0..2 {
        for (one, other) in [(&mut a, &mut b), (&mut c, &mut d)] {
            let code = invite();
            one.find(json!({"invite": code})).await;
            other.find(json!({"invite": code})).await;
            meet(one, other).await;
            talk(one, other).await;
            one.ask(json!({"type": "leave"})).await;
            one.ended("left").await;
            other.ended("left").await;
        }
        std::mem::swap(&mut b, &mut c);
    }
    let (mut one, mut other) = (Person::arrive(&serve).await, Person::arrive(&serve).await);
    pair(&mut one, &mut other).await;
}

/// A code that nobody else has.
pub(super) fn invite() -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>())
}
