//! The actions of people, and the faults, during a story.

use rand::{Rng, seq::IndexedRandom};
use schemas::{
    Service,
    control::Category,
    criteria::{Criteria, MatchBy, Role},
};
use session::ClientCommand;

use super::{
    client::{Phase, Presence, ticket_claims},
    world::{Event, Machine, World},
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
    /// A person acts.
    pub(super) fn whim(&mut self) {
        if self.calm {
            return;
        }
        let pause = self.rng.random_range(1..=2 * self.profile.haste);
        self.after(pause, Event::Whim);
        let client = self.rng.random_range(0..self.clients.len());
        if self.clients[client].presence == Presence::Gone {
            return;
        }
        let Some(main) = self.clients[client].main else { return };
        let phase = self.clients[client].phase();
        match (self.rng.random_range(0..100), phase) {
            (0..9, _) => self.break_off(client),
            (9..11, _) => self.connect(client),
            (11..12, _) => self.delete(client),
            (12..13, _) => self.leave_for_good(client),
            (13..15, _) => self.use_an_old_ticket(client),
            (_, Some(Phase::Idle)) => {
                let find = self.draw_find();
                self.clients[client].ticket = None;
                self.clients[client].criteria = Some(find.clone());
                let asked = if self.rng.random_bool(0.1) {
                    ClientCommand::Next(find)
                } else {
                    ClientCommand::Find(find)
                };
                self.send_command(main, asked);
            }
            (15..25, Some(Phase::Waiting)) => {
                // A client that cancels before `waiting` could not tell whether that was the
                // answer.
                if let Some(tab) = self.clients[client].tabs.get_mut(&main).filter(|tab| tab.asked.is_empty())
                {
                    tab.phase = Phase::Idle;
                    self.clients[client].criteria = None;
                    self.send_command(main, ClientCommand::Cancel);
                }
            }
            (25..30, Some(Phase::Waiting)) => {
                let find = self.draw_find();
                self.clients[client].criteria = Some(find.clone());
                self.send_command(main, ClientCommand::Find(find));
            }
            (15..20, Some(Phase::Room { .. })) => self.send_command(main, ClientCommand::Leave),
            (20..24, Some(Phase::Room { .. })) => {
                let find = self.draw_find();
                self.clients[client].criteria = Some(find.clone());
                self.send_command(main, ClientCommand::Next(find));
            }
            (24..26, Some(Phase::Room { .. })) => {
                self.send_command(main, ClientCommand::Report(Category::Spam))
            }
            (26..28, Some(Phase::Room { room, .. })) => {
                let session = self.clients[client].session;
                if let Some(node) = self.any_gateway() {
                    self.say(|world| {
                        format!("client {client} leaves {room:?} over REST at {}", world.name(node))
                    });
                    self.decide(node, |sessions, now| sessions.leave_remotely(now, session, room));
                }
            }
            (_, Some(Phase::Room { .. })) => self.chat(client, main),
            _ => {}
        }
    }

    fn draw_find(&mut self) -> Criteria {
        let rng = &mut self.rng;
        let role = [None, None, None, None, None, None, Some(Role::Seek), Some(Role::Offer)];
        let by = match rng.random_range(0..10) {
            0..7 => MatchBy::Random(None),
            7..8 => MatchBy::Random("music".parse().ok()),
            code => MatchBy::Invite(format!("{code}AAAAAAAAAAAAAAAAAAAAA").parse().expect("a code")),
        };
        let language = *["ko", "en", "", "", "", "", "", ""].choose(rng).unwrap_or(&"");
        Criteria {
            by,
            role: *role.choose(rng).unwrap_or(&None),
            language: language.parse().ok(),
            channel: schemas::criteria::ChannelVersion::CURRENT,
        }
    }

    fn any_gateway(&mut self) -> Option<usize> {
        let running: Vec<_> = self.gateways();
        let running: Vec<_> = running
            .into_iter()
            .filter(|node| matches!(self.nodes[*node].machine, Machine::Gateway(_)))
            .collect();
        running.choose(&mut self.rng).copied()
    }

    /// A person's network breaks; the page reconnects by itself.
    fn break_off(&mut self, client: usize) {
        if let Some(main) = self.clients[client].main {
            self.abandon(main);
        }
        if self.rng.random_bool(0.1) {
            self.clients[client].ticket = None; // a page that was opened again
        }
        if self.clients[client].main.is_none() {
            let longest = *[50, 2_000, 30_000].choose(&mut self.rng).unwrap_or(&50);
            self.connect_later(client, longest);
        }
    }

    fn leave_for_good(&mut self, client: usize) {
        self.say(|_| format!("client {client} goes away for good"));
        self.clients[client].presence = Presence::Gone;
        for conn in self.clients[client].tabs.keys().copied().collect::<Vec<_>>() {
            self.abandon(conn);
        }
    }

    /// The owner deletes the session, over REST.
    fn delete(&mut self, client: usize) {
        let session = self.clients[client].session;
        if let Some(node) = self.any_gateway() {
            self.say(|world| format!("client {client} deletes its session at {}", world.name(node)));
            self.decide(node, |sessions, now| sessions.revoke(now, session));
            let inc = self.nodes[node].incarnation;
            self.ledger.revoked.insert(session, (node, inc));
        }
    }

    /// Somebody tries to resume a room that has ended.
    fn use_an_old_ticket(&mut self, client: usize) {
        let it = &self.clients[client];
        let (Some(main), Some(ticket)) = (it.main, it.old_tickets.choose(&mut self.rng)) else { return };
        let (session, ticket) = (it.session, ticket_claims(ticket));
        if !self.profile.stale {
            return;
        }
        if self.profile.faults.is_some() {
            // All that knew of the end may have crashed; then the two may go on if both want to.
            self.ledger.forget_end(session, ticket.room);
        }
        self.send_command(main, ClientCommand::Resume(ticket));
    }

    /// A fault happens.
    pub(super) fn mishap(&mut self) {
        let Some(mean) = self.profile.faults.filter(|_| !self.calm) else { return };
        let pause = self.rng.random_range(1..=2 * mean);
        self.after(pause, Event::Mishap);
        let node = self.rng.random_range(0..self.nodes.len());
        let length = *[300, 3_000, 20_000].choose(&mut self.rng).unwrap_or(&300);
        let length = self.rng.random_range(1..=length);
        match self.rng.random_range(0..10) {
            0..3 => {
                self.crash(node);
                self.after(length, Event::Fault(Fault::Start(node)));
            }
            3..6 => {
                let other = self.rng.random_range(0..self.nodes.len());
                self.say(|world| {
                    format!("{} and {} are cut off from each other", world.name(node), world.name(other))
                });
                self.links.cut.insert((node.min(other), node.max(other)));
                self.after(length, Event::Fault(Fault::Heal(node.min(other), node.max(other))));
            }
            6..9 => self.cut_off(node, length),
            _ => self.drain(node),
        }
    }

    fn cut_off(&mut self, node: usize, length: u64) {
        if !self.links.down.insert(node) {
            return;
        }
        self.say(|world| format!("the bus of {} breaks", world.name(node)));
        let noticed = self.rng.random_range(0..2_000);
        if noticed < length {
            let inc = self.nodes[node].incarnation;
            self.after(noticed, Event::Fault(Fault::NoticeDown(node, inc)));
        }
        self.after(length, Event::Fault(Fault::BusUp(node)));
    }

    fn drain(&mut self, node: usize) {
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
