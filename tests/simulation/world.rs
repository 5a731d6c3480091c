//! Nodes, people, sockets, and the queue of what happens next.

use std::{collections::BTreeMap, rc::Rc};

use rand::{Rng, SeedableRng, rngs::StdRng};
use schemas::{
    BootId, NodeId, RoomId, Service, SessionId, Side, Stamp, UnixMillis, event::SyncAnswer, message::Message,
};
use session::ConnId;

use super::{
    bus::{self, Links},
    client::{Client, Heard, Said, Todo},
    gateway::Gateway,
    ledger::Ledger,
    plant::Plant,
    profile::Profile,
    services::{Janitor, Replica},
    story::Fault,
};

/// Virtual time begins here, in milliseconds since the Unix epoch.
const BEGINNING: u64 = 1_700_000_000_000;

/// Whether a story keeps what happens in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    Silently,
    Aloud,
}

pub(super) struct Node {
    pub(super) id: NodeId,
    pub(super) service: Service,
    /// The error of its clock.
    pub(super) offset: i64,
    /// Counts its starts.
    pub(super) incarnation: u64,
    pub(super) interests: Vec<schemas::subject::Interest>,
    pub(super) machine: Machine,
}

/// The state of a node.
pub(super) enum Machine {
    Stopped,
    Gateway(Box<Gateway>),
    Pairing(Box<Replica>),
    Janitor(Box<Janitor>),
}

/// A connection of a client to a gateway.
pub(super) struct Socket {
    pub(super) client: usize,
    pub(super) session: SessionId,
    pub(super) node: usize,
    pub(super) incarnation: u64,
    /// The stamp in the token that opened it.
    pub(super) base: Stamp,
    /// The highest stamp that its gateway gave it.
    pub(super) stamp: Stamp,
    pub(super) client_end: End,
    pub(super) server_end: End,
    /// Its number among the connections that gateways have accepted; 0 before that.
    pub(super) taken: u64,
    /// When the gateway noticed that it is lost.
    pub(super) gone: Option<u64>,
    last_up: u64,
    last_down: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Open,
    Closed,
}

/// Chat frames on the bus.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frames {
    pub(super) room: RoomId,
    pub(super) side: Side,
    pub(super) stamp: Stamp,
    pub(super) frame: Frame,
}

/// One chat frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Frame {
    pub(super) room: RoomId,
    pub(super) conn: ConnId,
    pub(super) number: u64,
}

pub(super) enum Event {
    Tick {
        node: usize,
        inc: u64,
    },
    Beat {
        node: usize,
        inc: u64,
    },
    Hear {
        to: usize,
        inc: u64,
        from: usize,
        message: Rc<Message>,
    },
    HearFrames {
        to: usize,
        inc: u64,
        frames: Frames,
    },
    Learn {
        to: usize,
        inc: u64,
        answer: Rc<SyncAnswer>,
    },
    /// Something of a client has reached its gateway.
    Up(ConnId, Said),
    /// Something of a gateway has reached its client.
    Down(ConnId, Heard),
    /// A gateway notices that a socket is lost.
    Lost(ConnId),
    Client(usize, Todo),
    Fault(Fault),
    /// The next action of a person.
    Whim,
    /// The next fault.
    Mishap,
}

pub(super) struct World {
    pub(super) seed: u64,
    pub(super) rng: StdRng,
    pub(super) profile: Profile,
    pub(super) now: u64,
    pub(super) nodes: Vec<Node>,
    pub(super) links: Links,
    pub(super) sockets: BTreeMap<ConnId, Socket>,
    pub(super) clients: Vec<Client>,
    pub(super) ledger: Ledger,
    /// There are no further faults and actions.
    pub(super) calm: bool,
    /// A fault on purpose.
    pub(super) plant: Option<Plant>,
    queue: BTreeMap<(u64, u64), Event>,
    sequence: u64,
    conns: u64,
    telling: Telling,
    lines: Vec<String>,
    violation: Option<String>,
}

impl World {
    pub(super) fn new(seed: u64, telling: Telling) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let profile = Profile::draw(&mut rng);
        let mut world = Self {
            seed,
            now: 0,
            nodes: Vec::new(),
            links: Links::default(),
            sockets: BTreeMap::new(),
            clients: Vec::new(),
            ledger: Ledger::default(),
            calm: false,
            plant: None,
            queue: BTreeMap::new(),
            sequence: 0,
            conns: 0,
            telling,
            lines: Vec::new(),
            violation: None,
            rng,
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
            let newcomer = Client::new(&mut world.rng, UnixMillis(BEGINNING));
            world.clients.push(newcomer);
            let at = world.rng.random_range(0..3_000);
            world.at(at, Event::Client(client, Todo::Connect));
        }
        world.at(1, Event::Whim);
        if world.profile.faults.is_some() {
            world.at(1, Event::Mishap);
        }
        world
    }

    pub(super) fn add_node(&mut self, service: Service, n: usize) {
        let letter = &service.word()[..1];
        let skew = self.profile.skew;
        let id = format!("{letter}{n}").parse().expect("a node id");
        let offset = self.rng.random_range(-skew..=skew);
        self.nodes.push(Node {
            id,
            service,
            offset,
            incarnation: 0,
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
        let boot = BootId(self.rng.random());
        let id = self.nodes[node].id.clone();
        self.nodes[node].machine = match self.nodes[node].service {
            Service::Gateway => {
                let seed = self.rng.random();
                let mut gateway = Gateway::new(id, boot, self.profile.grace, seed);
                // Others are of the version before, as far as anybody can tell.
                if self.rng.random_bool(self.profile.named) {
                    gateway.sessions.permit_names(clock);
                }
                Machine::Gateway(Box::new(gateway))
            }
            Service::Pairing => {
                let seed = self.rng.random();
                Machine::Pairing(Box::new(Replica::new(id, boot, clock, seed)))
            }
            Service::Janitor => Machine::Janitor(Box::new(Janitor::new(id, boot, self.profile.grace, clock))),
        };
        self.nodes[node].interests = bus::interests(self, node);
        let first = self.now + self.rng.random_range(0..100);
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
            let ((time, _), event) = entry.remove_entry();
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
            Event::Up(conn, said) => self.take_from_client(conn, said),
            Event::Down(conn, heard) => self.take_from_gateway(conn, heard),
            Event::Lost(conn) => self.lose_socket(conn),
            Event::Client(client, todo) => self.do_client(client, todo),
            Event::Fault(fault) => self.end_fault(fault),
            Event::Whim => self.whim(),
            Event::Mishap => self.mishap(),
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
        self.queue.insert((time.max(self.now), self.sequence), event);
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
        let pause = self.rng.random_range(0..5);
        let Some(socket) = self.sockets.get_mut(&conn) else { return };
        socket.last_up = socket.last_up.max(self.now + pause);
        let at = socket.last_up;
        self.at(at, Event::Up(conn, said));
    }

    /// Sends something from a gateway to its client, likewise.
    pub(super) fn send_down(&mut self, conn: ConnId, heard: Heard) {
        let pause = self.rng.random_range(0..5);
        let Some(socket) = self.sockets.get_mut(&conn) else { return };
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

    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines
    }
}
