//! Whether a node can do its work: its bus, its clock, and the nodes that it depends on.
//!
//! What makes a node useless is a [`Fault`]: whoever is sent to it had better go elsewhere. A role
//! that nobody fills is none: chats go on without it, and sending everybody away would empty the
//! whole cluster at once.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use bus::{Bus, BusFault, Clock, Heard, Status, SubscribeError};
use parking_lot::Mutex;
use schemas::{
    NodeId, Service, UnixMillis,
    clocks::{ClockState, Clocks, Skew},
    event::Heartbeat,
    limits,
    message::Message,
    nodes::Nodes,
    subject::Interest,
};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Why a node cannot do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There is no connection to the other nodes.
    #[error("the bus is down")]
    BusDown,
    /// The bus does not carry what it should.
    #[error(transparent)]
    Bus(#[from] BusFault),
    /// Tokens that have expired would be believed, or good ones refused.
    #[error("this node's clock is {0} the clocks of the other nodes: set it, then restart this node")]
    Clock(Skew),
    /// Three others or more are there to compare with: it takes three heartbeats.
    #[error("this node's clock has not been compared with the others' yet")]
    ClockPending,
}

/// What a node sees of itself and the others.
pub struct Health {
    bus: Bus,
    state: Mutex<State>,
    clock_doubted: Arc<AtomicBool>,
}

struct State {
    clocks: Clocks,
    clock: ClockState,
    nodes: [(Service, Nodes); Service::ALL.len()],
    missing: Vec<Service>,
    started: UnixMillis,
}

impl Health {
    /// Nobody has been heard yet: all roles are missing.
    pub fn new(bus: Bus, now: UnixMillis) -> Self {
        let state = State {
            clocks: Clocks::new(bus.node().clone(), now),
            clock: ClockState::default(),
            nodes: Service::ALL.map(|role| (role, Nodes::default())),
            missing: Vec::new(),
            started: now,
        };
        Self { bus, state: Mutex::new(state), clock_doubted: Arc::default() }
    }

    /// Listens to all heartbeats until `stop`.
    ///
    /// # Errors
    /// If the bus takes no subscription.
    pub async fn watch(&self, clock: Clock, stop: CancellationToken) -> Result<(), SubscribeError> {
        let mut heard = self.bus.subscribe(&Interest::of_all()).await?;
        let mut look = interval(limits::HEARTBEAT);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                item = heard.next() => match item {
                    Some(item) => self.change(|state| state.receive(clock.now(), item)),
                    None => return Ok(()),
                },
                _ = look.tick() => self.change(|state| state.look(clock.now())),
            }
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock();
        change(&mut state);
        self.clock_doubted.store(state.clock_fault().is_some(), Relaxed);
    }

    /// This node could begin to work now. Does it have to wait until its clock has been compared?
    /// Then [`Health::faults`] says so; if not, nodes that come later do not make it wait.
    pub fn begin(&self) {
        self.change(|state| state.clocks.begin());
    }

    /// Why this node cannot do its work; empty if it can.
    pub fn faults(&self) -> Vec<Fault> {
        let down = (*self.bus.status().borrow() == Status::Down).then_some(Fault::BusDown);
        let clock = self.state.lock().clock_fault();
        let bus = self.bus.faults().into_iter().map(Fault::Bus);
        down.into_iter().chain(bus).chain(clock).collect()
    }

    /// The roles that no running node fills. Right after the start these are all, until the first
    /// heartbeats are heard.
    pub fn missing(&self) -> Vec<Service> {
        self.state.lock().missing_roles()
    }

    /// Set while this node's clock is known to be wrong, or is about to be compared: times in
    /// tokens cannot be judged then.
    pub fn clock_doubted(&self) -> Arc<AtomicBool> {
        self.clock_doubted.clone()
    }

    /// How far the clocks of the others are ahead of this node's, in milliseconds, if that is more
    /// than [`limits::LEEWAY`]; else zero.
    pub fn clock_skew_millis(&self) -> i64 {
        match self.state.lock().clock {
            ClockState::Wrong(skew) | ClockState::Differs(skew) => skew.millis(),
            ClockState::Unknown | ClockState::Right => 0,
        }
    }
}

impl State {
    fn receive(&mut self, now: UnixMillis, heard: Heard) {
        match heard {
            Heard::Message { message: Message::Heartbeat { service, from, heartbeat }, .. } => {
                self.hear(now, service, &from, &heartbeat);
            }
            Heard::Gap => self.clocks.gap(now),
            Heard::Message { .. } | Heard::Frames { .. } => {}
        }
    }

    fn hear(&mut self, now: UnixMillis, service: Service, from: &NodeId, heartbeat: &Heartbeat) {
        self.clocks.hear(now, from, heartbeat);
        for (role, nodes) in &mut self.nodes {
            if *role == service {
                nodes.apply(now, from, heartbeat);
            }
        }
    }

    fn clock_fault(&self) -> Option<Fault> {
        match self.clock {
            ClockState::Wrong(skew) => Some(Fault::Clock(skew)),
            ClockState::Unknown if self.clocks.is_pending() => Some(Fault::ClockPending),
            ClockState::Unknown | ClockState::Right | ClockState::Differs(_) => None,
        }
    }

    fn missing_roles(&self) -> Vec<Service> {
        let unfilled = self.nodes.iter().filter(|(_, nodes)| nodes.serving() == 0);
        unfilled.map(|(role, _)| *role).collect()
    }

    /// Compares the clocks, forgets who has fallen silent, and logs what has changed.
    fn look(&mut self, now: UnixMillis) {
        let clock = self.clocks.compare(now);
        if std::mem::discriminant(&clock) != std::mem::discriminant(&self.clock) {
            log_clock(clock);
        }
        self.clock = clock;
        for (_, nodes) in &mut self.nodes {
            nodes.expire(now);
        }
        // At the start everybody is missing, for a moment.
        if now.since(self.started) >= limits::NODE_SILENCE {
            let missing = self.missing_roles();
            for role in Service::ALL {
                match (self.missing.contains(&role), missing.contains(&role)) {
                    (false, true) => tracing::warn!(
                        event = "health.role-missing",
                        role = role.word(),
                        "no node of this role is running"
                    ),
                    (true, false) => {
                        tracing::info!(
                            event = "health.role-back",
                            role = role.word(),
                            "a node of this role is running again"
                        )
                    }
                    _ => {}
                }
            }
            self.missing = missing;
        }
    }
}

fn log_clock(clock: ClockState) {
    match clock {
        ClockState::Wrong(skew) => {
            tracing::error!(
                event = "clock.wrong",
                "this node is not ready: its clock is {skew} the clocks of the other nodes"
            );
        }
        ClockState::Differs(skew) => {
            tracing::warn!(
                event = "clock.differs",
                "this node's clock is {skew} that of the other nodes, and one of them is wrong"
            );
        }
        ClockState::Right => {
            tracing::info!(event = "clock.right", "this node's clock agrees with the others")
        }
        ClockState::Unknown => {}
    }
}

#[cfg(test)]
mod tests;
