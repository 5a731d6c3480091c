//! What other nodes say.

use schemas::{
    CloseCode, NodeId, RoomId, Service, SessionId, Side, Stamp, Tag, UnixMillis,
    control::EndReason,
    event::{Attachment, Presence, RoomEvent, SessionEvent, SyncAnswer},
    limits,
    message::Message,
    nodes::NodeChange,
    room::Change,
};

use super::{
    Past, Sessions, Timer, Topology,
    rooms::{Heard, Phase},
};

impl Sessions {
    /// Folds a message from the bus in. What this node said itself is recognised and changes nothing.
    pub fn hear(&mut self, now: UnixMillis, message: &Message) {
        match message {
            Message::Peer { room, event, .. } | Message::Room { room, event, .. } => {
                self.hear_room(now, *room, event)
            }
            Message::Presence { presence, .. } => self.hear_presence(now, presence),
            Message::Match { event, .. } => self.hear_match(now, event),
            Message::Session { session, event, .. } => self.hear_session(now, *session, event),
            Message::Heartbeat { service: Service::Gateway, from, heartbeat }
                if *from != self.settings.node =>
            {
                match self.gateways.apply(now, from, heartbeat) {
                    NodeChange::None => {}
                    NodeChange::Joined => self.gateway_joined(now, from),
                    NodeChange::Restarted => self.node_gone(now, from),
                }
            }
            _ => {}
        }
    }

    fn hear_room(&mut self, now: UnixMillis, room: RoomId, event: &RoomEvent) {
        match event {
            RoomEvent::Joined(at)
            | RoomEvent::Present(at)
            | RoomEvent::Detached(at)
            | RoomEvent::NotHere(at) => {
                if at.node != self.settings.node {
                    self.hear_attachment(now, room, at, event);
                }
            }
            RoomEvent::Declined => self.hear_declined(now, room),
            RoomEvent::Ended(reason) => {
                if self.rooms.contains_key(&room) {
                    self.close_room(now, room, *reason);
                } else if self.ended.get(now, &room).is_none() {
                    self.remember_end(now, room, *reason);
                }
            }
            RoomEvent::Expired => self.hear_expired(room),
        }
    }

    /// Another gateway speaks of an attachment of its own.
    fn hear_attachment(&mut self, now: UnixMillis, room_id: RoomId, at: &Attachment, event: &RoomEvent) {
        let asked = matches!(event, RoomEvent::Joined(_));
        if let Some(reason) = self.ended.get(now, &room_id).copied() {
            if asked {
                let to = at.node.clone();
                self.publish(Message::Peer { room: room_id, to, event: RoomEvent::Ended(reason) });
            }
            return;
        }
        if asked && self.past.get(now, &room_id) == Some(&Past::Dissolved) {
            self.publish(Message::Peer { room: room_id, to: at.node.clone(), event: RoomEvent::Declined });
            return;
        }
        let Some(room) = self.rooms.get_mut(&room_id) else { return };
        if room.seat(at.side).is_some() && !self.give_way(now, room_id, at, event) {
            return;
        }
        let Some(room) = self.rooms.get_mut(&room_id) else { return };
        let change = room.fold.apply(event);
        if let Some(name) = self.gateways.name(&at.node) {
            room.fold.share_name(at.side, name);
        }
        if room.fold.attachment(at.side).as_ref() == Some(at) {
            // Anything else is late news of an attachment that is over, and no sign of this one.
            if let Some(seat) = &mut room.seats[at.side.other() as usize] {
                (seat.heard, seat.sign) = (Heard::Yes, now);
            }
            // It may have died before its first heartbeat was heard here.
            self.gateways.expect(now, &at.node);
        }
        let joining = room.seats.iter().flatten().any(|seat| matches!(seat.phase, Phase::Joining(_)));
        if matches!(change, Change::Away(_)) && joining {
            return self.dissolve(now, room_id, None);
        }
        if asked {
            self.answer_joined(room_id, at);
        }
        self.settle(now, room_id);
    }

    /// Tells who asks how the side that is held here is.
    fn answer_joined(&mut self, room_id: RoomId, asker: &Attachment) {
        let Some(room) = self.rooms.get(&room_id) else { return };
        let side = asker.side.other();
        let Some(own) = room.fold.attachment(side).filter(|_| room.seat(side).is_some()) else { return };
        let event = if room.is_attached(side) { RoomEvent::Present(own) } else { RoomEvent::Detached(own) };
        self.publish(Message::Peer { room: room_id, to: asker.node.clone(), event });
    }

