//! The bus of a story: who receives what, when, and how often, if at all.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use rand::Rng;
use schemas::{Service, SessionId, limits, message::Message, subject::Interest};

use super::{
    profile::Weather,
    world::{Event, Frames, World},
};

/// In one of this many stories each message is encoded and decoded, which is most of the work.
const ENCODED: u64 = 8;

/// The connections between the nodes.
#[derive(Default)]
pub(super) struct Links {
    /// The nodes that have lost the servers, and know it.
    pub(super) down: BTreeSet<usize>,
    /// Pairs of nodes, the lower first, between which everything is lost unnoticed.
    pub(super) cut: BTreeSet<(usize, usize)>,
    /// How many events of a session were lost in a row on a link, on either of its subjects: see
    /// [`World::is_lost`].
    lost: BTreeMap<(usize, usize, SessionId, bool), usize>,
    /// When the last message of a link arrives: the next arrives later if messages stay in order.
    last: BTreeMap<(usize, usize), u64>,
}

impl Links {
    fn carries(&self, from: usize, to: usize) -> bool {
        let pair = (from.min(to), from.max(to));
        from == to || !self.down.contains(&from) && !self.down.contains(&to) && !self.cut.contains(&pair)
    }
}

pub(super) fn interests(world: &World, node: usize) -> Vec<Interest> {
    let node = &world.nodes[node];
    let id = || node.id.clone();
    match node.service {
        Service::Gateway => vec![
            Interest::RoomTraffic(id()),
            Interest::RoomEvents,
            Interest::Presence(id()),
            Interest::Matches(id()),
            Interest::SessionEvents,
            Interest::OwnRooms,
            Interest::OwnPresences(id()),
            Interest::OwnSessions,
            Interest::Syncs,
            Interest::Heartbeats(Service::Gateway),
        ],
        Service::Pairing => vec![
            Interest::Wants,
            Interest::Reports,
            Interest::Heartbeats(Service::Pairing),
            Interest::Heartbeats(Service::Gateway),
        ],
        Service::Janitor => vec![
            Interest::PeerEvents,
            Interest::RoomEvents,
            Interest::SessionEvents,
            Interest::OwnRooms,
            Interest::OwnSessions,
            Interest::Leases,
            Interest::Syncs,
            Interest::Heartbeats(Service::Janitor),
            Interest::Heartbeats(Service::Gateway),
        ],
    }
}

impl World {
    /// Publishes a message. A node also receives its own.
    pub(super) fn publish(&mut self, from: usize, message: Message) {
        if self.links.down.contains(&from) {
            return;
        }
        if self.seed.is_multiple_of(ENCODED) {
            self.check_encoding(&message);
        }
        let id = self.nodes[from].id.clone();
        self.say_unless(matches!(message, Message::Heartbeat { .. } | Message::Lease { .. }), |_| {
            format!("{} says {message:?}", id.as_str())
        });
        let (subject, message) = (message.subject(), Rc::new(message));
        for to in 0..self.nodes.len() {
            if self.nodes[to].interests.iter().any(|interest| interest.covers(&subject)) {
                if self.is_lost(from, to, &message) {
                    continue;
                }
                for at in self.arrivals(from, to) {
                    let inc = self.nodes[to].incarnation;
                    self.at(at, Event::Hear { to, inc, from, message: message.clone() });
                }
            }
        }
    }

    /// A message that nodes would refuse, or that cannot be encoded, is a fault.
    fn check_encoding(&mut self, message: &Message) {
        let body = message.encode();
        let same = body.ok().and_then(|body| Message::decode(message.subject(), &body).ok());
        self.expect(same.as_ref() == Some(message), || format!("nobody could read {message:?}"));
    }

    /// Publishes chat frames for the gateway that holds the other side.
    pub(super) fn publish_frames(&mut self, from: usize, to: &schemas::NodeId, frames: Frames) {
        if self.links.down.contains(&from) {
            return;
        }
        let Some(to) = self.nodes.iter().position(|node| node.id == *to) else { return };
        if self.is_unlucky() && from != to {
            return;
        }
        for at in self.arrivals(from, to) {
            let inc = self.nodes[to].incarnation;
            self.at(at, Event::HearFrames { to, inc, frames });
        }
    }

    fn is_unlucky(&mut self) -> bool {
        let lost = if self.calm { 0.0 } else { self.profile.bus.lost };
        self.rng.random_bool(lost)
    }

    /// Whether a message is lost by chance. An event of a session that is repeated
    /// [`limits::REPEATS`] times is not lost each time: that would be a lost connection, which is
    /// noticed.
    fn is_lost(&mut self, from: usize, to: usize, message: &Message) -> bool {
        let unlucky = from != to && self.is_unlucky();
        let (is_own, bare) = match message {
            Message::Own { message, .. } => (true, &**message),
            bare => (false, bare),
        };
        if from != to && self.is_lost_on_purpose(bare) {
            return true;
        }
        let Message::Session { session, .. } = bare else { return unlucky };
        let lost = self.links.lost.entry((from, to, *session, is_own)).or_default();
        *lost = if unlucky && *lost + 1 < limits::REPEATS.len() { *lost + 1 } else { 0 };
        *lost > 0
    }

    /// When a message arrives: never, once or twice.
    pub(super) fn arrivals(&mut self, from: usize, to: usize) -> Vec<u64> {
        let weather = if self.calm { Weather::FAIR } else { self.profile.bus };
        if !self.links.carries(from, to) {
            return Vec::new();
        }
        let copies = if self.rng.random_bool(weather.doubled) { 2 } else { 1 };
        (0..copies)
            .map(|_| {
                let late = self.rng.random_bool(weather.late);
                let longest = if late { Weather::LATE } else { weather.delay };
                let arrival = self.now + self.rng.random_range(1..=longest);
                if !weather.ordered {
                    return arrival;
                }
                let last = self.links.last.entry((from, to)).or_default();
                *last = arrival.max(*last);
                *last
            })
            .collect()
    }
}
