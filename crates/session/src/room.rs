//! A room of which a side is held here: two seats, and a fold over what gateways publish of it.
//!
//! Inputs are events, time, and sessions that come and go. Each returns what has happened
//! ([`RoomNews`]) in the order in which it is to be acted on. A room knows nothing of connections.
//! This file has what a room consists of and what is known of it; the inputs are in a file of their
//! own.

mod inputs;
#[cfg(test)]
mod tests;

use std::time::Duration;

use rand::rngs::StdRng;
use schemas::{
    NodeId, SessionId, Side, Stamp, Tag, UnixMillis,
    control::PeerState,
    criteria::Queue,
    event::{Attached, Attachment, RoomEvent},
    room,
};

use crate::seat::{Audience, Seat};

const SIDES: [Side; 2] = [Side::A, Side::B];

/// A room of which at least one side is, or was a moment ago, here.
#[derive(Default)]
pub(crate) struct Room {
    fold: room::Room,
    /// Boxed: mostly one of the two is elsewhere.
    seats: [Option<Box<Seat>>; 2],
    /// Since when each side is away, on the clock of graces.
    away_since: [Option<UnixMillis>; 2],
}

/// When something happens to a room, and what else it cannot know by itself.
pub(crate) struct Moment<'a> {
    pub(crate) now: UnixMillis,
    /// The same on the clock of graces, which stands still at times.
    pub(crate) grace_now: UnixMillis,
    /// How long a side may stay away.
    pub(crate) grace: Duration,
    pub(crate) rng: &'a mut StdRng,
}

/// What has happened in a room.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RoomNews {
    /// Other gateways are to know this.
    Publish(Audience, RoomEvent),
    /// The other half of the match is there: this client is in the room.
    Paired(SessionId, Queue),
    /// This client is back in the room, where its peer is online or away.
    Resumed(SessionId, PeerState),
    /// The peer of this client is online again, or away.
    Peer(SessionId, PeerState),
    /// The frames of this session's client, which holds this side, go there from now on.
    Routed(SessionId, Side, FramesTo),
    /// Something may be due at this time.
    DueAt(UnixMillis),
    /// The match came to nothing. The room is over.
    Dissolved,
    /// A side has stayed away for its whole grace. The room is over.
    Expired,
    /// This side, the last one here, has stayed away, and nobody has ended the room.
    Abandoned(Side),
}

/// Where the frames of a client in a room go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FramesTo {
    /// Nowhere: its peer is away.
    Nobody,
    /// To the client of this session, on this gateway.
    Session(SessionId),
    /// To another gateway.
    Gateway {
        /// The stamp of the client's own side.
        stamp: Stamp,
        node: NodeId,
        /// The peer's stamp: its frames with a lower one are of a connection that is over.
        fence: Stamp,
    },
}

/// Who is right if another gateway claims a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It is: nobody holds that side here.
    Unopposed,
    /// It is: its stamp is higher than that of this session, which holds the side here.
    Higher(SessionId),
    /// This session, which holds the side here under this higher stamp.
    Lower(SessionId, Stamp),
}

/// What is known of it.
impl Room {
    pub(crate) fn seat(&self, side: Side) -> Option<&Seat> {
        self.seats[side as usize].as_deref()
    }

    /// The sides that are held here.
    pub(crate) fn seats(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().flatten().map(|seat| &**seat)
    }

    /// Whether a side is elsewhere, or nowhere.
    pub(crate) fn is_shared(&self) -> bool {
        self.seats.iter().any(Option::is_none)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.seats.iter().all(Option::is_none)
    }

    /// People here who are in the room.
    pub(crate) fn people(&self) -> usize {
        self.seats().filter(|seat| seat.is_in_room()).count()
    }

    /// Whether a side is held here, and its session is connected.
    pub(crate) fn is_attached(&self, side: Side) -> bool {
        self.seat(side).is_some_and(Seat::is_attached)
    }

    /// The stamp of the newest attachment of a side.
    pub(crate) fn stamp(&self, side: Side) -> Stamp {
        self.fold.stamp(side)
    }

    /// Whether this is the newest attachment of its side.
    pub(crate) fn is_newest(&self, attachment: &Attachment) -> bool {
        self.fold.attachment(attachment.side).as_ref() == Some(attachment)
    }

    /// Whose sessions its sides are, as far as known.
    pub(crate) fn owners(&self) -> impl Iterator<Item = Tag> {
        SIDES.into_iter().filter_map(|side| self.fold.owner(side))
    }