    /// Another gateway speaks of a side that is held here. Whoever has the higher stamp is right; returns whether it is the other.
    fn give_way(&mut self, now: UnixMillis, room_id: RoomId, at: &Attachment, event: &RoomEvent) -> bool {
        let Some(room) = self.rooms.get(&room_id) else { return false };
        let Some(seat) = room.seat(at.side) else { return true };
        let (id, stamp) = (seat.session, room.fold.stamp(at.side));
        if (stamp, &self.settings.node) > (at.stamp, &at.node) {
            if matches!(event, RoomEvent::Joined(_)) && room.is_attached(at.side) {
                // It has missed that it was replaced.
                let node = self.settings.node.clone();
                self.say_session_event(id, SessionEvent::Attached { stamp, node });
            }
            return false;
        }
        // The session may have come back here since, and not yet into the room.
        if self.sessions.get(&id).is_some_and(|it| (it.stamp, &self.settings.node) < (at.stamp, &at.node)) {
            self.detach(now, id, CloseCode::Replaced);
        }
        self.empty_seat(now, room_id, at.side);
        let Some(room) = self.rooms.get(&room_id) else { return false };
        if room.seats.iter().all(Option::is_none) {
            self.drop_room(now, room_id);
            return false;
        }
        true
    }

    /// The other half of a match will not come.
    fn hear_declined(&mut self, now: UnixMillis, room_id: RoomId) {
        let Some(room) = self.rooms.get(&room_id) else { return };
        let mut seats = room.seats.iter().flatten();
        match (seats.next(), seats.next()) {
            (Some(seat), None) if matches!(seat.phase, Phase::Joining(_)) => {
                self.dissolve(now, room_id, None)
            }
            (Some(_), None) => self.close_room(now, room_id, EndReason::Left),
            _ => {} // both halves are here: nobody else can decline for them
        }
    }

    /// A janitor has missed leases. It forgets; who holds a side says that it does.
    fn hear_expired(&mut self, room_id: RoomId) {
        if let Some(room) = self.rooms.get(&room_id) {
            let held: Vec<_> = room.seats.iter().flatten().map(|seat| seat.session).collect();
            self.say_leases_of(&held);
        }
    }

    fn hear_session(&mut self, now: UnixMillis, id: SessionId, event: &SessionEvent) {
        match event {
            SessionEvent::Attached { stamp, node } if *node != self.settings.node => {
                self.remember_stamp(now, id, *stamp);
                let Some(session) = self.sessions.get(&id) else { return };
                if (session.stamp, &self.settings.node) < (*stamp, node) {
                    self.detach(now, id, CloseCode::Replaced);
                } else if session.conn.is_some() {
                    let own =
                        SessionEvent::Attached { stamp: session.stamp, node: self.settings.node.clone() };
                    self.say_session_event(id, own);
                }
            }
            SessionEvent::Attached { .. } => {}
            SessionEvent::Revoked { remaining } => {
                if !self.is_revoked(now, id) {
                    self.session_revoked(now, id, *remaining);
                }
            }
            SessionEvent::Left(room) => {
                if self.rooms.contains_key(room) {
                    self.end_room(now, *room, EndReason::Left);
                } else if self.ended.get(now, room).is_none() {
                    self.remember_end(now, *room, EndReason::Left);
                }
            }
            SessionEvent::Expired => self.say_leases_of(&[id]),
        }
    }

    /// Another gateway lists the rooms that it takes for shared with this one.
    fn hear_presence(&mut self, now: UnixMillis, presence: &Presence) {
        if presence.node == self.settings.node {
            return;
        }
        for (room_id, attached) in &presence.rooms {
            let (at, mine) = (attached.at(&presence.node), attached.side.other());
            let Some(room) = self.rooms.get(room_id) else {
                self.deny_presence(now, *room_id, mine, attached.peer, &presence.node);
                continue;
            };
            let is_mine = room.seat(mine).is_some();
            // What it believes of the side that is held here is out of date: a message was lost.
            let missed = attached.peer != room.fold.stamp(mine) || !room.is_attached(mine);
            self.hear_attachment(now, *room_id, &at, &RoomEvent::Present(at.clone()));
            match (is_mine, missed) {
                (true, true) => self.answer_joined(*room_id, &at),
                (true, false) => {}
                (false, _) => self.say_not_here(*room_id, mine, attached.peer, &presence.node),
            }
        }
    }

    /// A room that another gateway takes for shared is not here.
    fn deny_presence(&mut self, now: UnixMillis, room: RoomId, mine: Side, stamp: Stamp, to: &NodeId) {
        let event = if let Some(reason) = self.ended.get(now, &room) {
            RoomEvent::Ended(*reason)
        } else if self.past.get(now, &room) == Some(&Past::Dissolved) {
            RoomEvent::Declined
        } else {
            return self.say_not_here(room, mine, stamp, to);
        };
        self.publish(Message::Peer { room, to: to.clone(), event });
    }

