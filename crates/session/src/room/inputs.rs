//! What happens to a room: sessions, events and time. Each input returns the news of it.

use std::time::Duration;

use schemas::{
    NodeId, SessionId, Side, UnixMillis,
    control::PeerState,
    event::{Attachment, RoomEvent},
    room::Change,
};

use super::{FramesTo, Moment, Room, RoomNews, SIDES};
use crate::{
    seat::{Audience, JOIN_REPEAT, Seat, SeatNews},
    timers::TICK,
};

/// A seat whose owner does not come back is kept this much longer than the grace, so that the
/// gateway of the other side ends the room.
pub(super) const LINGER: Duration = Duration::from_secs(5);
/// A peer of which nothing has been heard for so long is away: three presence periods and a bit.
pub(super) const PRESENCE_SILENCE: Duration = Duration::from_secs(32);

/// Inputs.
impl Room {
    /// A session takes a seat; whoever may hold the other one is to know.
    pub(crate) fn take_seat(&mut self, now: UnixMillis, own: Attachment, seat: Seat) -> Vec<RoomNews> {
        let side = own.side;
        self.fold.apply(&RoomEvent::Joined(own));
        self.away_since[side as usize] = None;
        self.seats[side as usize] = Some(Box::new(seat));
        let mut news = Vec::from_iter(self.publish_joined(now, side));
        news.push(RoomNews::DueAt(now + JOIN_REPEAT));
        news
    }

    /// The other gateway has published something of an attachment of its own. `name` is a copy of
    /// that gateway's name that is kept instead of the event's: many rooms share few gateways.
    pub(crate) fn apply(
        &mut self,
        at: &mut Moment<'_>,
        event: &RoomEvent,
        of: &Attachment,
        name: Option<&NodeId>,
    ) -> Vec<RoomNews> {
        let change = self.fold.apply(event);
        if let Some(name) = name {
            self.fold.share_name(of.side, name);
        }
        // Anything else is late news of an attachment that is over, and no sign of this one.
        if self.is_newest(of)
            && let Some(seat) = &mut self.seats[of.side.other() as usize]
        {
            seat.hear_peer(at.now);
        }
        if matches!(change, Change::Away(_)) && self.seats().any(Seat::is_joining) {
            return vec![RoomNews::Dissolved];
        }
        let mut news = Vec::new();
        if matches!(event, RoomEvent::Joined(_)) {
            news.extend(self.answer(of));
        }
        self.settle_into(at, &mut news);
        news
    }

    /// Something of the room has changed: what follows from it for the clients here.
    pub(crate) fn settle(&mut self, at: &mut Moment<'_>) -> Vec<RoomNews> {
        let mut news = Vec::new();
        self.settle_into(at, &mut news);
        news
    }

    /// The session on this side has lost its connection.
    pub(crate) fn lose_connection(&mut self, at: &mut Moment<'_>, side: Side) -> Vec<RoomNews> {
        let seat = self.seats[side as usize].as_mut();
        if !seat.is_some_and(|seat| seat.lose_connection()) {
            return Vec::new();
        }
        let mut news = Vec::new();
        if let Some(attachment) = self.fold.attachment(side) {
            let event = RoomEvent::Detached(attachment);
            self.fold.apply(&event);
            let peer = self.fold.node(side.other()).cloned();
            news.extend(peer.map(|peer| RoomNews::Publish(Audience::Gateway(peer), event)));
        }
        self.settle_into(at, &mut news);
        news
    }

    /// Time has passed: does what is due, and tells when something is next.
    pub(crate) fn run_due(&mut self, at: &mut Moment<'_>) -> Vec<RoomNews> {
        let mut news = Vec::new();
        for side in SIDES {
            if let Some(RoomNews::Dissolved) = self.run_due_seat(at, side, &mut news) {
                news.push(RoomNews::Dissolved);
                return news;
            }
        }
        match self.over_grace(at) {
            Some(over) => news.push(over),
            None => news.extend(self.next_due(at).map(RoomNews::DueAt)),
        }
        news
    }

