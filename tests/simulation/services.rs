//! Pairing replicas and janitors of a story, and what all nodes do: tick, send heartbeats, receive.

use std::{collections::VecDeque, time::Duration};

use janitor::leases::{Capacity, Effect as JanitorEffect, Input, LeasePolicy, Leases, SyncCursor};
use pairing::{
    LISTEN_FIRST,
    leader::Leadership,
    pool::{FairBy, Pool},
};
use schemas::{
    BootId, NodeId, Service, UnixMillis,
    event::{Heartbeat, SyncAnswer},
    lifetimes::Lifetimes,
    limits,
    message::Message,
    nodes::{NodeChange, Nodes},
    time::millis,
};
use session::TICK;

use super::{
    gateway::TOKEN_LIFE,
    things::{Event, Machine},
    world::World,
};

/// For how many ticks one stands once all faults are over, when most of a story's time goes by and
/// little happens in it.
const CALM_TICKS: u64 = 5;

pub(super) struct Replica {
    boot: BootId,
    pub(super) pool: Pool,
    gateways: Nodes,
    leadership: Leadership,
    leads: bool,
}

impl Replica {
    pub(super) fn new(id: NodeId, boot: BootId, now: UnixMillis, seed: [u8; 32]) -> Self {
        Self {
            boot,
            pool: Pool::new(FairBy::Origin, seed),
            gateways: Nodes::default(),
            leadership: Leadership::new(id, now, LISTEN_FIRST),
            leads: false,
        }
    }

    /// The bus is up again, or has lost something.
    pub(super) fn gap(&mut self, now: UnixMillis) {
        self.gateways.clear();
        self.pool.renew_all(now);
        self.leadership.gap(now);
    }

    fn hear(&mut self, now: UnixMillis, message: &Message) {
        match message {
            Message::Want { from, event } => self.pool.apply(now, from, event.clone()),
            Message::Report { report, .. } => self.pool.report(now, report),
            Message::Heartbeat { service: Service::Pairing, from, heartbeat } => {
                self.leadership.apply(now, from, heartbeat);
            }
            Message::Heartbeat { service: Service::Gateway, from, heartbeat }
                if self.gateways.apply(now, from, heartbeat) == NodeChange::Restarted =>
            {
                self.pool.forget_node(now, from);
            }
            _ => {}
        }
    }

    fn turn(&mut self, now: UnixMillis, up: bool) -> Vec<Message> {
        let leads = up && self.leadership.leads(now);
        match (leads, self.leads) {
            (true, false) => self.pool.activate(),
            (false, true) => self.pool.stand_by(),
            _ => {}
        }
        self.leads = leads;
        if up {
            for gateway in self.gateways.expire(now) {
                self.pool.forget_node(now, &gateway);
            }
            self.pool.tick(now);
        }
        let say = |effect: pairing::pool::Effect| Message::Match { to: effect.to, event: effect.event };
        self.pool.take_effects().into_iter().map(say).collect()
    }
}

pub(super) struct Janitor {
    boot: BootId,
    pub(super) leases: Leases,
    /// Nodes that have asked for a sync.
    askers: VecDeque<NodeId>,
}

impl Janitor {
    pub(super) fn new(id: NodeId, boot: BootId, grace: Duration, now: UnixMillis) -> Self {
        let lifetimes = Lifetimes { token_life: TOKEN_LIFE, key_rotation: Duration::from_secs(3600), grace };
        let policy = LeasePolicy { lifetimes, capacity: Capacity::default() };
        Self { boot, leases: Leases::new(id, policy, now), askers: VecDeque::new() }
    }
}

impl World {
    pub(super) fn is_up(&self, node: usize) -> bool {
        !self.links.down.contains(&node)
    }

