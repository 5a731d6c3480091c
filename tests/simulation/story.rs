//! How a story goes on: what happens next, how long faults last, and how they end.

use rand::Rng;
use schemas::Service;

use super::{
    dice::{Dice, Place},
    things::{Event, Machine},
    world::World,
};

/// Something that is repaired, or noticed, later.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    /// A stopped node starts again.
    Start(usize),
    /// A node notices that its bus is down.
    NoticeDown(usize, u64),
    /// A node's bus is up again.
    BusUp(usize),
    /// Two nodes reach each other again.
    Heal(usize, usize),
    /// A draining gateway has waited long enough.
    Exit(usize, u64),
}

impl World {
    /// A person acts, and some time later another.
    pub(super) fn whim(&mut self, nth: u64) {
        if self.calm {
            return;
        }
        let mut dice = Dice::new(self.seed, Place::Whim(nth));
        let pause = dice.random_range(1..=2 * self.profile.haste);
        self.after(pause, Event::Whim(nth + 1));
        if let Some(deed) = self.draw_whim(&mut dice) {
            self.perform(&deed);
        }
    }

    /// A fault happens, and some time later another.
    pub(super) fn mishap(&mut self, nth: u64) {
        let Some(mean) = self.profile.faults.filter(|_| !self.calm) else { return };
        let mut dice = Dice::new(self.seed, Place::Mishap(nth));
        let pause = dice.random_range(1..=2 * mean);
        self.after(pause, Event::Mishap(nth + 1));
        let deed = self.draw_mishap(&mut dice);
        self.perform(&deed);
    }

    pub(super) fn cut(&mut self, one: usize, other: usize, length: u64) {
        self.say(|world| {
            format!("{} and {} are cut off from each other", world.name(one), world.name(other))
        });
        self.links.cut.insert((one, other));
        self.after(length, Event::Fault(Fault::Heal(one, other)));
    }

    pub(super) fn cut_off(&mut self, node: usize, noticed: u64, length: u64) {
        if !self.links.down.insert(node) {
            return;
        }
        self.say(|world| format!("the bus of {} breaks", world.name(node)));
        if noticed < length {
            let inc = self.nodes[node].incarnation;
            self.after(noticed, Event::Fault(Fault::NoticeDown(node, inc)));
        }
        self.after(length, Event::Fault(Fault::BusUp(node)));
    }

    pub(super) fn drain(&mut self, node: usize) {
        let inc = self.nodes[node].incarnation;
        if let Some(gateway) = self.gateway(node).filter(|gateway| !gateway.draining) {
            gateway.draining = true;
            self.say(|world| format!("{} drains", world.name(node)));
            self.decide(node, |sessions, now| sessions.drain(now));
            self.after(8_000, Event::Fault(Fault::Exit(node, inc)));
        }
    }

    pub(super) fn end_fault(&mut self, fault: Fault) {
        match fault {
            Fault::Start(node) => self.start(node),
            Fault::NoticeDown(node, inc) => {
                if self.nodes[node].incarnation == inc && !self.is_up(node) {
                    self.say(|world| format!("{} sees that its bus is down", world.name(node)));
                    self.decide(node, |sessions, now| sessions.bus_down(now));
                }
            }
            Fault::BusUp(node) => self.mend(node),
            Fault::Heal(one, other) => {
                if self.links.cut.remove(&(one, other)) {
                    self.say(|world| {
                        format!("{} and {} hear each other", world.name(one), world.name(other))
                    });
                }
            }
            Fault::Exit(node, inc) => {
                if self.nodes[node].incarnation == inc && self.gateway(node).is_some() {
                    self.close_all(node);
                    self.crash(node);
                    self.after(1_000, Event::Fault(Fault::Start(node)));
                }
            }
        }
    }

    /// The bus of a node is up again, or its NATS client reports lost messages: to a node this is
    /// the same.
    fn mend(&mut self, node: usize) {
        if !self.links.down.remove(&node) {
            return;
        }
        self.say(|world| format!("the bus of {} is back", world.name(node)));
        let now = self.clock(node);
        match &mut self.nodes[node].machine {
            Machine::Gateway(_) => {
                self.decide(node, |sessions, now| sessions.bus_up(now));
                self.ask_sync(node);
            }
            Machine::Pairing(replica) => replica.gap(now),
            Machine::Janitor(janitor) => janitor.leases.handle(now, janitor::leases::Input::Gap),
            Machine::Stopped => {}
        }
    }

    /// Repairs everything, and ends all faults.
    pub(super) fn mend_all(&mut self) {
        self.calm = true;
        for node in 0..self.nodes.len() {
            self.mend(node);
            self.start(node);
            if self.nodes[node].service == Service::Gateway
                && self.gateway(node).is_some_and(|it| it.draining)
            {
                self.close_all(node);
                self.crash(node);
                self.start(node);
            }
        }
        self.links.cut.clear();
    }
}
