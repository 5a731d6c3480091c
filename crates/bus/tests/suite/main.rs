//! The promises of the bus, tested in one process and over real NATS servers.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod behaviours;
mod faults;
#[path = "../../../../tests/support/nats.rs"]
mod nats;
mod overwriting;
mod rogue;
mod tls;
mod together;

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bus::{Bus, Heard, Local, NatsOptions, NodeState, Status, Subscription};
use schemas::{
    BootId, NodeId, RoomId, Service, SessionId, Stamp,
    event::{Heartbeat, RoomEvent, SessionAnswer, WantEvent},
    message::{Answer, Message},
    session::SessionState,
};

use nats::NatsServer;

/// Far longer than anything here takes, even on a busy machine: only a test that hangs reaches it.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// One of the two backends.
enum Net {
    Local(Local),
    Nats(NatsServer),
}

impl Net {
    fn local() -> Self {
        Self::Local(Local::new())
    }

    fn nats() -> Self {
        Self::Nats(NatsServer::start())
    }

    /// A node whose bus is up.
    async fn join(&self, name: &str) -> Bus {
        match self {
            Self::Local(local) => local.join(node(name)),
            Self::Nats(server) => {
                let bus = connect(server, name).await;
                becomes(&bus, Status::Up).await;
                bus
            }
        }
    }
}

/// A node that is connecting to the server.
async fn connect(server: &NatsServer, name: &str) -> Bus {
    let options = NatsOptions { urls: vec![server.url()], ..NatsOptions::default() };
    Bus::nats(options, node(name)).await.unwrap()
}

async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(TIME_LIMIT, what).await.expect("this ends in time")
}

async fn becomes(bus: &Bus, status: Status) {
    within(bus.status().wait_for(|now| *now == status)).await.unwrap();
}

/// Waits until a count has reached `least`. Nothing announces that, so this polls.
async fn counted(counter: &AtomicU64, least: u64) {
    within(async {
        while counter.load(Relaxed) < least {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

async fn heard(subscription: &mut Subscription) -> Heard {
    within(subscription.next()).await.expect("the bus is not drained")
}

async fn heard_message(subscription: &mut Subscription) -> Message {
    match heard(subscription).await {
        Heard::Message { message, .. } => message,
        other => panic!("{other:?} instead of a message"),
    }
}

async fn heard_gap(subscription: &mut Subscription) {
    let next = heard(subscription).await;
    assert!(matches!(next, Heard::Gap), "{next:?} instead of a gap");
}

/// The state of a node that is ready and has one metric.
fn ready() -> NodeState {
    NodeState { ready: Arc::new(|| "ready\n".into()), metrics: Arc::new(|| "up 1\n# EOF\n".into()) }
}

fn node(name: &str) -> NodeId {
    name.parse().unwrap()
}

fn room(n: u8) -> RoomId {
    RoomId::from_bytes([n; 16])
}

fn session(n: u8) -> SessionId {
    SessionId::from_random([n; 16])
}

fn peer(to: &str, n: u8) -> Message {
    Message::Peer { room: room(n), to: node(to), event: RoomEvent::Declined }
}

/// A small message that carries a number.
fn beat(from: &str, number: u64) -> Message {
    let heartbeat = Heartbeat::new(BootId(number), "1");
    Message::Heartbeat { service: Service::Gateway, from: node(from), heartbeat }
}

fn number(message: &Message) -> u64 {
    match message {
        Message::Heartbeat { heartbeat, .. } => heartbeat.boot.0,
        other => panic!("{other:?} instead of a heartbeat"),
    }
}

fn want(from: &str) -> Message {
    Message::Want { from: node(from), event: WantEvent::Withdrawn(vec![]) }
}

fn session_answer(n: u64) -> Answer {
    Answer::Session(SessionAnswer {
        state: SessionState::Paired,
        connected: true,
        stamp: Stamp(n),
        room: None,
    })
}