    /// A side of the room is elsewhere. If nothing has been heard of it for too long it is away.
    pub(crate) fn check_silence(&mut self, at: &mut Moment<'_>) -> Vec<RoomNews> {
        if self.seats().any(|seat| seat.silence(at.now) < PRESENCE_SILENCE) {
            return Vec::new();
        }
        for side in SIDES {
            if self.seat(side).is_none() {
                self.fold.silence(side);
            }
        }
        self.settle(at)
    }

    /// A gateway is gone, silent or started again: the side that it held is away, and the half of a
    /// match that was expected from there will not come.
    pub(crate) fn lose_gateway(&mut self, at: &mut Moment<'_>, node: &NodeId) -> Vec<RoomNews> {
        if self.seats().any(|seat| seat.expects(node)) {
            return vec![RoomNews::Dissolved];
        }
        for side in SIDES {
            if self.seat(side).is_none() && self.fold.node(side) == Some(node) {
                self.fold.silence(side);
            }
        }
        self.settle(at)
    }

    /// Nothing could be heard here for this time: it does not count as silence.
    pub(crate) fn excuse_silence(&mut self, now: UnixMillis, pause: Duration) {
        for seat in self.seats.iter_mut().flatten() {
            seat.excuse_silence(now, pause);
        }
    }

    /// Signs of the peer may have been missed until now: its silence begins again.
    pub(crate) fn restart_silence(&mut self, now: UnixMillis) {
        for seat in self.seats.iter_mut().flatten() {
            seat.restart_silence(now);
        }
    }

    /// Graces stood still for this time.
    pub(crate) fn prolong_graces(&mut self, grace_now: UnixMillis, pause: Duration) {
        for since in self.away_since.iter_mut().flatten() {
            *since = (*since + pause).min(grace_now);
        }
    }

    /// Takes whoever holds this side from its seat. Nobody is told.
    pub(crate) fn vacate(&mut self, side: Side) -> Option<Box<Seat>> {
        self.seats[side as usize].take()
    }
}

/// What follows from an input.
impl Room {
    /// For the clients first what they are to know, then where their frames go: no frame overtakes
    /// the message that opens its room. That the peer is back comes last: whoever receives it may
    /// send at once, and is answered.
    fn settle_into(&mut self, at: &mut Moment<'_>, news: &mut Vec<RoomNews>) {
        let mut online = [None; 2];
        for side in SIDES {
            self.note_absence(at, side, news);
        }
        for side in SIDES {
            online[side as usize] = self.update_seat(at, side, news);
        }
        for side in SIDES {
            news.extend(self.reroute(side));
        }
        news.extend(online.into_iter().flatten().map(|session| RoomNews::Peer(session, PeerState::Online)));
    }

    fn note_absence(&mut self, at: &Moment<'_>, side: Side, news: &mut Vec<RoomNews>) {
        let since = &mut self.away_since[side as usize];
        match self.fold.state(side) {
            Some(PeerState::Away) if since.is_none() => {
                *since = Some(at.grace_now);
                news.push(RoomNews::DueAt(at.now + at.grace));
            }
            Some(PeerState::Online) => *since = None,
            _ => {}
        }
    }

    /// Returns the session whose client is still to know that its peer is online again.
    fn update_seat(
        &mut self,
        at: &mut Moment<'_>,
        side: Side,
        news: &mut Vec<RoomNews>,
    ) -> Option<SessionId> {
        let peer = self.fold.state(side.other());
        let peer_is_here = self.seat(side.other()).is_some();
        let seat = self.seats[side as usize].as_mut()?;
        if peer_is_here {
            seat.peer_is_here();
        }
        let session = seat.session();
        match seat.update(at.now, peer, at.rng)? {
            SeatNews::Peer(state) => {
                news.push(RoomNews::DueAt(seat.repeat_at()));
                if state == PeerState::Online {
                    return Some(session);
                }
                news.push(RoomNews::Peer(session, state));
            }
            SeatNews::Paired(queue) => news.push(RoomNews::Paired(session, queue)),
            SeatNews::Resumed(peer) => self.resumed(at, side, session, peer, news),
        }
        None
    }

