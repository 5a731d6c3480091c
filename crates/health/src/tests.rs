//! What is a fault, and what is missing.

use std::{sync::Arc, time::Duration};

use bus::Local;
use schemas::BootId;
use tokio::task::JoinSet;

use super::*;

fn node(name: &str) -> NodeId {
    name.parse().unwrap()
}

/// A node that is watched, and others on the same bus.
struct Rig {
    clock: Clock,
    local: Local,
    health: Arc<Health>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Rig {
    fn start() -> Self {
        let (clock, local) = (Clock::start(), Local::new());
        let health = Arc::new(Health::new(local.join(node("me")), clock.now()));
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        let (watched, until) = (health.clone(), stop.clone());
        tasks.spawn(async move { watched.watch(clock, until).await.unwrap() });
        Self { clock, local, health, stop, tasks }
    }

    fn beat(&self, service: Service, name: &str, draining: bool, skew: Duration) {
        let time = Some(self.clock.now() + skew);
        let heartbeat = Heartbeat { draining, time, ..Heartbeat::new(BootId(1), "1") };
        let message = Message::Heartbeat { service, from: node(name), heartbeat };
        self.local.join(node(name)).publish(&message).unwrap();
    }

    /// Looks until it is so. A look is due once in a second of virtual time.
    async fn until(&self, what: &str, mut is_so: impl FnMut(&Health) -> bool) {
        for _ in 0..100 {
            if is_so(&self.health) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("never so: {what}");
    }

    async fn end(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_is_missing_until_a_node_that_does_not_drain_fills_it() {
    let rig = Rig::start();
    assert_eq!(rig.health.missing(), Service::ALL, "also right after the start");
    rig.until("it listens", |health| {
        rig.beat(Service::Pairing, "p1", false, Duration::ZERO);
        health.missing() == [Service::Gateway, Service::Janitor]
    })
    .await;
    rig.beat(Service::Janitor, "j1", false, Duration::ZERO);
    rig.until("the janitor is there", |health| health.missing() == [Service::Gateway]).await;
    rig.beat(Service::Pairing, "p1", true, Duration::ZERO);
    rig.until("it drains", |health| health.missing() == [Service::Gateway, Service::Pairing]).await;
    assert_eq!(rig.health.faults(), [], "chats go on");
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_three_others_contradict_is_a_fault() {
    let rig = Rig::start();
    let ahead = Duration::from_secs(60);
    let speak = |names: &[&str]| names.iter().for_each(|name| rig.beat(Service::Gateway, name, false, ahead));
    rig.until("two others only differ", |health| {
        speak(&["g1", "g2"]);
        health.clock_skew_millis() > 0
    })
    .await;
    assert_eq!(rig.health.faults(), []);
    assert!(!rig.health.clock_doubted().load(Relaxed));
    rig.until("a third one decides", |health| {
        speak(&["g1", "g2", "g3"]);
        health.clock_doubted().load(Relaxed)
    })
    .await;
    let [Fault::Clock(skew)] = rig.health.faults()[..] else { panic!("one fault") };
    assert!((59_000..=60_000).contains(&skew.millis()), "{skew:?}");
    let said = rig.health.faults()[0].to_string();
    assert!(said.contains("behind the clocks of the other nodes"), "{said}");
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_node_among_three_others_is_not_ready_before_its_clock_has_been_compared() {
    let rig = Rig::start();
    let speak = || ["g1", "g2", "g3"].map(|name| rig.beat(Service::Gateway, name, false, Duration::ZERO));
    rig.until("they are heard", |health| {
        if health.faults().is_empty() {
            speak();
        }
        health.faults() == [Fault::ClockPending]
    })
    .await;
    assert!(rig.health.clock_doubted().load(Relaxed));
    rig.until("it has been compared", |health| {
        speak();
        health.faults().is_empty()
    })
    .await;
    assert!(!rig.health.clock_doubted().load(Relaxed));
    rig.end().await;
}

#[tokio::test]
async fn a_bus_that_is_down_is_a_fault() {
    let bus = Local::new().join(node("me"));
    let health = Health::new(bus.clone(), UnixMillis(0));
    assert_eq!(health.faults(), []);
    bus.drain().await;
    assert_eq!(health.faults(), [Fault::BusDown]);
}
