//! The task around the pool: applies what the bus delivers, and publishes what the pool decides.

use std::time::Duration;

use bus::{Bus, Clock, Heard, Status, SubscribeError, Subscription};
use orders::Standing;
use schemas::{
    BootId, NodeId, Service, UnixMillis,
    criteria::Queue,
    event::{Heartbeat, Load, WantEvent},
    limits::HEARTBEAT,
    message::Message,
    nodes::{NodeChange, Nodes},
    outlook::RECENT,
    subject::Interest,
};
use tokio::{
    sync::watch,
    time::{self, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    leader::Leadership,
    metrics::Metrics,
    pool::{FairBy, Past, Pool},
    searches::Searches,
};

/// How long a replica of a cluster listens before it may lead. By then it has received every
/// heartbeat and every want at least once. On the local bus there are no others, and it is zero.
pub const LISTEN_FIRST: Duration = Duration::from_secs(3);

/// The longest sleep: a lost leader is noticed at most this much later.
const LONGEST_SLEEP: Duration = Duration::from_millis(100);

/// How many messages are applied before the heartbeat and the deadlines are checked again.
const BURST: usize = 64;

/// The configuration of a replica.
#[derive(Clone, Debug)]
pub struct Config {
    /// The boot id of this process.
    pub boot: BootId,
    /// How long to listen before leading, at the start and after a gap: [`LISTEN_FIRST`], or zero
    /// on the local bus.
    pub listen_first: Duration,
    /// Whose turn it is among strangers.
    pub fair_by: FairBy,
    /// Where to count.
    pub metrics: Metrics,
    /// The operator's orders.
    pub orders: Standing,
}

/// Why a replica had to stop.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The bus did not take the subscription.
    #[error("cannot subscribe to wants")]
    Subscribe(#[from] SubscribeError),
    /// The bus was drained before the replica was told to stop.
    #[error("the bus has been drained")]
    Closed,
}

/// Makes matches until `shutdown`, then announces that it is draining, so that another replica
/// takes over at once. The caller drains the bus.
///
/// # Errors
/// If the bus takes no subscription, or is drained before `shutdown`.
pub async fn run(
    config: Config,
    bus: Bus,
    clock: Clock,
    shutdown: CancellationToken,
) -> Result<(), RunError> {
    let bus = bus.with_role(Service::Pairing);
    let interests = Interest::of(Service::Pairing, bus.node());
    let Some(subscription) = shutdown.run_until_cancelled(bus.subscribe(&interests)).await else {
        return Ok(());
    };
    let mut subscription = subscription?;
    let mut replica = Replica::new(config, bus, clock.now());
    let mut heartbeat = time::interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let sleep = replica.sleep(clock.now());
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {
                replica.announce(clock.now(), Draining::Yes);
                return Ok(());
            }
            _ = heartbeat.tick() => {
                replica.announce(clock.now(), Draining::No);
                replica.tell(clock.now());
            }
            heard = subscription.next() => {
                replica.receive(clock.now(), heard.ok_or(RunError::Closed)?);
                replica.receive_more(clock.now(), &mut subscription);
            }
            () = time::sleep(sleep) => {}
        }
        replica.update(clock.now());
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Draining {
    Yes,
    No,
}

/// One pool among those of the other replicas.
struct Replica {
    boot: BootId,
    metrics: Metrics,
    bus: Bus,
    status: watch::Receiver<Status>,
    pool: Pool,
    gateways: Nodes,
    leadership: Leadership,
    leads: bool,
    /// Since when it knows of every match.
    led_since: Option<UnixMillis>,
    listens_first: bool,
    orders: Standing,
    searches: Searches,
}

impl Replica {
    fn new(config: Config, bus: Bus, now: UnixMillis) -> Self {
        let Config { boot, listen_first, fair_by, metrics, orders } = config;
        Self {
            leadership: Leadership::new(bus.node().clone(), now, listen_first),
            status: bus.status(),
            pool: Pool::new(fair_by, rand::random()),
            gateways: Nodes::default(),
            leads: false,
            led_since: None,
            listens_first: !listen_first.is_zero(),
            orders,
            searches: Searches::default(),
            boot,
            metrics,
            bus,
        }
    }

    /// How long there is nothing to do unless something is received.
    fn sleep(&self, now: UnixMillis) -> Duration {
        self.pool.next_deadline().map_or(LONGEST_SLEEP, |deadline| deadline.since(now).min(LONGEST_SLEEP))
    }

    fn receive_more(&mut self, now: UnixMillis, subscription: &mut Subscription) {
        for _ in 1..BURST {
            let Some(heard) = subscription.try_next() else { return };
            self.receive(now, heard);
        }
    }

    fn receive(&mut self, now: UnixMillis, heard: Heard) {
        match heard {
            Heard::Message { message, .. } if !self.bus.believe_stamps(&message, now) => {}
            Heard::Message { message: message @ Message::Want { .. }, trace, .. } => {
                let _entered = spans::process(&message, trace.as_deref()).entered();
                let Message::Want { from, event } = message else { return };
                self.obey();
                self.searches.hear(now, &event);
                if let WantEvent::Asked(queues) = &event {
                    self.answer(now, &from, queues);
                }
                self.pool.apply(now, &from, event);
            }
            Heard::Message { message: Message::Report { report, .. }, .. } => {
                self.pool.report(now, &report);
            }
            Heard::Message { message: Message::Heartbeat { service, from, heartbeat }, .. } => {
                self.receive_heartbeat(now, service, &from, &heartbeat);
            }
            Heard::Gap => self.gap(now),
            Heard::Message { .. } | Heard::Frames { .. } => {}
        }
    }

    /// Before anybody is matched: an order that this node has acknowledged holds from then on.
    fn obey(&mut self) {
        self.pool.let_strangers(self.orders.now().service.strangers);
    }

    fn receive_heartbeat(&mut self, now: UnixMillis, service: Service, from: &NodeId, heartbeat: &Heartbeat) {
        match service {
            Service::Pairing => {
                if from == self.bus.node() && heartbeat.boot != self.boot {
                    warn!(
                        event = "pairing.same-name",
                        node = from.as_str(),
                        "another pairing node uses the id of this one; give each node an id of its own"
                    );
                }
                self.leadership.apply(now, from, heartbeat);
            }
            Service::Gateway => {
                if self.gateways.apply(now, from, heartbeat) == NodeChange::Restarted {
                    self.pool.forget_node(now, from);
                }
            }
            Service::Janitor => {}
        }
    }

    /// Messages may have been missed. So silence proves nothing, and the leader has to be
    /// determined again.
    fn gap(&mut self, now: UnixMillis) {
        self.metrics.gap();
        self.gateways.clear();
        self.pool.renew_all(now);
        self.leadership.gap(now);
    }

    /// Handles what is due, and publishes what was decided. While the bus is down silence proves
    /// nothing, and nothing could be published.
    fn update(&mut self, now: UnixMillis) {
        self.obey();
        let up = *self.status.borrow() == Status::Up;
        let leads = up && self.leadership.leads(now);
        self.set_leading(now, leads);
        if up {
            for gateway in self.gateways.expire(now) {
                info!(
                    event = "pairing.gateway-silent",
                    node = gateway.as_str(),
                    "a gateway has fallen silent; its wants are dropped"
                );
                self.pool.forget_node(now, &gateway);
            }
            self.pool.tick(now);
        }
        for effect in self.pool.take_effects() {
            let _entered = self.searches.span_of(&effect.event).entered();
            self.publish(&Message::Match { to: effect.to, event: effect.event });
        }
        self.searches.all_sent();
        self.metrics.observe(&self.pool);
    }

    fn set_leading(&mut self, now: UnixMillis, leads: bool) {
        if leads == self.leads {
            return;
        }
        self.leads = leads;
        self.led_since = leads.then_some(now);
        if leads {
            self.pool.activate();
        } else {
            self.pool.stand_by();
        }
        self.metrics.leading(leads);
        info!(
            event = "pairing.leader-changed",
            leads,
            waiting = self.pool.waiting(),
            "the leadership of pairing has changed"
        );
    }

    /// Tells gateways how it stands where their people wait.
    fn tell(&mut self, now: UnixMillis) {
        if self.leads {
            let past = self.past(now);
            for (to, states) in self.pool.tell(now, past) {
                self.publish(&Message::Queue { to, states });
            }
        }
    }

    /// A gateway asks how it stands in some queues.
    fn answer(&self, now: UnixMillis, to: &NodeId, queues: &[Queue]) {
        if self.leads {
            let states = self.pool.answer(now, self.past(now), queues);
            self.publish(&Message::Queue { to: to.clone(), states });
        }
    }

    /// Another replica that led before may have made matches.
    fn past(&self, now: UnixMillis) -> Past {
        let knows = !self.listens_first || self.led_since.is_some_and(|since| now.since(since) >= RECENT);
        if knows { Past::Known } else { Past::Unknown }
    }

    fn announce(&self, now: UnixMillis, draining: Draining) {
        let waiting = u32::try_from(self.pool.waiting()).unwrap_or(u32::MAX);
        self.publish(&Message::Heartbeat {
            service: Service::Pairing,
            from: self.bus.node().clone(),
            heartbeat: Heartbeat {
                boot: self.boot,
                version: env!("CARGO_PKG_VERSION").into(),
                load: Load { waiting, ..Load::default() },
                draining: draining == Draining::Yes,
                time: Some(now),
                url: None,
                orders: self.orders.marks(now),
                counts: None,
                names_itself: false,
            },
        });
    }

    /// What the bus does not take is counted. It is sent again when the gateway repeats its want.
    fn publish(&self, message: &Message) {
        if self.bus.publish(message).is_err() {
            self.metrics.unsent();
        }
    }
}
