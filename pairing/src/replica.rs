//! The task around the pool: feeds it what the bus brings, and says what it decides.

use std::time::Duration;

use bus::{Bus, Clock, Heard, Status, SubscribeError, Subscription};
use schemas::{
    BootId, NodeId, Service, UnixMillis,
    event::{Heartbeat, Load},
    limits::HEARTBEAT,
    message::Message,
    nodes::{News, Nodes},
    subject::Interest,
};
use tokio::{
    sync::watch,
    time::{self, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{Metrics, leader::Leadership, pool::Pool};

/// How long a replica of a cluster listens before it speaks: by then it has heard every heartbeat and every want at least once. On the
/// local bus there is nobody to listen to, and it is zero.
pub const LISTEN_FIRST: Duration = Duration::from_secs(3);

/// The longest sleep: a lost leader is noticed this much late at most.
const TURN: Duration = Duration::from_millis(100);

/// How many messages are folded in between two looks at the heartbeat and the deadlines.
const BURST: usize = 64;

/// How a replica is to run.
#[derive(Clone, Debug)]
pub struct Config {
    /// This run of the process.
    pub boot: BootId,
    /// How long to listen before speaking, at the start and after a gap: [`LISTEN_FIRST`], or zero on the local bus.
    pub listen_first: Duration,
    /// Where it counts.
    pub metrics: Metrics,
}

/// Why a replica could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The bus did not take the subscription.
    #[error("cannot listen for wants")]
    Subscribe(#[from] SubscribeError),
    /// The bus was closed while the replica was still to run.
    #[error("the bus was closed")]
    Closed,
}

/// Matches until `shutdown`, then says that it goes, so that another takes over at once. Draining the bus is the caller's.
///
/// # Errors
/// If the bus cannot be listened to, or ends before `shutdown`.
pub async fn run(
    config: Config,
    bus: Bus,
    clock: Clock,
    shutdown: CancellationToken,
) -> Result<(), RunError> {
    let interests =
        [Interest::Wants, Interest::Heartbeats(Service::Pairing), Interest::Heartbeats(Service::Gateway)];
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
                replica.beat(Draining::Yes);
                return Ok(());
            }
            _ = heartbeat.tick() => replica.beat(Draining::No),
            heard = subscription.next() => {
                replica.hear(clock.now(), heard.ok_or(RunError::Closed)?);
                replica.hear_more(clock.now(), &mut subscription);
            }
            () = time::sleep(sleep) => {}
        }
        replica.turn(clock.now());
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Draining {
    Yes,
    No,
}

/// One pool among its like.
struct Replica {
    boot: BootId,
    metrics: Metrics,
    bus: Bus,
    status: watch::Receiver<Status>,
    pool: Pool,
    gateways: Nodes,
    leadership: Leadership,
    leads: bool,
}

impl Replica {
    fn new(config: Config, bus: Bus, now: UnixMillis) -> Self {
        let Config { boot, listen_first, metrics } = config;
        Self {
            leadership: Leadership::new(bus.node().clone(), now, listen_first),
            status: bus.status(),
            pool: Pool::new(),
            gateways: Nodes::default(),
            leads: false,
            boot,
            metrics,
            bus,
        }
    }

    /// How long nothing is to be done unless something is heard.
    fn sleep(&self, now: UnixMillis) -> Duration {
        self.pool.next_deadline().map_or(TURN, |deadline| deadline.since(now).min(TURN))
    }

    fn hear_more(&mut self, now: UnixMillis, subscription: &mut Subscription) {
        for _ in 1..BURST {
            let Some(heard) = subscription.try_next() else { return };
            self.hear(now, heard);
        }
    }

    fn hear(&mut self, now: UnixMillis, heard: Heard) {
        match heard {
            Heard::Message { message: Message::Want { from, event }, .. } => {
                self.pool.apply(now, &from, event);
            }
            Heard::Message { message: Message::Heartbeat { service, from, heartbeat }, .. } => {
                self.hear_heartbeat(now, service, &from, &heartbeat);
            }
            Heard::Gap => self.gap(now),
            Heard::Message { .. } | Heard::Frames { .. } => {}
        }
    }

    fn hear_heartbeat(&mut self, now: UnixMillis, service: Service, from: &NodeId, heartbeat: &Heartbeat) {
        match service {
            Service::Pairing => {
                if from == self.bus.node() && heartbeat.boot != self.boot {
                    warn!(node = from.as_str(), "another replica uses this node id");
                }
                self.leadership.hear(now, from, heartbeat);
            }
            Service::Gateway => {
                if self.gateways.hear(now, from, heartbeat) == News::Restarted {
                    self.pool.forget_node(now, from);
                }
            }
            Service::Janitor => {}
        }
    }

    /// Something may not have been heard: who seems silent may not be, and who leads is to be found out again.
    fn gap(&mut self, now: UnixMillis) {
        self.metrics.gap();
        self.gateways.clear();
        self.pool.pardon(now);
        self.leadership.gap(now);
    }

    /// Does what time brings, and says what was decided. While the bus is down silence proves nothing, and nobody would hear.
    fn turn(&mut self, now: UnixMillis) {
        let up = *self.status.borrow() == Status::Up;
        let leads = up && self.leadership.leads(now);
        self.lead(leads);
        if up {
            for gateway in self.gateways.expire(now) {
                info!(node = gateway.as_str(), "a gateway has fallen silent");
                self.pool.forget_node(now, &gateway);
            }
            self.pool.tick(now);
        }
        for effect in self.pool.take_effects() {
            self.say(&Message::Match { to: effect.to, event: effect.event });
        }
        self.metrics.observe(&self.pool);
    }

    fn lead(&mut self, leads: bool) {
        if leads == self.leads {
            return;
        }
        self.leads = leads;
        if leads {
            self.pool.speak();
        } else {
            self.pool.hush();
        }
        self.metrics.leading(leads);
        info!(leads, waiting = self.pool.waiting(), "leadership of pairing has changed");
    }

    fn beat(&self, draining: Draining) {
        let waiting = u32::try_from(self.pool.waiting()).unwrap_or(u32::MAX);
        self.say(&Message::Heartbeat {
            service: Service::Pairing,
            from: self.bus.node().clone(),
            heartbeat: Heartbeat {
                boot: self.boot,
                version: env!("CARGO_PKG_VERSION").into(),
                load: Load { waiting, ..Load::default() },
                draining: draining == Draining::Yes,
            },
        });
    }

    /// What the bus does not take is counted and said again when its gateway repeats its want.
    fn say(&self, message: &Message) {
        if self.bus.publish(message).is_err() {
            self.metrics.unsent();
        }
    }
}
