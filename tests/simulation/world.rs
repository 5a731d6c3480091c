//! The world of a story, and the queue of what happens next in it.

use std::collections::{BTreeMap, HashMap};

use rand::Rng;
use schemas::{BootId, Service, SessionId, Stamp, UnixMillis};
use session::ConnId;

use super::{
    bus::{self, Errand, Fate, Links},
    client::{Client, Heard, Said, Todo},
    deed::Deed,
    dice::{Dice, Place},
    gateway::Gateway,
    ledger::Ledger,
    plant::Plant,
    profile::Profile,
    script::{Mischance, Script, TimedDeed},
    services::{Janitor, Replica},
    things::{End, Event, Machine, Node, Rank, Socket},
};

/// Virtual time begins here, in milliseconds since the Unix epoch.
const BEGINNING: u64 = 1_700_000_000_000;

/// Whether a story keeps what happens in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    Silently,
    Aloud,
}

pub(super) struct World {
    pub(super) seed: u64,
    pub(super) profile: Profile,
    pub(super) now: u64,
    pub(super) nodes: Vec<Node>,
    pub(super) links: Links,
    pub(super) sockets: BTreeMap<ConnId, Socket>,
    pub(super) clients: Vec<Client>,
    pub(super) ledger: Ledger,
    /// There are no further faults and actions.
    pub(super) calm: bool,
    /// Whose a session is.
    pub(super) owners: HashMap<SessionId, usize>,
    /// What happens to messages in a story that was kept.
    pub(super) script: Option<BTreeMap<(Errand, u64), Fate>>,
    /// A fault on purpose.
    pub(super) plant: Option<Plant>,
    /// What happens, by its time. At the same time deeds come first, in a story that is written down as
    /// in one that is drawn.
    queue: BTreeMap<(u64, Rank, u64), Event>,
    sequence: u64,
    conns: u64,
    telling: Telling,
    lines: Vec<String>,
    /// The story as it went, if it is told aloud.
    deeds: Vec<TimedDeed>,
    fates: Vec<Mischance>,
    violation: Option<String>,
}

impl World {
    /// The story of a seed.
    pub(super) fn new(seed: u64, telling: Telling) -> Self {
        let profile = Profile::draw(&mut Dice::new(seed, Place::Profile));
        let mut world = Self::with(seed, profile, telling);
        world.at(1, Event::Whim(0));
        if world.profile.faults.is_some() {
            world.at(1, Event::Mishap(0));
        }
        world
    }

    /// A story that is written down.
    pub(super) fn of(script: &Script, telling: Telling) -> Self {
        let mut world = Self::with(script.seed, script.profile.clone(), telling);
        world.script = Some(script.fates());
        for TimedDeed { at, deed } in &script.deeds {
            world.at(*at, Event::Deed(Box::new(deed.clone())));
        }
        world
    }

    fn with(seed: u64, profile: Profile, telling: Telling) -> Self {
        let mut world = Self {
            seed,
            now: 0,
            nodes: Vec::new(),
            links: Links::default(),
            sockets: BTreeMap::new(),
            clients: Vec::new(),
            ledger: Ledger::default(),
            calm: false,
            owners: HashMap::new(),
            script: None,
            plant: None,
            queue: BTreeMap::new(),
            sequence: 0,
            conns: 0,
            telling,
            lines: Vec::new(),
            deeds: Vec::new(),
            fates: Vec::new(),
            violation: None,
            profile,
        };
        world.say(|world| format!("{:?}", world.profile));
        let counts = [
            (Service::Gateway, world.profile.gateways),
            (Service::Pairing, world.profile.replicas),
            (Service::Janitor, world.profile.janitors),
        ];
        for (service, count) in counts {
            (0..count).for_each(|n| world.add_node(service, n));
        }
        for client in 0..world.profile.clients {
            let dice = |place| Dice::new(seed, place);
            let newcomer =
                Client::new(dice(Place::Person(client)), dice(Place::Wire(client)), UnixMillis(BEGINNING));
            world.owners.insert(newcomer.session, client);
            world.clients.push(newcomer);
            let at = world.clients[client].dice.random_range(0..3_000);
            world.at(at, Event::Client(client, Todo::Connect));
        }
        world
    }