    fn resumed(
        &mut self,
        at: &Moment<'_>,
        side: Side,
        session: SessionId,
        peer: PeerState,
        news: &mut Vec<RoomNews>,
    ) {
        if peer == PeerState::Away {
            self.away_since[side.other() as usize].get_or_insert(at.grace_now);
            news.push(RoomNews::DueAt(at.now + at.grace));
        }
        news.push(RoomNews::Resumed(session, peer));
    }

    fn reroute(&mut self, side: Side) -> Option<RoomNews> {
        let peer = self.fold.attachment(side.other());
        let online = self.fold.state(side.other()) == Some(PeerState::Online);
        let peer = peer.filter(|_| online).map(|peer| (peer.node, peer.stamp));
        let seat = self.seats[side as usize].as_mut()?;
        if !seat.reroute(&peer) {
            return None;
        }
        let session = seat.session();
        let to = match (peer, self.seat(side.other())) {
            (None, _) => FramesTo::Nobody,
            (Some(_), Some(peer)) => FramesTo::Session(peer.session()),
            (Some((node, fence)), None) => FramesTo::Gateway { stamp: self.fold.stamp(side), node, fence },
        };
        Some(RoomNews::Routed(session, side, to))
    }

    /// `Joined` of this side, unless the other one is connected here and needs no telling.
    fn publish_joined(&mut self, now: UnixMillis, side: Side) -> Option<RoomNews> {
        let peer_is_here = self.is_attached(side.other());
        let own = self.fold.attachment(side)?;
        let audience = self.seats[side as usize].as_mut()?.publish_joined(now);
        let needed = audience != Audience::Everybody || !peer_is_here;
        needed.then_some(RoomNews::Publish(audience, RoomEvent::Joined(own)))
    }

    /// Returns [`RoomNews::Dissolved`] if the match of this side has waited for too long.
    fn run_due_seat(
        &mut self,
        at: &mut Moment<'_>,
        side: Side,
        news: &mut Vec<RoomNews>,
    ) -> Option<RoomNews> {
        let peer = self.fold.state(side.other()).unwrap_or(PeerState::Away);
        let seat = self.seats[side as usize].as_mut().filter(|seat| seat.is_attached())?;
        if seat.deadline().is_some_and(|deadline| deadline <= at.now) {
            if seat.is_joining() {
                return Some(RoomNews::Dissolved);
            }
            let session = seat.session();
            seat.finish_resume(peer);
            self.resumed(at, side, session, peer, news);
            self.settle_into(at, news);
        }
        let repeats = self.seat(side).is_some_and(|seat| seat.repeat_at() <= at.now);
        if repeats && !self.is_known_across(side) {
            news.extend(self.publish_joined(at.now, side));
        }
        None
    }

    /// A side that has stayed away for too long ends the room, if the other side is held here; else
    /// its seat is only forgotten, later.
    fn over_grace(&self, at: &Moment<'_>) -> Option<RoomNews> {
        SIDES.into_iter().find_map(|side| {
            let away = at.grace_now.since(self.away_since[side as usize]?);
            if away >= at.grace && self.seat(side.other()).is_some() {
                return Some(RoomNews::Expired);
            }
            (away >= at.grace + LINGER).then_some(RoomNews::Abandoned(side))
        })
    }

    fn next_due(&self, at: &Moment<'_>) -> Option<UnixMillis> {
        let mut next = None::<UnixMillis>;
        let mut due = |time: UnixMillis| next = Some(next.map_or(time, |soonest| soonest.min(time)));
        for side in SIDES {
            if let Some(since) = self.away_since[side as usize] {
                let linger = if self.seat(side.other()).is_some() { Duration::ZERO } else { LINGER };
                due(at.now + (at.grace + linger).saturating_sub(at.grace_now.since(since)));
            }
            let Some(seat) = self.seat(side) else { continue };
            if let Some(deadline) = seat.deadline() {
                due(deadline);
            }
            if seat.is_attached() && !self.is_known_across(side) {
                due(seat.repeat_at());
            }
        }
        // Never at once again: while graces stand still a deadline may lie in the past.
        next.map(|time| time.max(at.now + TICK))
    }
}
