//! What a world is made of: nodes, sockets, frames, and what happens.

use std::rc::Rc;

use schemas::{NodeId, RoomId, Service, SessionId, Side, Stamp, event::SyncAnswer, message::Message};
use session::ConnId;

use super::{
    client::{Heard, Said, Todo},
    deed::Deed,
    dice::Dice,
    gateway::Gateway,
    services::{Janitor, Replica},
    story::Fault,
};

pub(super) struct Node {
    pub(super) id: NodeId,
    pub(super) service: Service,
    /// The error of its clock.
    pub(super) offset: i64,
    /// Counts its starts.
    pub(super) incarnation: u64,
    pub(super) dice: Dice,
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
    pub(super) last_up: u64,
    pub(super) last_down: u64,
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
    /// Nobody may have told a gateway what it asked for then.
    SyncAgain {
        node: usize,
        inc: u64,
        asked: u64,
    },
    /// Something of a client has reached its gateway.
    Up(ConnId, Said),
    /// Something of a gateway has reached its client.
    Down(ConnId, Heard),
    /// A gateway notices that a socket is lost.
    Lost(ConnId),
    Client(usize, Todo),
    Fault(Fault),
    /// The n-th action of a person.
    Whim(u64),
    /// The n-th fault.
    Mishap(u64),
    /// What a story that was kept says.
    Deed(Box<Deed>),
}

/// What comes first of what happens at the same time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Deed,
    Consequence,
}

impl Rank {
    pub(super) fn of(event: &Event) -> Self {
        match event {
            Event::Whim(_) | Event::Mishap(_) | Event::Deed(_) => Self::Deed,
            _ => Self::Consequence,
        }
    }
}