    /// The owner of the side that is elsewhere.
    pub(crate) fn owners_elsewhere(&self) -> impl Iterator<Item = Tag> {
        let elsewhere = SIDES.into_iter().filter(|side| self.seat(*side).is_none());
        elsewhere.filter_map(|side| self.fold.owner(side))
    }

    /// The stamp of the side that belongs to `owner`.
    pub(crate) fn stamp_of(&self, owner: Tag) -> Option<Stamp> {
        let side = SIDES.into_iter().find(|side| self.fold.owner(*side) == Some(owner))?;
        Some(self.fold.stamp(side))
    }

    /// The stamp of the side that belongs to `owner`, if it is elsewhere and away.
    pub(crate) fn away_stamp(&self, owner: Tag) -> Option<Stamp> {
        let is_away = |side: &Side| {
            self.fold.owner(*side) == Some(owner) && self.fold.state(*side) == Some(PeerState::Away)
        };
        SIDES.into_iter().find(is_away).map(|side| self.fold.stamp(side))
    }

    /// Whether its other side is, or is expected, there.
    pub(crate) fn is_shared_with(&self, node: &NodeId) -> bool {
        let is_there = |side: &Side| self.seat(*side).is_none() && self.fold.node(*side) == Some(node);
        SIDES.iter().any(is_there) || self.seats().any(|seat| seat.expects(node))
    }

    /// Who is to know that the room has ended; `None` if both sides are here.
    pub(crate) fn end_audience(&self) -> Option<Audience> {
        let elsewhere = SIDES.into_iter().find(|side| self.seat(*side).is_none())?;
        let online = self.fold.state(elsewhere) == Some(PeerState::Online);
        let node = self.fold.node(elsewhere).filter(|_| online);
        Some(node.cloned().map_or(Audience::Everybody, Audience::Gateway))
    }

    /// What a gateway is to know that takes this attachment for its side's newest: that a newer one
    /// was, and is over. As long as it does not know, the two sides take each other for away,
    /// although both are there. `own` is this gateway, which speaks of itself alone: it has nothing
    /// with the newer stamp.
    pub(crate) fn outdated(&self, own: &NodeId, claim: &Attachment) -> Option<RoomEvent> {
        let newest = self.fold.attachment(claim.side).filter(|_| self.fold.is_over(claim.side))?;
        if (newest.stamp, &newest.node) <= (claim.stamp, &claim.node) {
            return None;
        }
        // Of two with one stamp the node decides, and this gateway's name is not that one's.
        let stamp = if newest.stamp == claim.stamp { newest.stamp.next() } else { newest.stamp };
        Some(RoomEvent::NotHere(Attachment { stamp, node: own.clone(), ..newest }))
    }

    /// How the side that is held here is, for a gateway that asks.
    pub(crate) fn answer(&self, asker: &Attachment) -> Option<RoomNews> {
        let side = asker.side.other();
        let own = self.fold.attachment(side).filter(|_| self.seat(side).is_some())?;
        let event = if self.is_attached(side) { RoomEvent::Present(own) } else { RoomEvent::Detached(own) };
        Some(RoomNews::Publish(Audience::Gateway(asker.node.clone()), event))
    }

    /// Another gateway claims a side: who is right, if this one is `own`?
    pub(crate) fn judge(&self, own: &NodeId, claim: &Attachment) -> Claim {
        let stamp = self.fold.stamp(claim.side);
        match self.seat(claim.side) {
            None => Claim::Unopposed,
            Some(seat) if (stamp, own) > (claim.stamp, &claim.node) => Claim::Lower(seat.session(), stamp),
            Some(seat) => Claim::Higher(seat.session()),
        }
    }

    /// The gateway of the side that is elsewhere, and what it is to know of the one that is here.
    pub(crate) fn presence(&self) -> Option<(NodeId, Attached)> {
        let here = |side: &Side| self.seat(side.other()).is_none() && self.is_attached(*side);
        let side = SIDES.into_iter().find(here)?;
        let (own, other) = (self.fold.attachment(side)?, self.fold.attachment(side.other())?);
        let is_online = self.fold.state(side.other()) == Some(PeerState::Online);
        // A gateway that holds a side which is taken for away answers at once.
        let peer = if is_online { other.stamp } else { Stamp::NONE };
        Some((other.node, Attached { peer, side, stamp: own.stamp, owner: own.owner }))
    }

    /// Whether the other side of a seat knows where it is: it has answered, and is online.
    fn is_known_across(&self, side: Side) -> bool {
        let other = side.other();
        let heard = self.seat(side).is_some_and(Seat::has_heard_peer);
        self.seat(other).is_some() || (heard && self.fold.state(other) == Some(PeerState::Online))
    }
}
