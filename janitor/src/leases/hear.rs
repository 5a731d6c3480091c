//! What each message changes.

use std::time::Duration;

use schemas::{
    KeyId, NodeId, RoomId, Service, SessionId, UnixMillis,
    control::EndReason,
    event::{Heartbeat, KeyEvent, Lease, PublicKey, RoomEvent, SessionEvent, SessionLease, SyncAnswer},
    limits,
    message::Message,
};

use super::{
    Effect, Leases,
    bounded::Moment,
    records::{Expiry, Gateway, Held, Key, Named, Run, Tombstone},
};

impl Leases {
    pub(super) fn hear(&mut self, now: UnixMillis, message: Message) {
        match message {
            Message::Lease { from, lease } => self.hear_lease(now, &from, &lease),
            Message::Peer { room, event, .. } | Message::Room { room, event, .. } => {
                self.hear_room(now, room, &event);
            }
            Message::Session { session, event, .. } => self.hear_session(now, session, &event),
            Message::Key { key, event, .. } => self.hear_key(now, key, &event),
            Message::Heartbeat { service, from, heartbeat } => {
                self.hear_heartbeat(now, service, from, &heartbeat);
            }
            Message::Ask { session } => {
                self.effects.extend(self.whereabouts(now, session).map(Effect::Answer));
            }
            Message::Sync { from } if from != self.me && self.knows_enough(now) => {
                self.effects.push_back(Effect::AnswerSync);
            }
            Message::Sync { .. }
            | Message::Presence { .. }
            | Message::Want { .. }
            | Message::Match { .. } => {}
        }
    }

    fn hear_lease(&mut self, now: UnixMillis, from: &NodeId, lease: &Lease) {
        let (run, heard) = (Run::of(lease.boot), self.moment(now));
        self.gateways.insert(from.clone(), Gateway { run, heard });
        for session in &lease.sessions {
            self.hear_session_lease(now, from, Held::new(session, run, heard), session);
        }
    }

    fn hear_session_lease(&mut self, now: UnixMillis, from: &NodeId, newer: Held, lease: &SessionLease) {
        let revoked = self.revoked.get(&lease.session).map(|tombstone| tombstone.until);
        if let Some(room) = lease.room {
            if revoked.is_some() {
                self.end_by_revocation(now, room);
            }
            self.hear_of_room(now, room);
        }
        if let Some(until) = revoked {
            return self.say_revoked(now, lease.session, until);
        }
        // Of two gateways with one stamp the higher id wins, as everywhere.
        let gateways = &self.gateways;
        let outdone = |held: &Held| {
            let tie = held.stamp == newer.stamp && held.run != newer.run;
            held.stamp > newer.stamp
                || (tie && gateways.iter().any(|(id, it)| it.run == held.run && id > from))
        };
        match self.sessions.get_mut(&lease.session) {
            Some(held) if outdone(held) => {}
            Some(held) => held.renew(newer),
            None => self.sessions.insert(lease.session, newer),
        }
    }

    /// A gateway that holds a deleted session has missed that it was deleted.
    fn say_revoked(&mut self, now: UnixMillis, session: SessionId, until: Moment) {
        if self.speaks() {
            let event = SessionEvent::Revoked { remaining: until.since(self.moment(now)) };
            let speaker = Service::Janitor;
            self.effects.push_back(Effect::Say(Message::Session { session, speaker, event }));
        }
    }

    /// A lease names this room. If it has ended more than a period ago, its gateway has missed that.
    fn hear_of_room(&mut self, now: UnixMillis, room: RoomId) {
        let moment = self.moment(now);
        match self.ended.get(&room) {
            None => self.rooms.insert(room, Named(moment)),
            Some(ended) => {
                let age = self.terms.tombstone_life().saturating_sub(ended.until.since(moment));
                let why = ended.why;
                if age > limits::RENEWAL {
                    self.say_ended(now, room, why);
                }
            }
        }
    }

