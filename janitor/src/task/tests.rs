use std::time::Duration;

use bus::{Local, Subscription};
use prometheus_client::{encoding::text::encode, registry::Registry};
use schemas::{
    BootId, NodeId, RoomId, SessionId, Side, Stamp, Tag,
    control::EndReason,
    event::{Attachment, Lease, RoomEvent, SessionEvent, SessionLease},
    lifetimes::Lifetimes,
    session::SessionState,
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::leases::{Capacity, QUIET, SILENCE};

/// Only a test that has failed waits for this long.
const PATIENCE: Duration = Duration::from_secs(20);

fn node(name: &str) -> NodeId {
    name.parse().unwrap()
}

fn room(n: u8) -> RoomId {
    RoomId::from_bytes([n; 16])
}

fn session(n: u8) -> SessionId {
    SessionId::from_random([n; 16])
}

fn config() -> Config {
    Config {
        boot: BootId(7),
        version: "0".into(),
        lifetimes: Lifetimes {
            key_rotation: Duration::from_secs(3600),
            token_life: Duration::from_secs(600),
            grace: Duration::from_secs(60),
        },
        capacity: Capacity::default(),
        metrics: Metrics::default(),
        orders: orders::Standing::default(),
    }
}

fn lease(n: u8, room: Option<RoomId>) -> Message {
    let state = if room.is_some() { SessionState::Paired } else { SessionState::Idle };
    let ends = UnixMillis(u64::MAX);
    let held = SessionLease { session: session(n), stamp: Stamp(1), state, connected: true, room, ends };
    Message::Lease { from: node("g1"), lease: Lease { boot: BootId(1), sessions: vec![held] } }
}

fn ended(n: u8) -> Message {
    let event = RoomEvent::Ended(EndReason::Reported);
    Message::Room { room: room(n), speaker: Service::Gateway, event }
}

fn joined(n: u8) -> Message {
    let (side, owner) = (Side::A, Tag::from_bytes([0; 8]));
    let at = Attachment { side, stamp: Stamp(2), node: node("g1"), owner };
    Message::Room { room: room(n), speaker: Service::Gateway, event: RoomEvent::Joined(at) }
}

/// The next message of a janitor, without its heartbeats.
async fn next_said(heard: &mut Subscription) -> Message {
    let said = async {
        loop {
            let item = heard.next().await.expect("the bus is up");
            let Heard::Message { message, .. } = item else { continue };
            match message {
                Message::Room { speaker: Service::Janitor, .. }
                | Message::Session { speaker: Service::Janitor, .. }
                | Message::Key { speaker: Service::Janitor, .. } => return message,
                _ => {}
            }
        }
    };
    timeout(PATIENCE, said).await.expect("the janitor publishes something")
}

/// A gateway on a bus with a janitor that is running.
struct Cluster {
    gateway: Bus,
    heard: Subscription,
    shutdown: CancellationToken,
    janitor: tokio::task::JoinHandle<Result<(), RunError>>,
}

#[expect(clippy::disallowed_methods, reason = "the test awaits the task that it spawns")]
async fn cluster() -> Cluster {
    let local = Local::new();
    let gateway = local.join(node("g1"));
    let interests = [
        Interest::RoomEvents,
        Interest::SessionEvents,
        Interest::Keys,
        Interest::Heartbeats(Service::Janitor),
    ];
    let mut heard = gateway.subscribe(&interests).await.unwrap();
    let shutdown = CancellationToken::new();
    let run = crate::run(config(), local.join(node("j1")), Clock::start(), shutdown.clone());
    let janitor = tokio::spawn(run);
    let first = timeout(PATIENCE, heard.next()).await.expect("a heartbeat");
    let Some(Heard::Message { message: Message::Heartbeat { from, heartbeat, .. }, .. }) = first else {
        panic!("{first:?}");
    };
    assert_eq!((from, heartbeat.boot), (node("j1"), BootId(7)));
    Cluster { gateway, heard, shutdown, janitor }
}

#[tokio::test]
async fn a_janitor_answers_for_what_has_ended() {
    let mut cluster = cluster().await;
    cluster.gateway.publish(&ended(1)).unwrap();
    cluster.gateway.publish(&joined(1)).unwrap();
    let event = RoomEvent::Ended(EndReason::Reported);
    let expected = Message::Room { room: room(1), speaker: Service::Janitor, event };
    assert_eq!(next_said(&mut cluster.heard).await, expected);
    cluster.shutdown.cancel();
    assert_eq!(cluster.janitor.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn it_answers_where_a_session_was_that_has_lost_its_socket() {
    let cluster = cluster().await;
    let mut lost = lease(1, Some(room(1)));
    if let Message::Lease { lease, .. } = &mut lost {
        lease.sessions[0].connected = false;
    }
    cluster.gateway.publish(&lost).unwrap();
    let mut answers = cluster.gateway.ask(Message::Ask { session: session(1) }).unwrap();
    let answer = timeout(PATIENCE, answers.next()).await.expect("an answer");
    let Some(Answer::Session(answer)) = answer else { panic!("{answer:?}") };
    assert_eq!((answer.connected, answer.room), (false, Some(room(1))));
    let mut answers = cluster.gateway.ask(Message::Ask { session: session(2) }).unwrap();
    assert_eq!(timeout(PATIENCE, answers.next()).await, Ok(None), "no answer about an unknown session");
}

#[tokio::test]
async fn a_janitor_that_is_told_to_stop_says_so() {
    let mut cluster = cluster().await;
    cluster.shutdown.cancel();
    assert_eq!(cluster.janitor.await.unwrap(), Ok(()));
    let goodbye = async {
        loop {
            if let Some(Heard::Message { message: Message::Heartbeat { heartbeat, .. }, .. }) =
                cluster.heard.next().await
                && heartbeat.draining
            {
                return heartbeat.boot;
            }
        }
    };
    assert_eq!(timeout(PATIENCE, goodbye).await, Ok(BootId(7)));
}

#[tokio::test]
async fn a_bus_that_is_drained_under_it_ends_it_with_an_error() {
    let local = Local::new();
    let bus = local.join(node("j1"));
    let run = crate::run(config(), bus.clone(), Clock::start(), CancellationToken::new());
    let drain = async {
        yield_now().await;
        bus.drain().await;
    };
    let (ended, ()) = timeout(PATIENCE, async { tokio::join!(run, drain) }).await.expect("it ends");
    assert_eq!(ended, Err(RunError::Drained));
}

/// A janitor that the test calls itself, in virtual time.
async fn by_hand() -> (Janitor, Bus, Subscription, UnixMillis) {
    let local = Local::new();
    let now = UnixMillis::from_secs(1_750_000_000);
    let gateway = local.join(node("g1"));
    let interests = [Interest::RoomEvents, Interest::SessionEvents, Interest::Syncs];
    let heard = gateway.subscribe(&interests).await.unwrap();
    (Janitor::new(config(), local.join(node("j1")), now), gateway, heard, now)
}

#[tokio::test]
async fn an_expiry_is_published_and_counted() {
    let (mut janitor, _gateway, mut heard, mut now) = by_hand().await;
    let mut registry = Registry::default();
    janitor.metrics = Metrics::register(&mut registry);
    janitor.receive(now, Heard::Message { message: lease(1, None), reply: None, trace: None });
    for _ in 0..SILENCE.max(QUIET).as_secs() {
        now += limits::HEARTBEAT;
        janitor.tick(now);
    }
    let event = SessionEvent::Expired;
    let expected = Message::Session { session: session(1), speaker: Service::Janitor, event };
    assert_eq!(next_said(&mut heard).await, expected);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    assert!(text.contains(r#"janitor_said_total{what="session-expired"} 1"#), "{text}");
    assert!(text.contains(r#"janitor_held{kind="sessions"} 0"#), "{text}");
}

#[tokio::test]
async fn a_janitor_that_starts_learns_from_the_others() {
    let (mut janitor, gateway, mut heard, now) = by_hand().await;
    janitor.tick(now);
    let asked = async {
        loop {
            let Some(Heard::Message { message: Message::Sync { from }, reply, .. }) = heard.next().await
            else {
                continue;
            };
            assert_eq!(from, node("j1"));
            return reply.expect("a question can be answered");
        }
    };
    let reply = timeout(PATIENCE, asked).await.expect("it asks");
    let known = vec![(room(1), EndReason::Left, 60_000)];
    let answer = schemas::event::SyncAnswer { ended: known, last: true, ..Default::default() };
    gateway.answer(&reply, &Answer::Sync(answer)).unwrap();
    let answer = timeout(PATIENCE, next_answer(&mut janitor.asked)).await.expect("the answer");
    janitor.learn(now, answer);
    janitor.receive(now, Heard::Message { message: joined(1), reply: None, trace: None });
    assert!(matches!(
        next_said(&mut heard).await,
        Message::Room { event: RoomEvent::Ended(EndReason::Left), .. }
    ));
}

#[tokio::test]
async fn an_answer_longer_than_its_readers_queue_waits_and_is_whole() {
    let (mut janitor, gateway, _heard, now) = by_hand().await;
    let numbered = |n: usize| RoomId::from_bytes((n as u128).to_be_bytes());
    let rooms = limits::BATCH * 300;
    let ended = (0..rooms).map(|n| (numbered(n), EndReason::Left, 60_000)).collect();
    let known = schemas::event::SyncAnswer { ended, last: true, ..Default::default() };
    janitor.learn(now, Some(Answer::Sync(known)));

    let mut questions = janitor.bus.subscribe(&[Interest::Syncs]).await.unwrap();
    let mut answers = gateway.ask(Message::Sync { from: node("g1") }).unwrap();
    janitor.receive(now, questions.next().await.unwrap());
    while janitor.flow == Flow::Open {
        assert_eq!(janitor.answering.len(), 1, "it cannot be complete yet");
        janitor.answer_syncs(now);
    }
    let mut told = 0;
    loop {
        let answer = timeout(PATIENCE, answers.next()).await.expect("the next batch");
        let Some(Answer::Sync(batch)) = answer else { panic!("an end without a last batch") };
        told += batch.ended.len();
        if batch.last {
            break;
        }
        janitor.answer_syncs(now);
    }
    assert_eq!((told, janitor.answering.len()), (rooms, 0));
}

#[tokio::test]
async fn an_answer_that_is_not_read_is_given_up() {
    let (mut janitor, gateway, _heard, now) = by_hand().await;
    janitor.learn(now, Some(Answer::Sync(schemas::event::SyncAnswer { last: true, ..Default::default() })));
    let mut questions = janitor.bus.subscribe(&[Interest::Syncs]).await.unwrap();
    let mut waiting = Vec::new();
    for _ in 0..2 * SYNCS {
        waiting.push(gateway.ask(Message::Sync { from: node("g1") }).unwrap());
        janitor.receive(now, questions.next().await.unwrap());
    }
    assert_eq!(janitor.answering.len(), SYNCS);
    janitor.tick(now + SYNC_TIME + limits::HEARTBEAT);
    assert_eq!(janitor.answering.len(), 0);
}
