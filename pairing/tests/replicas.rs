//! Replicas on a local bus, and what gateways receive from them.

#![expect(clippy::unwrap_used, reason = "a helper of a test may panic as the test may")]

use std::time::Duration;

use bus::{Bus, Clock, Heard, Local, Subscription};
use pairing::{Config, FairBy, Metrics, RunError, run};
use prometheus_client::{encoding::text::encode, registry::Registry};
use schemas::{
    BootId, NodeId, Service, SessionId, Stamp, WantId,
    criteria::Queue,
    event::{Half, Heartbeat, MatchEvent, Want, WantEvent},
    message::Message,
    subject::Interest,
};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Long after whatever is waited for should have come.
const PATIENCE: Duration = Duration::from_secs(30);

fn node(id: &str) -> NodeId {
    id.parse().unwrap()
}

fn want(n: u8) -> Want {
    Want {
        id: WantId::from_bytes([n; 16]),
        session: SessionId::from_random([n; 16]),
        stamp: Stamp(1),
        age: Duration::ZERO,
        queue: Queue::Anyone,
        role: None,
        language: None,
        channel: schemas::criteria::ChannelVersion::CURRENT,
        met: Vec::new(),
        reported: Vec::new(),
        origin: None,
        pass: false,
        delay: Duration::ZERO,
        trace: None,
    }
}

fn pair(one: (u8, &str), other: (u8, &str)) -> MatchEvent {
    let half = |(n, at)| Half { want: WantId::from_bytes([n; 16]), node: node(at), pass: false };
    MatchEvent::Pair([half(one), half(other)])
}

async fn next(subscription: &mut Subscription) -> Message {
    match timeout(PATIENCE, subscription.next()).await.unwrap() {
        Some(Heard::Message { message, .. }) => message,
        _ => panic!("something else than a message"),
    }
}

/// A replica that is running and whose heartbeat has been received.
struct Replica {
    bus: Bus,
    registry: Registry,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), RunError>>,
    heartbeats: Subscription,
}

impl Replica {
    async fn start(local: &Local, id: &str) -> Self {
        let bus = local.join(node(id));
        let mut heartbeats = bus.subscribe(&[Interest::Heartbeats(Service::Pairing)]).await.unwrap();
        let (metrics, mut registry, shutdown) =
            (Metrics::default(), Registry::default(), CancellationToken::new());
        metrics.register(&mut registry);
        let (boot, listen_first, fair_by) = (BootId(7), Duration::ZERO, FairBy::Age);
        let config = Config { boot, listen_first, fair_by, metrics, orders: orders::Standing::default() };
        let running = run(config, bus.clone(), Clock::start(), shutdown.clone());
        let task = TaskTracker::new().spawn(running);
        // It announces itself once it has subscribed.
        while !matches!(next(&mut heartbeats).await, Message::Heartbeat { from, .. } if from == *bus.node()) {
        }
        Self { bus, registry, shutdown, task, heartbeats }
    }

    fn shows(&self, line: &str) -> bool {
        let mut text = String::new();
        encode(&mut text, &self.registry).unwrap();
        text.lines().any(|shown| shown == line)
    }

    async fn will_show(&self, line: &str) {
        let shown = async {
            while !self.shows(line) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, shown).await.unwrap();
    }

    async fn stop(self) -> Result<(), RunError> {
        self.shutdown.cancel();
        self.task.await.unwrap()
    }
}

struct Gateway {
    bus: Bus,
    matches: Subscription,
}

impl Gateway {
    async fn join(local: &Local, id: &str) -> Self {
        let bus = local.join(node(id));
        let matches = bus.subscribe(&[Interest::Matches(node(id))]).await.unwrap();
        Self { bus, matches }
    }

    fn publish(&self, event: WantEvent) {
        self.bus.publish(&Message::Want { from: self.bus.node().clone(), event }).unwrap();
    }

    fn holds(&self, n: u8) {
        self.publish(WantEvent::Waiting(vec![want(n)]));
    }