    pub(super) fn add_node(&mut self, service: Service, n: usize) {
        let letter = &service.word()[..1];
        let skew = self.profile.skew;
        let id = format!("{letter}{n}").parse().expect("a node id");
        let mut dice = Dice::new(self.seed, Place::Node(self.nodes.len()));
        let offset = dice.random_range(-skew..=skew);
        self.nodes.push(Node {
            id,
            service,
            offset,
            incarnation: 0,
            dice,
            interests: Vec::new(),
            machine: Machine::Stopped,
        });
        self.start(self.nodes.len() - 1);
    }

    /// Starts a stopped node, which knows nothing.
    pub(super) fn start(&mut self, node: usize) {
        if !matches!(self.nodes[node].machine, Machine::Stopped) {
            return;
        }
        self.say(|world| format!("{} starts", world.name(node)));
        self.nodes[node].incarnation += 1;
        let (inc, clock) = (self.nodes[node].incarnation, self.clock(node));
        let boot = BootId(self.nodes[node].dice.random());
        let id = self.nodes[node].id.clone();
        self.nodes[node].machine = match self.nodes[node].service {
            Service::Gateway => {
                let seed = self.nodes[node].dice.random();
                let mut gateway = Gateway::new(id, boot, self.profile.grace, seed);
                // Others are of the version before, as far as anybody can tell.
                if self.nodes[node].dice.random_bool(self.profile.named) {
                    gateway.sessions.permit_names(clock);
                }
                Machine::Gateway(Box::new(gateway))
            }
            Service::Pairing => {
                let seed = self.nodes[node].dice.random();
                Machine::Pairing(Box::new(Replica::new(id, boot, clock, seed)))
            }
            Service::Janitor => Machine::Janitor(Box::new(Janitor::new(id, boot, self.profile.grace, clock))),
        };
        self.nodes[node].interests = bus::interests(self, node);
        let first = self.now + self.nodes[node].dice.random_range(0..100);
        self.at(first, Event::Tick { node, inc });
        self.at(self.now, Event::Beat { node, inc });
        if self.nodes[node].service == Service::Gateway {
            self.ask_sync(node);
        }
    }

    /// Runs the story, and lets everything settle after it.
    pub(super) fn run(&mut self) -> Result<(), String> {
        self.run_until(self.profile.length)?;
        self.settle()
    }

