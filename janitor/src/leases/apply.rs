//! What each message changes.

use std::time::Duration;

use schemas::{
    KeyId, NodeId, RoomId, Service, SessionId, UnixMillis,
    announcement::Announcement,
    control::EndReason,
    event::{Heartbeat, KeyEvent, Lease, RoomEvent, SessionEvent, SessionLease, SyncAnswer},
    limits,
    message::Message,
};

use super::{
    bounded::Moment,
    policy::HELD_TWICE_PER_TICK,
    records::{BootTag, ExpiryNotice, Gateway, Held, Key, Leased, LeasedRoom, NamedBy, RoomEnd, Tombstone},
    state::{Effect, Leases},
};

impl Leases {
    pub(super) fn apply(&mut self, now: UnixMillis, message: Message) {
        // Of a gateway that names itself nothing is believed on a subject that does not.
        let names_itself = |node| self.gateways.get(node).is_some_and(|gateway| gateway.names_itself);
        if message.claimant().is_some_and(names_itself) {
            return;
        }
        match message {
            Message::Own { message, .. } => self.act_on(now, *message),
            unnamed => self.act_on(now, unnamed),
        }
    }

    fn act_on(&mut self, now: UnixMillis, message: Message) {
        match message {
            Message::Lease { from, lease } => self.apply_lease(now, &from, &lease),
            Message::Peer { room, event, .. } | Message::Room { room, event, .. } => {
                self.apply_room(now, room, &event);
            }
            Message::Session { session, event, .. } => self.apply_session(now, session, &event),
            Message::Key { key, event, .. } => self.apply_key(now, key, &event),
            Message::Heartbeat { service, from, heartbeat } => {
                self.apply_heartbeat(now, service, from, &heartbeat);
            }
            Message::Ask { session } => {
                self.effects.extend(self.locate(now, session).map(Effect::Answer));
            }
            Message::Sync { from } if from != self.me && self.knows_enough(now) => {
                self.effects.push_back(Effect::AnswerSync);
            }
            Message::Sync { .. }
            | Message::Own { .. }
            | Message::Presence { .. }
            | Message::Want { .. }
            | Message::Report { .. }
            | Message::Origin { .. }
            | Message::Match { .. }
            | Message::Queue { .. }
            | Message::Order(_)
            | Message::OrdersAsk => {}
        }
    }

    fn apply_lease(&mut self, now: UnixMillis, from: &NodeId, lease: &Lease) {
        let (boot, heard) = (BootTag::of(lease.boot), self.moment(now));
        let mut leased = self.leased_by(from, heard);
        for session in &lease.sessions {
            let is_new_room = session.room.is_some_and(|room| !self.rooms.contains(&room));
            if !leased.take_session() || (is_new_room && !leased.take_room()) {
                self.refused_leases += 1;
                continue;
            }
            self.apply_session_lease(now, from, Held::new(session, boot, heard), session);
        }
        let names_itself = self.gateways.get(from).is_some_and(|known| known.names_itself);
        self.gateways.insert(from.clone(), Gateway { boot, heard, leased, names_itself });
    }

    /// What a gateway has leased in this period.
    fn leased_by(&self, gateway: &NodeId, now: Moment) -> Leased {
        self.gateways.get(gateway).map_or(Leased::from(now), |known| known.leased.at(now))
    }

    fn apply_session_lease(&mut self, now: UnixMillis, from: &NodeId, newer: Held, lease: &SessionLease) {
        let revoked = self.revoked.get(&lease.session).map(|tombstone| tombstone.until);
        if let Some(room) = lease.room {
            if revoked.is_some() {
                self.end_by_revocation(now, room);
            }
            self.renew_room(now, room);
        }
        if let Some(until) = revoked {
            return self.publish_revoked(now, lease.session, until);
        }
        // Of two gateways with the same stamp the higher id wins, as everywhere.
        let gateways = &self.gateways;
        let is_older = |held: &Held| {
            let tie = held.stamp == newer.stamp && held.boot != newer.boot;
            held.stamp > newer.stamp
                || (tie && gateways.iter().any(|(id, it)| it.boot == held.boot && id > from))
        };
        match self.sessions.get_mut(&lease.session) {
            // Both are connected: the gateway of the older attachment has missed the newer one.
            Some(held) if is_older(held) && lease.connected && held.connected => {
                self.publish_held_twice(now, lease.session);
            }
            Some(held) if is_older(held) => {}
            Some(held) => held.renew(newer),
            None => self.sessions.insert(lease.session, newer),
        }
    }

