//! Helpers with a pass, and those who seek them, from end to end.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::Ed25519KeyPair;
use client::{
    Chat, ChatCriteria, Helper, PassKeys, Session,
    channel::{ChannelEnd, SendError},
    chat::{End, Event, Standing},
};
use passes::{Door, Link, Pass, PassId, Revocations, Secret};
use schemas::{UnixMillis, criteria::Role};

use crate::relay::Relay;

const ID: PassId = PassId([9; 16]);

fn operator(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn keys(seed: u8) -> PassKeys {
    PassKeys::of(&operator(seed))
}

#[expect(clippy::disallowed_methods, reason = "a pass that is valid now")]
fn now() -> UnixMillis {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    UnixMillis(elapsed.as_millis().try_into().unwrap())
}

fn secret() -> Secret {
    Secret::from_bytes([7; 32])
}

/// A helper for one topic.
fn helper() -> Helper {
    let pass = Pass {
        key: secret().public(),
        role: Role::Offer,
        topics: Some(vec!["grief".parse().unwrap()]),
        expires: now().as_secs() + 3600,
        id: ID,
    };
    let pass = pass.sign(now(), &operator(1)).unwrap();
    let link = Link { secret: secret(), pass: Some(pass) };
    Helper::from_link(&link.at("https://help.example")).unwrap()
}

fn list(revoked: &[PassId], age: Duration, seed: u8) -> String {
    let made = UnixMillis(now().0 - u64::try_from(age.as_millis()).unwrap());
    let mut list = Revocations::default();
    revoked.iter().for_each(|id| list.add(*id, None, made));
    list.sign(made, &operator(seed)).unwrap()
}

fn criteria(role: Role) -> ChatCriteria {
    ChatCriteria { role: Some(role), ..ChatCriteria::topic("grief".parse().unwrap()) }
}

/// A helper, and somebody who seeks one and knows these keys.
async fn two(relay: &Relay, known: Option<PassKeys>) -> [Chat; 2] {
    let session = Session::open_as(&relay.server(), helper()).await.unwrap();
    let mut helps = Chat::new(session.connect());
    helps.find(criteria(Role::Offer));
    let mut seeks = Chat::open(&relay.server()).await.unwrap();
    if let Some(keys) = known {
        seeks = seeks.with_helper_keys(keys);
    }
    seeks.find(criteria(Role::Seek));
    [helps, seeks]
}

/// Lets the seeker's events pass until it is secured, and one is told of the helper. Tells whether
/// the proof was first.
async fn helped(chat: &mut Chat) -> (Standing, bool) {
    let (mut standing, mut secured) = (None, None);
    loop {
        match chat.next_event().await.unwrap() {
            Event::Secured { .. } => secured = Some(standing.is_some()),
            Event::Helper { standing: worth, pass } => {
                assert_eq!((pass.id, pass.topics.unwrap().len()), (ID, 1));
                standing = Some(worth);
            }
            Event::Connected | Event::Waiting(_) | Event::Met => {}
            other => panic!("{other:?}"),
        }
        if let (Some(standing), Some(first)) = (standing, secured) {
            return (standing, first);
        }
    }
}

/// Runs a chat for as long as the other future takes.
async fn beside<T>(chat: &mut Chat, other: impl Future<Output = T>) -> T {
    let run = async { while chat.next_event().await.is_some() {} };
    tokio::select! {
        done = other => done,
        () = run => panic!("closed"),
    }
}

async fn end(chat: &mut Chat) -> (End, Vec<Event>) {
    let mut before = Vec::new();
    loop {
        match chat.next_event().await.unwrap() {
            Event::Ended { end } => return (end, before),
            event => before.push(event),
        }
    }
}

#[tokio::test]
async fn a_session_is_opened_with_a_pass_and_a_proof_for_its_host() {
    let relay = Relay::new().await;
    Session::open_as(&relay.server(), helper()).await.unwrap();
    let body: serde_json::Value = serde_json::from_str(&relay.room.opened.lock()[0]).unwrap();
    let text = |field: &str| body[field].as_str().unwrap().to_owned();
    let mut door = Door::new(keys(1), [relay.host()]);
    let admitted = door.admit(&text("pass"), &text("pass_proof"), None, now()).unwrap();
    assert_eq!(admitted.pass().id, ID);
    let mut elsewhere = Door::new(keys(1), ["other.example".to_owned()]);
    assert!(elsewhere.admit(&text("pass"), &text("pass_proof"), None, now()).is_err());
}

#[tokio::test]
async fn what_a_helper_is_worth_depends_on_who_knows_the_key() {
    let hour = Duration::from_secs(3600);
    let told = r#"{"waiting":0,"chatting":0,"topics":null,"matching":["random"],"pass_keys":["#;
    let own = format!("{told}\"iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w\"]}}");
    let none = format!("{told}]}}");
    let new = list(&[], hour, 1);
    let cases = [
        (Some(keys(1)), None, Some(&new), (Standing::Verified, true)),
        (Some(keys(1)), Some(&own), None, (Standing::Unlisted, true)),
        (None, Some(&own), Some(&new), (Standing::ServerSays, false)),
        (None, Some(&none), Some(&new), (Standing::Unknown, false)),
    ];
    for (known, status, list, expected) in cases {
        let relay = Relay::new().await;
        let pages = [("/v1/status", status), ("/v1/passes/revoked", list)];
        let pages = pages.into_iter().filter_map(|(path, page)| Some((path.to_owned(), page?.clone())));
        relay.room.pages.lock().extend(pages);
        let [mut helps, mut seeks] = two(&relay, known).await;
        assert_eq!(beside(&mut helps, helped(&mut seeks)).await, expected);
        seeks.send("hello").unwrap();
        let heard = async {
            loop {
                if let Event::Message { text, .. } = helps.next_event().await.unwrap() {
                    return text;
                }
            }
        };
        assert_eq!(beside(&mut seeks, heard).await, "hello");
    }
}

#[tokio::test]
async fn a_helper_of_another_operator_and_a_revoked_one_end_the_chat_before_anything_is_sent() {
    let cases =
        [(keys(2), list(&[], Duration::ZERO, 2)), (keys(1), list(&[ID], Duration::from_secs(100_000), 1))];
    for (known, list) in cases {
        let relay = Relay::new().await;
        relay.room.pages.lock().insert("/v1/passes/revoked".to_owned(), list);
        let [mut helps, mut seeks] = two(&relay, Some(known)).await;
        let (ended, before) = beside(&mut helps, end(&mut seeks)).await;
        assert_eq!(ended, End::Fault(ChannelEnd::BadCredential));
        assert!(!before.iter().any(|event| matches!(event, Event::Secured { .. } | Event::Helper { .. })));
        assert_eq!(seeks.send("hello"), Err(SendError::Over));
    }
}

#[tokio::test]
async fn a_verified_helper_hands_over_and_the_seeker_agrees() {
    let relay = Relay::new().await;
    relay.room.pages.lock().insert("/v1/passes/revoked".to_owned(), list(&[], Duration::ZERO, 1));
    let [mut helps, mut seeks] = two(&relay, Some(keys(1))).await;
    assert!(!seeks.accept_handover(), "nothing was offered");
    beside(&mut helps, helped(&mut seeks)).await;
    assert_eq!(seeks.hand_over(&[1; 32]).map(drop), Err(SendError::NoHelper));
    helps.hand_over(&[1; 32]).unwrap();
    let asked = async { expect_event!(seeks, Event::Handover) };
    beside(&mut helps, asked).await;
    assert!(seeks.accept_handover());
    assert!(!seeks.accept_handover(), "once");
    let (one, other) = tokio::join!(end(&mut seeks), end(&mut helps));
    assert_eq!((one.0, other.0), (End::Bye, End::PeerBye));
}