    fn hear_room(&mut self, now: UnixMillis, room: RoomId, event: &RoomEvent) {
        match event {
            RoomEvent::Ended(reason) => self.end_room(now, room, *reason),
            RoomEvent::Joined(_) | RoomEvent::Present(_) => match self.ended.get(&room).map(|it| it.why) {
                None => self.rooms.insert(room, Named(self.moment(now))),
                Some(why) if matches!(event, RoomEvent::Joined(_)) => self.say_ended(now, room, why),
                Some(_) => {}
            },
            // Not signs of life; and what another janitor has concluded from silence, this one concludes itself.
            RoomEvent::Detached(_) | RoomEvent::NotHere(_) | RoomEvent::Declined | RoomEvent::Expired => {}
        }
    }

    fn hear_session(&mut self, now: UnixMillis, session: SessionId, event: &SessionEvent) {
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
                let run = self.gateways.get(node).map(|gateway| gateway.run);
                // One that is not known yet will be with its lease, within a period.
                if let (Some(held), Some(run)) = (self.sessions.get_mut(&session), run)
                    && held.stamp < *stamp
                {
                    (held.stamp, held.run, held.heard, held.connected) = (*stamp, run, moment, true);
                }
            }
            SessionEvent::Expired => {}
        }
    }

    fn hear_key(&mut self, now: UnixMillis, id: KeyId, event: &KeyEvent) {
        match event {
            KeyEvent::Announced(public) => self.learn_key(now, id, *public),
            KeyEvent::Expired => {
                if let Some(key) = self.keys.get_mut(&id) {
                    key.expiry = Expiry::Said;
                }
            }
        }
    }

    fn hear_heartbeat(&mut self, now: UnixMillis, service: Service, from: NodeId, heartbeat: &Heartbeat) {
        match service {
            Service::Janitor => {
                self.janitors.hear(now, &from, heartbeat);
            }
            Service::Gateway => {
                let gateway = Gateway { run: Run::of(heartbeat.boot), heard: self.moment(now) };
                self.gateways.insert(from, gateway);
            }
            Service::Pairing => {}
        }
    }

    fn learn_key(&mut self, now: UnixMillis, id: KeyId, public: PublicKey) {
        let heard = self.moment(now);
        match self.keys.get_mut(&id) {
            Some(known) if known.public.not_after < public.not_after => known.public = public,
            Some(_) => {}
            None => self.keys.insert(id, Key { public, heard, expiry: Expiry::Ahead }),
        }
    }

    /// What others remember is remembered for as long as they say, but never for longer than if it had happened now.
    pub(super) fn learn(&mut self, now: UnixMillis, answer: SyncAnswer) {
        for public in answer.keys {
            self.learn_key(now, public.id(), public);
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
        let until = self.moment(now).after(remaining.min(self.terms.tombstone_life()));
        let until = self.revoked.get(&session).map_or(until, |known| known.until.max(until));
        self.revoked.insert(session, Tombstone { until, why: () });
    }

    /// A revocation ends a room; the gateway of the other side may not know whose session that is.
    fn end_by_revocation(&mut self, now: UnixMillis, room: RoomId) {
        if !self.ended.contains(&room) {
            self.end_room(now, room, EndReason::Left);
            self.say_ended(now, room, EndReason::Left);
        }
    }

    /// Remembers an end from its last saying on: until then a gateway that had not heard of it may have renewed tickets.
    fn end_room(&mut self, now: UnixMillis, room: RoomId, why: EndReason) {
        self.bury(now, room, why, self.terms.tombstone_life());
    }

    /// The first reason stays, and the later time.
    fn bury(&mut self, now: UnixMillis, room: RoomId, why: EndReason, remaining: Duration) {
        self.rooms.remove(&room);
        let until = self.moment(now).after(remaining.min(self.terms.tombstone_life()));
        let tombstone = match self.ended.get(&room) {
            Some(known) => Tombstone { until: known.until.max(until), why: known.why },
            None => Tombstone { until, why },
        };
        self.ended.insert(room, tombstone);
    }
}