    fn beat(&self, boot: u64) {
        let heartbeat = Heartbeat::new(BootId(boot), "1");
        let from = self.bus.node().clone();
        self.bus.publish(&Message::Heartbeat { service: Service::Gateway, from, heartbeat }).unwrap();
    }

    async fn receives(&mut self) -> MatchEvent {
        match next(&mut self.matches).await {
            Message::Match { event, .. } => event,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn two_gateways_are_sent_the_match_of_their_wants() {
    let local = Local::new();
    let (mut one, mut two) = (Gateway::join(&local, "g1").await, Gateway::join(&local, "g2").await);
    let replica = Replica::start(&local, "p1").await;
    one.holds(1);
    two.holds(2);
    let expected = pair((1, "g1"), (2, "g2"));
    assert_eq!((one.receives().await, two.receives().await), (expected.clone(), expected));
    replica.will_show("pairing_matches_total 1").await;
    replica.will_show("pairing_waiting 0").await;
}

#[tokio::test]
async fn a_gateway_is_told_that_an_invite_is_spent() {
    let local = Local::new();
    let mut gateway = Gateway::join(&local, "g1").await;
    let _replica = Replica::start(&local, "p1").await;
    let queue = Queue::Invite([1; 16]);
    gateway.publish(WantEvent::Met(queue));
    gateway.publish(WantEvent::Waiting(vec![Want { queue, ..want(1) }]));
    assert_eq!(gateway.receives().await, MatchEvent::Spent(want(1).id));
}

#[tokio::test]
async fn the_wants_of_a_gateway_that_started_again_are_gone() {
    let local = Local::new();
    let (one, mut two) = (Gateway::join(&local, "g1").await, Gateway::join(&local, "g2").await);
    let _replica = Replica::start(&local, "p1").await;
    one.beat(1);
    one.holds(1);
    one.beat(2);
    two.holds(2);
    two.holds(3);
    assert_eq!(two.receives().await, pair((2, "g2"), (3, "g2")));
}

#[tokio::test]
async fn of_two_replicas_the_lower_leads_and_the_other_takes_over() {
    let local = Local::new();
    let mut gateway = Gateway::join(&local, "g1").await;
    let second = Replica::start(&local, "p2").await;
    second.will_show("pairing_leading 1").await;
    let first = Replica::start(&local, "p1").await;
    second.will_show("pairing_leading 0").await;
    gateway.holds(1);
    gateway.holds(2);
    assert_eq!(gateway.receives().await, pair((1, "g1"), (2, "g1")));
    second.will_show("pairing_waiting 2").await;
    gateway.publish(WantEvent::Withdrawn(vec![want(1).id, want(2).id]));
    second.will_show("pairing_waiting 0").await;
    assert!(first.shows("pairing_matches_total 1") && second.shows("pairing_matches_total 0"));

    gateway.holds(3);
    second.will_show("pairing_waiting 1").await;
    first.stop().await.unwrap();
    gateway.holds(4);
    assert_eq!(gateway.receives().await, pair((3, "g1"), (4, "g1")));
    assert!(second.shows("pairing_leading 1"));
}

#[tokio::test]
async fn a_heartbeat_carries_boot_id_wants_and_draining() {
    let local = Local::new();
    let gateway = Gateway::join(&local, "g1").await;
    let mut replica = Replica::start(&local, "p1").await;
    gateway.holds(1);
    replica.will_show("pairing_waiting 1").await;
    replica.shutdown.cancel();
    let last = loop {
        match next(&mut replica.heartbeats).await {
            Message::Heartbeat { heartbeat, .. } if heartbeat.draining => break heartbeat,
            _ => {}
        }
    };
    assert_eq!((last.boot, last.load.waiting), (BootId(7), 1));
    assert!(replica.task.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_bus_that_is_closed_too_early_is_an_error() {
    let local = Local::new();
    let replica = Replica::start(&local, "p1").await;
    replica.bus.drain().await;
    assert!(matches!(replica.task.await.unwrap(), Err(RunError::Closed)));
}