    pub(super) fn tick(&mut self, node: usize) {
        let (now, up, inc) = (self.clock(node), self.is_up(node), self.nodes[node].incarnation);
        let often = millis(TICK) * if self.calm { CALM_TICKS } else { 1 };
        let pause = match &mut self.nodes[node].machine {
            Machine::Stopped => return,
            Machine::Gateway(_) => {
                self.decide(node, |sessions, now| sessions.tick(now));
                often
            }
            Machine::Pairing(_) => {
                self.turn(node);
                often
            }
            Machine::Janitor(janitor) => {
                if up {
                    janitor.leases.handle(now, Input::Tick);
                    self.say_janitor(node);
                }
                millis(limits::HEARTBEAT)
            }
        };
        self.after(pause, Event::Tick { node, inc });
    }

    fn turn(&mut self, node: usize) {
        let (now, up) = (self.clock(node), self.is_up(node));
        let Machine::Pairing(replica) = &mut self.nodes[node].machine else { return };
        for message in replica.turn(now, up) {
            self.note_match(&message);
            self.publish(node, message);
        }
    }

    fn say_janitor(&mut self, node: usize) {
        let now = self.clock(node);
        loop {
            let Machine::Janitor(janitor) = &mut self.nodes[node].machine else { return };
            match janitor.leases.next_effect() {
                None => return,
                Some(JanitorEffect::Publish(message)) => self.publish(node, message),
                Some(JanitorEffect::Answer(_)) => {}
                Some(JanitorEffect::AskSync) => self.ask_sync(node),
                Some(JanitorEffect::AnswerSync) => {
                    let Some(asker) = janitor.askers.pop_front() else { continue };
                    let (mut cursor, mut batches) = (SyncCursor::default(), Vec::<SyncAnswer>::new());
                    while batches.last().is_none_or(|batch| !batch.last) {
                        batches.push(janitor.leases.sync_batch(now, &mut cursor));
                    }
                    if let Some(asker) = self.nodes.iter().position(|it| it.id == asker) {
                        self.answer_sync(node, asker, batches);
                    }
                }
            }
        }
    }

    pub(super) fn beat(&mut self, node: usize) {
        let inc = self.nodes[node].incarnation;
        let plain = |boot| Heartbeat::new(boot, "");
        let heartbeat = match &self.nodes[node].machine {
            Machine::Stopped => return,
            Machine::Gateway(gateway) => gateway.heartbeat(),
            Machine::Pairing(replica) => plain(replica.boot),
            Machine::Janitor(janitor) => plain(janitor.boot),
        };
        let (service, from) = (self.nodes[node].service, self.nodes[node].id.clone());
        self.publish(node, Message::Heartbeat { service, from, heartbeat });
        self.after(millis(limits::HEARTBEAT), Event::Beat { node, inc });
    }

    pub(super) fn hear(&mut self, node: usize, from: usize, message: &Message) {
        let now = self.clock(node);
        match &mut self.nodes[node].machine {
            Machine::Stopped => {}
            Machine::Gateway(gateway) => {
                if let Message::Sync { .. } = message {
                    if from != node {
                        let answers = gateway.sessions.sync_answers(now);
                        self.answer_sync(node, from, answers);
                    }
                } else {
                    self.decide(node, |sessions, now| sessions.handle(now, message));
                }
            }
            Machine::Pairing(replica) => {
                replica.hear(now, message);
                self.turn(node);
            }
            Machine::Janitor(janitor) => {
                janitor.askers.clear();
                if let Message::Sync { from } = message {
                    janitor.askers.push_back(from.clone());
                }
                janitor.leases.handle(now, Input::Received(message.clone()));
                self.say_janitor(node);
            }
        }
    }

    pub(super) fn learn(&mut self, node: usize, answer: &SyncAnswer) {
        let now = self.clock(node);
        match &mut self.nodes[node].machine {
            Machine::Janitor(janitor) => {
                janitor.leases.handle(now, Input::Learned(answer.clone()));
                self.say_janitor(node);
            }
            _ => self.learn_at_gateway(node, answer),
        }
    }
}
