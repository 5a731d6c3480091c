//! The bus of a story: who receives what, when, and how often, if at all.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use rand::Rng;
use schemas::{
    Service, SessionId,
    event::{RoomEvent, SessionEvent},
    limits,
    message::Message,
    subject::Interest,
};
use serde::{Deserialize, Serialize};

use super::{
    dice::{Dice, Place},
    profile::Weather,
    things::{Event, Frames},
    world::World,
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
    /// [`World::fate`].
    lost: BTreeMap<(usize, usize, SessionId, bool), usize>,
    /// How many messages of a kind were sent on a link so far.
    sent: BTreeMap<Errand, u64>,
    /// When the last message of a link arrives: the next arrives later if messages stay in order.
    last: BTreeMap<(usize, usize), u64>,
}

/// What is sent from a node to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Errand {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) kind: Kind,
    /// Whether it is said on the subject that names its gateway.
    pub(super) own: bool,
    /// Whose session it is about.
    pub(super) of: Option<usize>,
}

/// What happens to a message on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fate {
    /// How often it arrives: not at all, once or twice.
    pub(super) copies: u8,
    /// How many of them take up to [`Weather::LATE`].
    pub(super) late: u8,
}

impl Fate {
    pub(super) const PROMPT: Self = Self { copies: 1, late: 0 };

    fn draw(dice: &mut Dice, weather: Weather, to_itself: bool) -> Self {
        let is_lost = dice.random_bool(weather.lost) && !to_itself;
        let copies = if is_lost { 0 } else { 1 + u8::from(dice.random_bool(weather.doubled)) };
        let late = [0, 1].map(|_| u8::from(dice.random_bool(weather.late)));
        Self { copies, late: late[..usize::from(copies)].iter().sum() }
    }
}

/// What a message says, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    Joined,
    Present,
    Detached,
    NotHere,
    Declined,
    Ended,
    Reported,
    RoomExpired,
    Presence,
    Want,
    Report,
    Origin,
    Match,
    Queue,
    Attached,
    Revoked,
    Left,
    StartedOver,
    SessionExpired,
    HeldTwice,
    Ask,
    Key,
    Lease,
    Sync,
    SyncAnswer,
    Heartbeat,
    Order,
    Frames,
}

impl Kind {
    fn of(bare: &Message) -> Self {
        match bare {
            Message::Peer { event, .. } | Message::Room { event, .. } => match event {
                RoomEvent::Joined(_) => Self::Joined,
                RoomEvent::Present(_) => Self::Present,
                RoomEvent::Detached(_) => Self::Detached,
                RoomEvent::NotHere(_) => Self::NotHere,
                RoomEvent::Declined => Self::Declined,
                RoomEvent::Ended(_) => Self::Ended,
                RoomEvent::Reported(_) => Self::Reported,
                RoomEvent::Expired => Self::RoomExpired,
            },
            Message::Session { event, .. } => match event {
                SessionEvent::Attached { .. } => Self::Attached,
                SessionEvent::Revoked { .. } => Self::Revoked,
                SessionEvent::Left(_) => Self::Left,
                SessionEvent::StartedOver { .. } => Self::StartedOver,
                SessionEvent::Expired => Self::SessionExpired,
                SessionEvent::HeldTwice => Self::HeldTwice,
            },
            Message::Presence { .. } => Self::Presence,
            Message::Want { .. } => Self::Want,
            Message::Report { .. } => Self::Report,
            Message::Origin { .. } => Self::Origin,
            Message::Match { .. } => Self::Match,
            Message::Queue { .. } => Self::Queue,
            Message::Ask { .. } => Self::Ask,
            Message::Key { .. } => Self::Key,
            Message::Lease { .. } => Self::Lease,
            Message::Sync { .. } => Self::Sync,
            Message::Heartbeat { .. } => Self::Heartbeat,
            Message::Order(_) | Message::OrdersAsk => Self::Order,
            // Nothing is said for somebody else twice.
            Message::Own { message, .. } => Self::of(message),
        }
    }
}

impl Links {
    fn carries(&self, from: usize, to: usize) -> bool {
        let pair = (from.min(to), from.max(to));
        from == to || !self.down.contains(&from) && !self.down.contains(&to) && !self.cut.contains(&pair)
    }
}

/// What a message says, whether in its gateway's name, and of which session it is an event, if of one.
fn sort(message: &Message) -> (Kind, bool, Option<SessionId>) {
    let (own, bare) = match message {
        Message::Own { message, .. } => (true, &**message),
        bare => (false, bare),
    };
    let session = match bare {
        Message::Session { session, .. } => Some(*session),
        _ => None,
    };
    (Kind::of(bare), own, session)
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
        let (kind, own, session) = sort(&message);
        let of = session.and_then(|session| self.owners.get(&session).copied());
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
                if from != to && self.is_lost_on_purpose(kind) {
                    continue;
                }
                for at in self.arrivals(Errand { from, to, kind, own, of }, session) {
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
        for at in self.arrivals(Errand { from, to, kind: Kind::Frames, own: false, of: None }, None) {
            let inc = self.nodes[to].incarnation;
            self.at(at, Event::HearFrames { to, inc, frames });
        }
    }

    /// What happens to a message on its way.
    ///
    /// An event of a session that is repeated [`limits::REPEATS`] times is not lost each time: that would
    /// be a lost connection, which is noticed.
    fn fate(&mut self, errand: Errand, session: Option<SessionId>) -> (Fate, Dice) {
        let sent = self.links.sent.entry(errand).or_default();
        let nth = std::mem::replace(sent, *sent + 1);
        let mut dice = Dice::new(self.seed, Place::Errand(errand, nth));
        // Drawn in any case: how long the message takes is what follows in its stream.
        let drawn = Fate::draw(&mut dice, self.profile.bus, errand.from == errand.to);
        let mut fate = match &self.script {
            _ if self.calm => Fate::PROMPT,
            Some(fates) => fates.get(&(errand, nth)).copied().unwrap_or(Fate::PROMPT),
            None => drawn,
        };
        if let Some(session) = session {
            let lost = self.links.lost.entry((errand.from, errand.to, session, errand.own)).or_default();
            if fate.copies == 0 && *lost + 1 >= limits::REPEATS.len() {
                fate = Fate::PROMPT;
            }
            *lost = if fate.copies == 0 { *lost + 1 } else { 0 };
        }
        if fate != Fate::PROMPT {
            self.note_fate(errand, nth, fate);
        }
        (fate, dice)
    }

    /// When a message arrives: never, once or twice.
    pub(super) fn arrivals(&mut self, errand: Errand, session: Option<SessionId>) -> Vec<u64> {
        let Errand { from, to, .. } = errand;
        let weather = if self.calm { Weather::FAIR } else { self.profile.bus };
        if !self.links.carries(from, to) {
            return Vec::new();
        }
        let (fate, mut dice) = self.fate(errand, session);
        (0..fate.copies)
            .map(|copy| {
                let longest = if copy >= fate.copies - fate.late { Weather::LATE } else { weather.delay };
                let arrival = self.now + dice.random_range(1..=longest);
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
