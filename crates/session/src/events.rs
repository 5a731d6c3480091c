//! What other nodes publish.

use std::time::Duration;

use schemas::{
    CloseCode, NodeId, RoomId, Service, SessionId, Side, Stamp, Tag, UnixMillis,
    control::EndReason,
    event::{Attachment, Heartbeat, Presence, RoomEvent, SessionEvent, SyncAnswer},
    message::Message,
};

use crate::{
    effect::Unsigned,
    endings::DeletedAt,
    neighbours::NeighbourNews,
    room::{Claim, RoomNews},
    seat::Seat,
    sessions::Sessions,
};

impl Sessions {
    /// Acts on a message from the bus. What this node has published itself is recognised and
    /// changes nothing. Returns `false` for what is said in the name of a gateway that says such
    /// things itself, on a subject that names it: nothing follows from that.
    pub fn handle(&mut self, now: UnixMillis, message: &Message) -> bool {
        let own = &self.settings.node;
        let Some(message) = self.claims.believed(now, own, message) else { return false };
        match message {
            Message::Peer { room, event, .. } | Message::Room { room, event, .. } => {
                self.handle_room(now, *room, event);
            }
            Message::Presence { presence, .. } => self.handle_presence(now, presence),
            Message::Match { event, .. } => self.handle_match(now, event),
            Message::Queue { states, .. } => self.handle_queues(now, states),
            Message::Session { session, event, .. } => self.handle_session(now, *session, event),
            Message::Heartbeat { service: Service::Gateway, from, heartbeat } => {
                self.handle_heartbeat(now, from, heartbeat);
            }
            _ => {}
        }
        true
    }

    /// The NATS servers permit this gateway to publish on subjects that name it, and to hear others
    /// there. From now on it does, and its heartbeats are to say so.
    pub fn permit_names(&mut self, now: UnixMillis) {
        self.claims.permit_names(now);
    }

    /// They do not, or no longer.
    pub fn forbid_names(&mut self) {
        self.claims.forbid_names();
    }

    /// Whether it does: for the heartbeat.
    pub fn names_itself(&self) -> bool {
        self.claims.names_itself()
    }

    /// Learns what others know of the time before this node listened.
    pub fn learn(&mut self, now: UnixMillis, answer: &SyncAnswer) {
        for (session, remaining_ms) in &answer.revoked {
            if !self.is_revoked(now, *session) {
                self.end_revoked(now, *session, DeletedAt::Elsewhere, Duration::from_millis(*remaining_ms));
            }
        }
        for (room, reason, remaining_ms) in &answer.ended {
            if self.rooms.contains(room) {
                self.close_room(now, *room, *reason);
            }
            self.endings.learn_end(now, *room, *reason, Duration::from_millis(*remaining_ms));
        }
    }

    fn handle_heartbeat(&mut self, now: UnixMillis, from: &NodeId, heartbeat: &Heartbeat) {
        if *from == self.settings.node {
            return;
        }
        let news = self.neighbours.hear(now, from, heartbeat);
        self.claims.hear(now, from, heartbeat.names_itself, news);
        match news {
            NeighbourNews::Known => {}
            // It is told at once which rooms are shared with it.
            NeighbourNews::Joined => {
                let rooms = self.rooms.shared_with(from);
                self.publish_presence(&rooms);
            }
            NeighbourNews::Restarted => self.lose_gateway(now, from),
        }
    }

    fn handle_room(&mut self, now: UnixMillis, room: RoomId, event: &RoomEvent) {
        match event {
            RoomEvent::Joined(at)
            | RoomEvent::Present(at)
            | RoomEvent::Detached(at)
            | RoomEvent::NotHere(at) => {
                if at.node != self.settings.node {
                    self.handle_attachment(now, room, at, event);
                }
            }
            RoomEvent::Declined => self.handle_declined(now, room),
            RoomEvent::Reported(by) => self.handle_reported(now, room, *by),
            RoomEvent::Ended(reason) => {
                if self.rooms.contains(&room) {
                    self.close_room(now, room, *reason);
                } else {
                    self.endings.hear_end(now, room, *reason);
                }
            }
            // A janitor has missed leases. It forgets; who holds a side publishes that it does.
            RoomEvent::Expired => {
                if let Some(room) = self.rooms.get(&room) {
                    let held: Vec<_> = room.seats().map(Seat::session).collect();
                    self.publish_leases_of(&held);
                }
            }
        }
    }