    /// Runs until a time, or until something is wrong.
    pub(super) fn run_until(&mut self, end: u64) -> Result<(), String> {
        while let Some(entry) = self.queue.first_entry() {
            if entry.key().0 > end {
                break;
            }
            let ((time, ..), event) = entry.remove_entry();
            self.now = time;
            self.happen(event);
            if let Some(violation) = self.violation.take() {
                self.say(|_| format!("WRONG: {violation}"));
                return Err(violation);
            }
        }
        self.now = end;
        Ok(())
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Tick { node, inc } => self.if_running(node, inc, Self::tick),
            Event::Beat { node, inc } => self.if_running(node, inc, Self::beat),
            Event::Hear { to, inc, from, message } => {
                if !self.links.down.contains(&to) {
                    self.if_running(to, inc, |world, to| world.hear(to, from, &message));
                }
            }
            Event::HearFrames { to, inc, frames } => {
                if !self.links.down.contains(&to) {
                    self.if_running(to, inc, |world, to| world.take_frames(to, frames));
                }
            }
            Event::Learn { to, inc, answer } => {
                self.if_running(to, inc, |world, to| world.learn(to, &answer))
            }
            Event::SyncAgain { node, inc, asked } => {
                self.if_running(node, inc, |world, node| world.ask_sync_again(node, asked));
            }
            Event::Up(conn, said) => self.take_from_client(conn, said),
            Event::Down(conn, heard) => self.take_from_gateway(conn, heard),
            Event::Lost(conn) => self.lose_socket(conn),
            Event::Client(client, todo) => self.do_client(client, todo),
            Event::Fault(fault) => self.end_fault(fault),
            Event::Whim(nth) => self.whim(nth),
            Event::Mishap(nth) => self.mishap(nth),
            Event::Deed(deed) => self.perform(&deed),
        }
    }

    fn if_running(&mut self, node: usize, inc: u64, action: impl FnOnce(&mut Self, usize)) {
        let it = &self.nodes[node];
        if it.incarnation == inc && !matches!(it.machine, Machine::Stopped) {
            action(self, node);
        }
    }

    pub(super) fn at(&mut self, time: u64, event: Event) {
        self.sequence += 1;
        self.queue.insert((time.max(self.now), Rank::of(&event), self.sequence), event);
    }

    pub(super) fn after(&mut self, pause: u64, event: Event) {
        self.at(self.now + pause, event);
    }

    /// The time by a node's clock.
    pub(super) fn clock(&self, node: usize) -> UnixMillis {
        UnixMillis((BEGINNING + self.now).saturating_add_signed(self.nodes[node].offset))
    }

    /// The true time.
    pub(super) fn true_time(&self) -> UnixMillis {
        UnixMillis(BEGINNING + self.now)
    }

    pub(super) fn name(&self, node: usize) -> String {
        self.nodes[node].id.as_str().to_owned()
    }

    pub(super) fn gateways(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|node| self.nodes[*node].service == Service::Gateway).collect()
    }

    /// Opens a socket from a client to a gateway.
    pub(super) fn open_socket(&mut self, client: usize, node: usize, base: Stamp) -> ConnId {
        self.conns += 1;
        let conn = ConnId(self.conns);
        let socket = Socket {
            client,
            session: self.clients[client].session,
            node,
            incarnation: self.nodes[node].incarnation,
            base,
            stamp: Stamp::NONE,
            client_end: End::Open,
            server_end: End::Closed,
            taken: 0,
            gone: None,
            last_up: self.now,
            last_down: self.now,
        };
        self.sockets.insert(conn, socket);
        conn
    }

    /// Sends something from a client to its gateway: in order, within 5 ms.
    pub(super) fn send_up(&mut self, conn: ConnId, said: Said) {
        let Some(socket) = self.sockets.get_mut(&conn) else { return };
        let pause = self.clients[socket.client].wire.random_range(0..5);
        socket.last_up = socket.last_up.max(self.now + pause);
        let at = socket.last_up;
        self.at(at, Event::Up(conn, said));
    }

    /// Sends something from a gateway to its client, likewise.
    pub(super) fn send_down(&mut self, conn: ConnId, heard: Heard) {
        let Some(socket) = self.sockets.get_mut(&conn) else { return };
        let pause = self.clients[socket.client].wire.random_range(0..5);
        socket.last_down = socket.last_down.max(self.now + pause);
        let at = socket.last_down;
        self.at(at, Event::Down(conn, heard));
    }

    /// Records what happens, for the person who reads a failed story.
    pub(super) fn say(&mut self, line: impl FnOnce(&Self) -> String) {
        self.say_unless(false, line);
    }

    pub(super) fn say_unless(&mut self, dull: bool, line: impl FnOnce(&Self) -> String) {
        if self.telling == Telling::Aloud && !dull {
            let text = format!("{:>8} {}", self.now, line(self));
            self.lines.push(text);
        }
    }

    /// Records a violation if `holds` is false.
    pub(super) fn expect(&mut self, right: bool, wrong: impl FnOnce() -> String) {
        if !right && self.violation.is_none() {
            self.violation = Some(wrong());
        }
    }

    /// Writes down a deed, for the story to be told without the others.
    pub(super) fn note_deed(&mut self, deed: &Deed) {
        if self.telling == Telling::Aloud {
            self.deeds.push(TimedDeed { at: self.now, deed: deed.clone() });
        }
    }

    /// Writes down what happens to a message on its way, likewise.
    pub(super) fn note_fate(&mut self, errand: Errand, nth: u64, fate: Fate) {
        self.say(|world| {
            let (from, to) = (world.name(errand.from), world.name(errand.to));
            let what = match fate {
                Fate { copies: 0, .. } => "is lost",
                Fate { copies: 2, .. } => "comes twice",
                _ => "is late",
            };
            format!("from {from} to {to}, {:?} {nth} {what}", errand.kind)
        });
        if self.telling == Telling::Aloud {
            self.fates.push(Mischance { errand, nth, fate });
        }
    }

    /// What was said of the story, and the story itself.
    pub(super) fn into_parts(self) -> (Vec<String>, Script) {
        let script =
            Script { seed: self.seed, profile: self.profile, deeds: self.deeds, mischances: self.fates };
        (self.lines, script)
    }
}