    /// Whose session it was is not known here; the attachment is named by its stamp.
    fn say_not_here(&mut self, room: RoomId, side: Side, stamp: Stamp, to: &NodeId) {
        let node = self.settings.node.clone();
        let event = RoomEvent::NotHere(Attachment { side, stamp, node, owner: Tag::from_bytes([0; 8]) });
        self.publish(Message::Peer { room, to: to.clone(), event });
    }

    /// A gateway is dead, silent or started again: the sides that it held are away.
    pub(super) fn node_gone(&mut self, now: UnixMillis, node: &NodeId) {
        for room_id in self.rooms_with(node) {
            let Some(room) = self.rooms.get_mut(&room_id) else { continue };
            if room.is_joining(node) {
                self.dissolve(now, room_id, None);
                continue;
            }
            for side in [Side::A, Side::B] {
                if room.seat(side).is_none() && room.fold.node(side) == Some(node) {
                    room.fold.silence(side);
                }
            }
            self.settle(now, room_id);
        }
    }

    /// The rooms here whose other side is, or is expected, there.
    pub(super) fn rooms_with(&self, node: &NodeId) -> Vec<RoomId> {
        self.rooms
            .iter()
            .filter(|(_, room)| {
                [Side::A, Side::B]
                    .iter()
                    .any(|side| room.seat(*side).is_none() && room.fold.node(*side) == Some(node))
                    || room.is_joining(node)
            })
            .map(|(id, _)| *id)
            .collect()
    }

    /// Learns what others know of the time before this node listened.
    pub fn learn(&mut self, now: UnixMillis, answer: &SyncAnswer) {
        let most = self.settings.token_life + limits::LEEWAY;
        let bounded = |ms: u64| std::time::Duration::from_millis(ms).min(most);
        for (session, remaining_ms) in &answer.revoked {
            if !self.is_revoked(now, *session) {
                self.session_revoked(now, *session, bounded(*remaining_ms));
            }
        }
        for (room, reason, remaining_ms) in &answer.ended {
            if self.rooms.contains_key(room) {
                self.close_room(now, *room, *reason);
            }
            self.ended.remember(*room, *reason, now + bounded(*remaining_ms));
        }
    }

    /// Everything that a node which starts now has missed, in batches; the last is marked.
    pub fn sync_answers(&self, now: UnixMillis) -> Vec<SyncAnswer> {
        let remaining = |until: UnixMillis| schemas::time::millis(until.since(now));
        let revoked: Vec<_> = self.revoked.iter(now).map(|(id, (), until)| (*id, remaining(until))).collect();
        let ended: Vec<_> =
            self.ended.iter(now).map(|(id, reason, until)| (*id, *reason, remaining(until))).collect();
        let mut answers: Vec<_> = revoked
            .chunks(limits::BATCH)
            .map(|batch| SyncAnswer { revoked: batch.to_vec(), ..SyncAnswer::default() })
            .chain(
                ended
                    .chunks(limits::BATCH)
                    .map(|batch| SyncAnswer { ended: batch.to_vec(), ..SyncAnswer::default() }),
            )
            .collect();
        answers.push(SyncAnswer { last: true, ..SyncAnswer::default() });
        answers
    }

    /// Says where a session is attached.
    pub(super) fn say_attached_once(&mut self, id: SessionId, stamp: Stamp) {
        let node = self.settings.node.clone();
        self.say_session_event(id, SessionEvent::Attached { stamp, node });
    }

    /// Says where a session is attached, for the `time`th time, and then again for as long as it is and [`limits::REPEATS`] goes on.
    /// On a bus without other gateways nobody waits for a repetition.
    pub(super) fn say_attached(&mut self, now: UnixMillis, id: SessionId, stamp: Stamp, time: u8) {
        self.say_attached_once(id, stamp);
        if self.settings.topology == Topology::Standalone {
            return;
        }
        let (said, next) = (usize::from(time), usize::from(time) + 1);
        if let Some(at) = limits::REPEATS.get(next) {
            let pause = *at - limits::REPEATS[said];
            self.timers.at(now + pause, Timer::SayAttached { id, stamp, time: time + 1 });
        }
    }

    /// Says an event of a session, and again after each pause of [`limits::REPEATS`].
    pub(super) fn repeat_session_event(&mut self, now: UnixMillis, id: SessionId, event: SessionEvent) {
        for pause in &limits::REPEATS[1..] {
            self.timers.at(now + *pause, Timer::Say(Box::new((id, event.clone()))));
        }
        self.say_session_event(id, event);
    }

    pub(super) fn say_session_event(&mut self, session: SessionId, event: SessionEvent) {
        self.publish(Message::Session { session, speaker: Service::Gateway, event });
    }
}