    /// Repeats a revocation: a gateway that still holds the session has missed it.
    fn publish_revoked(&mut self, now: UnixMillis, session: SessionId, until: Moment) {
        if self.leads() {
            let event = SessionEvent::Revoked { remaining: until.since(self.moment(now)) };
            let speaker = Service::Janitor;
            self.effects.push_back(Effect::Publish(Message::Session { session, speaker, event }));
        }
    }

    /// Asks whoever holds this session to publish its attachment again.
    fn publish_held_twice(&mut self, now: UnixMillis, session: SessionId) {
        self.janitors.expire(now);
        if self.leads() && self.named_held_twice < HELD_TWICE_PER_TICK {
            self.named_held_twice += 1;
            let (speaker, event) = (Service::Janitor, SessionEvent::HeldTwice);
            self.effects.push_back(Effect::Publish(Message::Session { session, speaker, event }));
        }
    }

    /// A lease names this room. If it ended more than a period ago, the gateway has missed that.
    fn renew_room(&mut self, now: UnixMillis, room: RoomId) {
        let moment = self.moment(now);
        match self.ended.get(&room) {
            None => self.rooms.insert(room, LeasedRoom { heard: moment, named_by: NamedBy::Lease }),
            Some(ended) => {
                let age = self.policy.end_memory().saturating_sub(ended.until.since(moment));
                let why = ended.why.reason;
                if age > limits::RENEWAL {
                    self.publish_ended(now, room, why);
                }
            }
        }
    }

    fn apply_room(&mut self, now: UnixMillis, room: RoomId, event: &RoomEvent) {
        match event {
            RoomEvent::Ended(reason) => self.end_room(now, room, *reason),
            RoomEvent::Joined(_) | RoomEvent::Present(_) => {
                match self.ended.get(&room).map(|it| it.why.reason) {
                    // One gateway may name any room: such rooms leave half of the place for leases.
                    None if self.rooms.contains(&room)
                        || self.rooms.len() < self.policy.capacity.rooms / 2 =>
                    {
                        let named_by = self.named_by(room);
                        self.rooms.insert(room, LeasedRoom { heard: self.moment(now), named_by });
                    }
                    None => self.refused_leases += 1,
                    Some(why) if matches!(event, RoomEvent::Joined(_)) => self.publish_ended(now, room, why),
                    Some(_) => {}
                }
            }
            // None of these shows that the room is in use. What another janitor concludes from
            // silence, this one concludes by itself.
            RoomEvent::Detached(_)
            | RoomEvent::NotHere(_)
            | RoomEvent::Declined
            | RoomEvent::Reported(_)
            | RoomEvent::Expired => {}
        }
    }

    fn apply_session(&mut self, now: UnixMillis, session: SessionId, event: &SessionEvent) {
        match event {
            SessionEvent::Revoked { remaining } => {
                self.revoke(now, session, *remaining);
                if let Some(room) = self.sessions.remove(&session).and_then(|held| held.room) {
                    self.end_by_revocation(now, room);
                }
            }
            SessionEvent::Left(room) => self.end_room(now, *room, EndReason::Left),
            SessionEvent::Attached { stamp, node } => {
                let moment = self.moment(now);
                let boot = self.gateways.get(node).map(|gateway| gateway.boot);
                // A gateway that is not known yet will be known by its lease, within a period.
                if let (Some(held), Some(boot)) = (self.sessions.get_mut(&session), boot)
                    && held.stamp < *stamp
                {
                    (held.stamp, held.boot, held.heard, held.connected) = (*stamp, boot, moment, true);
                }
            }
            // The gateways of the room end it, and those that hold a session twice decide.
            SessionEvent::StartedOver { .. } | SessionEvent::Expired | SessionEvent::HeldTwice => {}
        }
    }