    /// Another gateway publishes something of an attachment of its own.
    fn handle_attachment(&mut self, now: UnixMillis, id: RoomId, of: &Attachment, event: &RoomEvent) {
        let is_joined = matches!(event, RoomEvent::Joined(_));
        if let Some(reason) = self.endings.reason(now, id) {
            if is_joined {
                self.publish_to(id, of.node.clone(), RoomEvent::Ended(reason));
            }
            return;
        }
        if is_joined && self.endings.is_dissolved(now, id) {
            return self.publish_to(id, of.node.clone(), RoomEvent::Declined);
        }
        if !self.give_way(now, id, of, event) {
            return;
        }
        self.tell_outdated(id, of, event);
        let name = self.neighbours.name(&of.node).cloned();
        let mut is_newest = false;
        self.with_room(now, id, |room, at| {
            let news = room.apply(at, event, of, name.as_ref());
            is_newest = room.is_newest(of);
            news
        });
        if is_newest {
            self.neighbours.expect(now, &of.node);
        }
    }

    /// Another gateway claims a side of a room, or did. If that is held here, whoever has the higher
    /// stamp is right. Returns whether the claim concerns a room that is still here.
    fn give_way(&mut self, now: UnixMillis, id: RoomId, claim: &Attachment, event: &RoomEvent) -> bool {
        let Some(room) = self.rooms.get(&id) else { return false };
        match room.judge(&self.settings.node, claim) {
            Claim::Unopposed => true,
            Claim::Lower(session, stamp) => {
                if room.is_attached(claim.side) && is_of_a_living(event) {
                    // It has missed that it was replaced.
                    self.publish_attached(session, stamp);
                }
                self.tell_outdated(id, claim, event);
                false
            }
            Claim::Higher(session) => {
                // The session may have come back here since, and not yet into the room.
                if self.is_older(session, claim.stamp, &claim.node) {
                    self.yield_to(now, session, claim.stamp, event);
                }
                self.vacate(now, id, claim.side);
                let is_empty = self.rooms.get(&id).is_none_or(|room| room.is_empty());
                if is_empty {
                    self.drop_room(now, id);
                }
                !is_empty
            }
        }
    }

    /// An attachment of this session is over, since there was a newer one. If that is over, too, the
    /// client may well be the one that is connected here: it is to come back at once, with a token
    /// that lets it win.
    fn yield_to(&mut self, now: UnixMillis, id: SessionId, newer: Stamp, event: &RoomEvent) {
        let code = if is_of_a_living(event) { CloseCode::Replaced } else { CloseCode::Restart };
        if code == CloseCode::Restart {
            self.stamps.remember(now, id, newer);
            if let Some(session) = self.sessions.get_mut(&id) {
                session.stamp = session.stamp.max(newer);
            }
            self.send_token(id, |grant| Unsigned::Token(grant, None));
        }
        self.detach(now, id, code);
    }

    /// A gateway takes an attachment for its side's newest, and has missed that a newer one was and is
    /// over.
    fn tell_outdated(&mut self, id: RoomId, claim: &Attachment, event: &RoomEvent) {
        if !is_of_a_living(event) {
            return;
        }
        if let Some(newer) = self.rooms.get(&id).and_then(|room| room.outdated(&self.settings.node, claim)) {
            self.publish_to(id, claim.node.clone(), newer);
        }
    }

    /// Whether the attachment of a session here is older than this one.
    fn is_older(&self, id: SessionId, stamp: Stamp, node: &NodeId) -> bool {
        self.sessions.get(&id).is_some_and(|own| (own.stamp, &self.settings.node) < (stamp, node))
    }

    /// The other half of a match will not come.
    fn handle_declined(&mut self, now: UnixMillis, id: RoomId) {
        let Some(room) = self.rooms.get(&id) else { return };
        if !room.is_shared() {
            return; // both halves are here: nobody else can decline for them
        }
        if room.seats().any(Seat::is_joining) {
            self.dissolve(now, id, None);
        } else if !room.is_empty() {
            self.close_room(now, id, EndReason::Left);
        }
    }