    fn apply_key(&mut self, now: UnixMillis, id: KeyId, event: &KeyEvent) {
        match event {
            KeyEvent::Announced(announced) => self.learn_key(now, id, announced),
            KeyEvent::Expired => {
                if let Some(key) = self.keys.get_mut(&id) {
                    key.notice = ExpiryNotice::Sent;
                }
            }
        }
    }

    fn apply_heartbeat(&mut self, now: UnixMillis, service: Service, from: NodeId, heartbeat: &Heartbeat) {
        match service {
            Service::Janitor => {
                self.janitors.apply(now, &from, heartbeat);
            }
            Service::Gateway => {
                let (boot, heard) = (BootTag::of(heartbeat.boot), self.moment(now));
                let leased = self.leased_by(&from, heard);
                let names_itself = heartbeat.names_itself;
                self.gateways.insert(from, Gateway { boot, heard, leased, names_itself });
            }
            Service::Pairing => {}
        }
    }

    /// Takes in a key, for which somebody vouches. One gateway cannot fill the ring.
    fn learn_key(&mut self, now: UnixMillis, id: KeyId, announced: &Announcement) {
        let heard = self.moment(now);
        match self.keys.get_mut(&id) {
            // Of the same end, the proof is newer.
            Some(known) if known.announced.not_after <= announced.not_after => {
                known.announced = announced.clone();
            }
            Some(_) => {}
            None => {
                let of_node = self.keys.iter().filter(|(_, key)| key.announced.node == announced.node);
                if of_node.count() < limits::KEYS_PER_NODE {
                    let (announced, notice) = (announced.clone(), ExpiryNotice::NotSent);
                    self.keys.insert(id, Key { announced, heard, notice });
                }
            }
        }
    }

    /// Whether exactly this announcement is known: then it need not be checked again.
    pub fn knows(&self, announced: &Announcement) -> bool {
        self.keys.get(&announced.id()).is_some_and(|key| key.announced == *announced)
    }

    /// Learns what others remember, for as long as they state, but never for longer than if it had
    /// happened now.
    pub(super) fn learn(&mut self, now: UnixMillis, answer: SyncAnswer) {
        for announced in &answer.keys {
            self.learn_key(now, announced.id(), announced);
        }
        for (session, remaining_ms) in answer.revoked {
            self.revoke(now, session, Duration::from_millis(remaining_ms));
            self.sessions.remove(&session);
        }
        for (room, why, remaining_ms) in answer.ended {
            self.bury(now, room, why, Duration::from_millis(remaining_ms));
        }
        if answer.last {
            self.ask_sync_at = None;
        }
    }

    fn revoke(&mut self, now: UnixMillis, session: SessionId, remaining: Duration) {
        let until = self.moment(now).after(remaining.min(self.policy.revocation_memory()));
        let until = self.revoked.get(&session).map_or(until, |known| known.until.max(until));
        self.revoked.insert(session, Tombstone { until, why: () });
    }

    /// A revocation ends the session's room. The gateway of the other side may not know that the
    /// session was in it.
    fn end_by_revocation(&mut self, now: UnixMillis, room: RoomId) {
        if !self.ended.contains(&room) {
            self.end_room(now, room, EndReason::Left);
            self.publish_ended(now, room, EndReason::Left);
        }
    }

    /// Remembers that a room has ended, counted from the last event that says so: until then a
    /// gateway that had missed it may have renewed tickets.
    fn end_room(&mut self, now: UnixMillis, room: RoomId, why: EndReason) {
        self.bury(now, room, why, self.policy.end_memory());
    }

    /// Keeps the first reason and the later time.
    fn bury(&mut self, now: UnixMillis, room: RoomId, why: EndReason, remaining: Duration) {
        let named_by = self.named_by(room);
        self.rooms.remove(&room);
        let until = self.moment(now).after(remaining.min(self.policy.end_memory()));
        let tombstone = match self.ended.get(&room) {
            Some(known) => Tombstone { until: known.until.max(until), why: known.why },
            None => Tombstone { until, why: RoomEnd { reason: why, named_by } },
        };
        self.ended.insert(room, tombstone);
    }

    /// What has named a room so far.
    fn named_by(&self, room: RoomId) -> NamedBy {
        self.rooms.get(&room).map_or(NamedBy::Event, |room| room.named_by)
    }
}