    fn handle_session(&mut self, now: UnixMillis, id: SessionId, event: &SessionEvent) {
        match event {
            SessionEvent::Attached { stamp, node } if *node != self.settings.node => {
                self.stamps.remember(now, id, *stamp);
                if let Some(remaining) = self.endings.deleted_here(now, id) {
                    // That gateway has not heard of it: each time it was said it was lost on the way.
                    return self.publish_session(id, SessionEvent::Revoked { remaining });
                }
                let Some((own, conn)) = self.sessions.get(&id).map(|own| (own.stamp, own.conn)) else {
                    return;
                };
                if self.is_older(id, *stamp, node) {
                    self.detach(now, id, CloseCode::Replaced);
                } else if conn.is_some() {
                    self.publish_attached(id, own);
                }
            }
            SessionEvent::Attached { .. } => {}
            SessionEvent::Revoked { remaining } => {
                if !self.is_revoked(now, id) {
                    self.end_revoked(now, id, DeletedAt::Elsewhere, *remaining);
                }
            }
            SessionEvent::Left(room) => {
                if self.rooms.contains(room) {
                    self.end_room(now, *room, EndReason::Left);
                } else {
                    self.endings.hear_end(now, *room, EndReason::Left);
                }
            }
            SessionEvent::StartedOver { stamp } => self.end_older(now, id, *stamp),
            SessionEvent::Expired => self.publish_leases_of(&[id]),
            // Of the two gateways that hold it, the older one learns of the other by this.
            SessionEvent::HeldTwice => {
                if let Some(own) = self.sessions.get(&id).filter(|own| own.conn.is_some()) {
                    self.publish_attached(id, own.stamp);
                }
            }
        }
    }

    /// Another gateway lists the rooms that it takes for shared with this one.
    fn handle_presence(&mut self, now: UnixMillis, presence: &Presence) {
        if presence.node == self.settings.node {
            return;
        }
        for (id, attached) in &presence.rooms {
            let (of, own_side) = (attached.at(&presence.node), attached.side.other());
            let Some(room) = self.rooms.get(id) else {
                self.deny_presence(now, *id, own_side, attached.peer, &presence.node);
                continue;
            };
            let is_held = room.seat(own_side).is_some();
            // What it believes of the side that is held here is out of date: a message was lost.
            let has_missed = attached.peer != room.stamp(own_side) || !room.is_attached(own_side);
            self.handle_attachment(now, *id, &of, &RoomEvent::Present(of.clone()));
            match (is_held, has_missed) {
                (true, true) => self.answer(*id, &of),
                (true, false) => {}
                (false, _) => self.publish_not_here(*id, own_side, attached.peer, &presence.node),
            }
        }
    }

    /// Tells a gateway how the side that is held here is.
    fn answer(&mut self, id: RoomId, asker: &Attachment) {
        let answer = self.rooms.get(&id).and_then(|room| room.answer(asker));
        if let Some(RoomNews::Publish(audience, event)) = answer {
            self.publish_room(id, audience, event);
        }
    }

    /// A room that another gateway takes for shared is not here.
    fn deny_presence(&mut self, now: UnixMillis, room: RoomId, side: Side, stamp: Stamp, to: &NodeId) {
        if let Some(reason) = self.endings.reason(now, room) {
            self.publish_to(room, to.clone(), RoomEvent::Ended(reason));
        } else if self.endings.is_dissolved(now, room) {
            self.publish_to(room, to.clone(), RoomEvent::Declined);
        } else {
            self.publish_not_here(room, side, stamp, to);
        }
    }

    /// Whose session it was is not known here; the attachment is named by its stamp.
    fn publish_not_here(&mut self, room: RoomId, side: Side, stamp: Stamp, to: &NodeId) {
        let owner = Tag::from_bytes([0; 8]);
        let node = self.settings.node.clone();
        let event = RoomEvent::NotHere(Attachment { side, stamp, node, owner });
        self.publish_to(room, to.clone(), event);
    }
}

/// Whether a gateway says by this that it still has the attachment of which it speaks.
fn is_of_a_living(event: &RoomEvent) -> bool {
    matches!(event, RoomEvent::Joined(_) | RoomEvent::Present(_))
}
